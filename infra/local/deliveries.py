"""Tests deliveries to a queue, a function, an HTTPS endpoint, a FIFO queue, a bus and an archive,
on a local stack with FIFO topics.

WAB_STACK names the file stack.json of the stack. Its emulator was started with SNS_RETRY_SECONDS.
"""

import base64
import http.client
import importlib.util
import json
import os
import sys
import tempfile
import threading
import time
import unittest
import urllib.request
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import tools
from emulator import client

from deploy import sam_deploy, stack_outputs

AWAIT_SECONDS = 30

# Part of every text (tools/marked), so that it is found wherever it doesn't belong.
WORD = "zQpR7x"

# Parameters of examples/fifo.
FIFO = ("MoFifoTopicArn", "DlrFifoTopicArn")

STACK: dict[str, Any] = json.loads(Path(os.environ["WAB_STACK"]).read_text()) if "WAB_STACK" in os.environ else {}

sys.path.insert(0, str(tools.ROOT / "clients" / "python" / "src"))

import wab_events  # noqa: E402

T = TypeVar("T")


def aws(service: str) -> Any:
    return client(service, STACK["endpoint"])


def deploy(example: str, **parameters: str) -> dict[str, str]:
    """Deploys the example's template, and returns the stack's outputs."""
    name = f"{STACK['stack_name']}-{example}"
    log = Path(STACK["log"]).with_name(f"deploy-{example}.log")
    overrides = [f"{key}={value}" for key, value in parameters.items()]
    sam_deploy(tools.ROOT / "examples" / example, name, overrides, STACK["endpoint"], log)
    return stack_outputs(STACK["endpoint"], name)


def receive_callback(kind: str, **body: Any) -> str:
    """Posts a callback as the gateway does, and returns its message id."""
    message_id = body.pop("id", None) or str(uuid.uuid4())
    user = base64.b64encode(f"{STACK['username']}:{STACK['password']}".encode()).decode()
    request = urllib.request.Request(
        STACK[f"{kind}_url"],
        json.dumps({"id": message_id, **body}).encode(),
        {"Authorization": f"Basic {user}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30):
        return message_id


def receive_message(message: dict[str, Any]) -> str:
    return receive_callback("mo", source="+6421000001", destination="6421000002", content=message)


def receive_text() -> str:
    return receive_message({"type": "text", "text": {"body": f"Kia ora {WORD}"}})


def receive_image() -> str:
    return receive_message({"type": "image", "image": {"id": "1", "mime_type": "image/jpeg"}})


def await_value(get: Callable[[], T | None], what: str) -> T:
    give_up = time.monotonic() + AWAIT_SECONDS
    while time.monotonic() < give_up:
        if (value := get()) is not None:
            return value
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {AWAIT_SECONDS} s")


def next_message(queue_url: str) -> str:
    """Takes the next message from a queue."""

    def take() -> str | None:
        messages = aws("sqs").receive_message(QueueUrl=queue_url, WaitTimeSeconds=1).get("Messages", [])
        for message in messages:
            aws("sqs").delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            return message["Body"]
        return None

    return await_value(take, "a message")


def queue_for(*topic_arns: str) -> tuple[str, str]:
    """Makes a queue to which the topics may send. Returns its URL and its ARN."""
    sqs = aws("sqs")
    url = sqs.create_queue(QueueName=f"deliveries-{uuid.uuid4()}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": list(topic_arns)}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn


def of_message(post: str) -> str:
    """The message id of the event in what SNS posts."""
    return json.loads(json.loads(post)["Message"])["subject"]


class Functions(unittest.TestCase):
    def test_functions_run_the_zips_of_the_release(self) -> None:
        sums = Path(STACK["log"]).parent / "build" / "SHA256SUMS"
        if not sums.exists():
            self.skipTest("the stack wasn't deployed from a release")
        zips = {name.removesuffix(".zip"): digest for digest, name in map(str.split, sums.read_text().splitlines())}
        for function in ("dlr", "fanout", "mo", "recover"):
            deployed = aws("lambda").get_function_configuration(FunctionName=STACK[f"{function}_function"])
            self.assertEqual(base64.b64decode(deployed["CodeSha256"]).hex(), zips[function])


class Queue(unittest.TestCase):
    def test_event_arrives_raw_and_in_an_envelope(self) -> None:
        topic = STACK["mo_topic_arn"]
        queues = {}
        for raw in ("true", "false"):
            queues[raw], arn = queue_for(topic)
            raw_delivery = {"RawMessageDelivery": raw}
            aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw_delivery)
        text = receive_text()
        for raw, queue in queues.items():
            body = "{}"
            while text not in body:  # some are of other tests
                body = next_message(queue)
            self.assertEqual(json.loads(body).get("Type"), None if raw == "true" else "Notification")
            delivery = wab_events.parse(body)
            assert isinstance(delivery, wab_events.Mo)
            self.assertEqual((delivery.event.subject, type(delivery.message)), (text, wab_events.TextMessage))


class Function(unittest.TestCase):
    """examples/lambda"""

    def test_function_gets_texts_and_its_queues_keep_what_fails(self) -> None:
        outputs = OUTPUTS["lambda"].result()
        table = {"TableName": outputs["TableName"]}

        image, text = receive_image(), receive_text()

        def stored() -> list[str]:
            return [item["message_id"]["S"] for item in aws("dynamodb").scan(**table)["Items"]]

        await_value(lambda: True if text in stored() else None, "the item")
        self.assertEqual((stored().count(text), image in stored()), (1, False))

        aws("dynamodb").delete_table(**table)
        text = receive_text()
        failed = json.loads(next_message(outputs["FailedQueueUrl"]))
        self.assertEqual(of_message(json.dumps(failed["requestPayload"]["Records"][0]["Sns"])), text)
        self.assertEqual(failed["requestContext"]["condition"], "RetriesExhausted")

        aws("lambda").delete_function(FunctionName=outputs["FunctionName"])
        text = receive_text()
        self.assertEqual(of_message(next_message(outputs["UndeliveredQueueUrl"])), text)


class HttpsEndpoint(unittest.TestCase):
    """examples/https, at an address without TLS"""

    def setUp(self) -> None:
        specification = importlib.util.spec_from_file_location("endpoint", tools.ROOT / "examples/https/endpoint.py")
        assert specification and specification.loader
        example = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(example)

        self.handled: list[str] = []
        self.failing: dict[str, int] = {}  # how often the handler still fails, by message type
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        topics = [STACK["mo_topic_arn"]]
        self.server = example.server(0, f"{directory.name}/events.db", topics, self.handle, fetch_from_emulator)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        threading.Thread(target=self.server.serve_forever).start()

        self.posts, posts_arn = queue_for(STACK["mo_topic_arn"], STACK["dlr_topic_arn"])
        for topic in ("mo", "dlr"):
            self.subscribe(STACK[f"{topic}_topic_arn"], "sqs", posts_arn)

    def subscribe(self, topic_arn: str, protocol: str, endpoint: str, **attributes: str) -> None:
        """Subscribes the endpoint, and waits until the subscription is confirmed."""
        sns = aws("sns")
        sns.subscribe(TopicArn=topic_arn, Protocol=protocol, Endpoint=endpoint, Attributes=attributes)

        def confirmed() -> str | None:
            pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
            [arn] = [
                found["SubscriptionArn"] for found in pages.search("Subscriptions") if found["Endpoint"] == endpoint
            ]
            return arn if arn != "PendingConfirmation" else None

        arn = await_value(confirmed, "the confirmation")
        self.addCleanup(lambda: sns.unsubscribe(SubscriptionArn=arn))

    def handle(self, delivery: Any) -> None:
        message_type = delivery.message.type
        if self.failing.get(message_type):
            self.failing[message_type] -= 1
            raise RuntimeError
        self.handled.append(delivery.data.id)

    def post(self, body: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)
        connection.request("POST", "/", body.encode())
        status = connection.getresponse().status
        connection.close()
        return status

    def test_endpoint_confirms_and_handles_each_event_once(self) -> None:
        dead_letters, dead_letters_arn = queue_for(STACK["mo_topic_arn"])
        redrive = json.dumps({"deadLetterTargetArn": dead_letters_arn})
        url = f"http://127.0.0.1:{self.server.server_port}/"
        self.subscribe(STACK["mo_topic_arn"], "http", url, RedrivePolicy=redrive)

        text = receive_text()
        await_value(lambda: self.handled or None, "the event")
        post = next_message(self.posts)
        self.assertEqual(of_message(post), text)
        self.assertEqual(self.post(post), 200)  # a repeat, which isn't handled
        self.assertEqual(self.handled, [text])

        changed = json.dumps(json.loads(post) | {"Message": json.loads(post)["Message"].replace("Kia", "Kea")})
        elsewhere = json.loads(post)["SigningCertURL"].replace("amazonaws.com", "example.com")
        other_certificate = json.dumps(json.loads(post) | {"SigningCertURL": elsewhere})
        old = json.dumps(json.loads(post) | {"Timestamp": "2020-01-01T00:00:00.000Z"})
        receive_callback("dlr", status="received")
        other_topic = next_message(self.posts)
        self.assertEqual(json.loads(other_topic)["TopicArn"], STACK["dlr_topic_arn"])
        for body in (changed, other_certificate, old, other_topic, "{}", ""):
            self.assertEqual(self.post(body), 403, body[:80])
        self.assertEqual(self.handled, [text])

        self.failing = {"text": 2, "image": 4}
        retried = receive_text()
        await_value(lambda: self.handled[1:] or None, "the retried event")
        self.assertEqual((self.handled, self.failing["text"]), ([text, retried], 0))
        refused = receive_image()
        self.assertEqual(of_message(next_message(dead_letters)), refused)
        self.assertEqual((self.handled, self.failing["image"]), ([text, retried], 0))


class InOrder(unittest.TestCase):
    """examples/fifo"""

    def test_queue_gets_each_group_in_order(self) -> None:
        queue = OUTPUTS["fifo"].result()["EventsUrl"]
        texts, statuses = [], ["submitted", "sent", "received"]
        receipt = str(uuid.uuid4())
        for status in statuses:
            texts.append(receive_text())
            receive_callback("dlr", id=receipt, status=status)
        events: list[dict[str, Any]] = []
        # Some are of other tests.
        while sum(event["subject"] in [receipt, *texts] for event in events) < 2 * len(statuses):
            events.append(json.loads(next_message(queue)))
        subjects = [event["subject"] for event in events]
        self.assertEqual([subject for subject in subjects if subject in texts], texts)
        receipts = [event["data"]["status"] for event in events if event["subject"] == receipt]
        self.assertEqual(receipts, statuses)


class EventBus(unittest.TestCase):
    """examples/eventbridge"""

    def test_rule_selects_events_on_the_bus(self) -> None:
        outputs = OUTPUTS["eventbridge"].result()
        events, (url, arn) = aws("events"), queue_for()
        pattern = {
            "source": ["wab"],
            "detail-type": ["wab.mo.v1"],
            "detail": {"data": {"content": {"type": ["text"]}}},
        }
        events.put_rule(Name="texts", EventBusName="default", EventPattern=json.dumps(pattern))
        events.put_targets(Rule="texts", EventBusName="default", Targets=[{"Id": "1", "Arn": arn}])

        def await_event(subject: str) -> None:
            """Takes events of the bus until this one. All are texts; some are of other tests."""
            found: dict[str, Any] = {}
            while found.get("subject") != subject:
                taken = json.loads(next_message(url))
                self.assertEqual((taken["source"], taken["detail-type"]), ("wab", "wab.mo.v1"))
                found = taken["detail"]
                self.assertEqual(found["data"]["content"], {"type": "text", "text": {"body": f"Kia ora {WORD}"}})

        receive_image()
        await_event(receive_text())
        # What is no event isn't put on the bus, and keeps nothing back.
        aws("sqs").send_message(QueueUrl=outputs["EventsUrl"], MessageBody="no event")
        await_event(receive_text())


class Archive(unittest.TestCase):
    """examples/archive"""

    def test_events_are_archived_and_queried(self) -> None:
        outputs = OUTPUTS["archive"].result()
        athena, s3 = aws("athena"), aws("s3")
        day = time.strftime("%Y-%m-%d", time.gmtime())

        sent = [receive_text(), receive_text(), receive_image()]
        # A base64 body isn't WhatsApp's message object.
        sent.append(receive_callback("mo", source="+6421000001", content="AAEC", encoding="base64"))
        sent.append(receive_callback("dlr", status="failed", detail="no such number"))
        sent.append(receive_callback("dlr", status="received"))

        def archived() -> list[dict[str, Any]]:
            found = s3.list_objects_v2(Bucket=outputs["BucketName"], Prefix=f"events/dt={day}/").get("Contents", [])
            bodies = [s3.get_object(Bucket=outputs["BucketName"], Key=one["Key"])["Body"].read() for one in found]
            self.assertTrue(all(body.endswith(b"\n") for body in bodies))
            return [json.loads(line) for body in bodies for line in body.splitlines()]

        await_value(lambda: True if {event["subject"] for event in archived()} >= set(sent) else None, "the events")
        # A repeat isn't counted.
        repeated = next(event for event in archived() if event["subject"] == sent[0])
        aws("sns").publish(TopicArn=STACK["mo_topic_arn"], Message=json.dumps(repeated))
        await_value(lambda: True if archived().count(repeated) == 2 else None, "the repeat")

        def rows(query: str) -> list[list[str]]:
            saved = athena.get_named_query(NamedQueryId=outputs[query])["NamedQuery"]
            run = athena.start_query_execution(
                QueryString=saved["QueryString"],
                QueryExecutionContext={"Database": saved["Database"]},
                WorkGroup=outputs["WorkGroupName"],
            )["QueryExecutionId"]

            def ended() -> str | None:
                state = athena.get_query_execution(QueryExecutionId=run)["QueryExecution"]["Status"]["State"]
                return state if state in ("SUCCEEDED", "FAILED") else None

            self.assertEqual(await_value(ended, "the query"), "SUCCEEDED")
            found = athena.get_query_results(QueryExecutionId=run)["ResultSet"]["Rows"]
            return [[cell.get("VarCharValue", "") for cell in row["Data"]] for row in found]

        self.assertEqual(
            rows("MessagesByDayQueryId"),
            [["day", "message_type", "messages"], [day, "image", "1"], [day, "text", "2"], [day, "unknown", "1"]],
        )
        self.assertEqual(
            rows("FailuresByDayQueryId"),
            [["day", "status", "detail", "receipts"], [day, "failed", "no such number", "1"]],
        )

        aws("firehose").delete_delivery_stream(DeliveryStreamName=outputs["StreamName"])
        text = receive_text()
        self.assertEqual(json.loads(next_message(outputs["UndeliveredQueueUrl"]))["subject"], text)


def fetch_from_emulator(url: str) -> str:
    """Requests at the emulator what is at SNS's address on AWS: its certificate, and the URL that confirms."""
    path = urlsplit(url)
    with urllib.request.urlopen(f"{STACK['endpoint']}{path.path}?{path.query}", timeout=10) as answer:
        return answer.read().decode()


if __name__ == "__main__":
    topics = {"MoTopicArn": STACK["mo_topic_arn"]}
    with ThreadPoolExecutor() as background:
        OUTPUTS = {
            "lambda": background.submit(deploy, "lambda", **topics),
            "archive": background.submit(deploy, "archive", **topics, DlrTopicArn=STACK["dlr_topic_arn"]),
            "eventbridge": background.submit(deploy, "eventbridge", **topics, DlrTopicArn=STACK["dlr_topic_arn"]),
            "fifo": background.submit(deploy, "fifo", **dict(zip(FIFO, STACK["fifo_topic_arns"], strict=True))),
        }
        unittest.main(verbosity=2)
