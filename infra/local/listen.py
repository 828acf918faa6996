"""Runs `wab console` and `wab listen` on the local stack, and prints where to look and where to send callbacks."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import emulator
import tools
from build import Progress
from report import Failure, say, tail
from state import DEFAULT_NAME, Files, State

# Not the name of a person's own `wab listen`, which would share the events.
LISTENER = "make-local"

STOP_SECONDS = 20


def build_tool(files: Files) -> Path:
    """Builds the tool as `cargo run -p wab` does, so that this command needs no further build."""
    say("building the tool wab")
    log = files.home / "tool.log"
    environment = os.environ | {"CARGO_TERM_PROGRESS_WHEN": "always", "CARGO_TERM_PROGRESS_WIDTH": "80"}
    environment.pop("VIRTUAL_ENV", None)
    with log.open("wb") as output:
        cargo = subprocess.Popen(
            ["cargo", "build", "--locked", "--package", "wab"],
            cwd=tools.ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    progress = Progress(log)
    progress.function = "wab"
    try:
        while cargo.poll() is None:
            progress.update()
            with contextlib.suppress(subprocess.TimeoutExpired):
                cargo.wait(timeout=0.2)
    finally:
        progress.clear()
        # However the wait ends, the compiler ends with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(cargo.pid, signal.SIGTERM)
    if cargo.returncode != 0:
        raise Failure(f"the tool wab doesn't build\n{tail(log)}")
    return tools.program("wab")


@contextlib.contextmanager
def console(files: Files, tool: Path) -> Iterator[str]:
    """Runs the console, and yields the address of its page."""
    process = subprocess.Popen(
        [str(tool), "console", "--port", "0"],
        cwd=directory(files),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C reaches it through `end`
    )
    try:
        address = process.stdout.readline().strip() if process.stdout else ""
        if not address:
            raise Failure("`wab console` doesn't start: run it in a second terminal to see why")
        yield address
    finally:
        end(process)


def end(process: subprocess.Popen) -> None:
    """Ends a process in order, or by force if it takes too long."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def print_invitation(state: State, page: str) -> None:
    print(f"  page {page}\n")
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
    say("each event is shown as it is published, with its text and numbers; Ctrl-C stops\n")


def listen(files: Files, state: State, tool: Path) -> None:
    """Shows each event until the listener ends, which is a failure, or an exception ends the wait."""
    listener = subprocess.Popen(
        [str(tool), "listen", "--reveal", "--name", LISTENER],
        cwd=directory(files),
        stdin=subprocess.DEVNULL,
    )
    try:
        while listener.poll() is None:
            if not emulator.is_running(files, state["pid"]):
                raise Failure("the stack was stopped")
            with contextlib.suppress(subprocess.TimeoutExpired):
                listener.wait(timeout=1)
        raise Failure(f"`wab listen` ended\n{tail(files.log)}")
    finally:
        # At a terminal, Ctrl-C has reached the listener too.
        end(listener)


def directory(files: Files) -> Path:
    """A directory in which the tool finds the stack's file as `.local/stack.json`."""
    if files.name == DEFAULT_NAME:
        return tools.ROOT
    link = files.home / ".local"
    if not link.exists():
        link.symlink_to(".")
    return files.home
