"""Metric math has AWS's results for the functions that the template uses, and rejects the rest."""

import unittest

from patches.expressions import Series, Unsupported, evaluate

METRICS = {"a": {0.0: 1.0, 60.0: 2.0}, "b": {60.0: 10.0, 120.0: 20.0}, "none": {}}
PERIODS = [0.0, 60.0, 120.0]


class Expressions(unittest.TestCase):
    def check(self, expression: str, expected: Series) -> None:
        self.assertEqual(evaluate(expression, METRICS, PERIODS), expected, expression)

    def test_series_are_combined_where_both_have_values(self) -> None:
        self.check("a + b", {60.0: 12.0})
        self.check("a * 100 - 1", {0.0: 99.0, 60.0: 199.0})
        self.check("b / (a - 2)", {})
        self.check("a > 1", {0.0: 0.0, 60.0: 1.0})
        self.check("a + none", {})

    def test_fill_covers_every_period(self) -> None:
        self.check("FILL(a, 0)", {0.0: 1.0, 60.0: 2.0, 120.0: 0.0})
        self.check("FILL(none, 0) + FILL(b, 0)", {0.0: 0.0, 60.0: 10.0, 120.0: 20.0})

    def test_if_chooses_by_period(self) -> None:
        self.check("IF(FILL(a, 0) == 0, FILL(b, 0) + FILL(none, 0), 0)", {0.0: 0.0, 60.0: 0.0, 120.0: 20.0})

    def test_aggregates_skip_missing_values(self) -> None:
        self.check("SUM([a, b])", {0.0: 1.0, 60.0: 12.0, 120.0: 20.0})
        self.check("MAX([a, b])", {0.0: 1.0, 60.0: 10.0, 120.0: 20.0})

    def test_unknown_expressions_are_errors(self) -> None:
        for expression in (
            "RATE(a)",
            "FILL(a, REPEAT)",
            "c + 1",
            "a AND b",
            "SUM(METRICS())",
            "a ** 2",
            "__import__('os')",
        ):
            with self.assertRaises(Unsupported, msg=expression):
                evaluate(expression, METRICS, PERIODS)
