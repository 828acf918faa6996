"""Deliveries of topics to queues that fail: dropped at once, or moved to the subscription's dead-letter queue.

"Amazon SNS message delivery retries" (SNS Developer Guide): a deleted queue or a missing permission is a client-side
error, which SNS doesn't retry. "Amazon SNS dead-letter queues": a RedrivePolicy on the subscription keeps the message.
"Monitoring Amazon SNS topics using CloudWatch" names the metrics. ministack drops such messages without a trace.

endpoints.py does the same for the other kinds of subscriptions. The list of subscriptions shows `PendingConfirmation`
in place of the ARN until a subscription is confirmed (API reference, ListSubscriptionsByTopic).
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.services import sns, sqs

from patches import keys, metrics


def install() -> None:
    sns._fanout = count_published(sns._fanout)
    sns._deliver_to_sqs = redrive(sns._deliver_to_sqs)
    sns._list_subscriptions_by_topic = hide_unconfirmed(sns._list_subscriptions_by_topic)


def count_published(original: Any) -> Any:
    def fan_out(topic_arn: str, *arguments: Any, **more: Any) -> Any:
        record(topic_arn, "NumberOfMessagesPublished")
        return original(topic_arn, *arguments, **more)

    return fan_out


def redrive(original: Any) -> Any:
    def deliver(endpoint: str, *message: Any, topic_arn: str = "", **more: Any) -> None:
        def attempt(queue: str) -> bool:
            possible = accepts(queue, topic_arn)
            if possible:
                original(queue, *message, topic_arn=topic_arn, **more)
            return possible

        if attempt(endpoint):
            record(topic_arn, "NumberOfNotificationsDelivered")
        else:
            give_up(topic_arn, endpoint, attempt)

    return deliver


def give_up(topic_arn: str, endpoint: str, send: Callable[[str], bool]) -> None:
    """Counts a failed delivery, and calls `send` with the subscription's dead-letter queue if there is one."""
    record(topic_arn, "NumberOfNotificationsFailed")
    if dead_letter_queue := redrive_target(topic_arn, endpoint):
        kept = send(dead_letter_queue)
        record(topic_arn, f"NumberOfNotifications{'RedrivenToDlq' if kept else 'FailedToRedriveToDlq'}")


def accepts(queue_arn: str, topic_arn: str) -> bool:
    """Whether the queue exists, and its policy and its key's let the topic send."""
    try:
        account = parse_arn(topic_arn).account_id
    except ArnParseError:
        return False
    queue = sqs._queue_by_arn(queue_arn)
    is_allowed = queue is not None and sqs.queue_policy_allows(queue_arn, "sns.amazonaws.com", topic_arn, account)
    return is_allowed and keys.sns_may_send(queue, topic_arn)


def redrive_target(topic_arn: str, endpoint: str) -> str | None:
    """The dead-letter queue of the topic's subscription of `endpoint`."""
    topic = sns._topic_by_arn_any_scope(topic_arn) or {"subscriptions": []}
    for subscription in topic["subscriptions"]:
        if subscription["endpoint"] == endpoint:
            policy = subscription["attributes"].get("RedrivePolicy") or "{}"
            return json.loads(policy).get("deadLetterTargetArn")
    return None


def record(topic_arn: str, name: str) -> None:
    metrics.record("AWS/SNS", name, 1, "Count", {"TopicName": topic_arn.rpartition(":")[2]})


def hide_unconfirmed(original: Any) -> Any:
    def listed(params: Any) -> Any:
        status, headers, body = original(params)
        topic = sns._topic_by_arn_any_scope(sns._p(params, "TopicArn")) or {"subscriptions": []}
        for subscription in topic["subscriptions"]:
            if not subscription["confirmed"]:
                body = body.replace(subscription["arn"].encode(), b"PendingConfirmation")
        return status, headers, body

    return listed
