"""Log lines are found by pattern and page, counted by metric filters, and read as embedded metrics."""

import itertools
import json
import unittest
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs

from patches import logs, metrics

NOW = 1_800_000_000.0


class Lines(unittest.TestCase):
    def setUp(self) -> None:
        for stored in (cloudwatch._metrics, cloudwatch_logs._log_groups, cloudwatch_logs._metric_filters):
            stored._data.clear()
        metrics.CURRENT.clear()
        self.times = itertools.count(NOW)

    def write(self, line: Any, stream: str = "s") -> None:
        text = line if isinstance(line, str) else json.dumps(line)
        logs.store("group", stream, text, next(self.times))

    def found(self, **request: Any) -> tuple[list[str], str | None]:
        status, _headers, body = logs.filter_log_events({"logGroupName": "group", **request})
        self.assertEqual(status, 200, body)
        page = json.loads(body)
        return [event["message"] for event in page["events"]], page.get("nextToken")

    def metric_filter(self, pattern: str, **transformation: Any) -> int:
        whole = {"metricNamespace": "wab", "metricName": "Callbacks", "metricValue": "1", **transformation}
        request = {
            "logGroupName": "group",
            "filterName": "f",
            "filterPattern": pattern,
            "metricTransformations": [whole],
        }
        return logs.put_metric_filter(cloudwatch_logs._put_metric_filter)(request)[0]

    def sums(self, name: str, **dimensions: str) -> list[float]:
        metric = {
            "Namespace": "wab",
            "MetricName": name,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        }
        return list(metrics.series(metric, "Sum", 1e12, 0, NOW * 2).values())

    def test_pages_cover_all_streams_in_order(self) -> None:
        for number in range(5):
            self.write(f"line {number}", stream=f"s{number % 2}")
        first, token = self.found(limit=3)
        second, end = self.found(limit=3, nextToken=token)
        self.assertEqual(first + second, [f"line {number}" for number in range(5)])
        self.assertIsNone(end)

    def test_search_is_limited_by_time_and_stream(self) -> None:
        for number in range(4):
            self.write(f"line {number}", stream=f"s{number % 2}")
        start = int((NOW + 1) * 1000)
        self.assertEqual(self.found(startTime=start, endTime=start + 1000)[0], ["line 1", "line 2"])
        self.assertEqual(self.found(logStreamNames=["s1"])[0], ["line 1", "line 3"])

    def test_search_reports_errors(self) -> None:
        self.write("line")
        request = {"logGroupName": "group", "filterPattern": "{ $.level = %x% }"}
        self.assertEqual(logs.filter_log_events(request)[0], 400)
        self.assertEqual(logs.filter_log_events({"logGroupName": "none"})[0], 400)

    def test_metric_filter_counts_by_dimension(self) -> None:
        self.write("creates the group")
        dimensions = {"outcome": "$.fields.outcome"}
        self.assertEqual(self.metric_filter('{ $.fields.outcome = "*" }', dimensions=dimensions), 200)
        for outcome in ("stored", "stored", "deferred"):
            self.write({"fields": {"outcome": outcome}})
        self.write({"fields": {"message": "no outcome"}})
        self.assertEqual(self.sums("Callbacks", outcome="stored"), [2])
        self.assertEqual(self.sums("Callbacks", outcome="deferred"), [1])
        self.assertEqual(self.sums("Callbacks"), [])

    def test_metric_filter_takes_values_from_the_line(self) -> None:
        self.write("creates the group")
        self.metric_filter("{ $.fields.waiting > 0 }", metricName="Waiting", metricValue="$.fields.waiting")
        self.write({"fields": {"waiting": 7}})
        self.write({"fields": {"waiting": 0}})
        self.assertEqual(self.sums("Waiting"), [7])

    def test_metric_filter_with_unknown_pattern_is_rejected(self) -> None:
        self.write("creates the group")
        self.assertEqual(self.metric_filter("[ip, user]"), 400)
        self.assertEqual(self.metric_filter("{ $.a = 1 }", defaultValue=0), 400)

    def test_embedded_metrics_are_published(self) -> None:
        directive = {
            "Namespace": "wab",
            "Dimensions": [["kind"], []],
            "Metrics": [{"Name": "Lag", "Unit": "Milliseconds"}, {"Name": "Absent"}],
        }
        self.write({"_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]}, "kind": "mo", "Lag": [10, 20, 20]})
        self.assertEqual(self.sums("Lag", kind="mo"), [50])
        self.assertEqual(self.sums("Lag"), [50])
        self.assertEqual(self.sums("Absent"), [])

    def test_old_lines_and_streams_are_dropped(self) -> None:
        for number in range(logs.KEPT_STREAMS + 1):
            self.write("line", stream=f"s{number}")
        streams = cloudwatch_logs._log_groups["group"]["streams"]
        self.assertEqual((len(streams), "s0" in streams), (logs.KEPT_STREAMS, False))
        for _ in range(int(logs.KEPT_LINES * 1.2)):
            self.write("line", stream="s1")
        self.assertLessEqual(len(streams["s1"]["events"]), logs.KEPT_LINES * 1.1)
