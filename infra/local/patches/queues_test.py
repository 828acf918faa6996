"""Queues' metrics count messages by their state."""

import unittest
from typing import Any

from ministack.services import cloudwatch

from patches import metrics, queues

NOW = 1_800_000_000.0


def message(received: int, *, visible_in: float = 0, age: float = 0) -> dict[str, Any]:
    return {"receive_count": received, "visible_at": NOW + visible_in, "sent_at": NOW - age}


class Queues(unittest.TestCase):
    def test_messages_are_counted_by_state(self) -> None:
        cloudwatch._metrics._data.clear()
        metrics.CURRENT.clear()
        messages = [
            message(0, age=5),
            message(1, age=7),
            message(2, visible_in=30, age=9),
            message(3, visible_in=30, age=100),
            message(0, visible_in=10),
        ]
        queue = {"messages": messages, "attributes": {"QueueArn": "arn:aws:sqs:us-east-1:000000000000:spill"}}
        queues.sample(queue, NOW)
        found = {name: points[0] for (_a, _r, (_ns, name, _d)), points in cloudwatch._metrics._data.items()}
        self.assertEqual(
            {name: point["Value"] for name, point in found.items()},
            {
                "ApproximateNumberOfMessagesVisible": 2,
                "ApproximateNumberOfMessagesNotVisible": 2,
                "ApproximateNumberOfMessagesDelayed": 1,
                "ApproximateAgeOfOldestMessage": 9,
            },
        )
        self.assertTrue(all(point["Dimensions"] == {"QueueName": "spill"} for point in found.values()))
