"""Any event body becomes one printable line."""

import json
import unittest

import watch


def event(content: str) -> str:
    return '{"time":"now","type":"wab.mo.v1","subject":"a","data":{"source":"+6421","content":' + content + "}}"


def nested(levels: int) -> str:
    return event("[" * levels + "]" * levels)


class Summary(unittest.TestCase):
    def check(self, body: str, beginning: str) -> None:
        line = watch.summary(body)
        self.assertTrue(line.startswith(beginning), line)
        self.assertTrue(line.isprintable(), ascii(line))
        self.assertLessEqual(len(line), 200)

    def test_event_is_shown_with_its_text(self) -> None:
        text = event('{"type":"text","text":{"body":"Kia ora"}}')
        self.assertEqual(watch.summary(text), "now  wab.mo.v1  a  +6421  text  Kia ora")

    def test_deeply_nested_content_is_one_line(self) -> None:
        self.check(nested(10), "now  wab.mo.v1")
        for levels in (500, 900, 990, 1_000, 3_000, 20_000, 100_000):
            self.check(nested(levels), "")
        self.check(nested(20_000), "unreadable event: {")

    def test_unexpected_content_is_one_line(self) -> None:
        unreadable = "unreadable event: "
        for body in ("", "null", "3", "[]", '"text"', "{}", '{"time":1}', "{", event("9" * 5_000), "\x1b[2J"):
            self.check(body, unreadable)
        for data in ([], "text", None, 3):
            self.check(json.dumps({"time": "now", "type": "t", "subject": "s", "data": data}), unreadable)
        for content in (
            "null",
            "3",
            "true",
            "[]",
            "{}",
            '""',
            '"\\ud800\\u001b[2J"',
            '{"type":[]}',
            '{"type":{"a":1}}',
        ):
            self.check(event(content), "")


if __name__ == "__main__":
    unittest.main()
