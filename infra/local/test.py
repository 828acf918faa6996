"""Runs every test, the end-to-end ones against a local stack of their own, and closes with how many passed."""

import tools  # first: says in one line which Python is needed  # isort: skip

import os
import re
import subprocess
import sys
from pathlib import Path

import ownstack

NAME = "test"

RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed;")


def cargo_test(stack: Path) -> tuple[bool, int, int]:
    """Runs cargo test, shows all of it, and adds up its results."""
    passed = failed = 0
    environment = os.environ | {"WAB_STACK": str(stack)}
    # One command for all packages: each choice of packages would compile the dependencies again for its features. The
    # end-to-end tests, and a short run of tools/chaos, are the ignored ones.
    command = ["cargo", "test", "--workspace", "--locked", "--no-fail-fast", "--", "--include-ignored"]
    with subprocess.Popen(command, cwd=tools.ROOT, env=environment, stdout=subprocess.PIPE, text=True) as cargo:
        for line in cargo.stdout or ():
            print(line, end="", flush=True)
            if result := RESULT.match(line):
                passed += int(result[1])
                failed += int(result[2])
    return cargo.returncode == 0, passed, failed


def check_local_stack() -> bool:
    """Runs the tests of the Python beside this file, which needs the emulator's environment."""
    python = tools.venv("emulator") / "bin" / "python"
    directory = Path(__file__).resolve().parent
    command = [str(python), "-m", "unittest", "discover", "--start-directory", str(directory), "--pattern", "*_test.py"]
    return subprocess.run(command, check=False).returncode == 0


def check_contracts() -> bool:
    """Holds the contracts to their standards, by validators that aren't ours."""
    tools.install(["contracts"])
    python = tools.venv("contracts") / "bin" / "python"
    script = Path(__file__).resolve().parent / "contracts" / "validate.py"
    return subprocess.run([str(python), str(script)], check=False).returncode == 0


def main() -> int:
    with ownstack.up(NAME, "--rotating") as stack:
        succeeded, passed, failed = cargo_test(stack)
    succeeded = check_local_stack() and succeeded
    succeeded = check_contracts() and succeeded
    print(f"\n{passed} passed, {failed} failed")
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
