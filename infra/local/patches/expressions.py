"""Metric math, as far as the template's alarms, its dashboard and `wab` use it.

"Using math expressions with CloudWatch metrics" (CloudWatch User Guide). CloudWatch's expressions read as Python
expressions, so Python parses them. A series maps the start of each period to its value. Functions and operators that
this file doesn't know are an error.
"""

import ast
import operator
from collections.abc import Callable
from typing import Any

Series = dict[float, float]
Value = Series | float

ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
COMPARISON = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip
AGGREGATES: dict[str, Callable[[list[float]], float]] = {"SUM": sum, "MAX": max, "MIN": min}


class Unsupported(ValueError):
    """An expression that this file doesn't understand. AWS may."""


def evaluate(expression: str, metrics: dict[str, Series], periods: list[float]) -> Series:
    """The value of `expression` in each of `periods`, where it has one. Raises Unsupported."""
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        raise Unsupported(f"the local stack doesn't support the expression {expression}") from None
    value = Evaluation(expression, metrics, periods).of(tree)
    return value if isinstance(value, dict) else dict.fromkeys(periods, float(value))


class Evaluation:
    def __init__(self, expression: str, metrics: dict[str, Series], periods: list[float]) -> None:
        self.expression, self.metrics, self.periods = expression, metrics, periods

    def of(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return float(node.value)
        if isinstance(node, ast.Name):
            if node.id not in self.metrics:
                raise Unsupported(f"the expression {self.expression} names {node.id}, which no metric has as its id")
            return self.metrics[node.id]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return combine(operator.neg, self.of(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
            return combine(ARITHMETIC[type(node.op)], self.of(node.left), self.of(node.right))
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISON:
            compare = COMPARISON[type(node.ops[0])]
            return combine(lambda a, b: float(compare(a, b)), self.of(node.left), self.of(node.comparators[0]))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            return self.call(node.func.id, node.args)
        raise Unsupported(f"the local stack doesn't support the expression {self.expression}")

    def call(self, name: str, arguments: list[ast.expr]) -> Value:
        if name == "IF" and len(arguments) == 3:
            condition, then, otherwise = map(self.of, arguments)
            return combine(lambda a, b, c: b if a else c, condition, then, otherwise)
        if name == "FILL" and len(arguments) == 2:
            series, filler = self.of(arguments[0]), self.of(arguments[1])
            if isinstance(series, dict) and isinstance(filler, float):
                return {period: series.get(period, filler) for period in self.periods}
        if name in AGGREGATES and len(arguments) == 1 and isinstance(arguments[0], ast.List):
            every = [self.of(element) for element in arguments[0].elts]
            series = [value for value in every if isinstance(value, dict)]
            periods = sorted({period for value in series for period in value})
            return {at: AGGREGATES[name]([value[at] for value in series if at in value]) for at in periods}
        raise Unsupported(f"the local stack doesn't support {name} in the expression {self.expression}")


def combine(function: Callable[..., Any], *values: Value) -> Value:
    """Applies `function` in each period in which every series has a value. A division by zero has none."""
    series = [value for value in values if isinstance(value, dict)]
    if not series:
        return function(*values)
    combined = {}
    for period in sorted(set.intersection(*(set(value) for value in series))):
        try:
            combined[period] = function(*(value[period] if isinstance(value, dict) else value for value in values))
        except ZeroDivisionError:
            continue
    return combined
