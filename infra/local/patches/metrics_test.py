"""Metrics are kept by period, and read back by their exact dimensions."""

import json
import unittest
from typing import Any

from ministack.services import cloudwatch

from patches import metrics

NOW = 1_800_000_000.0


def query(name: str, statistic: str = "Sum", **dimensions: str) -> dict[str, Any]:
    pairs = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    metric = {"Namespace": "wab", "MetricName": name, "Dimensions": pairs}
    return {"Id": name.lower(), "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}


class Metrics(unittest.TestCase):
    def setUp(self) -> None:
        cloudwatch._metrics._data.clear()
        metrics.CURRENT.clear()

    def read(self, *queries: dict[str, Any], start: float = NOW, **more: Any) -> tuple[int, dict[str, list[float]]]:
        request = {"MetricDataQueries": list(queries), "StartTime": start, "EndTime": NOW + 180, **more}
        status, _headers, body = metrics.get_metric_data(None)({}, request, False, True)
        results = json.loads(body).get("MetricDataResults", [])
        return status, {result["Id"]: result["Values"] for result in results}

    def test_equal_values_are_one_point(self) -> None:
        for second in range(100):
            metrics.record("wab", "Lag", second % 2, at=NOW + second / 10)
        [points] = cloudwatch._metrics._data.values()
        self.assertEqual(sorted((point["Value"], point["Count"]) for point in points), [(0.0, 50), (1.0, 50)])

    def test_values_are_rounded_to_three_digits(self) -> None:
        metrics.record("wab", "Lag", 12.3456, at=NOW)
        self.assertEqual(self.read(query("Lag"))[1], {"lag": [12.3]})

    def test_statistics_are_computed_by_period(self) -> None:
        for second, value in enumerate([1, 2, 3, 100]):
            metrics.record("wab", "Lag", value, at=NOW + second * 20)
        self.assertEqual(self.read(query("Lag"))[1], {"lag": [100, 6]})
        self.assertEqual(self.read(query("Lag"), ScanBy="TimestampAscending")[1], {"lag": [6, 100]})
        self.assertEqual(self.read(query("Lag", "p50"), ScanBy="TimestampAscending")[1], {"lag": [2, 100]})

    def test_dimensions_must_match_exactly(self) -> None:
        metrics.record("wab", "Callbacks", 1, dimensions={"outcome": "stored"}, at=NOW)
        self.assertEqual(self.read(query("Callbacks", outcome="stored"))[1], {"callbacks": [1]})
        self.assertEqual(self.read(query("Callbacks"))[1], {"callbacks": []})

    def test_window_begins_at_the_whole_minute(self) -> None:
        metrics.record("wab", "Lag", 1, at=NOW + 5)
        self.assertEqual(self.read(query("Lag"), start=NOW + 59)[1], {"lag": [1]})

    def test_expressions_use_other_queries_in_any_order(self) -> None:
        metrics.record("wab", "Lag", 2, at=NOW)
        doubled = {"Id": "doubled", "Expression": "sum * 2"}
        total = {"Id": "sum", "Expression": "FILL(lag, 0) + 1", "ReturnData": False}
        status, values = self.read(doubled, total, {**query("Lag"), "ReturnData": False}, ScanBy="TimestampAscending")
        self.assertEqual((status, values), (200, {"doubled": [6, 2, 2]}))

    def test_unknown_expressions_are_rejected(self) -> None:
        self.assertEqual(self.read({"Id": "rate", "Expression": "RATE(lag)"}, query("Lag"))[0], 400)
        self.assertEqual(self.read({"Id": "a", "Expression": "b"}, {"Id": "b", "Expression": "a"})[0], 400)
