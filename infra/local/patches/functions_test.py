"""Functions' lines, Lambda's own lines and the functions' metrics are those that AWS documents."""

import io
import json
import queue
import time
import unittest
from typing import Any
from unittest import mock

from ministack.services import cloudwatch

from patches import functions, logs, metrics, permissions

NOW = 1_800_000_000.0

CONFIG = {
    "FunctionName": "wab-mo",
    "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:wab-mo",
    "MemorySize": 128,
    "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/aws/lambda/wab/mo", "ApplicationLogLevel": "WARN"},
}


def level(name: str) -> str:
    return json.dumps({"level": name})


class Functions(unittest.TestCase):
    def setUp(self) -> None:
        cloudwatch._metrics._data.clear()
        metrics.CURRENT.clear()
        lines = mock.patch.object(logs, "LINES", queue.SimpleQueue())
        self.lines = lines.start()
        self.addCleanup(lines.stop)
        self.may_log = mock.patch.object(permissions, "may_log", return_value=True).start()
        self.addCleanup(mock.patch.stopall)

    def written(self) -> list[tuple[str, str, str]]:
        return [self.lines.get_nowait()[:3] for _ in range(self.lines.qsize())]

    def sum(self, name: str) -> float | None:
        metric = {
            "Namespace": "AWS/Lambda",
            "MetricName": name,
            "Dimensions": [{"Name": "FunctionName", "Value": "wab-mo"}],
        }
        return next(iter(metrics.series(metric, "Sum", 1e12, 0, NOW * 2).values()), None)

    def dispatch(self, result: dict[str, Any], event: Any = None) -> None:
        functions.observe(lambda *_: result)({}, CONFIG, event or {}, "request", time.time() - 1)

    def test_lines_go_to_the_configured_group_at_once(self) -> None:
        output = functions.Copied(io.BytesIO(f"{level('ERROR')}\nplain\n".encode()), CONFIG, "stream")
        self.assertEqual([output.readline(), output.readline(), output.readline()][2], b"")
        self.assertEqual(self.written(), [("/aws/lambda/wab/mo", "stream", level("ERROR"))])

    def test_lines_that_the_role_may_not_write_are_dropped(self) -> None:
        self.may_log.return_value = False
        functions.Copied(io.BytesIO(f"{level('ERROR')}\n".encode()), CONFIG, "stream").readline()
        self.assertEqual(self.written(), [])

    def test_lines_below_the_level_are_dropped(self) -> None:
        for line, lowest, kept in (
            (level("INFO"), "INFO", True),
            (level("info"), "WARN", False),
            (level("ERROR"), "WARN", True),
            (level("loud"), "INFO", True),
            ("{}", "INFO", True),
            ("{ not json", "WARN", False),
        ):
            self.assertEqual(functions.is_kept(line, lowest), kept, (line, lowest))

    def test_functions_are_told_how_to_log(self) -> None:
        variables = functions.with_log_variables(lambda *_: {"TABLE_NAME": "events"})(CONFIG, "code", 1)
        self.assertEqual(
            variables,
            {
                "TABLE_NAME": "events",
                "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/wab/mo",
                "AWS_LAMBDA_LOG_FORMAT": "JSON",
                "AWS_LAMBDA_LOG_LEVEL": "WARN",
            },
        )

    def test_invocations_are_counted(self) -> None:
        self.dispatch({"body": "ok"})
        self.dispatch({"error": True, "body": {"errorType": "Sandbox.Timedout"}})
        self.assertEqual([self.sum(name) for name in ("Invocations", "Errors", "IteratorAge")], [2, 1, None])
        self.assertGreater(self.sum("Duration") or 0, 0)

    def test_throttled_invocations_are_counted_as_throttles(self) -> None:
        acquire = functions.count_throttles(lambda *_: (None, "function"))
        self.assertEqual(acquire({}, CONFIG), (None, "function"))
        functions.count_throttles(lambda *_: ("slot", None))({}, CONFIG)
        self.assertEqual((self.sum("Throttles"), self.sum("Invocations")), (1, None))

    def test_iterator_age_is_that_of_the_last_record(self) -> None:
        records = [
            {"eventSource": "aws:dynamodb", "dynamodb": {"ApproximateCreationDateTime": NOW - age}} for age in (9, 5)
        ]
        self.assertEqual(functions.iterator_age({"Records": records}, NOW), 5)
        self.assertIsNone(functions.iterator_age({"Records": [{"eventSource": "aws:sqs"}]}, NOW))
        by_hand = [{"eventSource": "aws:dynamodb", "dynamodb": {}}]
        self.assertIsNone(functions.iterator_age({"Records": by_hand}, NOW), "as `wab replay` hands it over")

    def test_failures_are_reported_by_lambda(self) -> None:
        for error, expected in (
            ({"errorType": "Sandbox.Timedout"}, [("platform.runtimeDone", "timeout"), ("platform.report", "timeout")]),
            ({"errorType": "Runtime.ExitError"}, [("platform.runtimeDone", "error"), ("platform.report", "error")]),
            ({"errorType": "Parse"}, [("platform.runtimeDone", "failure"), ("platform.report", "failure")]),
            (
                {"errorType": "Runtime.Unknown", "errorMessage": "bootstrap exited during init with code 1: secret"},
                [("platform.initReport", "error"), ("platform.report", "error")],
            ),
        ):
            self.dispatch({"error": True, "body": error})
            lines = [json.loads(line) for group, _stream, line in self.written() if group == "/aws/lambda/wab/mo"]
            self.assertEqual([(line["type"], line["record"]["status"]) for line in lines], expected)
            self.assertNotIn("secret", json.dumps(lines))

    def test_successes_are_not_reported(self) -> None:
        self.dispatch({"body": "ok"})
        self.assertEqual(self.written(), [])

    def test_waiting_api_learns_of_the_invocation(self) -> None:
        waiting: functions.Invocation = {}
        token = functions.WAITING.set(waiting)
        self.addCleanup(functions.WAITING.reset, token)
        self.dispatch({"body": "ok"}, {"requestContext": {"requestId": "api"}})
        self.assertEqual((waiting["api_request"], waiting["request"], waiting["error"]), ("api", "request", None))
