"""A local stack for the time of one command: what `make test` and `make chaos` run against."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import tools

STACK = [sys.executable, str(Path(__file__).resolve().parent / "stack.py")]


@contextlib.contextmanager
def up(name: str, *options: str) -> Iterator[Path]:
    """Brings the stack called `name` up, hands out its stack.json, and takes it down, also when interrupted."""
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    tools.check_machine()
    try:
        if subprocess.run([*STACK, "up", "--name", name, *options], check=False).returncode != 0:
            sys.exit(1)
        yield tools.ROOT / ".local" / name / "stack.json"
    finally:
        subprocess.run([*STACK, "down", "--name", name], check=False)


def interrupted(_number: int, _frame: object) -> NoReturn:
    sys.exit(130)
