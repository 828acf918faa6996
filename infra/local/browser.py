"""Tests the page of `wab console` in Chromium, on a local stack."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import listen
import tools
from report import say
from state import Files

TESTS = tools.ROOT / "tests" / "console"
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]


def find() -> str | None:
    """A browser of this machine."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def environment(files: Files, tool: Path, browser: str) -> dict[str, str]:
    """What the scripts beside the tests need: `tool` is the program `wab`."""
    return os.environ | {
        "CHROMIUM": browser,
        "NPM_PACKAGES": str(tools.venv("browser") / "npm"),
        "PYTHON": sys.executable,
        "STACK_NAME": files.name,
        "WAB": str(tool),
        "WAB_DIRECTORY": str(listen.directory(files)),
    }


def check_page(files: Files, tool: Path) -> str | None:
    """Tests the page with `tool`, the program `wab`. Returns what failed. Without Chromium, says what is left out."""
    tools.install(["browser"])
    browser = find()
    if not browser:
        say("left out: the tests of the console's page need Chromium (Debian: apt-get install chromium)")
        return None
    command = [str(tools.node("browser")), "--test", "--test-reporter", "spec", str(TESTS / "console.test.mjs")]
    printed = []
    with subprocess.Popen(command, env=environment(files, tool, browser), stdout=subprocess.PIPE, text=True) as tests:
        for line in tests.stdout or ():
            print(line, end="", flush=True)
            printed.append(line)
    # The report ends with the tests that failed.
    return None if tests.returncode == 0 else "".join(printed).rpartition("failing tests:")[2]
