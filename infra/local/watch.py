"""Prints one line for each published event, from a temporary queue that is subscribed to both topics."""

import contextlib
import io
import json
import secrets
import shlex
import sys
from collections.abc import Iterator
from typing import Any, NoReturn
from urllib.parse import quote

State = dict[str, Any]


@contextlib.contextmanager
def subscriber(sqs: Any, sns: Any, topics: list[str]) -> Iterator[str]:
    """Yields the URL of a temporary queue that receives every event."""
    url = sqs.create_queue(QueueName=f"watch-{secrets.token_hex(4)}")["QueueUrl"]
    subscriptions: list[str] = []
    try:
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
            subscription = sns.subscribe(
                TopicArn=topic,
                Protocol="sqs",
                Endpoint=arn,
                Attributes={"RawMessageDelivery": "true"},
                ReturnSubscriptionArn=True,
            )
            subscriptions.append(subscription["SubscriptionArn"])
        yield url
    finally:
        for subscription in subscriptions:
            with contextlib.suppress(Exception):  # stopping the emulator removes it too
                sns.unsubscribe(SubscriptionArn=subscription)
        with contextlib.suppress(Exception):
            sqs.delete_queue(QueueUrl=url)


def watch(sqs: Any, sns: Any, state: State) -> NoReturn:
    """Prints where to send callbacks, then each event as it arrives. Only an exception ends it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # the terminal's encoding may lack a character
    with subscriber(sqs, sns, [state["mo_topic_arn"], state["dlr_topic_arn"]]) as url:
        print_invitation(state)
        while True:
            got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5)
            for message in got.get("Messages", []):
                print(summary(message["Body"]), flush=True)
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def print_invitation(state: State) -> None:
    user, password = quote(state["username"], safe=""), quote(state["password"], safe="")
    for kind in ("mo", "dlr"):
        url = state[f"{kind}_url"].replace("://", f"://{user}:{password}@")
        print(f"  {kind:<4} {url}")
    sample = {
        "id": "1",
        "source": "+6421000000",
        "Destination": "6400000000",
        "content": {"type": "text", "text": {"body": "Kia ora"}},
    }
    credentials = f"{state['username']}:{state['password']}"
    curl = ["curl", "-u", credentials, "-H", "content-type: application/json", "-d", json.dumps(sample)]
    print(f"\n  {shlex.join([*curl, state['mo_url']])}\n")
    print("  (sent again, it is a duplicate; `cargo run -p wab -- send mo` sends a new message each time)\n")
    print("waiting for events (Ctrl-C stops):", flush=True)


def summary(body: str) -> str:
    """One line with an event's time, type, subject and the beginning of its content. Never raises."""
    try:
        event = json.loads(body)
        what = [event["time"], event["type"], event["subject"]]
        data = event.get("data", {})
        if "dataref" in event:
            what.append("content too large to publish; see dataref")
        elif "status" in data:
            what += [data["status"], data.get("reference") or ""]
        else:
            content = data.get("content")
            kind = content.get("type") if isinstance(content, dict) else None
            what += [data.get("source") or "", kind or "-", preview(content, kind)]
        line = "  ".join(str(part) for part in what if part != "")
    except Exception:  # such as RecursionError, when content is nested too deeply for Python
        line = f"unreadable event: {body}"
    # Strip control characters so that untrusted text can't inject terminal escapes.
    return "".join(letter if letter.isprintable() else " " for letter in line)[:200]


def preview(content: Any, kind: Any) -> str:
    part = content.get(kind) if isinstance(content, dict) and kind in content else content
    if isinstance(part, dict) and isinstance(part.get("body"), str):
        part = part["body"]
    text = part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
