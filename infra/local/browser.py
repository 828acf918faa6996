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


def check_page(files: Files, tool: Path) -> bool:
    """Tests the page with `tool`, the program `wab`. Without Chromium, says what is left out."""
    tools.install(["browser"])
    packages = tools.venv("browser") / "npm"
    node = str(tools.node("browser"))
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        say("left out: the tests of the console's page need Chromium (Debian: apt-get install chromium)")
        return True
    environment = os.environ | {
        "CHROMIUM": browser,
        "NPM_PACKAGES": str(packages),
        "PYTHON": sys.executable,
        "STACK_NAME": files.name,
        "WAB": str(tool),
        "WAB_DIRECTORY": str(listen.directory(files)),
    }
    command = [node, "--test", "--test-reporter", "spec", str(TESTS / "console.test.mjs")]
    return subprocess.run(command, env=environment, check=False).returncode == 0
