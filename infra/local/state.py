"""The files of a local stack under .local/, and the lock on them."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tools
from report import Failure, say

LOCAL = tools.ROOT / ".local"
DEFAULT_NAME = "stack"
LOCK_SECONDS = 1800

State = dict[str, Any]


class Files:
    """The paths of the stack called `name`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.home = LOCAL / name
        self.state = LOCAL / "stack.json" if name == DEFAULT_NAME else self.home / "stack.json"
        self.build_dir = self.home / "build"
        self.sam_local = self.home / "sam-local"
        self.log = self.home / "emulator.log"

    def read_state(self) -> State | None:
        """The content of stack.json, whose emulator may have ended since."""
        try:
            return json.loads(self.state.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds a lock so that two commands can't change the same stack at once."""
        LOCAL.mkdir(exist_ok=True)
        with (LOCAL / f"{self.name}.lock").open("w") as lock:
            give_up = time.monotonic() + LOCK_SECONDS
            waiting = False
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > give_up:
                        raise Failure(f"another command has held the stack for {LOCK_SECONDS} s") from None
                    if not waiting:
                        say("waiting for another command on this stack")
                        waiting = True
                    time.sleep(0.2)
            yield


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Replaces `path` atomically with a file that only its owner can read."""
    draft = path.with_suffix(".draft")
    with open(draft, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        json.dump(content, file, indent=2)
    draft.replace(path)
