"""The package against every golden event and message, and against recorded messages if there are any."""

import json
import os
import unittest
from collections.abc import Iterator
from pathlib import Path

from wab_events import Delivery, Dlr, Mo, OtherMessage, TextMessage, Unreadable, dump, parse, parse_message

ROOT = Path(__file__).resolve().parents[3]
EVENTS = ROOT / "infra" / "contracts" / "examples"
GOLDEN = ROOT / "shared" / "events" / "golden" / "messages"
SAMPLES = Path(os.environ.get("WAB_SAMPLES") or ROOT.parent / "shared" / "samples")


def lines(directory: Path) -> Iterator[tuple[str, dict[str, object]]]:
    for file in sorted(directory.glob("*.jsonl")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            yield f"{file.name}:{number}", json.loads(line)


def mo(content: object, **more: object) -> str:
    """An event with this content, as SNS delivers it."""
    event = json.loads((EVENTS / "mo-event.json").read_text())
    return json.dumps({**event, "data": {**event["data"], "content": content}, **more})


class Test(unittest.TestCase):
    def test_every_golden_event_is_read_and_written_back(self) -> None:
        kinds = {}
        for file in sorted(EVENTS.glob("*.json")):
            delivery = parse(file.read_text())
            kinds[file.name] = type(delivery).__name__
            if not isinstance(delivery, Unreadable):
                self.assertEqual(dump(delivery.event), json.loads(file.read_text()))
        self.assertEqual(
            kinds,
            {
                "dlr-event-content-free.json": "Dlr",
                "dlr-event.json": "Dlr",
                "mo-event-binary.json": "Mo",
                "mo-event-by-reference.json": "Elsewhere",
                "mo-event-content-free.json": "Mo",
                "mo-event.json": "Mo",
            },
        )

    def test_event_without_content_says_what_it_lacks(self) -> None:
        def read(name: str) -> Delivery:
            return parse((EVENTS / name).read_text())

        mo, dlr, whole = map(read, ("mo-event-content-free.json", "dlr-event-content-free.json", "mo-event.json"))
        assert isinstance(mo, Mo) and mo.data.omitted is not None
        omitted = mo.data.omitted
        self.assertEqual((omitted.type, omitted.sent_at), ("text", "2026-11-23T09:15:13Z"))
        self.assertRegex(omitted.contact or "", "^hmac:[0-9a-f]{64}$")
        self.assertEqual((mo.message, mo.data.content, mo.data.source), (None, None, None))
        assert isinstance(dlr, Dlr) and dlr.data.omitted is not None
        self.assertEqual((dlr.data.status, len(dlr.data.omitted.digest)), ("received", 64))
        assert isinstance(whole, Mo) and whole.data.omitted is None

    def test_every_golden_message_is_read_as_in_rust(self) -> None:
        read = 0
        for place, line in lines(GOLDEN):
            delivery = parse(mo(line["message"]))
            assert isinstance(delivery, Mo) and isinstance(line["view"], dict)
            with self.subTest(place):
                self.assertEqual(delivery.message is None, "malformed" in line["view"]["kind"])
                self.assertEqual(delivery.data.content, line["message"])
                if delivery.message is not None:
                    self.assertEqual(dump(delivery.message), line["message"])
            read += 1
        self.assertGreater(read, 90)

    @unittest.skipUnless(SAMPLES.is_dir(), "no recorded messages")
    def test_recorded_messages_are_read(self) -> None:
        for place, line in lines(SAMPLES):
            with self.subTest(place):
                message = parse_message(line["message"])
                assert message is not None
                self.assertEqual(dump(message), line["message"])

    def test_unknown_keys_and_types_are_kept(self) -> None:
        poll = {"options": [1, 2.5, None], "id": 12345678901234567890}
        content = {"type": "poll", "poll": poll, "text": {"body": "x"}}
        message = parse_message(content)
        assert isinstance(message, OtherMessage)
        self.assertEqual(dump(message), content)
        text = parse_message({"type": "text", "text": {"body": "x", "new": True}})
        assert isinstance(text, TextMessage)
        self.assertEqual(dump(text.text), {"body": "x", "new": True})

    def test_any_text_is_a_delivery(self) -> None:
        for text in ["", "[" * 1_000_000, '{"Type": "Notification", "Message": "x"}']:
            self.assertEqual(parse(text), Unreadable("not JSON"))
        for text in ["null", "7", "[]", "{}", '{"type": "wab.mo.v1"}', '{"Type": "Notification", "Message": "{}"}']:
            self.assertEqual(parse(text), Unreadable("not an event"))
        self.assertEqual(parse(mo({}, type="wab.mo.v2")), Unreadable("unknown contract"))
        self.assertEqual(parse(mo({}, type=["wab.mo.v1"])), Unreadable("unknown contract"))
        self.assertIsInstance(parse(json.dumps({"Type": "Notification", "Message": mo({})})), Mo)
        for content in ["R0lGODlh", 7, [], None, {"type": 7}, {"type": "text", "text": {"body": "\ud800"}}]:
            self.assertIsInstance(parse(mo(content)), Mo)


if __name__ == "__main__":
    unittest.main()
