"""Runs tools/chaos against a local stack of its own, and passes its arguments on."""

import tools  # first, for its check of the Python version  # isort: skip

import subprocess
import sys

import temporary_stack

NAME = "chaos"
CHAOS = ["cargo", "run", "--quiet", "--locked", "--package", "wab-chaos", "--"]


def main() -> int:
    if {"-h", "--help"} & set(sys.argv):
        return subprocess.run([*CHAOS, "--help"], cwd=tools.ROOT, check=False).returncode
    with temporary_stack.up(NAME, "--parameter=FifoTopics=true") as stack:
        return subprocess.run([*CHAOS, "--stack", str(stack), *sys.argv[1:]], cwd=tools.ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
