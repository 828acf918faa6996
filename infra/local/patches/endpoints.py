"""Deliveries of topics to URLs, functions and Firehose streams: retries, dead-letter queues, metrics.

- A URL: any answer from 200 to 4xx counts as delivered ("Make sure your endpoint is ready to process Amazon SNS
  messages"). Otherwise SNS posts again three times, 20 s apart ("Set the delivery policy for the Amazon SNS
  subscription"). SNS_RETRY_SECONDS shortens that. A DeliveryPolicy isn't applied. ministack posts once.
- A function: SNS hands the event over to Lambda's asynchronous invocation, which retries and knows the function's
  OnFailure destination ("How Lambda handles errors and retries with asynchronous invocation"). ministack invokes once.
- A Firehose stream: one record for each message. ministack drops it.
- A function or a stream that was deleted, and a function that doesn't permit the topic, is a client-side error: the
  message is dropped at once, or moved to the subscription's dead-letter queue ("Amazon SNS dead-letter queues").
"""

import asyncio
import base64
import contextvars
import http.client
import json
import os
import urllib.error
from typing import Any

from ministack.core.arn import parse_arn
from ministack.services import firehose, lambda_svc, sns

from patches import signatures, topics

ATTEMPTS = 4
RETRY_SECONDS = float(os.environ.get("SNS_RETRY_SECONDS", "20"))

# The topic of the message that is being delivered. ministack doesn't tell those who deliver to a URL.
TOPIC: "contextvars.ContextVar[str]" = contextvars.ContextVar("topic")

send_to_sqs = sns._deliver_to_sqs


def install() -> None:
    sns._fanout = deliver_to_streams(sns._fanout)
    sns._deliver_to_http = lambda url, body: deliver_to_url(TOPIC.get(), url, body)
    sns._deliver_to_lambda = deliver_to_function
    sns._send_subscription_confirmation = confirm


def keep(topic_arn: str, endpoint: str, body: str, raw: bool) -> None:
    """Counts the failed delivery of a message, and moves it to the subscription's dead-letter queue."""

    def send(queue_arn: str) -> bool:
        possible = topics.accepts(queue_arn, topic_arn)
        if possible:
            send_to_sqs(queue_arn, body, raw, body, topic_arn=topic_arn)
        return possible

    topics.give_up(topic_arn, endpoint, send)


async def deliver_to_url(topic_arn: str, url: str, body: str) -> None:
    if await post(url, body, "Notification"):
        topics.record(topic_arn, "NumberOfNotificationsDelivered")
    else:
        keep(topic_arn, url, body, raw=False)


async def confirm(topic_arn: str, subscription: dict[str, Any]) -> None:
    body = json.dumps(signatures.confirmation(topic_arn, subscription["token"]))
    await post(subscription["endpoint"], body, "SubscriptionConfirmation")


async def post(url: str, body: str, kind: str) -> bool:
    """Posts until the endpoint takes it. Returns whether it did."""
    for attempt in range(ATTEMPTS):
        if attempt:
            await asyncio.sleep(RETRY_SECONDS)
        if await asyncio.to_thread(takes, url, body, kind):
            return True
    return False


def takes(url: str, body: str, kind: str) -> bool:
    try:
        sns._http_post_sync(url, body, kind)
    except urllib.error.HTTPError as answer:
        return answer.code < 500
    except (OSError, http.client.HTTPException):
        return False
    return True


def deliver_to_function(
    function_arn: str, envelope: str, topic_arn: str, subscription_arn: str, *_message: Any
) -> None:
    function, config, _name = lambda_svc._get_func_record_for_ref(function_arn)
    if not function or not permits(function, topic_arn):
        keep(topic_arn, function_arn, envelope, raw=False)
        return
    record = {
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription_arn,
        "EventSource": "aws:sns",
        "Sns": json.loads(envelope),
    }
    execution = lambda_svc._execution_record_for_config(function, config)
    lambda_svc.invoke_async_with_retry(execution, {"Records": [record]})
    topics.record(topic_arn, "NumberOfNotificationsDelivered")


def permits(function: dict[str, Any], topic_arn: str) -> bool:
    """Whether the function's policy has a statement, as AWS::Lambda::Permission makes it, for SNS and the topic."""
    return any(
        statement["Principal"] == {"Service": "sns.amazonaws.com"}
        and statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", topic_arn) == topic_arn
        for statement in function["policy"]["Statement"]
    )


def deliver_to_streams(original: Any) -> Any:
    def fan_out(
        topic_arn: str,
        message_id: str,
        message: str,
        subject: str,
        structure: str = "",
        attributes: Any = None,
        **more: Any,
    ) -> Any:
        TOPIC.set(topic_arn)
        result = original(topic_arn, message_id, message, subject, structure, attributes, **more)
        attributes = attributes or {}
        topic = sns._topic_by_arn_any_scope(topic_arn) or {"subscriptions": []}
        for subscription in topic["subscriptions"]:
            if subscription["protocol"] == "firehose" and sns._matches_filter_policy(subscription, attributes, message):
                raw = subscription["attributes"].get("RawMessageDelivery") == "true"
                body = sns._build_envelope(topic_arn, message_id, message, subject, attributes, raw)
                deliver_to_stream(topic_arn, subscription["endpoint"], body, raw)
        return result

    return fan_out


def deliver_to_stream(topic_arn: str, stream_arn: str, body: str, raw: bool) -> None:
    name = parse_arn(stream_arn).resource.rpartition("/")[2]
    record = {"Data": base64.b64encode(body.encode()).decode()}
    status, _headers, _body = firehose._put_record({"DeliveryStreamName": name, "Record": record})
    if status == 200:
        topics.record(topic_arn, "NumberOfNotificationsDelivered")
    else:
        keep(topic_arn, stream_arn, body, raw)
