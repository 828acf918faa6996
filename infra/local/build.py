"""Builds the functions with `sam build` and shows cargo's progress."""

import hashlib
import re
import shutil
import sys
from pathlib import Path

import reproducible
import sam_cli
import tools
from report import say
from state import Files

TEMPLATE = tools.ROOT / "infra" / "template.yaml"
SHIMS = Path(__file__).resolve().parent / "shims"
BUILD_SECONDS = 1800

# Full optimisation takes far longer to compile and makes no difference to local use.
LIGHT_PROFILE = {
    "CARGO_PROFILE_RELEASE_LTO": "off",
    "CARGO_PROFILE_RELEASE_OPT_LEVEL": "1",
    "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16",
}


def build(files: Files) -> str:
    """Builds the functions and the template. Returns a digest of everything that is deployed."""
    first = not (tools.ROOT / "target" / "lambda").exists()
    say("building the functions" + (" (the first build takes some minutes)" if first else ""))
    command = [
        "build",
        "--template-file", str(TEMPLATE),
        "--build-dir", str(files.build_dir),
        "--parameter-overrides", f"Architecture={sam_cli.architecture()}",
    ]  # fmt: skip
    log = files.home / "build.log"
    variables = {
        **light_build(),
        # `cargo lambda` finds the shim first, which appends cargo's output to the log.
        "PATH": sam_cli.search_path(SHIMS),
        "CARGO_LAMBDA": str(sam_cli.BIN / "cargo-lambda"),
        "CARGO_OUTPUT": str(log),
        "CARGO_TERM_PROGRESS_WHEN": "always",
        "CARGO_TERM_PROGRESS_WIDTH": "80",
    }
    progress = Progress(log)
    try:
        sam_cli.run(command, log, BUILD_SECONDS, variables, progress.update)
    finally:
        progress.clear()
    return digest(files.build_dir)


def light_build() -> dict[str, str]:
    """The variables of a build for local use. Like a release, it doesn't depend on where the checkout is."""
    return LIGHT_PROFILE | reproducible.compiler_flags(tools.ROOT)


def take(release: Path, files: Files) -> str:
    """Puts a release in the place of what `build` writes, and returns its digest."""
    shutil.rmtree(files.build_dir, ignore_errors=True)
    shutil.copytree(release, files.build_dir)
    return digest(files.build_dir)


def digest(directory: Path) -> str:
    total = hashlib.sha256()
    for file in sorted(path for path in directory.rglob("*") if path.is_file()):
        total.update(file.relative_to(directory).as_posix().encode())
        total.update(file.read_bytes())
    return total.hexdigest()


class Progress:
    """Shows how many crates are compiled: on a terminal as one changing line, elsewhere as a line per 10 %."""

    STEP = re.compile(r"^function (.+)$|Building \[[=> ]*\] +(\d+)/(\d+)", re.MULTILINE)

    def __init__(self, log: Path) -> None:
        self.log = log
        self.offset = 0
        self.function = ""
        self.tenths = 0
        self.width = 0

    def update(self) -> None:
        with self.log.open("rb") as log:
            log.seek(self.offset)
            output = log.read()
        self.offset += len(output)
        done = total = None
        for function, *counts in self.STEP.findall(output.decode(errors="replace")):
            if function:
                self.function, self.tenths, done = function, 0, None
            else:
                done, total = map(int, counts)
        if done is not None and total:
            self.show(f"  {self.function}: compiled {done} of {total} crates", 10 * done // total)

    def show(self, text: str, tenths: int) -> None:
        if sys.stdout.isatty():
            print(f"\r{text:<{self.width}}", end="", flush=True)
            self.width = len(text)
        elif tenths > self.tenths:
            say(text)
            self.tenths = tenths

    def clear(self) -> None:
        print(f"\r{'':<{self.width}}\r" if self.width else "", end="", flush=True)
