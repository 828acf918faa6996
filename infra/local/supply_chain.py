"""Lists what a release is built from: the functions' crates with the most unsafe code, and all build scripts.

Nothing is built. `unsafe` is counted in the sources of each crate outside comments: blocks, functions, implementations,
traits and external blocks, for every platform and feature, so less of it is compiled.
"""

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import tools

FUNCTIONS = ("wab-mo", "wab-dlr", "wab-recover", "wab-fanout")
RELEASED = (*FUNCTIONS, "wab")
PLATFORM = "x86_64-unknown-linux-gnu"
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
UNSAFE = re.compile(r"\bunsafe\s+(?:\{|fn\b|impl\b|trait\b|extern\b)")


class Crate(NamedTuple):
    name: str
    version: str


def crates(edges: str, packages: Sequence[str] = FUNCTIONS, platform: str = PLATFORM) -> set[Crate]:
    """The crates of some packages along some kinds of dependencies."""
    selected = [f"--package={name}" for name in packages]
    lines = cargo("tree", "--target", platform, "--prefix=none", "--format={p}", f"--edges={edges}", *selected)
    found = (line.split() for line in lines.splitlines() if line)
    return {Crate(words[0], words[1].removeprefix("v")) for words in found}


def metadata() -> dict[Crate, dict]:
    packages = json.loads(cargo("metadata", "--format-version=1", "--filter-platform", PLATFORM))["packages"]
    return {Crate(package["name"], package["version"]): package for package in packages}


def cargo(*arguments: str) -> str:
    command = ["cargo", *arguments, "--locked"]
    return subprocess.run(command, cwd=tools.ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def with_kind(kind: str) -> set[Crate]:
    """The crates that have a target of a kind and are needed to build the functions and `wab`."""
    known = metadata()
    needed = crates("normal,build", RELEASED)
    return {crate for crate in needed if any(kind in target["kind"] for target in known[crate]["targets"])}


def unsafe_count(sources: Path) -> int:
    return sum(len(UNSAFE.findall(COMMENT.sub("", path.read_text()))) for path in sources.rglob("*.rs"))


def main() -> None:
    known = metadata()
    compiled = crates("normal,no-proc-macro")
    count = {crate: unsafe_count(Path(known[crate]["manifest_path"]).parent / "src") for crate in compiled}
    own = {crate for crate in compiled if known[crate]["source"] is None}
    used = [crate for crate in compiled - own if count[crate]]
    print(f"{len(own)} crates of wab: {sum(count[crate] for crate in own)} unsafe")
    print(f"{len(compiled - own)} dependencies: {sum(count.values())} unsafe, in {len(used)} of them")
    for crate in sorted(used, key=lambda crate: -count[crate])[:10]:
        print(f"  {count[crate]:5} {crate.name} {crate.version}")
    for kind in ("custom-build", "proc-macro"):
        print(f"{kind}:", ", ".join(f"{name} {version}" for name, version in sorted(with_kind(kind))))


if __name__ == "__main__":
    main()
