"""`make local` shows an event with its text, and stops the stack on Ctrl-C."""

import base64
import json
import os
import pty
import select
import sys
import time
import unittest
import urllib.request
from pathlib import Path

import emulator
import tools
from state import Files

NAME = "local-test"
STACK = Path(__file__).resolve().parent / "stack.py"
# Compiled by `make test` already. Otherwise the command compiles it.
TOOL = tools.ROOT / "target" / "debug" / "wab"
SECONDS = 900


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, command: list[str]) -> None:
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execv(command[0], command)
        self.output = ""

    def read_until(self, text: str) -> None:
        """Waits until the command has printed `text`, or has ended if `text` is empty."""
        give_up = time.monotonic() + SECONDS
        while not text or text not in self.output:
            ready, _, _ = select.select([self.terminal], [], [], max(0, give_up - time.monotonic()))
            if not ready:
                raise AssertionError(f"{text!r} wasn't printed within {SECONDS} s:\n{self.output}")
            try:
                got = os.read(self.terminal, 65536)
            except OSError:  # the other side of the terminal is closed
                got = b""
            if not got:
                if text:
                    raise AssertionError(f"ended without {text!r}:\n{self.output}")
                return
            self.output += got.decode(errors="replace")

    def press_ctrl_c(self) -> None:
        os.write(self.terminal, b"\x03")

    def exit_code(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def post(state: dict[str, str], callback: dict[str, object]) -> None:
    credentials = base64.b64encode(f"{state['username']}:{state['password']}".encode()).decode()
    headers = {"authorization": f"Basic {credentials}", "content-type": "application/json"}
    request = urllib.request.Request(state["mo_url"], json.dumps(callback).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200, answer.status


class Local(unittest.TestCase):
    def test_event_is_shown_and_ctrl_c_stops_the_stack(self) -> None:
        command = [sys.executable, str(STACK), "local", "--name", NAME]
        local = Terminal([*command, "--tool", str(TOOL)] if TOOL.exists() else command)
        local.read_until("connected: queue")
        self.assertRegex(local.output, r"page http://127\.0\.0\.1:\d+/#token=[0-9a-f]{32}\r\n")
        files = Files(NAME)
        state = json.loads(files.state.read_text())
        self.assertTrue(emulator.is_running(files, state["pid"]))
        content = {"type": "text", "text": {"body": "Kia ora \x1b[2J"}}
        post(state, {"id": "1", "source": "+6421000000", "Destination": "6400000000", "content": content})
        local.read_until("Kia ora \N{REPLACEMENT CHARACTER}[2J")
        self.assertIn("+6421000000", local.output)
        local.press_ctrl_c()
        local.read_until("")
        self.assertEqual(local.exit_code(), 0, local.output)
        self.assertTrue(local.output.endswith("1 event shown\r\n\r\nstopped\r\n"), local.output)
        self.assertFalse(emulator.is_running(files, state["pid"]) or files.home.exists())


if __name__ == "__main__":
    unittest.main()
