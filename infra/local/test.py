"""Runs every test, and prints how many passed. End-to-end tests and drills each have a local stack of their own."""

import tools  # first, for its check of the Python version  # isort: skip

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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


class Tests:
    """Runs Rust tests, and counts them."""

    def __init__(self) -> None:
        self.succeeded = True
        self.passed = self.failed = 0

    def run(self, stack: Path, targets: list[str], options: list[str]) -> None:
        environment = os.environ | {"WAB_STACK": str(stack)}
        # One command for all packages, because each selection of packages compiles the dependencies again with its own
        # features. The ignored tests are those that need a stack.
        command = ["cargo", "test", "--workspace", "--locked", "--no-fail-fast", *targets, "--", "--include-ignored"]
        command += options
        with subprocess.Popen(command, cwd=tools.ROOT, env=environment, stdout=subprocess.PIPE, text=True) as cargo:
            for line in cargo.stdout or ():
                print(line, end="", flush=True)
                if result := RESULT.match(line):
                    self.passed += int(result[1])
                    self.failed += int(result[2])
        self.succeeded = cargo.returncode == 0 and self.succeeded

    def search(self, stack: Path) -> None:
        """Checks that what the tests have sent to a stack is only where it belongs."""
        self.run(stack, ["--test", "wab"], ["--exact", SEARCH])


def check_local_stack() -> bool:
    """Runs the Python tests in this directory, in the emulator's environment."""
    python = tools.venv("emulator") / "bin" / "python"
    directory = Path(__file__).resolve().parent
    command = [str(python), "-m", "unittest", "discover", "--start-directory", str(directory), "--pattern", "*_test.py"]
    return subprocess.run(command, check=False).returncode == 0


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


def check_stack(stack: Path, tool_set: str, script: str) -> bool:
    """Runs a script in this directory on the stack, in the environment of a set of tools."""
    python = tools.venv(tool_set) / "bin" / "python"
    command = [str(python), str(Path(__file__).resolve().parent / script)]
    return subprocess.run(command, env=os.environ | {"WAB_STACK": str(stack)}, check=False).returncode == 0


def main() -> int:
    for name, seconds in TIMES.items():
        os.environ.setdefault(name, seconds)
    tools.install(["aws", "schemathesis"])  # `aws`: tests/drills run commands of the documentation
    tests = Tests()
    with (
        temporary_stack.up("test", "--rotating") as stack,
        ThreadPoolExecutor(max_workers=1) as on_stack,  # one check at a time
        ThreadPoolExecutor(max_workers=1) as on_encrypted,
    ):
        tests.run(stack, [], ["--skip", SEARCH])
        page = on_stack.submit(browser.check_page, Files("test"), tools.program("wab"))
        checks = [
            on_stack.submit(check_stack, stack, "emulator", "bad_input.py"),
            on_stack.submit(check_stack, stack, "schemathesis", "contracts/callbacks.py"),
        ]
        example = on_stack.submit(compile_example)
        zips = make_release(Files("test"))
        # The drills begin with a healthy stack, and break it one after another. They mostly wait for alarms.
        with (
            temporary_stack.up("drills") as drilled,
            # This one from a release, as it is deployed without Rust.
            temporary_stack.up(
                "deliveries", f"--release={zips}", "--parameter=FifoTopics=true", "--own-key"
            ) as encrypted,
        ):
            checks += [
                on_encrypted.submit(check_stack, encrypted, "emulator", script)
                for script in ("deliveries.py", "permissions.py")
            ]
            tests.run(drilled, ["--test", "drills"], ["--test-threads", "1"])
            tests.search(drilled)
            checks[-1].result()  # before its stack ends
            tests.search(encrypted)
        failed_on_page = page.result()
        succeeded = all([check.result() for check in checks]) and failed_on_page is None
        example.result()
        tests.search(stack)
    for name in TIMES:
        del os.environ[name]
    succeeded = check_local_stack() and tests.succeeded and succeeded
    succeeded = check_contracts() and succeeded
    succeeded = clients.check() and succeeded
    if failed_on_page is not None:
        print(f"\nfailed on the console's page: {failed_on_page}")
    print(f"\n{tests.passed} passed, {tests.failed} failed")
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
