"""The API's access log, metrics, throttling and own answers are those of an HTTP API."""

import asyncio
import json
import queue
import unittest
from typing import Any
from unittest import mock

from ministack.services import apigateway, apigateway_v1, cloudwatch

from patches import api, functions, logs, metrics

FORMAT = (
    '{"status":"$context.status","route":"$context.routeKey",'
    '"id":"$context.integration.requestId","e":"$context.error.responseType"}'
)
GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:/vended/api:*"
SETTINGS = {"accessLogSettings": {"destinationArn": GROUP, "format": FORMAT}}


class Api(unittest.TestCase):
    def setUp(self) -> None:
        cloudwatch._metrics._data.clear()
        metrics.CURRENT.clear()
        self.settings: dict[str, Any] = dict(SETTINGS)
        self.response: api.Response = (200, {}, b"{}")
        self.invocation: functions.Invocation | None = {
            "api_request": "api", "request": "lambda", "milliseconds": 7.0, "error": None,
        }  # fmt: skip
        for patched in (
            mock.patch.object(api, "BUCKETS", api.Buckets()),
            mock.patch.object(logs, "LINES", queue.SimpleQueue()),
            mock.patch.object(apigateway, "_match_route", lambda *_: {"routeKey": "POST /mo"}),
            mock.patch.object(apigateway, "_stages", {"api": {"$default": self.settings}}),
        ):
            patched.start()
            self.addCleanup(patched.stop)

    def send(self, headers: dict[str, str], body: bytes = b"{}") -> api.Response:
        """Posts a callback."""

        async def original(*_: Any) -> api.Response:
            waiting = functions.WAITING.get()
            if waiting is not None and self.invocation:
                waiting |= self.invocation
            return self.response

        handle = api.observe(original)
        return asyncio.run(handle("api", "$default", "/mo", "POST", headers, body, {}, "account", "r"))

    def request(self, body: bytes = b"{}", headers: dict[str, str] | None = None) -> tuple[int, dict[str, str]]:
        """Posts a callback. Returns the status and the line in the access log."""
        status, _headers, _body = self.send(headers or {}, body)
        group, _stream, line, _at = logs.LINES.get_nowait()
        self.assertEqual(group, "/vended/api")
        return status, json.loads(line)

    def sum(self, name: str) -> float:
        metric = {
            "Namespace": "AWS/ApiGateway",
            "MetricName": name,
            "Dimensions": [{"Name": "ApiId", "Value": "api"}],
        }
        return sum(metrics.series(metric, "Sum", 60, 0, 1e12).values())

    def test_requests_are_logged_in_the_stages_format(self) -> None:
        expected = {"status": "200", "route": "POST /mo", "id": "lambda", "e": "-"}
        self.assertEqual(self.request(), (200, expected))

    def test_requests_are_counted_by_status(self) -> None:
        for status in (200, 401, 503):
            self.response = (status, {}, b"{}")
            self.request()
        self.assertEqual([self.sum(name) for name in ("Count", "4xx", "5xx", "IntegrationLatency")], [3, 1, 1, 21])

    def test_requests_above_the_rate_are_answered_429(self) -> None:
        self.settings["defaultRouteSettings"] = {"ThrottlingRateLimit": "0.001", "ThrottlingBurstLimit": "2"}
        self.assertEqual([self.request()[0] for _ in range(3)], [200, 200, 429])
        self.settings["defaultRouteSettings"] = {"throttlingRateLimit": 0.001, "throttlingBurstLimit": 1}
        self.assertEqual(self.request()[1]["e"], "THROTTLED")

    def test_tokens_come_back_at_the_rate(self) -> None:
        buckets = api.Buckets()
        taken = [buckets.take("r", 10, 1, now) for now in (0, 0.05, 0.11, 0.12, 100, 100)]
        self.assertEqual(taken, [True, False, True, False, True, False])

    def test_body_above_ten_megabytes_is_answered_413(self) -> None:
        self.assertEqual(self.request(b"x" * (api.MAX_BODY_BYTES + 1))[0], 413)

    def test_failed_function_is_answered_500(self) -> None:
        self.response = (502, {}, b'{"errorMessage": "secret"}')
        self.invocation = {**(self.invocation or {}), "error": {"errorType": "Runtime.ExitError"}}
        status, line = self.request()
        self.assertEqual((status, line["e"], line["id"]), (500, "INTEGRATION_FAILURE", "lambda"))

    def test_throttled_function_is_answered_503(self) -> None:
        self.response, self.invocation = (429, {}, b"{}"), None
        status, line = self.request()
        self.assertEqual((status, line["id"]), (503, "-"))

    def test_disabled_default_endpoint_is_answered_404_and_the_domain_is_not(self) -> None:
        self.settings["accessLogSettings"] = {"destinationArn": GROUP, "format": '{"d":"$context.domainName"}'}
        domain = {"host": "callbacks.example.com:4566"}
        with (
            mock.patch.object(apigateway, "_apis", {"api": {"disableExecuteApiEndpoint": True}}),
            mock.patch.object(apigateway_v1, "_domain_names", {"callbacks.example.com": {}}),
        ):
            self.assertEqual(self.send({"host": "localhost:4566"})[0], 404)
            self.assertEqual(self.request(headers=domain), (200, {"d": "callbacks.example.com"}))

    def test_unknown_variable_fails_the_deployment(self) -> None:
        settings = api.check_format(lambda properties: properties)
        self.assertIsNone(settings(None))
        self.assertEqual(settings({"Format": FORMAT}), {"Format": FORMAT})
        with self.assertRaises(ValueError):
            settings({"Format": "$context.authorizer.principalId"})
