"""Alarms follow their metrics by AWS's rules for periods, data points and missing data."""

import unittest
from typing import Any
from unittest import mock

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from patches import alarms, metrics

NOW = 1_800_000_000.0  # the start of a minute

ALARM = {
    "Namespace": "wab",
    "MetricName": "Callbacks",
    "Dimensions": [{"Name": "outcome", "Value": "deferred"}],
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}


class Alarms(unittest.TestCase):
    def setUp(self) -> None:
        for stored in (cloudwatch._metrics, cloudwatch._alarm_history):
            stored._data.clear()
        metrics.CURRENT.clear()
        dispatch = mock.patch.object(cloudwatch, "_dispatch_alarm_actions")
        self.dispatch = dispatch.start()
        self.addCleanup(dispatch.stop)

    def alarm(self, **properties: Any) -> dict[str, Any]:
        record = alarms.with_metric_math(provisioners._cw_metric_alarm_record)
        return record("alarm", {**ALARM, **properties})

    def occur(self, minute: float, count: int = 1, outcome: str = "deferred") -> None:
        metrics.record("wab", "Callbacks", count, dimensions={"outcome": outcome}, at=NOW + minute * 60)

    def state(self, alarm: dict[str, Any], minute: float) -> str:
        alarms.evaluate(alarm, NOW + minute * 60)
        return alarm["StateValue"]

    def test_alarm_follows_finished_periods(self) -> None:
        alarm = self.alarm()
        self.assertEqual(self.state(alarm, 0), "OK")
        self.occur(0.5)
        self.assertEqual(self.state(alarm, 0.9), "OK")
        self.assertEqual(self.state(alarm, 1), "ALARM")
        self.assertEqual(self.state(alarm, 2), "OK")
        self.assertEqual([call.args[2] for call in self.dispatch.call_args_list], ["OK", "ALARM", "OK"])
        self.assertEqual(alarm["StateUpdatedTimestamp"], int(NOW + 120))

    def test_other_dimensions_do_not_count(self) -> None:
        self.occur(0, outcome="stored")
        self.assertEqual(self.state(self.alarm(), 1), "OK")

    def test_enough_datapoints_must_breach(self) -> None:
        alarm = self.alarm(EvaluationPeriods=4, DatapointsToAlarm=2)
        self.occur(0)
        self.assertEqual(self.state(alarm, 1), "OK")
        self.occur(2)
        self.assertEqual(self.state(alarm, 3), "ALARM")
        self.assertEqual(self.state(alarm, 4.5), "ALARM")
        self.assertEqual(self.state(alarm, 5), "OK")

    def test_every_period_must_breach_by_default(self) -> None:
        alarm = self.alarm(EvaluationPeriods=3)
        self.occur(0)
        self.occur(1)
        self.assertEqual(self.state(alarm, 2), "OK")
        self.occur(2)
        self.assertEqual(self.state(alarm, 3), "ALARM")

    def test_window_slides_by_the_minute(self) -> None:
        alarm = self.alarm(Period=300, Threshold=5, ComparisonOperator="GreaterThanOrEqualToThreshold")
        self.occur(4, count=3)
        self.occur(5, count=2)
        self.assertEqual(
            [self.state(alarm, minute) for minute in (5, 6, 8, 9, 10)], ["OK", "ALARM", "ALARM", "ALARM", "OK"]
        )

    def test_missing_data_is_treated_as_configured(self) -> None:
        for treatment, state in {
            "breaching": "ALARM",
            "notBreaching": "OK",
            "missing": "INSUFFICIENT_DATA",
            "ignore": "INSUFFICIENT_DATA",
        }.items():
            self.assertEqual(self.state(self.alarm(TreatMissingData=treatment), 1), state)
        ignoring = self.alarm(TreatMissingData="ignore")
        self.occur(0)
        self.assertEqual((self.state(ignoring, 1), self.state(ignoring, 9)), ("ALARM", "ALARM"))

    def test_alarm_on_metric_math_is_evaluated(self) -> None:
        def metric(name: str, outcome: str) -> dict[str, Any]:
            dimensions = [{"Name": "outcome", "Value": outcome}]
            found = {"Namespace": "wab", "MetricName": "Callbacks", "Dimensions": dimensions}
            return {"Id": name, "ReturnData": "false", "MetricStat": {"Metric": found, "Stat": "Sum", "Period": "60"}}

        expression = {"Id": "lost", "Expression": "IF(FILL(done, 0) == 0, FILL(stored, 0), 0)"}
        alarm = self.alarm(
            Namespace=None, MetricName=None, Metrics=[expression, metric("stored", "stored"), metric("done", "done")]
        )
        self.assertNotIn("MetricName", alarm)
        self.assertEqual(self.state(alarm, 0), "OK")
        self.occur(0, outcome="stored")
        self.assertEqual(self.state(alarm, 1), "ALARM")
        self.occur(1, outcome="stored")
        self.occur(1, outcome="done")
        self.assertEqual(self.state(alarm, 2), "OK")

    def test_unknown_expression_fails_the_deployment(self) -> None:
        with self.assertRaises(ValueError):
            self.alarm(Metrics=[{"Id": "a", "Expression": "ANOMALY_DETECTION_BAND(b)"}])
