"""CloudWatch's metrics: what the other modules record, kept by period, and read back with metric math.

"CloudWatch concepts" (CloudWatch User Guide): a metric is its namespace, name and set of dimensions; without dimensions
it is another metric, not the sum of all. Data points are kept by the minute, or by ALARM_PERIOD_SECONDS if that is set,
for KEPT_SECONDS. Within a period, equal values are one point with a count. Values are rounded to three digits, so that
their number is bounded.
"""

import functools
import os
import threading
import time
from typing import Any

import cbor2  # noqa: F401  ministack imports it only when a request comes, and answers JSON without it
from ministack.services import cloudwatch

from patches.expressions import Series, Unsupported, evaluate

MINUTE = 60.0
# The length of the shortest period. Drills set it, because nobody waits 15 minutes for an alarm.
PERIOD_SECONDS = float(os.environ.get("ALARM_PERIOD_SECONDS") or MINUTE)
KEPT_SECONDS = 6 * 3600

Dimensions = dict[str, str]

LOCK = threading.Lock()
# The points of each metric's current period by value. Older ones are only in ministack's store.
CURRENT: dict[tuple[str, str, str], tuple[float, dict[float, dict[str, Any]]]] = {}


def install() -> None:
    cloudwatch.TWO_WEEKS_SECONDS = KEPT_SECONDS
    cloudwatch._evict_old_metrics = locked(cloudwatch._evict_old_metrics)
    cloudwatch._dims_from_list = AllDimensions.of
    cloudwatch._get_metric_statistics = from_the_whole_minute(cloudwatch._get_metric_statistics)
    cloudwatch._get_metric_data = get_metric_data(cloudwatch._get_metric_data)


def record(
    namespace: str,
    name: str,
    value: float,
    unit: str = "Count",
    dimensions: Dimensions | None = None,
    count: float = 1,
    at: float | None = None,
) -> None:
    dimensions = dimensions or {}
    value = float(f"{value:.3g}")
    at = time.time() if at is None else at
    start = at - at % PERIOD_SECONDS
    key = (namespace, name, cloudwatch._dims_key(dimensions))
    with LOCK:
        current, points = CURRENT.get(key, (None, {}))
        if current != start:
            current, points = CURRENT[key] = (start, {})
        if value not in points:
            points[value] = {"Timestamp": start, "Value": value, "Count": 0.0, "Unit": unit, "Dimensions": dimensions}
            cloudwatch._metric_bucket(key).append(points[value])
        points[value]["Count"] += count


def series(
    metric: dict[str, Any], statistic: str, period: float, start: float, end: float, origin: float = 0
) -> Series:
    """The values of a metric, as a request or an alarm describes it, by the start of each period from `origin` on."""
    dimensions = cloudwatch._dims_key(AllDimensions.of(metric.get("Dimensions") or []))
    stored = cloudwatch._metrics.get((metric["Namespace"], metric["MetricName"], dimensions)) or []
    periods: dict[float, list[dict[str, Any]]] = {}
    with LOCK:
        for point in stored:
            if start <= point["Timestamp"] < end:
                periods.setdefault(beginning(point["Timestamp"], period, origin), []).append(point)
        values = {
            at: cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)
            for at, points in sorted(periods.items())
        }
    return {at: value for at, value in values.items() if value is not None}


def beginning(at: float, period: float, origin: float) -> float:
    """The start of the period that `at` is in."""
    return at - (at - origin) % period


def compute(queries: list[dict[str, Any]], start: float, end: float, *, sliding: bool = False) -> dict[str, Series]:
    """The values of each query of GetMetricData or of an alarm. Raises Unsupported.

    GetMetricData's periods begin at multiples of their length. An alarm's window slides: its periods, which are
    shortened, begin at `start`.
    """
    values: dict[str, Series] = {}
    period, origin = MINUTE, start if sliding else 0
    for query in queries:
        if stat := query.get("MetricStat"):
            period = shorten(stat["Period"]) if sliding else float(stat["Period"])
            values[query["Id"]] = series(stat["Metric"], stat["Stat"], period, start, end, origin)
    first = beginning(start, period, origin)
    periods = [first + period * number for number in range(int((end - first - 1e-6) // period) + 1)]
    waiting = {query["Id"]: query["Expression"] for query in queries if query.get("Expression")}
    while waiting:
        # An expression may name another one, in any order.
        ready = [name for name, text in waiting.items() if not any(mentions(text, other) for other in waiting)]
        if not ready:
            raise Unsupported(f"the expressions {', '.join(waiting)} name each other")
        for name in ready:
            values[name] = evaluate(waiting.pop(name), values, periods)
    return values


def shorten(period: float) -> float:
    """The length in seconds of an alarm's period, which is as many times the shortest one as on AWS."""
    return float(period) * PERIOD_SECONDS / MINUTE


def mentions(expression: str, name: str) -> bool:
    return name in expression.replace("(", " ").replace(")", " ").replace(",", " ").split()


class AllDimensions(dict[str, str]):
    """A set of dimensions that counts as given even if it is empty. ministack would otherwise add up every set."""

    def __bool__(self) -> bool:
        return True

    @classmethod
    def of(cls, dimensions: list[dict[str, str]]) -> "AllDimensions":
        return cls({dimension["Name"]: dimension["Value"] for dimension in dimensions})


def locked(function: Any) -> Any:
    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        with LOCK:
            return function(*arguments)

    return call


def whole_minute(request: dict[str, Any]) -> float:
    """The start of the request's window, which CloudWatch rounds down (API reference, GetMetricStatistics)."""
    start = cloudwatch._parse_ts(request["StartTime"]) or 0.0
    return start - start % MINUTE


def from_the_whole_minute(original: Any) -> Any:
    def get_metric_statistics(params: Any, request: Any, is_cbor: bool, is_json: bool = False) -> Any:
        if is_cbor or is_json:
            request = {**request, "StartTime": whole_minute(request)}
        return original(params, request, is_cbor, is_json)

    return get_metric_statistics


def get_metric_data(original: Any) -> Any:
    def get(params: Any, request: Any, is_cbor: bool, is_json: bool = False) -> Any:
        if not (is_cbor or is_json):  # the Query protocol, which neither the SDKs nor botocore use any more
            return original(params, request, is_cbor, is_json)
        queries = request.get("MetricDataQueries", [])
        try:
            values = compute(queries, whole_minute(request), cloudwatch._parse_ts(request["EndTime"]) or 0.0)
        except Unsupported as error:
            return cloudwatch._error("ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor)
        newest_first = request.get("ScanBy") != "TimestampAscending"
        results = [
            {
                "Id": query["Id"],
                "Label": label(query),
                "Timestamps": [cloudwatch._ts_iso(at) for at in sorted(values[query["Id"]], reverse=newest_first)],
                "Values": [values[query["Id"]][at] for at in sorted(values[query["Id"]], reverse=newest_first)],
                "StatusCode": "Complete",
            }
            for query in queries
            if query.get("ReturnData", True)
        ]
        if is_cbor:
            return cloudwatch._cbor_ok(
                {"MetricDataResults": [cloudwatch._cbor_metric_data_result(result) for result in results]}
            )
        return cloudwatch._json_ok({"MetricDataResults": results})

    return get


def label(query: dict[str, Any]) -> str:
    return query.get("Label") or query.get("MetricStat", {}).get("Metric", {}).get("MetricName") or query["Id"]
