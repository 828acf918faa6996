"""A local stack that lasts for one command, such as `make test` or `make chaos`."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import tools
from state import Files

STACK = [sys.executable, str(Path(__file__).resolve().parent / "stack.py")]


@contextlib.contextmanager
def up(name: str, *options: str) -> Iterator[Path]:
    """Starts the stack called `name`, yields the path of its stack.json, and stops it, also when interrupted."""
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    tools.check_machine()
    try:
        if subprocess.run([*STACK, "up", "--name", name, *options], check=False).returncode != 0:
            sys.exit(1)
        yield Files(name).state
    finally:
        subprocess.run([*STACK, "down", "--name", name], check=False)


def interrupted(_number: int, _frame: object) -> NoReturn:
    sys.exit(130)
