"""What makes a build independent of the directories of the machine."""

import json
import os
import re
import subprocess
from pathlib import Path

import sam_cli


def environment(root: Path) -> dict[str, str]:
    """The variables with which `cargo` builds a checkout: without those that change what is built."""
    changing = re.compile(r"CARGO_(PROFILE|BUILD|ENCODED|TARGET)_.*|\w*(RUST|C|LD)FLAGS\w*|VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not changing.fullmatch(name)}
    return kept | {"PATH": sam_cli.search_path()} | compiler_flags(root)


def compiler_flags(root: Path) -> dict[str, str]:
    """The variable by which the compiler writes the same names into binaries wherever the machine's directories are.

    A panic's location names the file of a crate, and debug information names more. Messages of the compiler keep the
    directories.
    """
    # The last that matches is used. A flag can't hold a space, so a directory with one stays.
    names = [(path, name) for path, name in machine_directories(root) if not re.search(r"\s", str(path))]
    flags = ["--remap-path-scope=object", *(f"--remap-path-prefix={path}={name}" for path, name in names)]
    # Unlike RUSTFLAGS, this doesn't replace cargo-lambda's flags, which choose the processor.
    return {"CARGO_BUILD_RUSTFLAGS": " ".join(flags)}


def machine_directories(root: Path) -> list[tuple[Path, str]]:
    """The directories that a build of the checkout reads, each with the name that stands for it."""
    metadata = json.loads(output(root, "cargo", "metadata", "--locked", "--format-version=1"))
    crates = {Path(package["manifest_path"]).parents[1] for package in metadata["packages"] if package["source"]}
    commit = re.findall(r"^commit-hash: (\w+)$", output(root, "rustc", "-vV"), re.MULTILINE)[0]
    # Where the component rust-src is installed. Where it isn't, the standard library already has this name.
    library = Path(output(root, "rustc", "--print", "sysroot").strip()) / "lib" / "rustlib" / "src" / "rust"
    return [(root, "/wab"), (library, f"/rustc/{commit}"), *((directory, "/crates") for directory in sorted(crates))]


def named_directories(program: bytes, root: Path) -> list[str]:
    """The directories of the machine that a program names."""
    return [str(path) for path, _ in machine_directories(root) if f"{path}/".encode() in program]


def output(root: Path, *command: str) -> str:
    return subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True).stdout
