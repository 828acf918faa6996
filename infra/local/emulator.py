"""The emulator's process: its port, start, health and end.

The process runs ministack_patches.py, ministack with patches/. It keeps the deployed stack in memory, so stopping it
removes the deployment.
"""

import contextlib
import fcntl
import http.client
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from report import Failure, say, tail
from state import Files

SCRIPT = Path(__file__).resolve().parent / "ministack_patches.py"

REGION = "us-east-1"
# The emulator treats requests signed with these as the administrator's. All others are subject to IAM policies.
ADMIN = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

START_SECONDS = 60
STOP_SECONDS = 10


def start(files: Files, port: int, bridge: str | None) -> "subprocess.Popen[bytes]":
    """Starts the emulator without waiting until it is ready."""
    temporary = files.home / "tmp"
    temporary.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(files.home),
        "TMPDIR": str(temporary),
        "STATE_DIR": str(files.home / "emulator"),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "AUTH": "true",
        "MINISTACK_REGION": REGION,
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        # The emulator passes this one on to the functions.
        "AWS_ENDPOINT_URL": f"http://localhost:{port}",
        **ADMIN,
    }
    if bridge:
        environment["DOCKER_BRIDGE"] = bridge
    # See patches/metrics.py and patches/endpoints.py.
    for name in ("ALARM_PERIOD_SECONDS", "SNS_RETRY_SECONDS"):
        if seconds := os.environ.get(name):
            environment[name] = seconds
    say(f"starting the emulator on port {port}")
    with files.log.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, str(SCRIPT), str(files.home)],
            cwd=files.home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C must reach only this script, which then stops the emulator in order
        )


def await_ready(files: Files, process: "subprocess.Popen[bytes]", port: int) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise Failure(f"the emulator exited unexpectedly\n{tail(files.log)}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/_ministack/health")
            if connection.getresponse().status == 200:
                return
        connection.close()
        time.sleep(0.1)
    raise Failure(f"the emulator wasn't ready within {START_SECONDS} s\n{tail(files.log)}")


def is_running(files: Files, pid: int) -> bool:
    """Whether `pid` is this stack's emulator. The number alone could belong to another process by now."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return str(SCRIPT).encode() in command and str(files.home).encode() in command


def stop(files: Files, pid: int) -> bool:
    """Ends the emulator and its functions. Returns whether it was running."""
    if not is_running(files, pid):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    give_up = time.monotonic() + STOP_SECONDS
    while is_running(files, pid) and not reaped(pid) and time.monotonic() < give_up:
        time.sleep(0.05)
    # The emulator leads its own session, so its process group is the emulator and its functions.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    return True


def reaped(pid: int) -> bool:
    """Reaps `pid` if it is a child of this process that has ended; until then it stays in /proc."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    return False


def client(service: str, endpoint: str) -> Any:
    """A boto3 client with the administrator's rights."""
    import boto3  # installed in the emulator's environment only
    from botocore.config import Config

    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ADMIN["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ADMIN["AWS_SECRET_ACCESS_KEY"],
        config=Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 2}),
    )


def choose_port(wanted: int | None, preferred: int | None) -> int:
    """The wanted port, or else the preferred one if it is free, or else any free port."""
    if wanted is not None:
        if is_free(wanted):
            return wanted
        raise Failure(f"port {wanted} is in use")
    if preferred is not None and is_free(preferred):
        return preferred
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if preferred is not None:
        say(f"port {preferred} is in use; using {port}")
    return port


def is_free(port: int) -> bool:
    # A client may try localhost's IPv6 address first, so nothing else may listen there.
    with socket.socket(socket.AF_INET6) as other, contextlib.suppress(OSError):
        other.settimeout(1)
        if other.connect_ex(("::1", port)) == 0:
            return False
    with socket.socket() as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            ours.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def docker_bridge(port: int) -> str | None:
    """This machine's address on Docker's default bridge, if there is one and the port is free there.

    It is the only address of this machine that a container of `sam local` reaches, because `sam local` ignores
    `--docker-network host`.
    """
    get_interface_address = 0x8915  # SIOCGIFADDR, see netdevice(7)
    with socket.socket() as probe, contextlib.suppress(OSError):
        answer = fcntl.ioctl(probe, get_interface_address, struct.pack("256s", b"docker0"))
        address = socket.inet_ntoa(answer[20:24])
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
        return address
    return None
