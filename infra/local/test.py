"""Runs every test, and prints how many passed. End-to-end tests and drills each have a local stack of their own."""

import tools  # first, for its check of the Python version  # isort: skip

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import browser
import clients
import release
import sam_cli
import temporary_stack
from build import BUILD_SECONDS, light_build
from state import LOCAL, Files

RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed;")

# Searches a stack for what the other tests have sent, so it runs after them.
SEARCH = "end_to_end::marked::what_was_sent_is_nowhere_else"

# Tests wait for alarms and for retries. Those of the emulator itself set their own times.
TIMES = {"ALARM_PERIOD_SECONDS": "2", "SNS_RETRY_SECONDS": "1"}


class Report:
    """What passed, and what failed, from several threads."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.passed = self.failed = 0
        self.failures: list[str] = []

    def check(self, name: str, succeeded: bool) -> None:
        if not succeeded:
            with self.lock:
                self.failures.append(name)

    def rust(self, name: str, stack: Path, targets: list[str], options: list[str]) -> None:
        """Runs Rust tests, and counts them. The ignored ones are those that need a stack."""
        # All packages, because each selection of packages compiles the dependencies again with its own features.
        command = ["cargo", "test", "--workspace", "--locked", "--no-fail-fast", *targets, "--", "--include-ignored"]
        command += options
        environment = os.environ | {"WAB_STACK": str(stack)}
        with subprocess.Popen(command, cwd=tools.ROOT, env=environment, stdout=subprocess.PIPE, text=True) as cargo:
            for line in cargo.stdout or ():
                print(line, end="", flush=True)
                if result := RESULT.match(line):
                    with self.lock:
                        self.passed += int(result[1])
                        self.failed += int(result[2])
        self.check(name, cargo.returncode == 0)

    def search(self, name: str, stack: Path) -> None:
        """Checks that what the tests have sent to a stack is only where it belongs."""
        self.rust(f"search of {name}", stack, ["--test", "wab"], ["--exact", SEARCH])

    def script(self, stack: Path, tool_set: str, script: str) -> None:
        """Runs a script in this directory on the stack, in the environment of a set of tools."""
        python = tools.venv(tool_set) / "bin" / "python"
        command = [str(python), str(Path(__file__).resolve().parent / script)]
        environment = os.environ | {"WAB_STACK": str(stack)}
        self.check(script, subprocess.run(command, env=environment, check=False).returncode == 0)


def finish_on_stack(report: Report, stack: Path) -> None:
    """Tests what comes after the Rust tests on their stack."""
    report.script(stack, "schemathesis", "contracts/callbacks.py")
    report.search("the end-to-end tests", stack)
    # Last, because it empties the stack.
    if (failed := browser.check_page(Files("test"), tools.program("wab"))) is not None:
        report.check(f"console's page: {failed}", False)


def drill(report: Report, stack: Path) -> None:
    """Breaks a healthy stack in one way after another, which mostly waits for alarms."""
    report.rust("drills", stack, ["--test", "drills"], ["--test-threads", "1"])
    report.search("the drills", stack)


def test_deliveries(report: Report, stack: Path) -> None:
    report.script(stack, "emulator", "deliveries.py")
    report.script(stack, "emulator", "permissions.py")
    report.search("the deliveries", stack)


def check_local_stack() -> bool:
    """Runs the Python tests in this directory, in the emulator's environment."""
    python = tools.venv("emulator") / "bin" / "python"
    directory = Path(__file__).resolve().parent
    command = [str(python), "-m", "unittest", "discover", "--start-directory", str(directory), "--pattern", "*_test.py"]
    environment = {name: value for name, value in os.environ.items() if name not in TIMES}
    return subprocess.run(command, env=environment, check=False).returncode == 0


def compile_example() -> None:
    """Compiles the example in Rust, which has other features than the functions, for examples_test.py."""
    home = Files("examples").home
    home.mkdir(parents=True, exist_ok=True)
    command = ["build", "--build-dir", str(home / "compiled")]
    command += ["--parameter-overrides", f"Architecture={sam_cli.architecture()}"]
    sam_cli.run(command, home / "compile.log", BUILD_SECONDS, light_build(), directory=tools.ROOT / "examples" / "rust")


def make_release(built: Files) -> Path:
    """Makes a release of the functions that a stack has built. It lacks `wab` and the SBOMs."""
    directory = LOCAL / "test-release"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    programs = {name: built.build_dir / name.capitalize() / "bootstrap" for name in release.FUNCTIONS}
    release.write_functions(directory, programs, sam_cli.architecture())
    release.write_sums(directory)
    return directory


def check_contracts() -> bool:
    """Validates infra/contracts with third-party validators."""
    tools.install(["contracts"])
    python = tools.venv("contracts") / "bin" / "python"
    script = Path(__file__).resolve().parent / "contracts" / "validate.py"
    return subprocess.run([str(python), str(script)], check=False).returncode == 0


def main() -> int:
    for name, seconds in TIMES.items():
        os.environ.setdefault(name, seconds)
    tools.install(["aws", "schemathesis"])  # `aws`: tests/drills run commands of the documentation
    report = Report()
    with (
        temporary_stack.up("test", "--rotating") as stack,
        ThreadPoolExecutor(max_workers=1) as beside,  # one after another
        ThreadPoolExecutor(max_workers=1) as on_encrypted,
    ):
        report.rust("Rust tests", stack, [], ["--skip", SEARCH])
        # Alone, because it checks how long answers take.
        report.script(stack, "emulator", "bad_input.py")
        # The example comes last: the other stacks, which build too, would wait for its compiler.
        running = [beside.submit(finish_on_stack, report, stack), beside.submit(compile_example)]
        zips = make_release(Files("test"))
        with (
            temporary_stack.up("drills") as drilled,
            # This one from a release, as it is deployed without Rust.
            temporary_stack.up(
                "deliveries", f"--release={zips}", "--parameter=FifoTopics=true", "--own-key"
            ) as encrypted,
        ):
            deliveries = on_encrypted.submit(test_deliveries, report, encrypted)
            drill(report, drilled)
            deliveries.result()  # before its stack ends
        for done in running:
            done.result()
    report.check("local stack", check_local_stack())
    report.check("contracts", check_contracts())
    report.check("clients", clients.check())
    for failure in report.failures:
        print(f"\nfailed: {failure}")
    print(f"\n{report.passed} passed, {report.failed} failed")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
