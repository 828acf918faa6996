"""Runs every test, the end-to-end ones against a local stack of their own, and prints how many passed."""

import tools  # first, for its check of the Python version  # isort: skip

import os
import re
import subprocess
import sys
from pathlib import Path

import temporary_stack

NAME = "test"

RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed;")


def cargo_test(stack: Path) -> tuple[bool, int, int]:
    """Runs all Rust tests. Returns whether they succeeded, and how many passed and failed."""
    passed = failed = 0
    environment = os.environ | {"WAB_STACK": str(stack)}
    # One command for all packages, because each selection of packages compiles the dependencies again with its own
    # features. The ignored tests are the end-to-end tests and a short run of tools/chaos.
    command = ["cargo", "test", "--workspace", "--locked", "--no-fail-fast", "--", "--include-ignored"]
    with subprocess.Popen(command, cwd=tools.ROOT, env=environment, stdout=subprocess.PIPE, text=True) as cargo:
        for line in cargo.stdout or ():
            print(line, end="", flush=True)
            if result := RESULT.match(line):
                passed += int(result[1])
                failed += int(result[2])
    return cargo.returncode == 0, passed, failed


def check_local_stack() -> bool:
    """Runs the Python tests in this directory, in the emulator's environment."""
    python = tools.venv("emulator") / "bin" / "python"
    directory = Path(__file__).resolve().parent
    command = [str(python), "-m", "unittest", "discover", "--start-directory", str(directory), "--pattern", "*_test.py"]
    return subprocess.run(command, check=False).returncode == 0


def check_contracts() -> bool:
    """Validates infra/contracts with third-party validators."""
    tools.install(["contracts"])
    python = tools.venv("contracts") / "bin" / "python"
    script = Path(__file__).resolve().parent / "contracts" / "validate.py"
    return subprocess.run([str(python), str(script)], check=False).returncode == 0


def main() -> int:
    os.environ.setdefault("ALARM_PERIOD_SECONDS", "2")  # tests wait for alarms
    tools.install(["aws"])  # tests/drills run commands of the documentation
    with temporary_stack.up(NAME, "--rotating") as stack:
        succeeded, passed, failed = cargo_test(stack)
    succeeded = check_local_stack() and succeeded
    succeeded = check_contracts() and succeeded
    print(f"\n{passed} passed, {failed} failed")
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
