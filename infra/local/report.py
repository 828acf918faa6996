"""Output for the person at the terminal."""

from pathlib import Path

import tools


class Failure(Exception):
    """An error whose message is shown without a traceback."""


def say(text: str) -> None:
    print(text, flush=True)


def tail(log: Path) -> str:
    """The last lines of `log`, without cargo's progress bars."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if "Building [" not in line]
    return "\n".join([f"the end of {log.relative_to(tools.ROOT)}:", *lines[-40:]])
