"""Failed stream batches are retried as on AWS, and containers don't get the administrator's rights."""

import asyncio
import unittest
from typing import Any
from unittest import mock

import ministack_patches

FUNCTION = {"FunctionName": "fanout"}
MAPPING = {
    "EventSourceArn": "stream",
    "FunctionName": "fanout",
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
}


def event(*numbers: int) -> dict[str, Any]:
    """A batch of the records that the poller reads."""
    return {"Records": [{"eventSourceARN": "stream", "dynamodb": {"SequenceNumber": str(n)}} for n in numbers]}


class Retries(unittest.TestCase):
    def setUp(self) -> None:
        mappings = mock.patch.object(ministack_patches, "mappings", lambda: iter([MAPPING]))
        mappings.start()
        self.addCleanup(mappings.stop)
        self.failures = ministack_patches.PartialFailures()
        self.failures._polling.set(True)
        self.failures._execute = self.function
        self.batches: list[list[int]] = []
        self.failing: set[int] = set()
        self.crashing = False

    def function(self, _func: Any, event: Any) -> dict[str, Any]:
        numbers = [int(ministack_patches.sequence_number(record)) for record in event["Records"]]
        self.batches.append(numbers)
        failed = [{"itemIdentifier": str(number)} for number in numbers if number in self.failing]
        return {"error": True} if self.crashing else {"body": {"batchItemFailures": failed}}

    def check(self, read: dict[str, Any], batches: list[list[int]], *, advances: bool) -> None:
        """Polls once. Checks which batches are invoked, and whether the poller may advance past all of them."""
        self.batches.clear()
        result = self.failures.execute(FUNCTION, read)
        self.assertEqual(self.batches, batches)
        self.assertEqual(not result.get("error"), advances)

    def test_remaining_records_are_retried_without_new_ones(self) -> None:
        self.failing = {3}
        self.check(event(1, 2, 3, 4), [[1, 2, 3, 4]], advances=False)
        self.check(event(1, 2, 3, 4, 5, 6), [[3, 4]], advances=False)
        self.failing = set()
        self.check(event(1, 2, 3, 4, 5, 6, 7), [[3, 4], [5, 6, 7]], advances=True)
        self.check(event(8), [[8]], advances=True)

    def test_new_records_that_fail_are_retried_alone(self) -> None:
        self.failing = {1}
        self.check(event(1), [[1]], advances=False)
        self.failing = {3}
        self.check(event(1, 2, 3, 4), [[1], [2, 3, 4]], advances=False)
        self.failing = set()
        self.check(event(1, 2, 3, 4, 5), [[3, 4], [5]], advances=True)

    def test_batch_does_not_grow_after_a_crash(self) -> None:
        self.crashing = True
        self.check(event(1, 2), [[1, 2]], advances=False)
        self.crashing = False
        self.check(event(1, 2, 3), [[1, 2], [3]], advances=True)

    def test_unknown_identifier_fails_the_whole_batch(self) -> None:
        with mock.patch.object(
            self.failures, "_execute", lambda *_: {"body": {"batchItemFailures": [{"itemIdentifier": "9"}]}}
        ):
            self.assertTrue(self.failures.execute(FUNCTION, event(1, 2))["error"])
        self.check(event(1, 2, 3), [[1, 2], [3]], advances=True)


class Containers(unittest.TestCase):
    BRIDGE = "172.17.0.1"

    def setUp(self) -> None:
        known = {"AKIAISSUED": "User", "test": "Root"}
        keys = mock.patch.object(
            ministack_patches.iam_evaluator, "resolve_credential", lambda key: mock.Mock(principal_type=known.get(key))
        )
        keys.start()
        self.addCleanup(keys.stop)

    def check(self, server: str, key: str | None, path: str, *, served: bool) -> None:
        answers: list[Any] = []

        async def application(*_: Any) -> None:
            answers.append("served")

        async def send(message: dict[str, Any]) -> None:
            answers.append(message.get("status"))

        authorization = f"AWS4-HMAC-SHA256 Credential={key}/20261124/us-east-1/sqs/aws4_request"
        headers = [(b"Authorization", authorization.encode())] if key else []
        scope = {"type": "http", "server": (server, 4566), "path": path, "headers": headers}
        asyncio.run(ministack_patches.guarded(application, self.BRIDGE)(scope, None, send))
        self.assertEqual(answers[0], "served" if served else 403)

    def test_containers_need_an_issued_key(self) -> None:
        self.check(self.BRIDGE, "AKIAISSUED", "/", served=True)
        for key in (None, "test", "AKIAUNKNOWN"):
            self.check(self.BRIDGE, key, "/", served=False)

    def test_containers_cannot_reach_emulator_pages(self) -> None:
        self.check(self.BRIDGE, "AKIAISSUED", "/_ministack/reset", served=False)

    def test_loopback_requests_need_no_key(self) -> None:
        self.check("127.0.0.1", None, "/_ministack/health", served=True)


if __name__ == "__main__":
    unittest.main()
