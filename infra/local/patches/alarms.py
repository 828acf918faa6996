"""Alarms: evaluated every few seconds, on finished minutes alone.

"Using Amazon CloudWatch alarms", "Alarm evaluation window" and "Configuring how CloudWatch alarms treat missing data"
(CloudWatch User Guide): of the last EvaluationPeriods periods, which slide by the minute, DatapointsToAlarm must breach
the threshold. ministack rejects alarms on metric math, ignores dimensions and missing data, and evaluates an alarm only
when someone calls PutMetricData.

ALARM_PERIOD_SECONDS shortens every alarm's period in proportion: see metrics.py. Unlike AWS, this file doesn't look at
earlier periods when data is missing, and a minute's data is complete as soon as the minute ends.
"""

import logging
import threading
import time
from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from patches import metrics

Alarm = dict[str, Any]

EVERY_SECONDS = max(0.25, min(2.0, metrics.PERIOD_SECONDS / 4))

OF_ONE_METRIC = ("Namespace", "MetricName", "Dimensions", "Statistic", "ExtendedStatistic", "Period", "Unit")

logger = logging.getLogger("patches.alarms")


def install() -> None:
    provisioners._cw_metric_alarm_record = with_metric_math(provisioners._cw_metric_alarm_record)
    cloudwatch._evaluate_alarm = lambda _alarm: None
    threading.Thread(target=evaluate_all, name="alarms", daemon=True).start()


def evaluate_all() -> None:
    while True:
        time.sleep(EVERY_SECONDS)
        for alarm in list(cloudwatch._alarms.values()):
            try:
                evaluate(alarm, time.time())
            except Exception:
                logger.exception("the alarm %s isn't evaluated", alarm.get("AlarmName"))


def evaluate(alarm: Alarm, now: float) -> None:
    """Sets the alarm's state, and notifies its topics if that changes."""
    values = datapoints(alarm, now)
    state = state_of(alarm, values)
    if state is None or state == alarm["StateValue"]:
        return
    old = alarm["StateValue"]
    found = [value for value in values if value is not None]
    reason = f"{len(found)} of the last {len(values)} periods have data, {found}; the threshold is {alarm['Threshold']}"
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(now))
    cloudwatch._record_history(alarm["AlarmName"], old, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, state, reason)


def datapoints(alarm: Alarm, now: float) -> list[float | None]:
    """The value of each period that is evaluated, oldest first. None is missing data."""
    asked = queries(alarm)
    period = metrics.shorten(max(query["MetricStat"]["Period"] for query in asked if "MetricStat" in query))
    end = now - now % metrics.PERIOD_SECONDS
    start = end - period * alarm["EvaluationPeriods"]
    values = metrics.compute(asked, start, end, sliding=True)
    [returned] = [query["Id"] for query in asked if query.get("ReturnData", True)]
    return [values[returned].get(start + period * number) for number in range(alarm["EvaluationPeriods"])]


def queries(alarm: Alarm) -> list[dict[str, Any]]:
    if "Metrics" in alarm:
        return alarm["Metrics"]
    metric = {key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions")}
    statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    return [{"Id": "m", "MetricStat": {"Metric": metric, "Stat": statistic, "Period": alarm["Period"]}}]


def state_of(alarm: Alarm, values: list[float | None]) -> str | None:
    """The state that the values put the alarm into. None leaves it as it is."""
    treatment = alarm["TreatMissingData"]
    if treatment not in ("missing", "ignore", "breaching", "notBreaching"):
        raise ValueError(f"unknown TreatMissingData {treatment}")
    if treatment in ("missing", "ignore") and all(value is None for value in values):
        return "INSUFFICIENT_DATA" if treatment == "missing" else None
    breaching = [treatment == "breaching" if value is None else breaches(alarm, value) for value in values]
    return "ALARM" if sum(breaching) >= alarm.get("DatapointsToAlarm", len(values)) else "OK"


def breaches(alarm: Alarm, value: float) -> bool:
    threshold = alarm["Threshold"]
    return {
        "GreaterThanThreshold": value > threshold,
        "GreaterThanOrEqualToThreshold": value >= threshold,
        "LessThanThreshold": value < threshold,
        "LessThanOrEqualToThreshold": value <= threshold,
    }[alarm["ComparisonOperator"]]


def with_metric_math(original: Any) -> Any:
    """The record of an alarm that the template describes, which may have Metrics."""

    def record(name: str, properties: dict[str, Any]) -> Alarm:
        if not properties.get("Metrics"):
            return original(name, properties)
        asked = [as_query(query) for query in properties["Metrics"]]
        metrics.compute(asked, 0, 60)  # fails for an expression that isn't supported
        first = next(query["MetricStat"] for query in asked if "MetricStat" in query)
        plain = {key: value for key, value in properties.items() if key != "Metrics"}
        alarm = original(name, {**plain, **first["Metric"], "Period": first["Period"], "Statistic": first["Stat"]})
        kept = {key: value for key, value in alarm.items() if key not in OF_ONE_METRIC}
        return {**kept, "Metrics": asked}

    return record


def as_query(query: dict[str, Any]) -> dict[str, Any]:
    """The API's form of a template's query: CloudFormation may pass numbers and booleans as text."""
    query = {**query, "ReturnData": str(query.get("ReturnData", True)).lower() == "true"}
    if "MetricStat" in query:
        query["MetricStat"] = {**query["MetricStat"], "Period": int(query["MetricStat"]["Period"])}
    return query
