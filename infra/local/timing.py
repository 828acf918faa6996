"""Measures what a caller without valid credentials could learn from the time of the answer, and what it costs.

Runs a function against a Runtime API (AWS Lambda Developer Guide, "Using the Lambda runtime API"). Tries a known user
with a wrong password and an unknown user, in random order, and prints the difference of the median times with a 95 %
confidence interval. Then floods processes of the function, of which each has one request at a time as on Lambda, and
prints their CPU time and memory. Exits with 1 if the interval excludes zero, if the flood was slower than it should be,
or if there was a connection to AWS after the start.
"""

import argparse
import base64
import contextlib
import hashlib
import json
import os
import queue
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

WARM_UP = 500
FLOOD_PROCESSES = 4
RESAMPLES = 1000
ANSWER_SECONDS = 10


class RuntimeApi(ThreadingHTTPServer):
    """Serves one event at a time, and takes the time until it is answered."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), RuntimeApiHandler)
        self.events: queue.Queue[bytes] = queue.Queue()
        self.answers: queue.Queue[tuple[float, bytes]] = queue.Queue()
        self.sent = 0.0

    def handle_error(self, *_arguments: object) -> None:
        """The function is ended while it waits for an event."""

    def invoke(self, event: bytes) -> float:
        """Returns the time until the answer, which must be 401."""
        self.events.put(event)
        seconds, answer = self.answers.get(timeout=ANSWER_SECONDS)
        if json.loads(answer)["statusCode"] != 401:
            sys.exit(f"not 401: {answer!r}")
        return seconds


def serve() -> RuntimeApi:
    api = RuntimeApi()
    threading.Thread(target=api.serve_forever, daemon=True).start()
    return api


class RuntimeApiHandler(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        event = self.server.events.get()
        head = {
            "Lambda-Runtime-Aws-Request-Id": "af9c3624-0000-4000-8000-000000000000",
            "Lambda-Runtime-Deadline-Ms": int(time.time() * 1000) + 10_000,
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:mo",
            "Content-Length": len(event),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        self.server.sent = time.perf_counter()
        self.wfile.write(f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode() + event)

    def do_POST(self) -> None:
        took = time.perf_counter() - self.server.sent
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.wfile.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        self.server.answers.put((took, body))

    def log_message(self, *_arguments: object) -> None:
        pass


class Aws:
    """An endpoint that counts connections, and closes them."""

    def __init__(self) -> None:
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            self.connections += 1
            connection.close()


@contextlib.contextmanager
def function(binary: Path, api: RuntimeApi, aws: Aws, verifier: str) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "mo",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": aws.url,
        "TABLE_NAME": "events",
        "BUCKET_NAME": "bucket",
        "SPILL_QUEUE_URL": f"{aws.url}/000000000000/spill",
        "CALLBACK_CREDENTIALS": verifier,
        "RETENTION_DAYS": "30",
        "CONTENT": "full",
    }
    quiet = subprocess.DEVNULL
    with subprocess.Popen([str(binary)], env=environment, stdout=quiet, stderr=quiet) as process:
        try:
            yield process
        finally:
            process.kill()


def event(user: str, password: str) -> bytes:
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return request({"authorization": f"Basic {token}", "content-type": "application/json"})


def without_credentials() -> bytes:
    return request({"content-type": "application/json"})


def request(headers: dict[str, str]) -> bytes:
    context = {"timeEpoch": int(time.time() * 1000)}
    return json.dumps({"version": "2.0", "headers": headers, "requestContext": context, "body": '{"id":"1"}'}).encode()


def cpu_seconds(pid: int) -> float:
    """The CPU time of all threads of a process. The kernel counts it in ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def median_difference(known: list[float], unknown: list[float], chance: random.Random) -> tuple[float, float]:
    """The bootstrap's 95 % confidence interval of the difference of the medians."""
    differences = sorted(
        statistics.median(chance.choices(known, k=len(known)))
        - statistics.median(chance.choices(unknown, k=len(unknown)))
        for _ in range(RESAMPLES)
    )
    return differences[RESAMPLES * 25 // 1000], differences[RESAMPLES * 975 // 1000]


def peak_mib(pid: int) -> float:
    """The most memory that a process has had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[0]) / 1024


@dataclass
class Flood:
    """What a process did in a flood."""

    answers: int
    cpu: float
    peak_mib: float
    connections: int


def flood_process(binary: Path, verifier: str, rate: float, seconds: int) -> Flood:
    """Sends requests without credentials at a steady rate to one process."""
    unauthenticated, api, aws = without_credentials(), serve(), Aws()
    with function(binary, api, aws, verifier) as process:
        for _ in range(WARM_UP):
            api.invoke(unauthenticated)
        connected, cpu, started = aws.connections, cpu_seconds(process.pid), time.perf_counter()
        answers = 0
        while (now := time.perf_counter() - started) < seconds:
            if now * rate < answers:
                time.sleep(answers / rate - now)
            api.invoke(unauthenticated)
            answers += 1
        cpu = cpu_seconds(process.pid) - cpu
        return Flood(answers, cpu, peak_mib(process.pid), aws.connections - connected)


def flood(binary: Path, verifier: str, rate: int, seconds: int) -> bool:
    """Floods all processes, and prints what it cost. Returns whether the rate was reached without a call to AWS."""
    with ThreadPoolExecutor(FLOOD_PROCESSES) as processes:
        share = rate / FLOOD_PROCESSES
        running = [processes.submit(flood_process, binary, verifier, share, seconds) for _ in range(FLOOD_PROCESSES)]
        found = [process.result() for process in running]
    reached = sum(process.answers for process in found) / seconds
    print(f"flood: {reached:.0f} a second without credentials for {seconds} s, {FLOOD_PROCESSES} processes")
    print(f"CPU: {sum(process.cpu for process in found) / seconds:.2f} of a core")
    print(f"memory: at most {max(process.peak_mib for process in found):.0f} MiB a process")
    connections = sum(process.connections for process in found)
    print(f"connections to AWS: {connections}")
    return reached >= rate * 0.99 and connections == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=Path, nargs="?", default=ROOT / "target" / "lambda" / "mo" / "bootstrap")
    parser.add_argument("--tries", type=int, default=10_000, help="of each user (default: %(default)s)")
    parser.add_argument("--flood", type=int, default=1000, help="requests a second (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=30, help="of the flood (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    chance = random.Random(arguments.seed)
    known, unknown = "gateway", "nobody1"  # of one length, so that both events are parsed in the same time
    verifier = f"{known}:{hashlib.sha256(chance.randbytes(32)).hexdigest()}"
    tries = [known, unknown] * arguments.tries
    chance.shuffle(tries)
    times: dict[str, list[float]] = {known: [], unknown: []}

    api, aws = serve(), Aws()
    with function(arguments.binary, api, aws, verifier) as process:
        for _ in range(WARM_UP):
            api.invoke(event(known, "warm-up"))
        connected, cpu = aws.connections, cpu_seconds(process.pid)
        for user in tries:
            times[user].append(api.invoke(event(user, chance.randbytes(32).hex())) * 1e6)
        cpu = (cpu_seconds(process.pid) - cpu) / len(tries) * 1e6
        connected = aws.connections - connected

    medians = {user: statistics.median(found) for user, found in times.items()}
    low, high = median_difference(times[known], times[unknown], chance)
    print(f"{arguments.tries} tries of each user")
    print(f"known user, wrong password: median {medians[known]:.1f} µs")
    print(f"unknown user:               median {medians[unknown]:.1f} µs")
    print(f"difference: {medians[known] - medians[unknown]:+.2f} µs (95 % interval {low:+.2f} to {high:+.2f} µs)")
    print(f"CPU: {cpu:.0f} µs an answer")
    print(f"connections to AWS: {connected}")
    is_withstood = flood(arguments.binary, verifier, arguments.flood, arguments.seconds)
    return 0 if low <= 0 <= high and connected == 0 and is_withstood else 1


if __name__ == "__main__":
    sys.exit(main())
