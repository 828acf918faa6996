"""Metrics of queues: how many messages are visible, in flight and delayed, and how old the oldest is.

"Available CloudWatch metrics for Amazon SQS" (SQS Developer Guide). ApproximateAgeOfOldestMessage leaves out messages
that were received three or more times. ministack has none of them. AWS samples every minute; this file samples more
often, so that a short period has a value too.
"""

import logging
import threading
import time
from typing import Any

from ministack.services import sqs

from patches import metrics

EVERY_SECONDS = max(0.25, min(5.0, metrics.PERIOD_SECONDS / 2))

logger = logging.getLogger("patches.queues")


def install() -> None:
    threading.Thread(target=sample_all, name="queue-metrics", daemon=True).start()


def sample_all() -> None:
    while True:
        time.sleep(EVERY_SECONDS)
        for queue in list(sqs._queues.values()):
            try:
                sample(queue, time.time())
            except Exception:
                logger.exception("a queue isn't measured")


def sample(queue: dict[str, Any], now: float) -> None:
    messages = list(queue["messages"])
    visible = sum(message["visible_at"] <= now for message in messages)
    delayed = sum(message["visible_at"] > now and message["receive_count"] == 0 for message in messages)
    ages = [now - message["sent_at"] for message in messages if message["receive_count"] < 3]
    dimensions = {"QueueName": queue["attributes"]["QueueArn"].rpartition(":")[2]}
    for name, value, unit in (
        ("ApproximateNumberOfMessagesVisible", visible, "Count"),
        ("ApproximateNumberOfMessagesNotVisible", len(messages) - visible - delayed, "Count"),
        ("ApproximateNumberOfMessagesDelayed", delayed, "Count"),
        ("ApproximateAgeOfOldestMessage", max(ages, default=0), "Seconds"),
    ):
        metrics.record("AWS/SQS", name, value, unit, dimensions, at=now)
