"""The HTTP API's access log, metrics, throttling and its own answers.

- "Customize HTTP API access logs" (API Gateway Developer Guide). A variable that isn't known here fails the deployment.
- "Monitor CloudWatch metrics for HTTP APIs": Count, 4xx, 5xx, Latency, IntegrationLatency.
- "Throttle requests to your HTTP APIs for better throughput": a token bucket for each route, and 429.
- When Lambda throttles, or the function crashes or times out, AWS answers 5xx in API Gateway's own words. ministack
  passes 429 or the function's error on. Which 5xx a throttled invocation gets isn't documented; here it is 503.
- "Disable the default endpoint for HTTP APIs": a request to it is answered 404. Whether it is logged and counted isn't
  documented; here it isn't.

ministack has none of these.
"""

import json
import re
import threading
import time
import uuid
from datetime import datetime, timezone
from typing import Any

from ministack.services import apigateway, apigateway_v1
from ministack.services.cloudformation import provisioners

from patches import functions, logs, metrics

Response = tuple[int, dict[str, str], bytes]

MAX_BODY_BYTES = 10_000_000  # "Quotas for configuring and running an HTTP API": a payload of 10 MB

VARIABLE = re.compile(r"\$context\.([A-Za-z0-9.]+)")
KNOWN = frozenset(
    ("apiId", "domainName", "error.message", "error.responseType", "httpMethod", "integration.error")
    + ("integration.latency", "integration.requestId", "integration.status", "integrationLatency", "integrationStatus")
    + ("path", "protocol", "requestId", "requestTime", "requestTimeEpoch", "responseLatency", "responseLength")
    + ("routeKey", "stage", "status")
)


def install() -> None:
    apigateway._handle_execute_in_scope = observe(apigateway._handle_execute_in_scope)
    provisioners._apigw_v2_access_log_settings = check_format(provisioners._apigw_v2_access_log_settings)


def observe(original: Any) -> Any:
    async def handle(
        api_id: str, stage: str, path: str, method: str, headers: dict[str, str], body: bytes, *more: Any
    ) -> Response:
        domain = domain_name(api_id, headers)
        if domain.endswith(".amazonaws.com") and closes_default_endpoint(api_id):
            return answer(404, "Not Found")
        started = time.time()
        route = apigateway._match_route(api_id, method, "/" + path.lstrip("/"))
        settings = apigateway._stages.get(api_id, {}).get(stage, {})
        invocation: functions.Invocation = {}
        if route and not admits(f"{api_id} {route['routeKey']}", settings, started):
            response, error = answer(429, "Too Many Requests"), "THROTTLED"
        elif len(body or b"") > MAX_BODY_BYTES:
            response, error = answer(413, "Request Entity Too Large"), "REQUEST_TOO_LARGE"
        else:
            token = functions.WAITING.set(invocation)
            try:
                response = await original(api_id, stage, path, method, headers, body, *more)
            finally:
                functions.WAITING.reset(token)
            response, error = own_words(response, invocation) if route else (response, None)
        context = variables(api_id, domain, stage, path, method, route, started, response, error, invocation)
        if log := settings.get("accessLogSettings"):
            group = log["destinationArn"].partition(":log-group:")[2].removesuffix(":*")
            logs.write(group, f"{api_id}-{datetime.now(timezone.utc):%Y-%m-%d-%H}", filled(log["format"], context))
        publish(api_id, stage, response[0], started, invocation)
        return response

    return handle


def domain_name(api_id: str, headers: dict[str, str]) -> str:
    """The domain of the request. The local address stands for API Gateway's default one."""
    host = headers.get("host", "").partition(":")[0].lower()
    default = f"{api_id}.execute-api.{metrics.cloudwatch.get_region()}.amazonaws.com"
    return host if host in apigateway_v1._domain_names else default


def closes_default_endpoint(api_id: str) -> bool:
    return apigateway._apis.get(api_id, {}).get("disableExecuteApiEndpoint") in (True, "true")


def own_words(response: Response, invocation: functions.Invocation) -> tuple[Response, str | None]:
    """API Gateway's answer in place of Lambda's error, and the type of error."""
    if not invocation:
        # Lambda didn't invoke the function. ministack answers 429 if that was throttled.
        return (answer(503, "Service Unavailable"), "INTEGRATION_FAILURE") if response[0] == 429 else (response, None)
    if invocation["error"] is not None:
        return answer(500, "Internal Server Error"), "INTEGRATION_FAILURE"
    return response, None


def answer(status: int, message: str) -> Response:
    return status, {"Content-Type": "application/json"}, json.dumps({"message": message}).encode()


class Buckets:
    """The tokens of each route: `rate` a second, at most `burst`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.left: dict[str, tuple[float, float]] = {}

    def take(self, route: str, rate: float, burst: float, now: float) -> bool:
        with self.lock:
            tokens, at = self.left.get(route, (burst, now))
            tokens = min(burst, tokens + (now - at) * rate)
            taken = tokens >= 1
            self.left[route] = (tokens - 1 if taken else tokens, now)
            return taken


BUCKETS = Buckets()


def admits(route: str, settings: dict[str, Any], now: float) -> bool:
    # CloudFormation's names start with a capital letter, the API's don't.
    limits = {name.lower(): limit for name, limit in (settings.get("defaultRouteSettings") or {}).items()}
    if "throttlingratelimit" not in limits:
        return True
    return BUCKETS.take(route, float(limits["throttlingratelimit"]), float(limits["throttlingburstlimit"]), now)


def variables(
    api_id: str,
    domain: str,
    stage: str,
    path: str,
    method: str,
    route: dict[str, Any] | None,
    started: float,
    response: Response,
    error: str | None,
    invocation: functions.Invocation,
) -> dict[str, Any]:
    """The values of $context in the access log. AWS writes a hyphen for one that doesn't apply."""
    status, _headers, body = response
    integration: dict[str, Any] = {}
    if invocation:
        failure = invocation["error"]
        integration = {
            "integration.status": 200,
            "integration.latency": round(invocation["milliseconds"]),
            "integration.requestId": invocation["request"],
            "integration.error": failure and f"The Lambda function returned the following error: {reason(failure)}",
            "integrationStatus": 200,
            "integrationLatency": round(invocation["milliseconds"]),
        }
    elif error == "INTEGRATION_FAILURE":
        integration = {"integration.status": 429, "integration.error": "Rate Exceeded.", "integrationStatus": 429}
    return {
        "apiId": api_id,
        "domainName": domain,
        "error.message": error and json.loads(body)["message"],
        "error.responseType": error,
        "httpMethod": method,
        "path": path,
        "protocol": "HTTP/1.1",
        "requestId": invocation.get("api_request") or str(uuid.uuid4()),
        "requestTime": datetime.fromtimestamp(started, timezone.utc).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(started * 1000),
        "responseLatency": round((time.time() - started) * 1000),
        "responseLength": len(body),
        "routeKey": route and route["routeKey"],
        "stage": stage,
        "status": status,
        **integration,
    }


def reason(failure: Any) -> str:
    return failure.get("errorType", "Unknown") if isinstance(failure, dict) else "Unknown"


def filled(format_text: str, context: dict[str, Any]) -> str:
    def value(found: re.Match[str]) -> str:
        known = context.get(found[1])
        return "-" if known is None else str(known)

    return VARIABLE.sub(value, format_text).replace("\n", "")


def publish(api_id: str, stage: str, status: int, started: float, invocation: functions.Invocation) -> None:
    values = [
        ("Count", 1, "Count"),
        ("4xx", 1 if 400 <= status < 500 else 0, "Count"),
        ("5xx", 1 if status >= 500 else 0, "Count"),
        ("Latency", (time.time() - started) * 1000, "Milliseconds"),
    ]
    if invocation:
        values.append(("IntegrationLatency", invocation["milliseconds"], "Milliseconds"))
    for name, value, unit in values:
        for dimensions in ({"ApiId": api_id}, {"ApiId": api_id, "Stage": stage}):
            metrics.record("AWS/ApiGateway", name, value, unit, dimensions)


def check_format(original: Any) -> Any:
    def settings(properties: Any) -> Any:
        unknown = set(VARIABLE.findall((properties or {}).get("Format", ""))) - KNOWN
        if unknown:
            raise ValueError(f"the local stack doesn't know $context.{', $context.'.join(sorted(unknown))}")
        return original(properties)

    return settings
