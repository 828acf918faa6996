"""Runs every test, the end-to-end ones against a local stack of their own, and closes with how many passed."""

import tools  # first: says in one line which Python is needed  # isort: skip

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

STACK = [sys.executable, str(Path(__file__).resolve().parent / "stack.py")]
NAME = "test"
END_TO_END = "wab-tests"

RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed;")


def cargo_test(arguments: list[str]) -> tuple[bool, int, int]:
    """Runs cargo test, shows all of it, and adds up its results."""
    passed = failed = 0
    environment = os.environ | {"WAB_STACK": str(tools.ROOT / ".local" / NAME / "stack.json")}
    command = ["cargo", "test", "--locked", "--no-fail-fast", *arguments]
    print(f"{' '.join(command)}", flush=True)
    with subprocess.Popen(command, cwd=tools.ROOT, env=environment, stdout=subprocess.PIPE, text=True) as cargo:
        for line in cargo.stdout or ():
            print(line, end="", flush=True)
            if result := RESULT.match(line):
                passed += int(result[1])
                failed += int(result[2])
    return cargo.returncode == 0, passed, failed


def interrupted(_number: int, _frame: object) -> NoReturn:
    sys.exit(130)


def main() -> int:
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    tools.check_machine()
    try:
        if subprocess.run([*STACK, "up", "--name", NAME, "--rotating"], check=False).returncode != 0:
            return 1
        runs = [
            cargo_test(["--workspace", "--exclude", END_TO_END]),
            cargo_test(["--package", END_TO_END, "--", "--include-ignored"]),
        ]
    finally:
        subprocess.run([*STACK, "down", "--name", NAME], check=False)
    print(f"\n{sum(run[1] for run in runs)} passed, {sum(run[2] for run in runs)} failed")
    return 0 if all(ok for ok, _, _ in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
