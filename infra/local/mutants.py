"""Applies each patch under tests/mutants to a copy of HEAD, and reports whether it is caught.

Each patch introduces one defect, and names the test that must fail because of it, or the simulation. A patch that
doesn't apply, doesn't compile, or isn't caught is a failure.
"""

import tools  # first, for its check of the Python version  # isort: skip

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import temporary_stack

PATCHES = tools.ROOT / "tests" / "mutants"
HOME = tools.ROOT / "target" / "mutants"
TREE = HOME / "tree"
TARGET = HOME / "target"

SIMULATION = "simulation"
SIMULATION_PACKAGE = "wab-simulation"
MODELS = "wab-models"
TESTS = "wab-tests"
CATCHER = re.compile(rf"^Caught by: (?:({SIMULATION})|cargo test -p (\S+) (\w+))$")
BROKEN = re.compile(r"^seed (\d+) breaks the promise `(.+?)`", re.MULTILINE)
RESULT = re.compile(r"^test (?:\S+::)?(\w+) \.\.\. (\w+)$", re.MULTILINE)

SEEDS = 500
BUILD_SECONDS = 1800
# A mutant may loop for ever.
SIMULATION_SECONDS = 900
TEST_SECONDS = 120


@dataclass(frozen=True)
class Catcher:
    """What must fail because of a mutant: a test of a package, or the simulation."""

    package: str
    test: str | None

    def __str__(self) -> str:
        return f"{self.package} {self.test}" if self.test else SIMULATION


@dataclass(frozen=True)
class Mutant:
    path: Path
    breaks: str
    catcher: Catcher

    @property
    def name(self) -> str:
        return self.path.stem


@dataclass(frozen=True)
class Outcome:
    """Whether the mutant was caught, with the failure or the reason why not."""

    caught: bool
    detail: str


def read(path: Path) -> Mutant:
    """Reads a patch's header: what it breaks, and what catches it."""
    breaks, catcher = path.read_text().splitlines()[:2]
    found = CATCHER.match(catcher)
    if not found:
        sys.exit(
            f"{path.name}: the second line must be `Caught by: simulation` or `Caught by: cargo test -p PACKAGE NAME`"
        )
    simulation, package, test = found.groups()
    return Mutant(path, breaks, Catcher(SIMULATION_PACKAGE if simulation else package, test))


def mutants(names: list[str]) -> list[Mutant]:
    """The mutants whose names contain one of `names`, or all if `names` is empty."""
    found = [read(path) for path in sorted(PATCHES.glob("*.patch"))]
    return [mutant for mutant in found if not names or any(name in mutant.name for name in names)]


@contextlib.contextmanager
def clean_tree() -> Iterator[None]:
    """Makes a worktree of HEAD, and removes it at the end."""
    remove_tree()
    HOME.mkdir(parents=True, exist_ok=True)
    git("worktree", "add", "--quiet", "--detach", str(TREE), "HEAD")
    try:
        yield
    finally:
        remove_tree()


def remove_tree() -> None:
    if TREE.exists():
        git("worktree", "remove", "--force", str(TREE))


def git(*arguments: str, cwd: Path = tools.ROOT) -> None:
    subprocess.run(["git", *arguments], cwd=cwd, check=True)


def run(command: list[str], seconds: int) -> tuple[int | None, str]:
    """Runs a command in the tree. Returns its exit code, or None if it timed out, and its output."""
    environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET), "RUST_BACKTRACE": "0"}
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=TREE,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout


def cargo_test(package: str) -> list[str]:
    # Each selection of packages compiles its dependencies again. `wab-models` has few; all other packages share one
    # selection.
    command = ["cargo", "test", "--locked"]
    if package == MODELS:
        return [*command, "--package", package, "--lib"]
    return [*command, "--workspace", *(["--test", "wab"] if package == TESTS else ["--lib"])]


def try_catcher(catcher: Catcher) -> Outcome:
    """Builds the catcher in the tree and runs it."""
    test = cargo_test(catcher.package)
    build = [*test, "--no-run"] if catcher.test else ["cargo", "build", "--locked", "--package", SIMULATION_PACKAGE]
    code, output = run(build, BUILD_SECONDS)
    if code != 0:
        return Outcome(False, f"doesn't compile\n{output[-2000:]}")
    return run_test(catcher.package, catcher.test) if catcher.test else run_simulation(SEEDS)


def run_simulation(seeds: int) -> Outcome:
    command = [str(TARGET / "debug" / SIMULATION_PACKAGE), "--seeds", str(seeds), "--no-shrink"]
    code, output = run(command, SIMULATION_SECONDS)
    if broken := BROKEN.search(output):
        return Outcome(True, f"seed {broken[1]}: {broken[2]}")
    return Outcome(False, "survived" if code == 0 else f"the simulation exited with {code}\n{output[-2000:]}")


def run_test(package: str, test: str) -> Outcome:
    code, output = run([*cargo_test(package), test], TEST_SECONDS)
    results = RESULT.findall(output)
    if (test, "FAILED") in results:
        return Outcome(True, "failed")
    if (test, "ok") in results and code == 0:
        return Outcome(False, "survived")
    # A test that aborts its process, for example by a stack overflow, prints no result.
    if code is not None and "(signal:" in output:
        return Outcome(True, "aborted")
    return Outcome(False, "the test timed out" if code is None else f"the test printed no result\n{output[-2000:]}")


def is_clean(catchers: set[Catcher]) -> bool:
    """Whether every catcher passes without a mutant. The simulation runs few seeds here; `make simulate` runs more."""
    failures = []
    for package in sorted({catcher.package for catcher in catchers if catcher.test}):
        tests = {catcher.test for catcher in catchers if catcher.package == package and catcher.test}
        _, output = run([*cargo_test(package), "--", *sorted(tests)], BUILD_SECONDS)
        passed = {test for test, result in RESULT.findall(output) if result == "ok"}
        failures += [f"{package} {test}\n{output[-2000:]}" for test in sorted(tests - passed)]
    if any(not catcher.test for catcher in catchers):
        code, output = run(["cargo", "build", "--locked", "--package", SIMULATION_PACKAGE], BUILD_SECONDS)
        outcome = run_simulation(SEEDS // 10) if code == 0 else Outcome(False, output[-2000:])
        failures += [] if outcome.detail == "survived" else [f"{SIMULATION}: {outcome.detail}"]
    for failure in failures:
        print(f"without a mutant: {failure}", flush=True)
    return not failures


def check(mutant: Mutant) -> Outcome:
    """Applies a mutant, runs its catcher, and reverts it."""
    applied = subprocess.run(["git", "apply", str(mutant.path)], cwd=TREE, check=False, stderr=subprocess.DEVNULL)
    if applied.returncode != 0:
        return Outcome(False, "doesn't apply")
    try:
        return try_catcher(mutant.catcher)
    finally:
        git("checkout", "--quiet", "--", ".", cwd=TREE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="run only mutants whose name contains NAME")
    parser.add_argument("--list", action="store_true", help="list the mutants and what catches them")
    options = parser.parse_args()
    chosen = mutants(options.names)
    if not chosen:
        sys.exit("no mutant has such a name")
    if options.list:
        for mutant in chosen:
            print(f"{mutant.name}: {mutant.breaks} [{mutant.catcher}]")
        return 0
    failures = []
    began = time.monotonic()
    signal.signal(signal.SIGTERM, temporary_stack.interrupted)
    with clean_tree():
        print(f"{len(chosen)} mutants; running their tests without a mutant first", flush=True)
        if not is_clean({mutant.catcher for mutant in chosen}):
            return 1
        for mutant in chosen:
            started = time.monotonic()
            outcome = check(mutant)
            seconds = time.monotonic() - started
            mark = "caught" if outcome.caught else "NOT CAUGHT"
            print(f"{mark:10}  {mutant.name}  {mutant.catcher}  {seconds:.0f} s  {outcome.detail}", flush=True)
            if not outcome.caught:
                failures.append(mutant)
    minutes = (time.monotonic() - began) / 60
    print(f"\n{len(chosen) - len(failures)} of {len(chosen)} mutants caught, in {minutes:.0f} minutes")
    for mutant in failures:
        print(f"not caught: {mutant.name}: {mutant.breaks}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
