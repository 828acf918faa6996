"""Runs ministack with patches for five differences from AWS that matter here.

1. It ignores a function's partial failure of a stream batch (`batchItemFailures`), so records that AWS retries would
   be lost. It also adds new records to a batch when it retries it; AWS doesn't.
2. It checks permissions that don't exist, such as sns:PublishBatch, where AWS checks sns:Publish.
3. It receives every request over plain HTTP, so policies that require TLS, as the template's do, would deny them all.
4. It kills running invocations when a function's configuration changes, or when one of the function's processes can't
   start. AWS lets them finish.
5. It rejects alarms on metric math.

If Docker's bridge exists, it also listens there, for the containers of `sam local`.

emulator.py starts this file and sets its environment variables (port, directories, AUTH).
"""

import contextvars
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import hypercorn.asyncio
from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime, router
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

Record = dict[str, Any]


class PartialFailures:
    """Retries a stream batch from its first failed record, as AWS does.

    The poller keeps its position only when an invocation fails, so a partial failure is reported to it as a failure.
    When the poller reads the batch again, the records before the failed one are dropped, and new records wait until the
    rest of the batch succeeds: "Lambda retries only the remaining records" (AWS Lambda Developer Guide, "Configuring
    partial batch response with DynamoDB and Lambda").
    """

    def __init__(self) -> None:
        self._poll = lambda_svc._poll_dynamodb_streams
        self._execute = lambda_svc._execute_function
        self._polling = contextvars.ContextVar("polling", default=False)
        self._done: dict[tuple[str, str], set[str]] = {}
        self._retried: dict[tuple[str, str], set[str]] = {}

    def install(self) -> None:
        lambda_svc._poll_dynamodb_streams = self.poll
        lambda_svc._execute_function = self.execute

    def poll(self) -> bool:
        token = self._polling.set(True)
        try:
            return self._poll()
        finally:
            self._polling.reset(token)

    def execute(self, func: dict[str, Any], event: Any) -> dict[str, Any]:
        """Invokes the function. Direct invocations are passed through unchanged."""
        if not self._polling.get() or not reports_failures(func, event):
            return self._execute(func, event)
        # The poller handles one batch of a stream at a time, so the stored state belongs to this batch.
        key = (function_name(func), event["Records"][0]["eventSourceARN"])
        done, retried = self._done.pop(key, set()), self._retried.pop(key, set())
        records = [record for record in event["Records"] if sequence_number(record) not in done]
        remaining = [record for record in records if sequence_number(record) in retried]
        new = [record for record in records if sequence_number(record) not in retried]
        result: dict[str, Any] = {}
        for batch in filter(None, (remaining, new)):
            result, failed_at = self.invoke(func, {**event, "Records": batch})
            done |= {sequence_number(record) for record in batch[:failed_at]}
            if result.get("error"):
                self._done[key] = done
                self._retried[key] = {sequence_number(record) for record in batch[failed_at:]}
                return result
        return result

    def invoke(self, func: dict[str, Any], event: Any) -> tuple[dict[str, Any], int | None]:
        """Invokes the function, and turns a partial failure into an error. Also returns where a retry starts."""
        token = self._polling.set(False)  # the emulator calls this recursively to change regions
        try:
            result = self._execute(func, event)
        finally:
            self._polling.reset(token)
        if result.get("error"):
            return result, 0
        records = event["Records"]
        failed_at = first_failure(result.get("body"), records)
        if failed_at is None:
            return result, None
        message = f"{len(records) - failed_at} of {len(records)} records are retried"
        return {
            **result,
            "error": True,
            "body": {"errorType": "PartialBatchFailure", "errorMessage": message},
        }, failed_at


def first_failure(answer: Any, records: list[Record]) -> int | None:
    """The index to retry from: None if all succeeded, 0 if the response is invalid or names an unknown record."""
    if answer is None or answer == "":
        return None
    if not isinstance(answer, dict):
        return 0
    failures = answer.get("batchItemFailures")
    if not failures:
        return None
    places = {sequence_number(record): place for place, record in enumerate(records)}
    try:
        return min(places[failure["itemIdentifier"]] for failure in failures)
    except (KeyError, TypeError):
        return 0


def reports_failures(func: dict[str, Any], event: Any) -> bool:
    """Whether the event source mapping behind `event` has ReportBatchItemFailures."""
    source = event["Records"][0].get("eventSourceARN")
    return any(
        mapping["EventSourceArn"] == source
        and mapping["FunctionName"] == function_name(func)
        and "ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or [])
        for mapping in mappings()
    )


def mappings() -> Iterator[dict[str, Any]]:
    return (mapping for _account, _region, mapping in lambda_svc._iter_all_esms())


def function_name(func: dict[str, Any]) -> str:
    return func.get("config", func)["FunctionName"]


def sequence_number(record: Record) -> str:
    return record["dynamodb"]["SequenceNumber"]


def authorize_batches_as_single_calls() -> None:
    extract = iam_actions.extract_iam_action

    def of_single_call(service: str, *request: Any, **more: Any) -> str | None:
        action = extract(service, *request, **more)
        return action.removesuffix("Batch") if action and service in ("sns", "sqs") else action

    iam_actions.extract_iam_action = of_single_call


def count_loopback_as_tls() -> None:
    """Treats requests over the loopback interface as encrypted."""
    pin = iam_evaluator.pin_request_origin
    iam_evaluator._request_origin = contextvars.ContextVar("request_origin", default=("127.0.0.1", True))
    app.pin_request_origin = lambda source_ip, _secure: pin(source_ip, True)


def listen_for_containers(address: str) -> None:
    """Also listens on Docker's bridge, for functions that `sam local` runs in containers."""
    serve = hypercorn.asyncio.serve

    def serve_both(application: Any, config: Any) -> Any:
        config.bind = [*config.bind, f"{address}:{os.environ['GATEWAY_PORT']}"]
        return serve(guarded(application, address), config)

    hypercorn.asyncio.serve = serve_both


def guarded(application: Any, address: str) -> Any:
    """Requires requests at `address` to be signed with an access key that IAM has issued.

    Every container on this machine can reach Docker's bridge, and the administrator's key is public.
    """

    def is_issued(scope: Any) -> bool:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        found = iam_evaluator.resolve_credential(router.extract_access_key_id(headers))
        # Paths that start with an underscore are the emulator's own, not those of a service.
        return getattr(found, "principal_type", None) == "User" and not scope["path"].startswith("/_")

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        from_container = (scope.get("server") or ("",))[0] == address
        if not from_container or (scope["type"] == "http" and is_issued(scope)):
            await application(scope, receive, send)
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body"})

    return serve


def let_invocations_finish() -> None:
    kill = lambda_runtime.kill_workers

    def kill_when_done(workers: list[Any]) -> None:
        # A failed process stays marked as in use, so wait no longer than the function's timeout.
        give_up = time.monotonic() + 1 + max(worker.config.get("Timeout", 3) for worker in workers)
        while any(worker.in_use for worker in workers) and time.monotonic() < give_up:
            time.sleep(0.05)
        kill(workers)

    def kill_idle(workers: list[Any]) -> None:
        workers = [worker for worker in workers if worker is not None]
        busy = [worker for worker in workers if worker.in_use]
        kill([worker for worker in workers if worker not in busy])
        if busy:
            threading.Thread(target=kill_when_done, args=(busy,), daemon=True).start()

    lambda_runtime.kill_workers = kill_idle


def accept_alarms_on_metric_math() -> None:
    """Creates such an alarm on its first metric. No test depends on alarms going off."""
    record = provisioners._cw_metric_alarm_record

    def of_first_metric(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        metrics = properties.get("Metrics")
        if metrics:
            stat = next(metric["MetricStat"] for metric in metrics if "MetricStat" in metric)
            plain = {key: value for key, value in properties.items() if key != "Metrics"}
            properties = {**plain, **stat["Metric"], "Period": stat["Period"], "Statistic": stat["Stat"]}
        return record(name, properties)

    provisioners._cw_metric_alarm_record = of_first_metric


if __name__ == "__main__":
    del sys.argv[1:]  # the stack's directory, by which emulator.py recognises this process
    PartialFailures().install()
    authorize_batches_as_single_calls()
    count_loopback_as_tls()
    let_invocations_finish()
    accept_alarms_on_metric_math()
    if bridge := os.environ.pop("DOCKER_BRIDGE", None):
        listen_for_containers(bridge)
    app.main()
