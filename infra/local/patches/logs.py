"""CloudWatch Logs: stores log lines, searches them by pattern, and turns them into metrics.

- FilterLogEvents has filter patterns and pages ("FilterLogEvents", CloudWatch Logs API Reference). In ministack every
  JSON pattern matches every line.
- Metric filters count the lines of their log group ("Creating metrics from log events using filters", CloudWatch Logs
  User Guide), and lines in the embedded metric format are metrics ("Specification: Embedded metric format", CloudWatch
  User Guide). ministack has neither.

A thread of its own does all this, so that requests don't wait for it. Lines beyond KEPT_LINES per stream and streams
beyond KEPT_STREAMS per group are dropped, oldest first.
"""

import heapq
import itertools
import json
import logging
import queue
import threading
import time
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch_logs

from patches import metrics
from patches.patterns import MISSING, Line, Unsupported, compile_pattern, select

KEPT_LINES = 20_000
KEPT_STREAMS = 50
MAX_PAGE = 10_000

logger = logging.getLogger("patches.logs")

Event = dict[str, Any]

LINES: "queue.SimpleQueue[tuple[str, str, str, float]]" = queue.SimpleQueue()
NUMBERS = itertools.count(1)


def install() -> None:
    cloudwatch_logs._filter_log_events = filter_log_events
    cloudwatch_logs._put_metric_filter = put_metric_filter(cloudwatch_logs._put_metric_filter)
    threading.Thread(target=store_lines, name="log-lines", daemon=True).start()


def write(group: str, stream: str, line: str) -> None:
    """Stores a line that a service writes. Returns at once."""
    LINES.put((group, stream, line, time.time()))


def store_lines() -> None:
    while True:
        group, stream, line, at = LINES.get()
        try:
            store(group, stream, line, at)
        except Exception:
            logger.exception("a line of %s isn't stored", group)
        if LINES.empty():
            time.sleep(0.05)  # under load, one switch of threads for several lines


def store(group: str, stream: str, text: str, at: float) -> None:
    if group not in cloudwatch_logs._log_groups:
        cloudwatch_logs._create_log_group({"logGroupName": group})
    streams = cloudwatch_logs._log_groups[group]["streams"]
    if stream not in streams:
        while len(streams) >= KEPT_STREAMS:
            del streams[min(streams, key=lambda name: streams[name]["lastEventTimestamp"] or 0)]
        cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    now = int(at * 1000)
    event = {"timestamp": now, "message": text, "ingestionTime": now, "eventId": f"{next(NUMBERS):056}"}
    stored = streams[stream]
    cloudwatch_logs._append_log_events(stored, [event])
    if len(stored["events"]) > KEPT_LINES * 1.1:
        with cloudwatch_logs._log_events_lock:
            stored["events"] = stored["events"][-KEPT_LINES:]
    line = Line(text)
    count(group, line, at)
    publish_embedded(line, at)


def count(group: str, line: Line, at: float) -> None:
    """Applies the group's metric filters."""
    # All filters are of this stack's account and region. Asking for them by scope is slow.
    for (_account, _region, (filtered, _name)), metric_filter in list(cloudwatch_logs._metric_filters._data.items()):
        if filtered != group or not compile_pattern(metric_filter["filterPattern"])(line):
            continue
        for transformation in metric_filter["metricTransformations"]:
            value = number(transformation["metricValue"], line)
            selectors = transformation.get("dimensions") or {}
            dimensions = {name: select(line.json, selector) for name, selector in selectors.items()}
            # Without a value for each dimension there is no metric.
            if value is not None and MISSING not in dimensions.values():
                metrics.record(
                    transformation["metricNamespace"],
                    transformation["metricName"],
                    value,
                    transformation.get("unit", "None"),
                    {name: as_text(value) for name, value in dimensions.items()},
                    at=at,
                )


def number(value: str, line: Line) -> float | None:
    found = select(line.json, value) if value.startswith("$") else value
    try:
        return float(found)
    except (TypeError, ValueError):
        return None


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def publish_embedded(line: Line, at: float) -> None:
    """Publishes the metrics of a line in the embedded metric format."""
    root = line.json
    if not isinstance(root, dict) or not isinstance(root.get("_aws"), dict):
        return
    for directive in root["_aws"].get("CloudWatchMetrics", []):
        for names in directive.get("Dimensions") or [[]]:
            dimensions = {name: as_text(root[name]) for name in names}
            for metric in directive["Metrics"]:
                found = root.get(metric["Name"], [])
                for value in found if isinstance(found, list) else [found]:
                    unit = metric.get("Unit", "None")
                    metrics.record(directive["Namespace"], metric["Name"], float(value), unit, dimensions, at=at)


def put_metric_filter(original: Any) -> Any:
    def put(request: dict[str, Any]) -> Any:
        try:
            compile_pattern(request.get("filterPattern", ""))
        except Unsupported as error:
            return error_response_json("InvalidParameterException", str(error), 400)
        if any(transformation.get("defaultValue") is not None for transformation in request["metricTransformations"]):
            return error_response_json("InvalidParameterException", "the local stack has no defaultValue", 400)
        return original(request)

    return put


def filter_log_events(request: dict[str, Any]) -> Any:
    """FilterLogEvents. A page's token names the last event that was compared."""
    name = cloudwatch_logs._resolve_log_group_name(request)
    group = cloudwatch_logs._log_groups.get(name)
    if group is None:
        message = f"The specified log group does not exist: {name}"
        return error_response_json("ResourceNotFoundException", message, 400)
    try:
        matches = compile_pattern(request.get("filterPattern") or "")
    except Unsupported as error:
        return error_response_json("InvalidParameterException", str(error), 400)
    limit = min(request.get("limit") or MAX_PAGE, MAX_PAGE)
    after = tuple(json.loads(request["nextToken"])) if request.get("nextToken") else (-1, "")
    page: list[Event] = []
    for stream, event in events(group, request):
        if position(event) <= after or not matches(Line(event["message"])):
            continue
        if len(page) == limit:
            return json_response({"events": page, "nextToken": json.dumps(position(page[-1]))})
        page.append({**event, "logStreamName": stream})
    return json_response({"events": page, "searchedLogStreams": []})


def events(group: dict[str, Any], request: dict[str, Any]) -> list[tuple[str, Event]]:
    """The stored events in the request's streams and time, oldest first."""
    names, prefix = request.get("logStreamNames"), request.get("logStreamNamePrefix", "")
    start, end = request.get("startTime") or 0, request.get("endTime") or float("inf")
    with cloudwatch_logs._log_events_lock:
        chosen = [
            [(name, event) for event in stream["events"] if start <= event["timestamp"] <= end]
            for name, stream in list(group["streams"].items())
            if name.startswith(prefix) and (not names or name in names)
        ]
    return list(heapq.merge(*chosen, key=lambda entry: position(entry[1])))


def position(event: Event) -> tuple[int, str]:
    return event["timestamp"], event["eventId"]
