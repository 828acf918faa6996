"""Tests every function in Lambda's own image with `sam local`, against a local stack of its own.

Invokes each function with its event file, then calls both routes of `sam local start-api`. Checks each response, and
that the events are published. Needs a Docker engine; if anything is missing, prints one line and exits with 1.
"""

import tools  # first, for its check of the Python version  # isort: skip

import base64
import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import emulator
import sam_cli
import temporary_stack
from report import Failure, say, tail
from state import Files

NAME = "sam-local"
ENGINE = Path(__file__).resolve().parent / "docker_engine.py"
IMAGE = f"public.ecr.aws/lambda/provided:al2023-{sam_cli.architecture()}"
EVENTS = Path("tests/fixtures/events")
DEMO_CREDENTIALS = "local:local-password"  # of deploy.DEMO_VERIFIER

INVOKE_SECONDS = 300
START_SECONDS = 120
ANSWER_SECONDS = 60
PUBLISH_SECONDS = 60
STOP_SECONDS = 20

STORED = "200 stored"
ALL_DONE = '{"batchItemFailures": []}'

Published = tuple[str, str]  # type and subject of an event


def subscribed_queue(sqs: Any, sns: Any, topics: list[str]) -> str:
    """The URL of a queue that receives every event. It ends with the stack."""
    url = sqs.create_queue(QueueName=f"sam-local-{secrets.token_hex(4)}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topics}},
        },
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    for topic in topics:
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    return url


class Subscriber:
    """Receives every published event."""

    def __init__(self, sqs: Any, queue: str) -> None:
        self.sqs = sqs
        self.queue = queue
        self.seen: set[Published] = set()

    def check(self, events: set[Published]) -> str:
        """Waits until all of `events` are published, and returns them as text."""
        give_up = time.monotonic() + PUBLISH_SECONDS
        while not events <= self.seen:
            if time.monotonic() > give_up:
                raise Failure(f"not published within {PUBLISH_SECONDS} s: {sorted(events - self.seen)}")
            got = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in got.get("Messages", []):
                event = json.loads(message["Body"])
                self.seen.add((event["type"], event["subject"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return ", ".join(f"{kind} {subject}" for kind, subject in sorted(events))


def sam(command: str, *arguments: str) -> list[str]:
    files = Files(NAME).sam_local
    options = ["--template", str(files / "template.json"), "--env-vars", str(files / "env.json"), "--skip-pull-image"]
    return [str(sam_cli.BIN / "sam"), "local", command, *arguments, *options]


def invoke(function: str, file: str) -> str:
    """The function's response to the event in `file`; for a callback, its status and outcome."""
    command = sam("invoke", function, "--event", str(EVENTS / file))
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=tools.ROOT,
            env=sam_cli.no_account(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INVOKE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"sam local invoke {function} took more than {INVOKE_SECONDS} s") from None
    try:
        answer = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise Failure(f"sam local invoke {function} returned no response\n{done.stdout}{done.stderr}") from None
    return outcome(answer["statusCode"], answer["body"]) if "statusCode" in answer else json.dumps(answer)


def outcome(status: Any, body: str) -> str:
    """The response to a callback in brief, such as `200 stored`."""
    with contextlib.suppress(ValueError, AttributeError):
        return f"{status} {json.loads(body).get('outcome', body)}"
    return f"{status} {body}"


def expect(what: str, answer: str, expected: str) -> None:
    if answer != expected:
        raise Failure(f"{what}: expected {expected}, got {answer}")


def invoke_each(subscriber: Subscriber) -> None:
    fixture = "11111111-1111-4111-8111-0000000000"
    for function, file, expected, events in (
        ("Mo", "mo-text.json", STORED, {("wab.mo.v1", f"{fixture}01")}),
        ("Dlr", "dlr-received.json", STORED, {("wab.dlr.v1", f"{fixture}06")}),
        ("Fanout", "fanout-mo-and-dlr.json", ALL_DONE, {("wab.mo.v1", f"{fixture}21"), ("wab.dlr.v1", f"{fixture}22")}),
        ("Recover", "recover-mo.json", ALL_DONE, {("wab.mo.v1", f"{fixture}31")}),
    ):
        what = f"sam local invoke {function} -e {EVENTS / file}"
        answer = invoke(function, file)
        expect(what, answer, expected)
        say(f"{what}: {answer}; published: {subscriber.check(events)}")


@contextlib.contextmanager
def start_api() -> Iterator[int]:
    """Runs `sam local start-api` and yields its port."""
    port = emulator.choose_port(None, None)
    log = Files(NAME).home / "start-api.log"
    with log.open("wb") as output:
        api = subprocess.Popen(
            sam("start-api", "--port", str(port)),
            cwd=tools.ROOT,
            env=sam_cli.no_account(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        give_up = time.monotonic() + START_SECONDS
        while not listens(port):
            if api.poll() is not None or time.monotonic() > give_up:
                raise Failure(f"sam local start-api doesn't listen\n{tail(log)}")
            time.sleep(0.1)
        yield port
    finally:
        # Like Ctrl-C, on which sam removes its containers.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(api.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            api.wait(timeout=STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(api.pid, signal.SIGKILL)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def post(port: int, route: str, callback: dict[str, Any]) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    credentials = base64.b64encode(DEMO_CREDENTIALS.encode()).decode()
    headers = {"authorization": f"Basic {credentials}", "content-type": "application/json"}
    with contextlib.closing(connection):
        connection.request("POST", route, json.dumps(callback), headers)
        response = connection.getresponse()
        return outcome(response.status, response.read().decode())


def call_each_route(subscriber: Subscriber) -> None:
    text = {"type": "text", "text": {"body": "Kia ora"}}
    with start_api() as port:
        for route, event_type, more in (
            ("/mo", "wab.mo.v1", {"source": "+6421000011", "Destination": "6421000012", "content": text}),
            ("/dlr", "wab.dlr.v1", {"status": "received", "reference": "order-1042"}),
        ):
            callback = {"id": f"start-api-{secrets.token_hex(8)}", **more}
            answer = post(port, route, callback)
            expect(f"POST {route}", answer, STORED)
            published = subscriber.check({(event_type, callback["id"])})
            say(f"sam local start-api, POST {route}: {answer}; published: {published}")


def run(state: dict[str, Any]) -> None:
    if not state["container_endpoint"]:
        raise Failure("functions reach the stack through Docker's bridge docker0, on which this machine has no address")
    sqs, sns = emulator.client("sqs", state["endpoint"]), emulator.client("sns", state["endpoint"])
    subscriber = Subscriber(sqs, subscribed_queue(sqs, sns, [state["mo_topic_arn"], state["dlr_topic_arn"]]))
    invoke_each(subscriber)
    call_each_route(subscriber)


def main() -> int:
    tools.continue_in("emulator", "sam")
    engine = [str(sam_cli.BIN / "python"), str(ENGINE), IMAGE]
    if subprocess.run(engine, check=False).returncode != 0:
        return 1
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "localhost,127.0.0.1"
    with temporary_stack.up(NAME) as state_file:
        try:
            run(json.loads(state_file.read_text()))
        except Failure as failure:
            print(f"error: {failure}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
