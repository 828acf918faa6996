"""The examples, built and deployed as their templates say: each answers a text once, and keeps what it can't handle."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import sam_cli
import temporary_stack
import tools
from build import SHIMS, light_build
from emulator import client
from local_test import post
from state import Files

from deploy import sam_deploy

NAME = "examples"
BUILD_SECONDS = 1800
SECONDS = 60

T = TypeVar("T")


def until(found: Callable[[], T], what: str) -> T:
    """Waits for what `found` returns."""
    give_up = time.monotonic() + SECONDS
    while not (value := found()):
        if time.monotonic() > give_up:
            raise AssertionError(f"{what} took more than {SECONDS} s")
        time.sleep(0.2)
    return value


class Checkout:
    """A copy of this one, because npm changes the directories in which it installs."""

    def __init__(self, directory: str) -> None:
        self.root = Path(directory)
        for name in ("clients", "examples"):
            ignored = shutil.ignore_patterns("node_modules", "dist", ".aws-sam", "__pycache__")
            shutil.copytree(tools.ROOT / name, self.root / name, ignore=ignored)
        self.node = tools.node("contracts").parent

    def build(self, language: str, build_dir: Path) -> list[str]:
        """Builds an example. Returns the parameters to deploy it with."""
        directory, first, options = self.root / "examples" / language, [], []
        parameters = [f"Architecture={sam_cli.architecture()}"]
        if language == "rust":
            directory = tools.ROOT / "examples" / language  # with what is compiled already
        elif language == "typescript":
            first, options = [SHIMS, self.node], ["--build-in-source"]
            npm = [*tools.npm("contracts"), "--prefix", "../../clients/typescript", "--silent", "install"]
            subprocess.run(npm, cwd=directory, check=True)
        else:
            first = [tools.install_uv().parent]  # whose Python has pip
            template = directory / "template.yaml"
            ours = "Runtime: python{}.{}".format(*sys.version_info[:2])
            template.write_text(template.read_text().replace("Runtime: python3.13", ours))
        options += ["--build-dir", str(build_dir), "--parameter-overrides", *parameters]
        variables = light_build() | {"PATH": sam_cli.search_path(*first)}
        log = build_dir.with_suffix(".log")
        sam_cli.run(["build", *options], log, BUILD_SECONDS, variables, directory=directory)
        return parameters


class Example:
    """A deployed example."""

    def __init__(self, language: str, endpoint: str) -> None:
        self.language = language
        self.sqs, self.endpoint = client("sqs", endpoint), endpoint
        found = client("cloudformation", endpoint).describe_stack_resources(StackName=stack_name(language))
        self.resources = {it["LogicalResourceId"]: it["PhysicalResourceId"] for it in found["StackResources"]}
        self.replies: list[dict[str, str]] = []

    def take(self, queue: str) -> list[str]:
        """Removes the messages of a queue."""
        url, bodies = self.resources[queue], []
        while found := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                bodies.append(message["Body"])
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def replies_to(self, event_id: str) -> list[tuple[str, str]]:
        self.replies += map(json.loads, self.take("Replies"))
        return [(it["destination"], it["text"]) for it in self.replies if it["event_id"] == event_id]

    def is_idle(self) -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.resources["Texts"], AttributeNames=names)
        return all(found["Attributes"][name] == "0" for name in names)

    def set(self, **attributes: str) -> None:
        self.sqs.set_queue_attributes(QueueUrl=self.resources["Texts"], Attributes=attributes)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Keeps messages in the queue, which the function then receives as one batch."""
        functions, mapping = client("lambda", self.endpoint), self.resources["SubscriberTexts"]
        functions.update_event_source_mapping(UUID=mapping, Enabled=False)
        try:
            yield
        finally:
            functions.update_event_source_mapping(UUID=mapping, Enabled=True)

    def waiting(self) -> list[str]:
        url = self.resources["Texts"]
        found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [message["Body"] for message in found.get("Messages", [])]

    def alarm_is_on(self, name: str) -> bool:
        found = client("cloudwatch", self.endpoint).describe_alarms(AlarmNames=[self.resources[name]])
        return found["MetricAlarms"][0]["StateValue"] == "ALARM"


def stack_name(language: str) -> str:
    return f"texts-{language}"


class Examples(unittest.TestCase):
    state: dict[str, str]
    examples: list[Example]
    collected: str

    @classmethod
    def setUpClass(cls) -> None:
        tools.install(["contracts", "sam"])
        with contextlib.ExitStack() as started:
            checkout = Checkout(started.enter_context(tempfile.TemporaryDirectory()))
            # The emulator runs functions with the Node.js that it finds.
            path = os.pathsep.join([str(checkout.node), os.environ["PATH"]])
            started.enter_context(mock.patch.dict(os.environ, {"PATH": path, "ALARM_PERIOD_SECONDS": "2"}))
            files = Files(NAME)
            cls.state = json.loads(started.enter_context(temporary_stack.up(NAME)).read_text())
            cls.examples = []
            for language in ("rust", "typescript", "python"):
                build_dir = files.home / language
                parameters = [*checkout.build(language, build_dir), f"MoTopicArn={cls.state['mo_topic_arn']}"]
                endpoint, log = cls.state["endpoint"], files.home / f"{language}-deploy.log"
                sam_deploy(build_dir, stack_name(language), parameters, endpoint, log)
                cls.examples.append(Example(language, endpoint))
            cls.subscribe_without_filter()
            cls.addClassCleanup(started.pop_all().close)

    @classmethod
    def subscribe_without_filter(cls) -> None:
        cls.sqs, cls.sns = client("sqs", cls.state["endpoint"]), client("sns", cls.state["endpoint"])
        cls.collected = cls.sqs.create_queue(QueueName="collected")["QueueUrl"]
        attributes = cls.sqs.get_queue_attributes(QueueUrl=cls.collected, AttributeNames=["QueueArn"])["Attributes"]
        statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        cls.sqs.set_queue_attributes(QueueUrl=cls.collected, Attributes={"Policy": policy})
        cls.sns.subscribe(
            TopicArn=cls.state["mo_topic_arn"],
            Protocol="sqs",
            Endpoint=attributes["QueueArn"],
            Attributes={"RawMessageDelivery": "true"},
        )

    def publish(self, content: dict[str, Any]) -> dict[str, Any]:
        """Sends a callback. Returns its event, once it is published."""
        message = str(uuid.uuid4())
        post(self.state, {"id": message, "source": "+6421000001", "Destination": "6421000002", "content": content})

        def published() -> dict[str, Any] | None:
            found = self.sqs.receive_message(QueueUrl=self.collected, MaxNumberOfMessages=10).get("Messages", [])
            events = [json.loads(it["Body"]) for it in found]
            return next((event for event in events if event["subject"] == message), None)

        return until(published, "publishing an event")

    def check_replies(self, example: Example, event: dict[str, Any], text: str) -> None:
        """Each event has one reply, also after everything in the queue is handled."""
        until(lambda: example.replies_to(event["id"]), f"the reply of {example.language}")
        until(example.is_idle, f"emptying the queue of {example.language}")
        self.assertEqual(example.replies_to(event["id"]), [("+6421000001", f"You wrote: {text}")], example.language)

    def test_repeated_text_is_answered_once(self) -> None:
        event = self.publish({"type": "text", "text": {"body": "Kia ora"}})
        for example in self.examples:
            self.check_replies(example, event, "Kia ora")
        kind = {"type": {"DataType": "String", "StringValue": "text"}}
        for _ in range(2):
            self.sns.publish(TopicArn=self.state["mo_topic_arn"], Message=json.dumps(event), MessageAttributes=kind)
        for example in self.examples:
            self.check_replies(example, event, "Kia ora")

    def test_image_does_not_reach_the_queue(self) -> None:
        with contextlib.ExitStack() as paused:
            for example in self.examples:
                paused.enter_context(example.paused())
            self.publish({"type": "image", "image": {"id": "1", "mime_type": "image/jpeg"}})
            text = self.publish({"type": "text", "text": {"body": "after the image"}})
            for example in self.examples:
                waiting = [json.loads(body)["id"] for body in example.waiting()]
                self.assertEqual(waiting, [text["id"]], example.language)
        for example in self.examples:
            self.check_replies(example, text, "after the image")

    def test_poison_message_fails_alone(self) -> None:
        event = self.publish({"type": "text", "text": {"body": "first"}})
        for example in self.examples:
            self.check_replies(example, event, "first")
        neighbours = [event | {"id": uuid.uuid4().hex} for _ in range(2)]
        for example in self.examples:
            queue = self.sqs.get_queue_attributes(QueueUrl=example.resources["Texts"], AttributeNames=["RedrivePolicy"])
            redrive = json.loads(queue["Attributes"]["RedrivePolicy"]) | {"maxReceiveCount": 2}
            example.set(VisibilityTimeout="5", RedrivePolicy=json.dumps(redrive))
            first, second = map(json.dumps, neighbours)
            bodies = enumerate([first, "not an event", second])
            entries = [{"Id": str(number), "MessageBody": body} for number, body in bodies]
            with example.paused():
                self.sqs.send_message_batch(QueueUrl=example.resources["Texts"], Entries=entries)
        for example in self.examples:
            until(lambda example=example: example.alarm_is_on("DeadLettersAlarm"), f"the alarm of {example.language}")
            self.assertEqual(example.take("DeadLetters"), ["not an event"], example.language)
            for neighbour in neighbours:
                self.check_replies(example, neighbour, "first")

    def test_undeliverable_event_is_kept(self) -> None:
        for example in self.examples:
            example.set(Policy="")
        event = self.publish({"type": "text", "text": {"body": "not delivered"}})
        for example in self.examples:
            until(lambda example=example: example.alarm_is_on("UndeliveredAlarm"), f"the alarm of {example.language}")
            kept = [json.loads(body)["id"] for body in example.take("Undelivered")]
            self.assertEqual((kept, example.replies_to(event["id"])), ([event["id"]], []), example.language)


if __name__ == "__main__":
    unittest.main()
