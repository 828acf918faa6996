"""Runs the SAM CLI without access to a real AWS account."""

import contextlib
import os
import platform
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import tools
from emulator import ADMIN, REGION
from report import Failure, tail

BIN = tools.venv("sam") / "bin"


def architecture() -> str:
    """This machine's architecture, for which the functions are built because they run here."""
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


def no_account() -> dict[str, str]:
    """This script's environment without anything that leads to a real AWS account."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        **ADMIN,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
    }


def search_path(*first: Path) -> str:
    return os.pathsep.join([*map(str, first), str(BIN), os.environ["PATH"]])


def run(
    command: list[str],
    log: Path,
    seconds: int,
    variables: dict[str, str],
    meanwhile: Callable[[], None] = lambda: None,
    directory: Path = tools.ROOT,
) -> None:
    """Runs `sam` with `variables` added to its environment, and calls `meanwhile` several times a second."""
    environment = no_account() | {"PATH": search_path()} | variables
    environment.pop("VIRTUAL_ENV", None)
    log.unlink(missing_ok=True)
    with log.open("ab") as output:  # append mode, because cargo writes there too
        sam = subprocess.Popen(
            [str(BIN / "sam"), *command],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    give_up = time.monotonic() + seconds
    try:
        while sam.poll() is None:
            if time.monotonic() > give_up:
                raise Failure(f"sam {command[0]} took more than {seconds} s\n{tail(log)}")
            meanwhile()
            with contextlib.suppress(subprocess.TimeoutExpired):
                sam.wait(timeout=0.2)
    finally:
        # However the wait ends, sam and the compiler end with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(sam.pid, signal.SIGTERM)
    if sam.returncode != 0:
        raise Failure(f"sam {command[0]} failed\n{tail(log)}")
