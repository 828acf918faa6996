"""Filter patterns of CloudWatch Logs, as far as the template, the runbook and `wab` use them.

"Filter pattern syntax for metric filters, subscription filters, filter log events, and Live Tail" (CloudWatch Logs User
Guide): terms, quoted phrases and JSON patterns with `&&`, `||`, parentheses, comparisons, `*`, IS and NOT EXISTS. The
rest (`?term`, regular expressions, space-delimited patterns) is an error here, so that it can't silently match nothing.
"""

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

MISSING = object()


class Unsupported(ValueError):
    """A pattern that this file doesn't understand. AWS may."""


class Line:
    """A log line, which is parsed at most once however many patterns it is compared with."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._json: Any = MISSING

    @property
    def json(self) -> Any:
        """The line's JSON object or array, or MISSING."""
        if self._json is MISSING and self.text[:1] in ("{", "["):
            try:
                self._json = json.loads(self.text)
            except ValueError:
                self.text = " " + self.text  # not parsed again
        return self._json


Matcher = Callable[[Line], bool]

TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<selector>\$(?:\.[A-Za-z0-9_@-]+|\[\d+\])*)
      | (?P<sign>&&|\|\||!=|<=|>=|[=<>()])
      | (?P<word>[A-Za-z0-9_.*:/@+-]+)
    )""",
    re.VERBOSE,
)
STEP = re.compile(r"\.([A-Za-z0-9_@-]+)|\[(\d+)\]")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> Matcher:
    """Raises Unsupported."""
    pattern = pattern.strip()
    if not pattern:
        return lambda _line: True
    if pattern.startswith("{") and pattern.endswith("}"):
        return JsonPattern(pattern[1:-1]).parse()
    return terms(pattern)


def terms(pattern: str) -> Matcher:
    """All terms must occur in the line, and none of those that start with a hyphen."""
    wanted, unwanted = [], []
    for sign, phrase, word in re.findall(r'(-?)(?:"((?:[^"\\]|\\.)*)"|(\S+))', pattern):
        if word and not re.fullmatch(r"[A-Za-z0-9_]+", word):
            raise Unsupported(f"the local stack doesn't support the term {word}; quote it if it is a phrase")
        (unwanted if sign else wanted).append(unquote(phrase) if phrase else word)
    return lambda line: all(term in line.text for term in wanted) and not any(term in line.text for term in unwanted)


class JsonPattern:
    """A recursive descent parser of what stands between the braces."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = TOKEN.match(text, at)
            if not found:
                raise Unsupported(f"the local stack doesn't support this part of the pattern: {text[at:].strip()}")
            self.tokens.append((found.lastgroup or "", found.group(found.lastgroup or 0)))
            at = found.end()
        self.tokens.append(("end", ""))
        self.at = 0

    def take(self) -> tuple[str, str]:
        token = self.tokens[self.at]
        self.at = min(self.at + 1, len(self.tokens) - 1)  # the end stays
        return token

    def takes(self, text: str) -> bool:
        if self.tokens[self.at] in (("sign", text), ("word", text)):
            self.at += 1
            return True
        return False

    def parse(self) -> Matcher:
        matcher = self.either()
        if self.take()[0] != "end":
            raise Unsupported(f"the local stack doesn't support the pattern {self.text.strip()}")
        return matcher

    def either(self) -> Matcher:
        parts = [self.both()]
        while self.takes("||"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda line: any(part(line) for part in parts)

    def both(self) -> Matcher:
        parts = [self.comparison()]
        while self.takes("&&"):
            parts.append(self.comparison())
        return parts[0] if len(parts) == 1 else lambda line: all(part(line) for part in parts)

    def comparison(self) -> Matcher:
        if self.takes("("):
            inner = self.either()
            if not self.takes(")"):
                raise Unsupported(f"a parenthesis isn't closed in the pattern {self.text.strip()}")
            return inner
        kind, selector = self.take()
        if kind != "selector":
            raise Unsupported(f"the pattern has {selector or 'its end'} where a selector such as $.level is expected")
        if self.takes("NOT"):
            if not self.takes("EXISTS"):
                raise Unsupported(f"NOT must be followed by EXISTS in the pattern {self.text.strip()}")
            return lambda line: select(line.json, selector) is MISSING
        if self.takes("IS"):
            word = self.take()[1]
            constants = {"TRUE": True, "FALSE": False, "NULL": None}
            if word not in constants:
                raise Unsupported(f"IS must be followed by TRUE, FALSE or NULL, not {word}")
            return lambda line: select(line.json, selector) is constants[word]
        sign = self.take()[1]
        kind, value = self.take()
        if sign not in ("=", "!=", "<", "<=", ">", ">=") or kind not in ("string", "word"):
            raise Unsupported(f"the local stack doesn't support the pattern {self.text.strip()}")
        if kind == "word" and NUMBER.fullmatch(value):
            return number_comparison(selector, sign, float(value))
        if sign not in ("=", "!="):
            raise Unsupported(f"{sign} compares numbers, not {value}")
        return text_comparison(selector, sign, unquote(value[1:-1]) if kind == "string" else value)


def number_comparison(selector: str, sign: str, wanted: float) -> Matcher:
    def matches(line: Line) -> bool:
        found = select(line.json, selector)
        if isinstance(found, bool) or not isinstance(found, int | float):
            return False
        return {
            "=": found == wanted,
            "!=": found != wanted,
            "<": found < wanted,
            "<=": found <= wanted,
            ">": found > wanted,
            ">=": found >= wanted,
        }[sign]

    return matches


def text_comparison(selector: str, sign: str, wanted: str) -> Matcher:
    """`*` matches any text. A value that isn't a string matches neither `=` nor `!=`: AWS doesn't document it."""
    pattern = re.compile(".*".join(re.escape(part) for part in wanted.split("*")), re.DOTALL)

    def matches(line: Line) -> bool:
        found = select(line.json, selector)
        return isinstance(found, str) and bool(pattern.fullmatch(found)) == (sign == "=")

    return matches


def select(value: Any, selector: str) -> Any:
    """The value at a selector such as `$.fields.outcome` or `$.items[0].id`, or MISSING."""
    for name, index in STEP.findall(selector):
        if index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        elif name and isinstance(value, dict) and name in value:
            value = value[name]
        else:
            return MISSING
    return value


def unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
