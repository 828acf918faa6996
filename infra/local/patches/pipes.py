"""Pipes from a queue to an event bus. ministack has pipes from a DynamoDB stream only.

"Amazon Simple Queue Service as a source" (EventBridge User Guide): a pipe reads up to 10 messages at once, and deletes
those that the target took. The others become visible again, and go to the queue's dead-letter queue after
`maxReceiveCount` attempts. "Amazon EventBridge Pipes input transformation": a body that is JSON can be addressed, as in
`$.body.type`. "Amazon EventBridge Pipes targets": the parameters of a target may be such paths.
"""

import contextlib
import json
import re
from typing import Any

from ministack.services import eventbridge, pipes, sqs
from ministack.services.cloudformation import provisioners

PATH = re.compile(r"^<?\$((?:\.[\w-]+)*)>?$")


def install() -> None:
    resource = provisioners._RESOURCE_HANDLERS["AWS::Pipes::Pipe"]
    resource["create"] = keep_parameters(resource["create"])
    pipes._poll_pipe = poll_queues(pipes._poll_pipe)


def keep_parameters(original: Any) -> Any:
    """ministack ignores the parameters of the source and of the target."""

    def create(logical_id: str, properties: dict[str, Any], *arguments: Any, **more: Any) -> Any:
        name, attributes = original(logical_id, properties, *arguments, **more)
        for member in ("SourceParameters", "TargetParameters"):
            pipes._pipes[name][member] = properties.get(member) or {}
        return name, attributes

    return create


def poll_queues(original: Any) -> Any:
    def poll(dynamodb: Any, pipe: dict[str, Any], account: str) -> None:
        if pipes._arn_service(pipe["Source"]) != "sqs":
            original(dynamodb, pipe, account)
        elif pipe["CurrentState"] == "RUNNING":
            while carry(pipe):
                pass

    return poll


def carry(pipe: dict[str, Any]) -> bool:
    """Carries one batch. Returns whether there may be more."""
    queue = sqs._queue_by_arn(pipe["Source"])
    if queue is None:
        return False
    url = queue["url"]
    size = pipe["SourceParameters"].get("SqsQueueParameters", {}).get("BatchSize", 10)
    messages = sqs._receive_messages_for_esm(url, int(size))
    taken = {message["receipt_handle"] for message in messages if put(pipe, message)}
    sqs._delete_messages_for_esm(url, taken)
    return bool(messages)


def put(pipe: dict[str, Any], message: dict[str, Any]) -> bool:
    """Puts a message on the bus. Returns whether EventBridge took it."""
    record: dict[str, Any] = {"messageId": message["id"], "body": message["body"]}
    with contextlib.suppress(ValueError):  # without JSON, the body is a text
        record["body"] = json.loads(message["body"])
    parameters = pipe["TargetParameters"]
    bus = parameters.get("EventBridgeEventBusParameters", {})
    detail = value_of(parameters.get("InputTemplate", "<$>"), record)
    entry = {
        "EventBusName": pipe["Target"],
        "Source": value_of(bus.get("Source", ""), record),
        "DetailType": value_of(bus.get("DetailType", ""), record),
        "Detail": json.dumps(detail),
    }
    # API reference, PutEvents: `Detail` is a JSON object. "Amazon EventBridge Pipes error handling": a missing bus is
    # an error that is retried.
    eventbridge._ensure_default_bus()
    bus_exists = pipe["Target"].partition("event-bus/")[2] in eventbridge._event_buses
    if not bus_exists or not isinstance(detail, dict) or not isinstance(entry["DetailType"], str):
        return False
    _status, _headers, body = eventbridge._put_events({"Entries": [entry]})
    return json.loads(body).get("FailedEntryCount") == 0


def value_of(template: str, record: Any) -> Any:
    """The value at a path of the record, or the template itself if it isn't a path. None if nothing is there."""
    path = PATH.match(template)
    if not path:
        return template
    for name in path[1].split(".")[1:]:
        record = record.get(name) if isinstance(record, dict) else None
    return record
