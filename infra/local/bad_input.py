"""Posts bad input of every kind to the callbacks of a local stack.

Each request is answered as docs/operations.md says, in time and with little memory. What is answered 200 is published,
and a callback after it is stored. WAB_STACK names the file stack.json of the stack.
"""

import base64
import gzip
import http.client
import json
import re
import socket
import unittest
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deliveries import STACK, WORD, await_value, aws, queue_for

ANSWER_SECONDS = 4  # docs/operations.md, "Answers"
PEAK_BYTES = 64 * 1024 * 1024

DEEP = 100_000
MB = 1_000_000

EVENT_ID = re.compile(r'"id":"([0-9a-f]{32})"')

Answer = tuple[int, dict[str, Any]]


def callback(message_id: str = "", content: str = f'"Kia ora {WORD}"', status: str = '"received"') -> bytes:
    """A callback whose id, content and status are JSON of any form."""
    message_id = message_id or json.dumps(str(uuid.uuid4()))
    return f'{{"id":{message_id},"status":{status},"content":{content}}}'.encode("utf-8", "surrogatepass")


def accepted() -> Iterator[tuple[str, bytes]]:
    """Bodies that are callbacks all the same."""
    for name, content in (
        ("arrays 100 000 deep", "[" * DEEP + "]" * DEEP),
        ("objects 100 000 deep", '{"a":' * DEEP + "1" + "}" * DEEP),
        ("a number of 1 MB", "9" * MB),
        ("a fraction of 1 MB", "0." + "9" * MB),
        ("an exponent that no double has", "1e999999999"),
        ("duplicate keys", '{"type":"text","type":"image","type":{"a":1,"a":2}}'),
        ("100 000 keys", "{" + ",".join(f'"{number}":0' for number in range(DEEP)) + "}"),
        ("100 000 times the same key", "{" + ",".join(['"type":"text"'] * DEEP) + "}"),
        ("a lone high surrogate", r'"\ud800"'),
        ("a lone low surrogate in a key", r'{"\udc00":"\ud800\ud800"}'),
        ("an escaped NUL", r'{"type":"text","text":{"body":"\u0000"}}'),
        ("U+FFFE and U+FFFF", '"\ufffe\uffff"'),
        ("1 MB of escapes", '"' + r"\u0001" * (MB // 6) + '"'),
        ("base64 that isn't", '"====","encoding":"base64"'),
        ("1 MB of white space", " " * MB + "1"),
        ("a string of 5.9 MB", '"' + "x" * 5_900_000 + '"'),
    ):
        yield name, callback(content=content)
    fresh = uuid.uuid4()
    for name, message_id in (
        ("an id with a NUL", rf'"\u0000{fresh}"'),
        ("an id with U+FFFE", f'"\ufffe{fresh}"'),
        ("two ids", f'"{fresh}","id":"second-{fresh}"'),
        ("an id of 512 bytes", f'"{fresh}{"x" * 476}"'),
    ):
        yield name, callback(message_id)


def rejected(kind: str) -> Iterator[tuple[str, bytes, str]]:
    """Bodies that aren't callbacks, and the code of the answer."""
    good = callback()
    yield from (
        ("unclosed arrays", b"[" * DEEP, "not_an_object"),
        ("unclosed objects", b'{"a":' * DEEP, "not_json"),
        ("an array 100 000 deep", b"[" * DEEP + b"]" * DEEP, "not_an_object"),
        ("a number of 1 MB alone", b"9" * MB, "not_json"),
        ("an id 100 000 deep", callback("[" * DEEP + "]" * DEEP), "no_id"),
        ("an id of 100 KB", callback(json.dumps("x" * 100_000)), "id_too_long"),
        ("an id that is a number of 1 MB", callback("9" * MB), "id_too_long"),
        ("an id that is a lone surrogate", callback(r'"\ud800"'), "no_id"),
        ("a NUL in a string", callback(content='"\0"'), "not_json"),
        ("NULs", bytes(1000), "not_json"),
        ("invalid UTF-8", good.replace(b"Kia", b"\xff\xfe"), "not_json"),
        ("overlong UTF-8", good.replace(b"Kia", b"\xc0\xaf"), "not_json"),
        ("a surrogate in UTF-8", callback(content='"\ud800"'), "not_json"),
        ("UTF-16", good.decode().encode("utf-16"), "not_json"),
        ("a byte order mark", b"\xef\xbb\xbf" + good, "not_json"),
        ("two callbacks", good + good, "not_json"),
        ("gzip", gzip.compress(good), "not_json"),
        ("1 GB of zeros, compressed", gzip.compress(bytes(10 * MB)) * 100, "not_json"),
        ("infinity", callback(content="Infinity"), "not_json"),
    )
    if kind == "dlr":
        yield "a status of 100 KB", callback(status=json.dumps("x" * 100_000)), "status_too_long"
        yield "a status 100 000 deep", callback(status="[" * DEEP + "]" * DEEP), "no_status"


def peaks() -> dict[str, int]:
    """The peak memory of the stack's functions in bytes, the largest of each function's processes."""
    found: dict[str, int] = {}
    for process in Path("/proc").iterdir():
        try:
            variables = dict(line.split(b"=", 1) for line in (process / "environ").read_bytes().split(b"\0") if line)
            name = variables[b"AWS_LAMBDA_FUNCTION_NAME"].decode()
            status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
            peak = int(status["VmHWM"].removesuffix(" kB")) * 1024
        except (OSError, KeyError, ValueError):
            continue  # not a function, or it has ended
        found[name] = max(peak, found.get(name, 0))
    return found


def exchange(kind: str, headers: bytes, body: bytes) -> int | None:
    """Sends a request byte by byte, and nothing after it. Returns the status, or None if there is no answer."""
    url = urlsplit(STACK[f"{kind}_url"])
    head = f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: {basic()}\r\n".encode()
    head += b"Content-Type: application/json\r\nConnection: close\r\n"
    with socket.create_connection((url.hostname, url.port), timeout=ANSWER_SECONDS) as connection:
        try:
            connection.sendall(head + headers + b"\r\n" + body)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.makefile("rb").readline()
        except TimeoutError:
            raise
        except OSError:
            return None  # closed by the other side while this one was still sending
    return int(answer.split()[1]) if answer else None


def basic() -> str:
    return "Basic " + base64.b64encode(f"{STACK['username']}:{STACK['password']}".encode()).decode()


def post(kind: str, body: bytes, headers: dict[str, str] | None = None) -> Answer:
    """Posts a body with valid credentials, and returns the status and the answer's JSON."""
    url = urlsplit(STACK[f"{kind}_url"])
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=ANSWER_SECONDS)
    ours = {"Authorization": basic(), "Content-Type": "application/json"}
    connection.request("POST", url.path, body, ours | (headers or {}))
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


class BadInput(unittest.TestCase):
    def tearDown(self) -> None:
        for kind in ("mo", "dlr"):
            self.check_healthy(kind)
        for name in ("mo", "dlr", "fanout"):
            peak = await_value(lambda function=STACK[f"{name}_function"]: peaks().get(function), name)
            self.assertLessEqual(peak, PEAK_BYTES, name)

    def check_healthy(self, kind: str) -> str:
        """Checks that a callback is stored after what was sent before. Returns the event's id."""
        status, answer = post(kind, callback())
        self.assertEqual((status, answer.get("outcome")), (200, "stored"))
        return answer["event_id"]

    def check_published(self, queue_url: str, event_ids: set[str]) -> None:
        sqs, missing = aws("sqs"), set(event_ids)

        def arrived() -> bool | None:
            found = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in found.get("Messages", []):
                # Python's parser refuses an event that is nested as deep as these.
                missing.difference_update(EVENT_ID.findall(json.loads(message["Body"])["Message"]))
            return None if missing else True

        await_value(arrived, "the events")

    def test_odd_callbacks_are_stored_and_published(self) -> None:
        queue_url, queue_arn = queue_for(STACK["mo_topic_arn"], STACK["dlr_topic_arn"])
        for kind in ("mo", "dlr"):
            topic = STACK[f"{kind}_topic_arn"]
            subscription = aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)["SubscriptionArn"]
            self.addCleanup(aws("sns").unsubscribe, SubscriptionArn=subscription)
        stored = set()
        for kind in ("mo", "dlr"):
            for name, body in accepted():
                with self.subTest(f"{kind}: {name}"):
                    status, answer = post(kind, body)
                    self.assertEqual((status, answer.get("outcome")), (200, "stored"))
                    stored |= {answer["event_id"], self.check_healthy(kind)}
        self.check_published(queue_url, stored)

    def test_what_is_no_callback_is_answered_400(self) -> None:
        for kind in ("mo", "dlr"):
            for name, body, code in rejected(kind):
                with self.subTest(f"{kind}: {name}"):
                    # Of this type, a body reaches the function byte by byte.
                    status, answer = post(kind, body, {"Content-Type": "application/octet-stream"})
                    self.assertEqual((status, answer["code"]), (400, code))
                    self.check_healthy(kind)

    def test_compressed_body_is_not_decompressed(self) -> None:
        for kind in ("mo", "dlr"):
            status, answer = post(kind, gzip.compress(callback()), {"Content-Encoding": "gzip"})
            self.assertEqual((status, answer["code"]), (400, "not_json"))
            self.check_healthy(kind)

    def test_chunked_callback_is_stored(self) -> None:
        for kind in ("mo", "dlr"):
            chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in callback()) + b"0\r\n\r\n"
            self.assertEqual(exchange(kind, b"Transfer-Encoding: chunked\r\n", chunks), 200)
            self.check_healthy(kind)

    def test_wrong_length_is_not_accepted(self) -> None:
        body = callback()
        length = len(body)
        for name, headers in (
            ("less than the body", b"Content-Length: %d" % (length - 5)),
            ("more than the body", b"Content-Length: %d" % (length + 5)),
            ("negative", b"Content-Length: -1"),
            ("a word", b"Content-Length: ten"),
            ("more than 64 bits", b"Content-Length: 99999999999999999999"),
            ("two", b"Content-Length: 1\r\nContent-Length: %d" % length),
            ("none", b"Accept: */*"),
            ("a chunk of no length", b"Transfer-Encoding: chunked"),
        ):
            for kind in ("mo", "dlr"):
                with self.subTest(f"{kind}: {name}"):
                    self.assertIn(exchange(kind, headers + b"\r\n", body), (None, 400))
                    self.check_healthy(kind)

    def test_header_flood_is_not_accepted(self) -> None:
        body = callback()
        for name, headers in (
            ("100 000 headers", b"".join(b"X-%d: x\r\n" % number for number in range(100_000))),
            ("a header of 1 MB", b"X: " + b"x" * MB + b"\r\n"),
            ("a NUL", b"X: \0\r\n"),
        ):
            for kind in ("mo", "dlr"):
                with self.subTest(f"{kind}: {name}"):
                    headers_of_body = headers + b"Content-Length: %d\r\n" % len(body)
                    self.assertIn(exchange(kind, headers_of_body, body), (None, 400, 431))
                    self.check_healthy(kind)

    def test_undeclared_method_is_answered_404(self) -> None:
        for kind in ("mo", "dlr"):
            url = urlsplit(STACK[f"{kind}_url"])
            for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"):
                with self.subTest(f"{method} /{kind}"):
                    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=ANSWER_SECONDS)
                    connection.request(method, url.path, headers={"Authorization": basic()})
                    response = connection.getresponse()
                    body = response.read()
                    connection.close()
                    self.assertEqual(response.status, 404)
                    if method != "HEAD":
                        self.assertEqual(json.loads(body), {"message": "Not Found"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
