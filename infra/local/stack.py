"""The local stack: infra/template.yaml deployed, unchanged, to an AWS emulator on this machine.

`up` builds the functions, starts the emulator, deploys, and writes stack.json for clients. Where there is Docker it
also writes sam-local/ for `sam local`. `down` stops the stack. `local` is `up` in the foreground, with `wab listen`.
State is kept under .local/. The real AWS configuration is neither read nor passed on.
"""

import tools  # first, for its check of the Python version  # isort: skip

import argparse
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import emulator
import listen
from build import build, take
from report import Failure, say
from state import DEFAULT_NAME, Files, State

from deploy import deploy

DEFAULT_PORT = 4566


class Stopped(BaseException):
    """Ctrl-C or SIGTERM. Like KeyboardInterrupt it isn't an Exception, which libraries would catch."""


def bring_up(
    files: Files,
    port: int | None,
    rotating: bool = False,
    own_key: bool = False,
    parameters: Sequence[str] = (),
    release: Path | None = None,
) -> tuple[State, bool]:
    """Brings the stack up to date with the sources or a release. Also returns whether this started the emulator."""
    running = running_state(files)
    if running and port not in (None, running["port"]):
        raise Failure(f"the stack is up on port {running['port']}; stop it first with `make down`")
    if running:
        artefacts = take(release, files) if release else build(files)
        is_rotating = not rotating or "second_username" in running
        if not parameters and not own_key and running["artefacts"] == artefacts and is_rotating:
            say("already running, nothing changed")
            return running, False
        return deploy(files, running, artefacts, rotating, own_key, [*parameters]), False

    shutil.rmtree(files.home, ignore_errors=True)
    files.home.mkdir(parents=True)
    files.state.unlink(missing_ok=True)
    port = emulator.choose_port(port, DEFAULT_PORT if files.name == DEFAULT_NAME else None)
    bridge = emulator.docker_bridge(port)
    process = emulator.start(files, port, bridge)
    try:
        artefacts = take(release, files) if release else build(files)
        emulator.await_ready(files, process, port)
        state = {
            "pid": process.pid,
            "port": port,
            "endpoint": f"http://localhost:{port}",
            "container_endpoint": bridge and f"http://{bridge}:{port}",
        }
        return deploy(files, state, artefacts, rotating, own_key, [*parameters]), True
    except BaseException:
        emulator.stop(files, process.pid)
        raise


def running_state(files: Files) -> State | None:
    """The content of stack.json, if its emulator is running."""
    state = files.read_state()
    return state if state and emulator.is_running(files, state["pid"]) else None


def take_down(files: Files) -> bool:
    """Stops the emulator and deletes the stack's files. Returns whether it was running."""
    state = files.read_state()
    stopped = state is not None and emulator.stop(files, state["pid"])
    files.state.unlink(missing_ok=True)
    shutil.rmtree(files.home, ignore_errors=True)
    return stopped


@contextlib.contextmanager
def terminal() -> Iterator[None]:
    """Takes the terminal's foreground from `make`, so that Ctrl-C reaches only this script.

    Otherwise `make` would also be interrupted, and report an error while the stack is still stopping.
    """
    group = os.getpgrp()
    try:
        in_foreground = os.tcgetpgrp(0) == group and os.getpid() != group
    except OSError:
        in_foreground = False
    if not in_foreground:
        yield
        return
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # raised when the terminal is handed back
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpgrp())
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.tcsetpgrp(0, group)


def up(files: Files, arguments: argparse.Namespace) -> None:
    started = time.monotonic()
    with files.locked():
        state, _ = bring_up(
            files, arguments.port, arguments.rotating, arguments.own_key, arguments.parameter, arguments.release
        )
    where = files.state.relative_to(tools.ROOT)
    say(f"up after {time.monotonic() - started:.0f} s at {state['endpoint']}: see {where}")


def down(files: Files, _arguments: argparse.Namespace) -> None:
    with files.locked():
        say("stopped" if take_down(files) else "not running")


def local(files: Files, arguments: argparse.Namespace) -> None:
    started = time.monotonic()
    with terminal():
        state, ours = None, False
        try:
            with files.locked():
                state, ours = bring_up(files, arguments.port)
            tool = arguments.tool or listen.build_tool(files)
            say(f"up after {time.monotonic() - started:.0f} s\n")
            with listen.console(files, tool) as page:
                listen.print_invitation(state, page)
                listen.listen(files, state, tool)
        except Stopped:
            if not state:
                say("\nstopped")
            elif not ours:
                say("\nthe stack was already up and keeps running; `make down` stops it")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            if state and ours:
                with files.locked():
                    if running_state(files) == state:  # another command may have replaced it
                        take_down(files)
                say("\nstopped")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for run, text in (
        (up, "start or update the stack in the background; writes stack.json"),
        (down, "stop the stack and delete its state"),
        (local, "start or update the stack and show each event until Ctrl-C, which also stops the stack unless it was "
         "already up"),
    ):  # fmt: skip
        command = commands.add_parser(run.__name__, help=text, description=text)
        command.set_defaults(run=run)
        command.add_argument(
            "--name",
            default=DEFAULT_NAME,
            type=stack_name,
            help="use a separate stack with its state in .local/NAME/ (default: the one in .local/stack.json)",
        )
        if run is not down:
            command.add_argument(
                "--port", type=int, help=f"fail if this port is in use (default: {DEFAULT_PORT} if free, else any)"
            )
        if run is local:
            command.add_argument("--tool", type=Path, help="the program `wab` (default: built from the sources)")
        if run is up:
            command.add_argument(
                "--rotating",
                action="store_true",
                help="deploy two valid credentials, as during a password rotation, and a secret path",
            )
            command.add_argument(
                "--own-key",
                action="store_true",
                help="deploy with a KMS key of its own, whose policy is that of docs/security.md",
            )
            command.add_argument(
                "--parameter",
                action="append",
                default=[],
                metavar="NAME=VALUE",
                help="a parameter of the template; give it again for another",
            )
            command.add_argument(
                "--release", type=Path, metavar="DIRECTORY", help="deploy a release instead of building the sources"
            )
    return top


def stack_name(text: str) -> str:
    if not text.replace("-", "").isalnum() or not text.isascii():
        raise argparse.ArgumentTypeError("letters, digits and hyphens only")
    return text


def interrupt(_number: int, _frame: Any) -> None:
    raise Stopped


def main() -> int:
    arguments = parser().parse_args()
    tools.continue_in("emulator", "sam")
    # A configured proxy is meant for package registries, and doesn't apply to this machine.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "localhost,127.0.0.1"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        arguments.run(Files(arguments.name), arguments)
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    except Stopped:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
