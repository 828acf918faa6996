"""Takes each permission of each role away in turn, and sees the failure that docs/operations.md describes.

The roles are those of the functions, and the policies for people, with which each command of `wab` is run. Then no
permission is left that nothing used. On a local stack with FIFO topics and a key of its own; WAB_STACK names its file
stack.json.
"""

import base64
import contextlib
import functools
import hashlib
import itertools
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import boto3
import tools
from botocore.exceptions import ClientError
from deliveries import STACK, await_value, aws, queue_for
from emulator import ADMIN, REGION

from deploy import stack_outputs

# An action, and the resource by the name that `named` gives it.
Permission = tuple[str, str]

KIB = 1024

# How long a listener may take to connect, or to fail.
LISTENING_SECONDS = 5


@functools.cache
def outputs() -> dict[str, str]:
    return stack_outputs(STACK["endpoint"], STACK["stack_name"])


@functools.cache
def key_arn() -> str:
    parameters = aws("cloudformation").describe_stacks(StackName=STACK["stack_name"])["Stacks"][0]["Parameters"]
    return next(found["ParameterValue"] for found in parameters if found["ParameterKey"] == "KmsKeyArn")


def arn_of_queue(url: str) -> str:
    return aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


@functools.cache
def named() -> dict[str, str]:
    """Short names of what policies name, by ARN."""
    stack, account = STACK["stack_name"], aws("sts").get_caller_identity()["Account"]
    table = aws("dynamodb").describe_table(TableName=STACK["table"])["Table"]
    logs = f"arn:aws:logs:{REGION}:{account}:log-group"
    functions = ("mo", "dlr", "fanout", "recover")
    return {
        table["TableArn"]: "table",
        f"{table['TableArn']}/index/*": "indexes",
        f"{table['TableArn']}/index/by-source": "index by-source",
        f"{table['TableArn']}/index/by-reference": "index by-reference",
        table["LatestStreamArn"]: "stream",
        f"{table['TableArn']}/stream/*": "streams",
        f"arn:aws:s3:::{STACK['bucket']}": "bucket",
        f"arn:aws:s3:::{STACK['bucket']}/*": "objects",
        arn_of_queue(STACK["spill_queue_url"]): "spill queue",
        arn_of_queue(STACK["dead_letter_queue_url"]): "dead-letter queue",
        STACK["mo_topic_arn"]: "topic mo",
        STACK["dlr_topic_arn"]: "topic dlr",
        STACK["fifo_topic_arns"][0]: "FIFO topic mo",
        STACK["fifo_topic_arns"][1]: "FIFO topic dlr",
        key_arn(): "key",
        **{f"{logs}:/aws/lambda/{stack}/{name}:*": f"log of {name}" for name in functions},
        f"{logs}:/aws/vendedlogs/{stack}/api:*": "log of the API",
        f"{logs}:/aws/lambda/{stack}/*": "functions' logs",
        **{f"arn:aws:lambda:{REGION}:{account}:function:{STACK[f'{name}_function']}": name for name in functions},
        f"arn:aws:cloudformation:{REGION}:{account}:stack/{stack}/*": "stack",
        f"arn:aws:sqs:{REGION}:{account}:*": "all queues",
        f"arn:aws:sqs:{REGION}:{account}:wab-listen-{stack}-*": "listeners' queues",
        "*": "*",
    }


def arn(name: str) -> str:
    return next(arn for arn, known in named().items() if known == name)


def permissions_of(document: dict[str, Any]) -> list[Permission]:
    """The single permissions of a policy."""
    found = []
    for statement in document["Statement"]:
        assert statement.keys() == {"Effect", "Action", "Resource"} and statement["Effect"] == "Allow", statement
        actions, resources = (
            [value] if isinstance(value, str) else value for value in (statement["Action"], statement["Resource"])
        )
        found += [(action, named()[resource]) for action in actions for resource in resources]
    return found


def policy_of(permissions: list[Permission]) -> str:
    statements = [{"Effect": "Allow", "Action": action, "Resource": arn(name)} for action, name in permissions]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def used(principal: str) -> set[tuple[str, str]]:
    """The actions that a principal was allowed, each with the resource."""
    with urllib.request.urlopen(f"{STACK['endpoint']}/_permissions", timeout=30) as answer:
        return {(action, resource) for who, action, resource in json.load(answer) if who == principal}


def covers(permission: Permission, action: str, resource: str) -> bool:
    allowed, pattern = permission[0], arn(permission[1])
    prefix = pattern.removesuffix("*")
    return action == allowed and (resource == pattern or (pattern.endswith("*") and resource.startswith(prefix)))


def fresh() -> str:
    return str(uuid.uuid4())


def event_id(pk: str, sk: str = "EVENT") -> str:
    return hashlib.sha256(f"{pk}\0{sk}".encode()).hexdigest()[:32]


def number() -> str:
    """The number of a user who has sent nothing yet."""
    return f"+6421{uuid.uuid4().int % 10**8:08}"


def post(kind: str, message_id: str, text: str = "Kia ora", source: str = "") -> tuple[int, dict[str, Any]]:
    """Posts a callback as the gateway does. Returns the answer."""
    body = {"id": message_id, "status": "received"}
    if kind == "mo":
        content = {"type": "text", "text": {"body": text}}
        source = source or number()
        body = {"id": message_id, "source": source, "destination": "6421000002", "content": content}
    user = base64.b64encode(f"{STACK['username']}:{STACK['password']}".encode()).decode()
    headers = {"Authorization": f"Basic {user}", "Content-Type": "application/json"}
    if kind == "dlr":
        body["detail"] = text
    request = urllib.request.Request(STACK[f"{kind}_url"], json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def accept(kind: str, *callback: str) -> None:
    """Posts a callback, which must be answered 200: stored, or on a slow machine deferred."""
    status, answer = post(kind, *callback)
    assert status == 200, answer


def deliver(kind: str, *callback: str) -> None:
    """Posts a callback until it is answered 200, as the gateway does: the checks of `mo` and `dlr` run beside."""

    def answered() -> bool | None:
        status, answer = post(kind, *callback)
        assert status in (200, 503), answer
        return status == 200 or None

    await_value(answered, "an answer of 200")


def item_of(pk: str, sk: str = "EVENT") -> dict[str, Any] | None:
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    return aws("dynamodb").get_item(TableName=STACK["table"], Key=key, ConsistentRead=True).get("Item")


def new_item(message_id: str, **changes: Any) -> dict[str, Any]:
    """An item of a message, as `mo` puts it."""
    received_at = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = {"id": message_id, "content": {"type": "text", "text": {"body": "Kia ora"}}}
    item = {"pk": f"MO#{message_id}", "sk": "EVENT", "v": 1, "received_at": received_at, "expires_at": 4_000_000_000}
    item |= {"body": json.dumps(body), "digest": "00", "application": "gateway", "type": "text"}
    return {name: value for name, value in (item | changes).items() if value is not None}


def attributes(item: dict[str, Any]) -> dict[str, Any]:
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in item.items()}


def put(item: dict[str, Any]) -> None:
    aws("dynamodb").put_item(TableName=STACK["table"], Item=attributes(item))


def spill(message: str) -> None:
    aws("sqs").send_message(QueueUrl=STACK["spill_queue_url"], MessageBody=message)


def log_lines(function: str, text: str) -> list[str]:
    found = aws("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{STACK['stack_name']}/{function}", filterPattern=f'"{text}"'
    )
    return [event["message"] for event in found["events"]]


class Mailbox:
    """A queue that gathers what arrives in it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[str] = []

    def take(self) -> None:
        messages = aws("sqs").receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self.bodies.append(message["Body"])
            aws("sqs").delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def find(self, text: str) -> str | None:
        self.take()
        return next((body for body in self.bodies if text in body), None)

    def until(self, text: str) -> str:
        return await_value(lambda: self.find(text), f"a message with {text}")


@functools.cache
def delivered() -> dict[str, Mailbox]:
    """A mailbox for each topic."""
    topics = {"topic mo": STACK["mo_topic_arn"], "topic dlr": STACK["dlr_topic_arn"]}
    topics |= {"FIFO topic mo": STACK["fifo_topic_arns"][0], "FIFO topic dlr": STACK["fifo_topic_arns"][1]}
    found = {}
    for name, topic in topics.items():
        url, queue = queue_for(topic)
        aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
        found[name] = Mailbox(url)
    return found


@functools.cache
def parked() -> Mailbox:
    return Mailbox(STACK["dead_letter_queue_url"])


@dataclass
class Function:
    """A function, and the policies of its role."""

    name: str
    role: str = ""
    policies: dict[str, list[Permission]] = field(default_factory=dict)
    withheld: set[Permission] = field(default_factory=set)

    def __post_init__(self) -> None:
        found = aws("lambda").get_function_configuration(FunctionName=self.function)
        self.role = found["Role"].rpartition("/")[2]
        iam = aws("iam")
        for policy in iam.list_role_policies(RoleName=self.role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=self.role, PolicyName=policy)["PolicyDocument"]
            self.policies[policy] = permissions_of(document)

    @property
    def function(self) -> str:
        return STACK[f"{self.name}_function"]

    @property
    def permissions(self) -> list[Permission]:
        return [permission for permissions in self.policies.values() for permission in permissions]

    @contextlib.contextmanager
    def without(self, *permissions: Permission) -> Iterator[None]:
        """Takes permissions away, for as long as this lasts."""
        assert set(permissions) <= set(self.permissions), permissions
        self.set_withheld(self.withheld | set(permissions))
        try:
            yield
        finally:
            self.set_withheld(self.withheld - set(permissions))

    def set_withheld(self, withheld: set[Permission]) -> None:
        self.withheld = withheld
        for name, permissions in self.policies.items():
            document = policy_of([permission for permission in permissions if permission not in withheld])
            aws("iam").put_role_policy(RoleName=self.role, PolicyName=name, PolicyDocument=document)

    def restart(self) -> None:
        """Ends the function's processes, by changing a variable that it doesn't read."""
        variables = aws("lambda").get_function_configuration(FunctionName=self.function)["Environment"]["Variables"]
        environment = {"Variables": variables | {"RESTARTED": fresh()}}
        aws("lambda").update_function_configuration(FunctionName=self.function, Environment=environment)

    def mapping(self) -> str:
        found = aws("lambda").list_event_source_mappings(FunctionName=self.function)["EventSourceMappings"]
        return found[0].get("LastProcessingResult", "")

    def await_problem(self, action: str) -> None:
        """Waits until Lambda says that it can't read its source."""
        await_value(lambda: f"PROBLEM: {action}" if action in self.mapping() else None, f"a problem with {action}")


DECRYPT, GENERATE = ("kms:Decrypt", "key"), ("kms:GenerateDataKey", "key")


class Receiver(Function):
    """mo or dlr"""

    PUT, SPILL = ("dynamodb:PutItem", "table"), ("sqs:SendMessage", "spill queue")

    def key(self, message_id: str) -> tuple[str, str]:
        return (f"MO#{message_id}", "EVENT") if self.name == "mo" else (f"DLR#{message_id}", "received")

    def checks(self) -> dict[Permission, Callable[[Permission], None]]:
        log = f"log of {self.name}"
        return {
            self.PUT: self.callback_is_deferred,
            self.SPILL: self.callback_is_unanswered,
            ("s3:PutObject", "objects"): self.large_body_stays_in_the_table,
            ("logs:CreateLogStream", log): self.line_is_missing,
            ("logs:PutLogEvents", log): self.line_is_missing,
            DECRYPT: self.nothing_is_stored,
            GENERATE: self.large_body_stays_in_the_table,
        }

    def callback_is_deferred(self, permission: Permission) -> None:
        message_id = fresh()
        with self.without(permission):
            status, answer = post(self.name, message_id)
        assert (status, answer["outcome"]) == (200, "deferred"), answer
        await_value(lambda: item_of(*self.key(message_id)), "the item")

    def callback_is_unanswered(self, permission: Permission) -> None:
        """The table rejects the write as well."""
        with self.without(permission, self.PUT):
            status, answer = post(self.name, fresh())
        assert (status, answer["code"]) == (503, "unavailable"), answer

    def nothing_is_stored(self, permission: Permission) -> None:
        message_id = fresh()
        with self.without(permission):
            status, answer = post(self.name, message_id)
        assert (status, answer["code"]) == (503, "unavailable"), answer
        assert item_of(*self.key(message_id)) is None

    def large_body_stays_in_the_table(self, permission: Permission) -> None:
        message_id, text = fresh(), "x" * 20 * KIB
        with self.without(permission):
            status, answer = post(self.name, message_id, text)
        assert (status, answer["outcome"]) == (200, "stored"), answer
        item = item_of(*self.key(message_id))
        assert item and text in item["body"]["S"], item and item.keys()
        accept(self.name, other := fresh(), text)
        item = item_of(*self.key(other))
        assert item and "body_key" in item, item and item.keys()

    def line_is_missing(self, permission: Permission) -> None:
        unlogged, logged = fresh(), fresh()
        self.restart()
        with self.without(permission):
            accept(self.name, unlogged)
        accept(self.name, logged)
        await_value(lambda: log_lines(self.name, event_id(*self.key(logged))) or None, "the line")
        assert log_lines(self.name, event_id(*self.key(unlogged))) == []


class Recover(Function):
    PARK = ("sqs:SendMessage", "dead-letter queue")

    def checks(self) -> dict[Permission, Callable[[Permission], None]]:
        return {
            ("sqs:ReceiveMessage", "spill queue"): self.nothing_is_read,
            ("sqs:GetQueueAttributes", "spill queue"): self.nothing_is_read,
            ("sqs:DeleteMessage", "spill queue"): self.message_stays,
            ("dynamodb:PutItem", "table"): self.message_is_retried,
            self.PARK: self.parking_is_retried,
            ("logs:CreateLogStream", "log of recover"): self.line_is_missing,
            ("logs:PutLogEvents", "log of recover"): self.line_is_missing,
            DECRYPT: self.nothing_is_read,
            GENERATE: self.parking_is_retried,
        }

    def spill(self) -> str:
        message_id = fresh()
        spill(json.dumps({"event": new_item(message_id)}))
        return message_id

    def await_stored(self, message_id: str) -> None:
        await_value(lambda: item_of(f"MO#{message_id}"), "the item")

    def nothing_is_read(self, permission: Permission) -> None:
        with self.without(permission):
            self.await_problem(permission[0])
            message_id = self.spill()
            self.await_problem(permission[0])
            assert item_of(f"MO#{message_id}") is None
        self.await_stored(message_id)

    def message_stays(self, permission: Permission) -> None:
        """It is stored, and stored again as a duplicate."""
        with self.without(permission):
            message_id = self.spill()
            self.await_stored(message_id)
            line = event_id(f"MO#{message_id}")
            await_value(lambda: self.times_logged(line, "duplicate"), "the second attempt")

    def times_logged(self, text: str, outcome: str) -> int | None:
        return len([line for line in log_lines("recover", text) if outcome in line]) or None

    def message_is_retried(self, permission: Permission) -> None:
        since = len(log_lines("recover", "spilled item is retried"))
        with self.without(permission):
            message_id = self.spill()
            self.await_denied(since, "AccessDeniedException")
            assert item_of(f"MO#{message_id}") is None
        self.await_stored(message_id)

    def await_denied(self, since: int, reason: str) -> None:
        def denied() -> bool | None:
            lines = log_lines("recover", "spilled item is retried")[since:]
            return any(reason in line for line in lines) or None

        await_value(denied, reason)

    def parking_is_retried(self, permission: Permission) -> None:
        since = len(log_lines("recover", "spilled item is retried"))
        unreadable = fresh()
        with self.without(permission):
            spill(unreadable)
            self.await_denied(since, "KmsAccessDenied" if permission == GENERATE else "AccessDenied")
            assert parked().find(unreadable) is None
        parked().until(unreadable)

    def line_is_missing(self, permission: Permission) -> None:
        self.restart()
        with self.without(permission):
            unlogged = self.spill()
            self.await_stored(unlogged)
        logged = self.spill()
        await_value(lambda: log_lines("recover", event_id(f"MO#{logged}")) or None, "the line")
        assert log_lines("recover", event_id(f"MO#{unlogged}")) == []


class Fanout(Function):
    def checks(self) -> dict[Permission, Callable[[Permission], None]]:
        return {
            ("dynamodb:DescribeStream", "stream"): self.nothing_is_read,
            ("dynamodb:GetRecords", "stream"): self.nothing_is_read,
            ("dynamodb:GetShardIterator", "stream"): self.nothing_is_read,
            ("dynamodb:ListStreams", "streams"): self.nothing_is_read,
            ("dynamodb:Query", "table"): self.receipts_wait,
            ("dynamodb:Query", "index by-source"): self.second_message_of_a_user_waits,
            ("dynamodb:GetItem", "table"): self.second_message_of_a_user_waits,
            ("s3:GetObject", "objects"): self.large_event_is_published_by_reference,
            ("s3:ListBucket", "bucket"): self.lost_body_is_not_noticed,
            ("sns:Publish", "topic mo"): self.events_wait_and_are_parked,
            ("sns:Publish", "topic dlr"): self.events_wait_and_are_parked,
            ("sns:Publish", "FIFO topic mo"): self.events_wait_and_are_parked,
            ("sns:Publish", "FIFO topic dlr"): self.events_wait_and_are_parked,
            ("sqs:SendMessage", "dead-letter queue"): self.parking_is_retried,
            ("logs:CreateLogStream", "log of fanout"): self.line_is_missing,
            ("logs:PutLogEvents", "log of fanout"): self.line_is_missing,
            DECRYPT: self.nothing_is_read,
            GENERATE: self.events_wait_for_the_key,
        }

    def nothing_is_read(self, permission: Permission) -> None:
        message_id = fresh()
        with self.without(permission):
            self.await_problem(permission[0])
            deliver("mo", message_id)
            self.await_problem(permission[0])
            assert delivered()["topic mo"].find(message_id) is None
        delivered()["topic mo"].until(message_id)

    def await_stopped(self, since: int, reason: str) -> None:
        def stopped() -> bool | None:
            return any(reason in line for line in log_lines("fanout", "fan-out stopped")[since:]) or None

        await_value(stopped, f"a batch that waits because of {reason}")

    def receipts_wait(self, permission: Permission) -> None:
        receipt, message, since = fresh(), fresh(), len(log_lines("fanout", "fan-out stopped"))
        with self.without(permission):
            # In one batch: a batch that waits pauses its shard.
            with self.without(read := ("dynamodb:GetRecords", "stream")):
                self.await_problem(read[0])
                deliver("dlr", receipt)
                deliver("mo", message)
            delivered()["topic mo"].until(message)
            self.await_stopped(since, "AccessDeniedException")
            assert delivered()["topic dlr"].find(receipt) is None
        delivered()["topic dlr"].until(receipt)

    def second_message_of_a_user_waits(self, permission: Permission) -> None:
        """On the FIFO topic, for the first, of which a new process knows nothing."""
        source, first, second = number(), fresh(), fresh()
        deliver("mo", first, "Kia ora", source)
        delivered()["FIFO topic mo"].until(first)
        self.restart()
        since = len(log_lines("fanout", "fan-out stopped"))
        with self.without(permission):
            deliver("mo", second, "Kia ora", source)
            self.await_stopped(since, "AccessDeniedException")
            assert delivered()["FIFO topic mo"].find(second) is None
        delivered()["FIFO topic mo"].until(second)

    def large_event_is_published_by_reference(self, permission: Permission) -> None:
        message_id = fresh()
        with self.without(permission):
            deliver("mo", message_id, "x" * 20 * KIB)
            event = json.loads(delivered()["topic mo"].until(message_id))
        assert "data" not in event and event["dataref"].startswith("s3://"), event

    def lost_body_is_not_noticed(self, permission: Permission) -> None:
        """The event whose object is gone is published by reference, and parked once S3 says that it is gone."""
        unnoticed, noticed = fresh(), fresh()
        gone = {"v": 2, "body": None, "body_key": f"body/{hashlib.sha256(b'gone').hexdigest()}", "body_bytes": 115}
        with self.without(permission):
            put(new_item(unnoticed, **gone))
            event = json.loads(delivered()["topic mo"].until(unnoticed))
            assert "data" not in event, event
        put(new_item(noticed, **gone))
        assert "object is gone" in parked().until(noticed)

    def events_wait_and_are_parked(self, permission: Permission) -> None:
        topic, kind = permission[1], permission[1].rpartition(" ")[2]
        waiting, old, since = fresh(), fresh(), len(log_lines("fanout", "fan-out stopped"))
        with self.without(permission):
            deliver(kind, waiting)
            self.await_stopped(since, "AuthorizationError")
            self.hand_over(kind, old)
            assert "AuthorizationError" in parked().until(old)
            assert delivered()[topic].find(waiting) is None
        delivered()[topic].until(waiting)

    def hand_over(self, kind: str, message_id: str) -> None:
        """Hands `fanout` a record that has waited for more than 10 minutes."""
        item = new_item(message_id)
        if kind == "dlr":
            body = json.dumps({"id": message_id, "status": "sent"})
            item |= {"pk": f"DLR#{message_id}", "sk": "sent", "body": body, "status": "sent"}
            del item["type"]
        image = attributes(item)
        record = {
            "eventName": "INSERT",
            "eventSource": "aws:dynamodb",
            "dynamodb": {
                "ApproximateCreationDateTime": int(time.time()) - 660,
                "Keys": {"pk": image["pk"], "sk": image["sk"]},
                "NewImage": image,
                "SequenceNumber": "1",
            },
        }
        payload = json.dumps({"Records": [record]})
        aws("lambda").invoke(FunctionName=self.function, Payload=payload)

    def parking_is_retried(self, permission: Permission) -> None:
        message_id, since = fresh(), len(log_lines("fanout", "fan-out stopped"))
        with self.without(permission):
            put(new_item(message_id, v=99))
            self.await_stopped(since, "AccessDenied")
            assert parked().find(message_id) is None
        assert "layout is not known" in parked().until(message_id)

    def events_wait_for_the_key(self, permission: Permission) -> None:
        message_id, since = fresh(), len(log_lines("fanout", "fan-out stopped"))
        with self.without(permission):
            deliver("mo", message_id)
            self.await_stopped(since, "KMSAccessDenied")
            assert delivered()["topic mo"].find(message_id) is None
        delivered()["topic mo"].until(message_id)

    def line_is_missing(self, permission: Permission) -> None:
        def lines() -> int:
            return len(log_lines("fanout", "parked in the dead-letter queue"))

        unlogged, logged, before = fresh(), fresh(), lines()
        self.restart()
        with self.without(permission):
            put(new_item(unlogged, v=99))
            parked().until(unlogged)
        put(new_item(logged, v=99))
        parked().until(logged)
        await_value(lambda: lines() - before or None, "the line")
        assert lines() - before == 1, lines() - before


def person_environment(access_key_id: str, secret_access_key: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": STACK["endpoint"],
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret_access_key,
        "NO_PROXY": "localhost,127.0.0.1",
    }


class Person:
    """A user with one policy, who runs `wab` on the stack as on one in AWS."""

    def __init__(self, policy_arn: str = "", permissions: list[Permission] | None = None) -> None:
        iam, self.name = aws("iam"), f"person-{fresh()}"
        self.arn = iam.create_user(UserName=self.name)["User"]["Arn"]
        if policy_arn:
            iam.attach_user_policy(UserName=self.name, PolicyArn=policy_arn)
        if permissions is not None:
            iam.put_user_policy(UserName=self.name, PolicyName="own", PolicyDocument=policy_of(permissions))
        key = iam.create_access_key(UserName=self.name)["AccessKey"]
        self.environment = person_environment(key["AccessKeyId"], key["SecretAccessKey"])

    @classmethod
    def administrator(cls) -> "Person":
        person = cls.__new__(cls)
        person.environment = person_environment(ADMIN["AWS_ACCESS_KEY_ID"], ADMIN["AWS_SECRET_ACCESS_KEY"])
        return person

    def client(self, service: str) -> Any:
        key = self.environment
        return boto3.client(
            service,
            endpoint_url=STACK["endpoint"],
            region_name=REGION,
            aws_access_key_id=key["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=key["AWS_SECRET_ACCESS_KEY"],
        )

    def run(self, arguments: list[str]) -> "Done":
        command = [str(tools.program("wab")), *arguments, "--stack", STACK["stack_name"]]
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as home:
            printed = Path(home) / "printed"
            with printed.open("w") as output:
                process = subprocess.Popen(
                    command,
                    cwd=home,
                    env=self.environment | {"HOME": home},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
            if arguments[0] == "listen":
                end_listening(process, printed)
            return Done(process.wait(60), printed.read_text(), time.monotonic() - started)


def end_listening(process: "subprocess.Popen[bytes]", printed: Path) -> None:
    """Ends a listener with Ctrl-C, a second after it is connected, unless it ends earlier."""
    give_up = time.monotonic() + LISTENING_SECONDS
    while "connected" not in printed.read_text() and time.monotonic() < give_up:
        if process.poll() is not None:
            return
        time.sleep(0.05)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)
        return
    process.send_signal(signal.SIGINT)


@dataclass
class Done:
    code: int
    printed: str
    seconds: float


@dataclass
class Command:
    """A command, and the exit codes with which it does its work. `prepare` makes what it works on."""

    name: str
    prepare: Callable[[], list[str]]
    codes: tuple[int, ...] = (0,)


def command(text: str, *codes: int) -> Command:
    return Command(text, text.split, codes or (0,))


def stored(kind: str = "mo", text: str = "Kia ora") -> str:
    """A message or a receipt in the table."""
    message_id = fresh()
    status, answer = post(kind, message_id, text)
    assert (status, answer["outcome"]) == (200, "stored"), answer
    return message_id


def large() -> str:
    return stored(text="x" * 20 * KIB)


def lost() -> str:
    """A message whose body is gone."""
    message_id = large()
    item = item_of(f"MO#{message_id}")
    assert item
    aws("s3").delete_object(Bucket=STACK["bucket"], Key=item["body_key"]["S"])
    return message_id


def quarantined(**changes: Any) -> str:
    """The id of a quarantined body."""
    date, text = datetime.now(timezone.utc), f"no callback {fresh()}"
    sk = f"{date.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}#{hashlib.sha256(text.encode()).hexdigest()}"
    item = {"pk": f"QUARANTINE#{date:%Y-%m-%d}", "sk": sk, "v": 1, "kind": "mo", "reason": "not JSON", "body": text}
    item |= {"received_at": sk.partition("#")[0], "expires_at": 4_000_000_000, "application": "gateway"} | changes
    put({name: value for name, value in item.items() if value is not None})
    return f"{sk.partition('#')[0]}-{sk.partition('#')[2][:12]}"


def quarantined_and_lost() -> str:
    """The id of a quarantined body that is gone from the bucket."""
    return quarantined(v=2, body=None, body_key=f"body/{hashlib.sha256(b'gone').hexdigest()}", body_bytes=115)


def park(message: dict[str, Any]) -> None:
    aws("sqs").send_message(QueueUrl=STACK["dead_letter_queue_url"], MessageBody=json.dumps(message))


def parked_event() -> str:
    """The event id of a parked event."""
    message_id = large()
    park({"reason": "NotFound", "key": {"pk": f"MO#{message_id}", "sk": "EVENT"}})
    return event_id(f"MO#{message_id}")


def parked_item() -> str:
    """The event id of a parked message of the spill queue."""
    message_id = fresh()
    park({"reason": "AccessDeniedException", "spilled": {"event": new_item(message_id)}})
    return event_id(f"MO#{message_id}")


def contact() -> str:
    """A number with a message in the table, its body in the bucket, and a receipt of what it replies to."""
    message_id, sent, source = fresh(), fresh(), number()
    content = {"type": "text", "text": {"body": "x" * 20 * KIB}}
    replies = {"reply_to": fresh(), "reference": sent}  # to a message without receipts, and by reference to one
    body = json.dumps({"id": message_id, "source": source, **replies, "content": content})
    key = f"body/{hashlib.sha256(body.encode()).hexdigest()}"
    aws("s3").put_object(Bucket=STACK["bucket"], Key=key, Body=body.encode())
    put(new_item(message_id, v=2, source=source, reference=sent, body=None, body_key=key, body_bytes=len(body)))
    receipt = json.dumps({"id": sent, "status": "sent", "reference": sent})
    put(new_item(sent, pk=f"DLR#{sent}", sk="sent", body=receipt, status="sent", reference=sent, type=None))
    return source


def lost_contact() -> str:
    """A contact whose message's body is gone."""
    source = contact()
    query = {
        "IndexName": "by-source",
        "KeyConditionExpression": "#source = :source",
        "ExpressionAttributeNames": {"#source": "source"},
        "ExpressionAttributeValues": {":source": {"S": source}},
    }
    [found] = aws("dynamodb").query(TableName=STACK["table"], **query)["Items"]
    item = item_of(found["pk"]["S"])
    assert item
    aws("s3").delete_object(Bucket=STACK["bucket"], Key=item["body_key"]["S"])
    return source


def waiting_contact() -> str:
    """A contact with a message in each of the two queues, beside one of someone else."""
    source = contact()
    for whose in (source, number()):
        message_id = fresh()
        body = json.dumps({"id": message_id, "source": whose, "content": {}})
        message = {"event": new_item(message_id, body=body, source=whose)}
        spill(json.dumps(message))
        park({"reason": "AccessDeniedException", "spilled": message})
    return source


def just_now() -> list[str]:
    """The window in which a message was received."""
    stored()
    return ["--from", (datetime.now(timezone.utc) - timedelta(seconds=5)).isoformat()]


def listener() -> str:
    """The name of a listener, whose queue is on both topics."""
    name = fresh()
    done = Person.administrator().run(["listen", "--yes", "--name", name])
    assert done.code == 0, done
    return name


def listener_with_event() -> str:
    name = listener()
    stored()
    return name


ALARMS = ("Unanswered", "RateLimited", "FanoutLag", "RecoverErrors", "MoErrors", "DlrErrors")

# By the output that names the policy.
COMMANDS = {
    "WatcherPolicyArn": [
        command("status", 0, 1),
        *(command(f"status {alarm}", 0, 1) for alarm in ALARMS),
        Command("doctor", lambda: [listener(), "doctor"][1:], (1,)),
    ],
    "ReaderPolicyArn": [
        Command("show MESSAGE", lambda: ["show", large()]),
        Command("show RECEIPT", lambda: ["show", stored("dlr")]),
        Command("show EVENT", lambda: ["show", event_id(f"MO#{stored()}"), "--yes"]),
        Command("show a lost body", lambda: ["show", lost()], (0, 1)),
        command("show --from 1h --yes"),
        Command("conversation", lambda: ["conversation", contact()]),
        command("reference order-1042", 0, 1),
        Command("quarantine show", lambda: ["quarantine", "show", quarantined()]),
        command("quarantine list"),
    ],
    "OperatorPolicyArn": [
        Command("parked list", lambda: [parked_event(), "parked", "list"][1:], (0, 1)),
        Command("parked show", lambda: ["parked", "show", parked_event()]),
        Command("parked redrive --dry-run", lambda: [parked_event(), "parked", "redrive", "--dry-run"][1:], (0, 1)),
        Command("parked redrive", lambda: ["parked", "redrive", "--yes", "--event-id", parked_event()]),
        Command("parked redrive SPILLED", lambda: ["parked", "redrive", "--yes", "--event-id", parked_item()]),
        Command("parked discard", lambda: ["parked", "discard", "--yes", "--event-id", parked_item()]),
        Command("quarantine show a lost body", lambda: ["quarantine", "show", quarantined_and_lost()], (0, 1)),
        Command("quarantine discard", lambda: ["quarantine", "discard", quarantined(), "--yes"]),
        command("quarantine list"),
        Command("resend", lambda: ["resend", large(), "--yes"]),
        Command("resend --to", lambda: ["resend", lost(), "--yes", "--to", "http://127.0.0.1:9/"], (1,)),
        Command("replay --dry-run", lambda: ["replay", "--dry-run", *just_now()]),
        Command("replay", lambda: ["replay", "--yes", *just_now()], (0, 1)),
    ],
    "EraserPolicyArn": [
        Command("erase --dry-run", lambda: ["erase", contact(), "--dry-run"], (0, 1)),
        Command("erase", lambda: ["erase", waiting_contact(), "--yes"], (0, 1)),
        Command("erase a lost body", lambda: ["erase", lost_contact(), "--yes"], (0, 1)),
        Command("erase --tombstones", lambda: ["erase", contact(), "--tombstones", "--yes"], (0, 1)),
    ],
    "ListenerPolicyArn": [
        Command("listen", lambda: ["listen", "--yes", "--name", fresh()]),
        Command("listen --type", lambda: ["listen", "--yes", "--name", listener(), "--kind", "mo", "--type", "text"]),
        Command("listen to an event", lambda: ["listen", "--yes", "--name", listener_with_event()]),
        Command(
            "listen --forward-to",
            lambda: ["listen", "--yes", "--name", listener_with_event(), "--forward-to", "http://127.0.0.1:9/"],
            (0, 1),
        ),
        Command("listen --remove", lambda: ["listen", "--yes", "--name", listener(), "--remove"]),
    ],
}

# What `wab` prints of a call that was refused. A log line may hold the code alone, and a HEAD has no code.
REFUSED = re.compile(
    r"not authorized to perform|cannot [^:]*: (AccessDenied|AuthorizationError|the service refused without a code)"
)


# Without these, a command goes on: what it prints then.
OTHERWISE = {
    DECRYPT: f"{REFUSED.pattern}|the settings of mo and dlr can't be read",  # doctor
    GENERATE: "the spill queue rejects it",
    ("sqs:DeleteMessage", "listeners' queues"): "1 event shown",  # and it stays in the queue
    ("sqs:SendMessage", "spill queue"): "the spill queue rejects it",
}


class Permissions(unittest.TestCase):
    def test_functions_fail_as_documented_without_each_permission(self) -> None:
        # A message that wasn't handled is retried after 2 s, not 30.
        aws("sqs").set_queue_attributes(QueueUrl=STACK["spill_queue_url"], Attributes={"VisibilityTimeout": "2"})
        delivered()
        functions = [Receiver("mo"), Receiver("dlr"), Recover("recover"), Fanout("fanout")]
        for function in functions:
            self.assertEqual(set(function.permissions), set(function.checks()), function.name)
        with ThreadPoolExecutor() as lanes:
            failures = [failure for found in lanes.map(take_each_away, functions) for failure in found]
        self.assertEqual(failures, [])
        for function in functions:
            account = aws("sts").get_caller_identity()["Account"]
            found = used(f"arn:aws:iam::{account}:role/{function.role}")
            self.assertEqual(unused(function.permissions, found), [], function.name)

    def test_people_fail_as_documented_without_each_permission(self) -> None:
        mapping = aws("lambda").list_event_source_mappings(FunctionName=STACK["recover_function"])
        # recover would take what `wab` looks for in the spill queue.
        aws("lambda").update_event_source_mapping(UUID=mapping["EventSourceMappings"][0]["UUID"], Enabled=False)
        for output, commands in COMMANDS.items():
            with self.subTest(output):
                self.check_policy(outputs()[output], commands)

    def test_key_policy_decides_about_encrypted_queues(self) -> None:
        """docs/security.md, "A key of your own": SNS delivers to a queue with this key, and to none with AWS's."""
        kms, topic = aws("kms"), STACK["mo_topic_arn"]
        policy = kms.get_key_policy(KeyId=key_arn(), PolicyName="default")["Policy"]
        queues = {}
        for key in (key_arn(), "alias/aws/sqs"):
            url, queue = queue_for(topic)
            aws("sqs").set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": key})
            aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
            queues[key] = Mailbox(url)
        own, aws_managed = queues[key_arn()], queues["alias/aws/sqs"]
        own.until(stored())
        self.assertEqual(aws_managed.find("Kia ora"), None)

        without_sns = json.loads(policy)
        without_sns["Statement"] = [one for one in without_sns["Statement"] if one["Sid"] != "Deliveries"]
        kms.put_key_policy(KeyId=key_arn(), PolicyName="default", Policy=json.dumps(without_sns))
        delivered()["topic mo"].until(dropped := stored())
        kms.put_key_policy(KeyId=key_arn(), PolicyName="default", Policy=policy)
        own.until(stored())
        self.assertEqual(own.find(dropped), None)

    def test_strangers_cannot_send(self) -> None:
        """An identity policy that allows everything doesn't suffice."""
        stranger = Person()
        everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        aws("iam").put_user_policy(UserName=stranger.name, PolicyName="all", PolicyDocument=json.dumps(everything))
        for topic in (STACK["mo_topic_arn"], STACK["dlr_topic_arn"], *STACK["fifo_topic_arns"]):
            group = {"MessageGroupId": "a", "MessageDeduplicationId": "a"} if topic.endswith(".fifo") else {}
            with self.assertRaisesRegex(ClientError, "AuthorizationError"):
                stranger.client("sns").publish(TopicArn=topic, Message="{}", **group)
        with self.assertRaisesRegex(ClientError, "AccessDenied"):
            stranger.client("sqs").send_message(QueueUrl=STACK["dead_letter_queue_url"], MessageBody="{}")
        with self.assertRaisesRegex(ClientError, "AccessDenied"):
            stranger.client("s3").delete_bucket(Bucket=STACK["bucket"])
        with self.assertRaisesRegex(ClientError, "ResourceInUseException|deletion protection"):
            stranger.client("dynamodb").delete_table(TableName=STACK["table"])

    def check_policy(self, policy_arn: str, commands: list[Command]) -> None:
        policy = aws("iam").get_policy(PolicyArn=policy_arn)["Policy"]
        version = aws("iam").get_policy_version(PolicyArn=policy_arn, VersionId=policy["DefaultVersionId"])
        permissions = permissions_of(version["PolicyVersion"]["Document"])
        ran: list[tuple[Command, float, set[tuple[str, str]]]] = []
        for command in commands:
            person = Person(policy_arn)
            done = run(command, person)
            self.assertIn(done.code, command.codes, (command.name, done.printed))
            self.assertIsNone(REFUSED.search(done.printed), (command.name, done.printed))
            ran.append((command, done.seconds, used(person.arn)))
        everything = {found for _, _, by_command in ran for found in by_command}
        self.assertEqual(unused(permissions, everything), [])
        for permission in permissions:
            users = [(seconds, command) for command, seconds, found in ran if not unused([permission], found)]
            rest = Person(permissions=[other for other in permissions if other != permission])
            expected = OTHERWISE.get(permission, REFUSED)
            # The fastest first. Some work without it: a body that can't be read is sent by reference.
            tried = [run(command, rest) for _, command in sorted(users, key=lambda user: user[0])[:1]]
            others = (run(command, rest) for _, command in sorted(users, key=lambda user: user[0])[1:])
            if not any(re.search(expected, done.printed) for done in itertools.chain(tried, others)):
                self.fail(f"nothing reports that {permission} is missing: {tried}")


def take_each_away(function: Any) -> list[str]:
    failures = []
    for permission, check in function.checks().items():
        started = time.monotonic()
        try:
            check(permission)
        except (AssertionError, ClientError) as error:
            failures.append(f"{function.name} without {permission}: {error!r}")
        print(f"{function.name} without {permission}: {time.monotonic() - started:.1f} s", flush=True)
    return failures


def unused(permissions: list[Permission], found: set[tuple[str, str]]) -> list[Permission]:
    return [
        permission
        for permission in permissions
        if not any(covers(permission, action, resource) for action, resource in found)
    ]


def run(command: Command, person: Person) -> Done:
    for queue in ("spill_queue_url", "dead_letter_queue_url"):
        aws("sqs").purge_queue(QueueUrl=STACK[queue])
    return person.run(command.prepare())


if __name__ == "__main__":
    unittest.main(verbosity=2)
