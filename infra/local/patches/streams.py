"""A function's partial failure of a stream batch is retried from its first failed record, as on AWS.

ministack ignores `batchItemFailures`, so records that AWS retries would be lost. It also adds new records to a batch
when it retries it; AWS doesn't (AWS Lambda Developer Guide, "Configuring partial batch response with DynamoDB and
Lambda").
"""

import contextvars
from collections.abc import Iterator
from typing import Any

from ministack.services import lambda_svc

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
