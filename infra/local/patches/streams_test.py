"""Failed stream batches are retried as on AWS."""

import unittest
from typing import Any
from unittest import mock

from patches import streams

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
        mappings = mock.patch.object(streams, "mappings", lambda: iter([MAPPING]))
        mappings.start()
        self.addCleanup(mappings.stop)
        self.failures = streams.PartialFailures()
        self.failures._polling.set(True)
        self.failures._execute = self.function
        self.batches: list[list[int]] = []
        self.failing: set[int] = set()
        self.crashing = False

    def function(self, _func: Any, event: Any) -> dict[str, Any]:
        numbers = [int(streams.sequence_number(record)) for record in event["Records"]]
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
