"""A pipe carries a queue's messages to a bus. A message that the bus refuses stays in the queue."""

import json
import unittest
from typing import Any

from ministack.services import eventbridge, sqs
from ministack.services import pipes as ministack

from patches import pipes

QUEUE = "arn:aws:sqs:us-east-1:000000000000:events"


class Pipes(unittest.TestCase):
    def setUp(self) -> None:
        sqs._queues._data.clear()
        eventbridge._events_log_list().clear()
        sqs._act_create_queue({"QueueName": "events"}, None)
        self.queue = sqs._queue_by_arn(QUEUE)
        self.pipe: dict[str, Any] = {
            "Source": QUEUE,
            "Target": "arn:aws:events:us-east-1:000000000000:event-bus/default",
            "CurrentState": "RUNNING",
            "SourceParameters": {"SqsQueueParameters": {"BatchSize": 2}},
            "TargetParameters": {
                "InputTemplate": "<$.body>",
                "EventBridgeEventBusParameters": {"Source": "wab", "DetailType": "$.body.type"},
            },
        }

    def send(self, *bodies: str) -> None:
        for body in bodies:
            sqs._act_send_message({"QueueUrl": self.queue["url"], "MessageBody": body}, self.queue["url"])

    def put(self) -> list[tuple[str, str, Any]]:
        pipes.poll_queues(None)(None, self.pipe, "000000000000")
        found = eventbridge._events_log_list()
        return [(event["Source"], event["DetailType"], json.loads(event["Detail"])) for event in found]

    def left(self) -> list[str]:
        return [message["body"] for message in self.queue["messages"]]

    def test_every_message_is_put_and_deleted(self) -> None:
        events = [{"type": "wab.mo.v1", "id": str(number)} for number in range(5)]
        self.send(*map(json.dumps, events))
        self.assertEqual(self.put(), [("wab", "wab.mo.v1", event) for event in events])
        self.assertEqual(self.left(), [])

    def test_message_that_is_no_event_stays(self) -> None:
        self.send("no JSON", '{"type": 1}', '["type"]', '{"type": "wab.mo.v1"}')
        self.assertEqual(self.put(), [("wab", "wab.mo.v1", {"type": "wab.mo.v1"})])
        self.assertEqual(self.left(), ["no JSON", '{"type": 1}', '["type"]'])

    def test_bus_that_is_gone_takes_nothing(self) -> None:
        self.pipe["Target"] = "arn:aws:events:us-east-1:000000000000:event-bus/gone"
        self.send('{"type": "wab.mo.v1"}')
        self.assertEqual((self.put(), self.left()), ([], ['{"type": "wab.mo.v1"}']))

    def test_stopped_pipe_carries_nothing(self) -> None:
        self.pipe["CurrentState"] = "STOPPED"
        self.send('{"type": "wab.mo.v1"}')
        self.assertEqual(self.put(), [])

    def test_other_pipes_are_ministacks(self) -> None:
        polled = []
        self.pipe["Source"] = "arn:aws:dynamodb:us-east-1:000000000000:table/a/stream/b"
        pipes.poll_queues(lambda *arguments: polled.append(arguments))("dynamodb", self.pipe, "1")
        self.assertEqual(polled, [("dynamodb", self.pipe, "1")])
        self.assertTrue(callable(ministack._poll_pipe))


if __name__ == "__main__":
    unittest.main()
