"""Runs tools/chaos against a local stack of its own; the arguments are the tool's."""

import tools  # first: says in one line which Python is needed  # isort: skip

import subprocess
import sys

import ownstack

NAME = "chaos"
CHAOS = ["cargo", "run", "--quiet", "--locked", "--package", "wab-chaos", "--"]


def main() -> int:
    if {"-h", "--help"} & set(sys.argv):
        return subprocess.run([*CHAOS, "--help"], cwd=tools.ROOT, check=False).returncode
    with ownstack.up(NAME) as stack:
        return subprocess.run([*CHAOS, "--stack", str(stack), *sys.argv[1:]], cwd=tools.ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
