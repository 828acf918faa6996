"""Filter patterns select the lines that AWS documents, and unknown syntax is an error."""

import json
import unittest
from typing import Any

from patches.patterns import Line, Unsupported, compile_pattern

LINE = {
    "level": "WARN",
    "fields": {"outcome": "deferred", "callback.kind": "mo", "duration_ms": 12.5, "late": True, "reason": None},
    "status": "401",
    "items": [{"id": "a"}, {"id": "b"}],
}


class Patterns(unittest.TestCase):
    def check(self, pattern: str, *, matches: bool, line: Any = None) -> None:
        text = json.dumps(LINE if line is None else line)
        self.assertEqual(compile_pattern(pattern)(Line(text)), matches, pattern)

    def test_strings_are_compared_with_wildcards(self) -> None:
        self.check('{ $.fields.outcome = "deferred" }', matches=True)
        self.check("{ $.fields.outcome = deferred }", matches=True)
        self.check('{ $.fields.outcome = "def*" }', matches=True)
        self.check('{ $.fields.outcome = "*" }', matches=True)
        self.check('{ $.fields.outcome = "defer" }', matches=False)
        self.check('{ $.fields.outcome != "stored" }', matches=True)
        self.check('{ $.fields.code = "*" }', matches=False)
        self.check('{ $.type = "platform.*" }', matches=True, line={"type": "platform.report"})
        self.check('{ $.type = "platform.*" }', matches=False, line={"type": "platformXreport"})

    def test_numbers_are_compared_as_numbers(self) -> None:
        self.check("{ $.fields.duration_ms > 12 }", matches=True)
        self.check("{ $.fields.duration_ms <= 12.4 }", matches=False)
        self.check("{ $.status = 401 }", matches=False)
        self.check('{ $.status = "401" }', matches=True)
        self.check('{ $.fields.duration_ms = "12.5" }', matches=False)

    def test_conditions_are_combined(self) -> None:
        self.check('{ ($.level = "ERROR") || ($.type = "platform.*") || $.level = "WARN" }', matches=True)
        self.check('{ ($.level = "WARN") && ($.status = "200") }', matches=False)
        self.check('{ $.level = "X" && $.level = "Y" || $.level = "WARN" }', matches=True)
        self.check('{ $.level = "X" && ($.level = "Y" || $.level = "WARN") }', matches=False)

    def test_existence_and_constants_are_tested(self) -> None:
        self.check("{ $.fields.code NOT EXISTS }", matches=True)
        self.check("{ $.fields.reason IS NULL }", matches=True)
        self.check("{ $.fields.late IS TRUE }", matches=True)
        self.check('{ $.items[1].id = "b" }', matches=True)
        self.check('{ $.items[2].id = "b" }', matches=False)

    def test_terms_must_all_occur(self) -> None:
        self.check("", matches=True)
        self.check("WARN deferred", matches=True)
        self.check('"outcome\\": \\"def" -stored', matches=True)
        self.check("warn", matches=False)
        self.check("WARN -deferred", matches=False)

    def test_text_matches_no_json_pattern(self) -> None:
        self.assertFalse(compile_pattern('{ $.level = "WARN" }')(Line("{ not json WARN")))
        self.assertFalse(compile_pattern('{ $.level != "INFO" }')(Line("WARN")))

    def test_unknown_syntax_is_an_error(self) -> None:
        for pattern in (
            "{ $.level = %W.*% }", "{ $.level == 'WARN' }", "{ $.level }", "{ level = 1 }", "[a, b]", "?one ?two",
            '{ $.level = "WARN" ', '{ ($.level = "WARN" }', "{ $.level > warm }", "{ $.items[*].id = 1 }", "%WARN%",
        ):  # fmt: skip
            with self.assertRaises(Unsupported, msg=pattern):
                compile_pattern(pattern)
