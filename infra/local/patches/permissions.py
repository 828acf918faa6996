"""Permissions that AWS asks for and ministack doesn't, and a record of those that were used.

- Lambda acts with the permissions of a function's role: it reads the queue or the stream ("Using Lambda with Amazon
  SQS", "Using Lambda with Amazon DynamoDB"), deletes what was handled, sends to the `OnFailure` destination, and writes
  the log ("Defining Lambda function permissions with an execution role"). While a mapping's role may not read its
  source, nothing is read, and `LastProcessingResult` names the permission, in words of the emulator.
- A caller who may not list the bucket gets 403 for an object that doesn't exist ("GetObject", S3 API reference).
- The key of an encrypted resource: see keys.py.

`/_permissions` lists what was used: a principal, an action, and a resource.
"""

import contextvars
import json
import logging
import time
from typing import Any

import hypercorn.asyncio
from ministack.core import iam_evaluator
from ministack.core.arn import ArnParseError, parse_arn
from ministack.services import lambda_svc, s3, sqs

from patches import access, keys
from patches.access import allows, record

logger = logging.getLogger("patches.permissions")

USED_PATH = "/_permissions"

READ_QUEUE = ["sqs:ReceiveMessage", "sqs:GetQueueAttributes"]
READ_STREAM = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"]

# How long a mapping that may not read its source is left alone.
PAUSE_SECONDS = 1

# The role of the function whose messages are being deleted.
ROLE: "contextvars.ContextVar[str | None]" = contextvars.ContextVar("role", default=None)

# The log streams that a role was allowed to create.
STREAMS: set[tuple[str, str]] = set()


def install() -> None:
    iam_evaluator.enforce = enforce_more(iam_evaluator.enforce)
    lambda_svc._poll_sqs = pause_unreadable(lambda_svc._poll_sqs)
    lambda_svc._poll_dynamodb_streams = pause_unreadable(lambda_svc._poll_dynamodb_streams)
    lambda_svc._run_sqs_batch = remember_role(lambda_svc._run_sqs_batch)
    lambda_svc._send_ddb_stream_failure_record = send_if_allowed(lambda_svc._send_ddb_stream_failure_record)
    sqs._delete_messages_for_esm = delete_if_allowed(sqs._delete_messages_for_esm)
    serve = hypercorn.asyncio.serve
    hypercorn.asyncio.serve = lambda application, config: serve(with_used(application), config)


def enforce_more(original: Any) -> Any:
    """Requires what an allowed call needs in addition, and records what was allowed."""

    def enforce(
        access_key: str,
        action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        denied = original(access_key, action, service, region, resource_arn, service_context)
        if denied:
            logger.info("refused: %s on %s: %s", action, resource_arn, denied)
        if denied or iam_evaluator.is_root_access_key(access_key):
            return denied
        caller = iam_evaluator.resolve_caller_identity(access_key)
        if not caller:
            return denied
        record(caller["userArn"], action, resource_arn)
        if lists_bucket(action, resource_arn):
            bucket = resource_arn.partition("/")[0]
            if denied := original(access_key, "s3:ListBucket", service, region, bucket):
                return denied
            record(caller["userArn"], "s3:ListBucket", bucket)
        for operation, key in keys.needed(action, resource_arn):
            if original(access_key, operation, "kms", region, key):
                return keys.denial(action, operation, key, caller["userArn"])
            record(caller["userArn"], operation, key)
        return None

    return enforce


def lists_bucket(action: str, object_arn: str) -> bool:
    """Whether the call reads an object that doesn't exist."""
    bucket, _, key = object_arn.removeprefix("arn:aws:s3:::").partition("/")
    return action == "s3:GetObject" and bucket in s3._buckets and key not in s3._buckets[bucket]["objects"]


def mappings() -> list[tuple[dict[str, Any], str]]:
    """The event source mappings, each with the role of its function."""
    found = []
    for _account, _region, mapping in lambda_svc._iter_all_esms():
        function = lambda_svc._functions.get(mapping["FunctionName"])
        if function:
            found.append((mapping, function["config"]["Role"]))
    return found


def missing(role: str, source: str) -> str | None:
    """The first permission that reading the queue or the stream needs and the role lacks."""
    try:
        service = parse_arn(source).service
    except ArnParseError:
        return None
    if service == "sqs":
        wanted = [(action, source) for action in READ_QUEUE]
        wanted += keys.needed("sqs:ReceiveMessage", source)
    elif service == "dynamodb":
        wanted = [(action, source) for action in READ_STREAM]
        wanted += keys.needed("dynamodb:GetRecords", source)
    else:
        return None
    return next((action for action, resource in wanted if not allows(role, action, resource)), None)


def pause_unreadable(original: Any) -> Any:
    def poll() -> bool:
        for mapping, role in mappings():
            if action := missing(role, mapping.get("EventSourceArn", "")):
                mapping["LastProcessingResult"] = f"PROBLEM: the function's role doesn't allow {action}"
                lambda_svc._esm_backoff_until[mapping["UUID"]] = time.time() + PAUSE_SECONDS
        return original()

    return poll


def remember_role(original: Any) -> Any:
    def run(mapping: Any, function: Any, *batch: Any) -> Any:
        token = ROLE.set(function.get("config", function)["Role"])
        try:
            return original(mapping, function, *batch)
        finally:
            ROLE.reset(token)

    return run


def delete_if_allowed(original: Any) -> Any:
    def delete(queue_url: str, receipt_handles: set[str]) -> None:
        role = ROLE.get()
        if role is None or allows(role, "sqs:DeleteMessage", sqs._queues[queue_url]["attributes"]["QueueArn"]):
            original(queue_url, receipt_handles)

    return delete


def send_if_allowed(original: Any) -> Any:
    def send(mapping: Any, function: Any, *batch: Any) -> None:
        destination = mapping["DestinationConfig"]["OnFailure"]["Destination"]
        wanted = [("sqs:SendMessage", destination), *keys.needed("sqs:SendMessage", destination)]
        role = function.get("config", function)["Role"]
        if all(allows(role, action, resource) for action, resource in wanted):
            original(mapping, function, *batch)

    return send


def may_log(config: dict[str, Any], group: str, stream: str) -> bool:
    """Whether the function's role allows a line in this stream, which is created with the first."""
    account, region = config["FunctionArn"].split(":")[4], config["FunctionArn"].split(":")[3]
    resource = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:{stream}"
    if (group, stream) not in STREAMS:
        if not allows(config["Role"], "logs:CreateLogStream", resource):
            return False
        STREAMS.add((group, stream))
    return allows(config["Role"], "logs:PutLogEvents", resource)


def with_used(application: Any) -> Any:
    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != USED_PATH:
            await application(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(sorted(access.USED)).encode()})

    return serve
