"""Messages that a queue doesn't accept are dropped and counted, or redriven."""

import json
import unittest
from typing import Any

from ministack.services import cloudwatch, sns, sqs

from patches import metrics, topics

TOPIC = "arn:aws:sns:us-east-1:000000000000:mo"
QUEUES = "arn:aws:sqs:us-east-1:000000000000:"


class Deliveries(unittest.TestCase):
    def setUp(self) -> None:
        for stored in (cloudwatch._metrics, sns._topics, sqs._queues):
            stored._data.clear()
        metrics.CURRENT.clear()
        self.subscription: dict[str, Any] = {
            "arn": f"{TOPIC}:1",
            "protocol": "sqs",
            "endpoint": f"{QUEUES}team",
            "confirmed": True,
            "attributes": {},
        }
        sns._topics[TOPIC] = {"arn": TOPIC, "subscriptions": [self.subscription]}
        self.sent: list[str] = []

    def create(self, name: str) -> None:
        sqs._act_create_queue({"QueueName": name}, None)

    def deliver(self) -> None:
        def original(queue: str, *_message: Any, **_more: Any) -> None:
            self.sent.append(queue.removeprefix(QUEUES))

        topics.redrive(original)(f"{QUEUES}team", "envelope", True, "message", topic_arn=TOPIC)

    def counted(self) -> dict[str, float]:
        found = cloudwatch._metrics._data.items()
        return {name: points[0]["Count"] for (_account, _region, (_namespace, name, _key)), points in found}

    def test_existing_queue_gets_the_message(self) -> None:
        self.create("team")
        self.deliver()
        self.assertEqual((self.sent, self.counted()), (["team"], {"NumberOfNotificationsDelivered": 1}))

    def test_message_for_a_deleted_queue_is_counted(self) -> None:
        self.deliver()
        self.assertEqual((self.sent, self.counted()), ([], {"NumberOfNotificationsFailed": 1}))

    def test_message_goes_to_the_dead_letter_queue(self) -> None:
        self.subscription["attributes"]["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": f"{QUEUES}dead"})
        self.create("dead")
        self.deliver()
        self.assertEqual(self.sent, ["dead"])
        self.assertEqual(self.counted(), {"NumberOfNotificationsFailed": 1, "NumberOfNotificationsRedrivenToDlq": 1})

    def test_missing_dead_letter_queue_is_counted(self) -> None:
        self.subscription["attributes"]["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": f"{QUEUES}dead"})
        self.deliver()
        self.assertEqual(self.sent, [])
        self.assertIn("NumberOfNotificationsFailedToRedriveToDlq", self.counted())

    def test_unconfirmed_subscription_is_listed_without_its_arn(self) -> None:
        def listed() -> bytes:
            return topics.hide_unconfirmed(sns._list_subscriptions_by_topic)({"TopicArn": [TOPIC]})[2]

        self.assertIn(f"{TOPIC}:1".encode(), listed())
        self.subscription["confirmed"] = False
        self.assertNotIn(f"{TOPIC}:1".encode(), listed())
        self.assertIn(b"<SubscriptionArn>PendingConfirmation</SubscriptionArn>", listed())
