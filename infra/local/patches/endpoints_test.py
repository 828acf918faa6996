"""Deliveries to URLs, functions and streams are retried, and then go to the subscription's dead-letter queue."""

import asyncio
import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from unittest import mock

from ministack.services import cloudwatch, firehose, lambda_svc, sns, sqs

from patches import endpoints, metrics

TOPIC = "arn:aws:sns:us-east-1:000000000000:mo"
DEAD_LETTERS = "arn:aws:sqs:us-east-1:000000000000:dead"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:team"
STREAM = "arn:aws:firehose:us-east-1:000000000000:deliverystream/archive"


class Deliveries(unittest.TestCase):
    def setUp(self) -> None:
        for stored in (cloudwatch._metrics, sns._topics, sqs._queues, lambda_svc._functions, firehose._streams):
            stored._data.clear()
        metrics.CURRENT.clear()
        sqs._act_create_queue({"QueueName": "dead"}, None)
        self.attributes = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": DEAD_LETTERS})}
        self.subscription: dict[str, Any] = {"confirmed": True, "attributes": self.attributes}
        sns._topics[TOPIC] = {"arn": TOPIC, "attributes": {}, "subscriptions": [self.subscription]}

    def counted(self) -> set[str]:
        found = cloudwatch._metrics._data
        return {name for (_account, _region, (_namespace, name, _key)) in found}

    def kept(self) -> list[str]:
        return [message["body"] for message in sqs._queue_by_arn(DEAD_LETTERS)["messages"]]

    def post(self, *answers: int) -> int:
        """Delivers to a server that gives these answers. Returns how many it gave."""
        remaining = list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(remaining.pop(0))
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever).start()
            url = f"http://127.0.0.1:{server.server_port}/"
            self.subscription |= {"protocol": "http", "endpoint": url}
            with mock.patch.object(endpoints, "RETRY_SECONDS", 0.01):
                asyncio.run(endpoints.deliver_to_url(TOPIC, url, "envelope"))
            server.shutdown()
        return len(answers) - len(remaining)

    def test_url_gets_the_message_again_until_it_takes_it(self) -> None:
        self.assertEqual(self.post(500, 503, 200, 200), 3)
        self.assertEqual((self.counted(), self.kept()), ({"NumberOfNotificationsDelivered"}, []))

    def test_answer_4xx_counts_as_delivered(self) -> None:
        self.assertEqual(self.post(403, 200), 1)
        self.assertEqual((self.counted(), self.kept()), ({"NumberOfNotificationsDelivered"}, []))

    def test_message_that_a_url_never_takes_is_kept(self) -> None:
        self.assertEqual(self.post(500, 500, 500, 500, 200), 4)
        self.assertEqual(self.kept(), ["envelope"])
        self.assertEqual(self.counted(), {"NumberOfNotificationsFailed", "NumberOfNotificationsRedrivenToDlq"})

    def deliver_to_function(self, source: str | None) -> list[Any]:
        """Delivers to a function whose policy permits `source`. Returns what Lambda is to invoke it with."""
        self.subscription |= {"protocol": "lambda", "endpoint": FUNCTION}
        if source:
            statement = {
                "Principal": {"Service": "sns.amazonaws.com"},
                "Condition": {"ArnLike": {"AWS:SourceArn": source}},
            }
            config = {"FunctionName": "team", "FunctionArn": FUNCTION}
            lambda_svc._functions["team"] = {"config": config, "policy": {"Statement": [statement]}, "versions": {}}
        with mock.patch.object(lambda_svc, "invoke_async_with_retry") as invoke:
            endpoints.deliver_to_function(FUNCTION, '{"Message": "event"}', TOPIC, f"{TOPIC}:1")
        return [call.args[1] for call in invoke.call_args_list]

    def test_function_is_invoked_asynchronously(self) -> None:
        [event] = self.deliver_to_function(TOPIC)
        self.assertEqual(event["Records"][0]["Sns"], {"Message": "event"})
        self.assertEqual(self.counted(), {"NumberOfNotificationsDelivered"})

    def test_message_for_a_deleted_or_closed_function_is_kept(self) -> None:
        for source in None, f"{TOPIC}-other":
            self.assertEqual(self.deliver_to_function(source), [])
        self.assertEqual(self.kept(), ['{"Message": "event"}'] * 2)

    def deliver_to_stream(self, **attributes: str) -> list[Any]:
        """Publishes to a stream's subscription. Returns the records that the stream got."""
        self.subscription |= {"protocol": "firehose", "endpoint": STREAM}
        self.attributes |= attributes
        kind = {"kind": {"DataType": "String", "StringValue": "mo"}}
        with mock.patch.object(firehose, "_put_record", wraps=firehose._put_record) as put:
            endpoints.deliver_to_streams(lambda *_arguments: None)(TOPIC, "id", "event", "", "", kind)
        return [call.args[0]["Record"]["Data"] for call in put.call_args_list]

    def test_stream_gets_a_record(self) -> None:
        firehose._create_delivery_stream({"DeliveryStreamName": "archive"})
        self.assertEqual(self.deliver_to_stream(RawMessageDelivery="true"), ["ZXZlbnQ="])
        self.assertEqual((self.counted(), self.kept()), ({"NumberOfNotificationsDelivered"}, []))

    def test_stream_gets_only_what_its_filter_policy_selects(self) -> None:
        self.assertEqual(self.deliver_to_stream(FilterPolicy='{"kind": ["dlr"]}'), [])

    def test_record_for_a_deleted_stream_is_kept(self) -> None:
        self.deliver_to_stream(RawMessageDelivery="true")
        self.assertEqual(self.kept(), ["event"])
