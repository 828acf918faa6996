"""Builds a release of the checked-out commit under release/: what a deployment needs, without Rust, and its origin.

docs/release.md describes the files. The same commit gives the same bytes on every machine that has the same tools;
--check builds release/ again from a clean clone in another directory, and compares.
"""

import tools  # first, for its check of the Python version  # isort: skip

import argparse
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import reproducible
import sam_cli
import supply_chain
from report import Failure, say

RELEASE = tools.ROOT / "release"
TEMPLATE = tools.ROOT / "infra" / "template.yaml"
FUNCTIONS = ["dlr", "fanout", "mo", "recover"]
TRIPLES = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
SUMS, PROVENANCE = "SHA256SUMS", "provenance.json"

# Files of an archive are of 1980, the earliest time that a zip can hold.
ZIP_TIME, TAR_TIME = (1980, 1, 1, 0, 0, 0), 315532800

# What determines a build besides the commit's own files: the first three pin the tools by hash.
INPUTS = ["Cargo.lock", "rust-toolchain.toml", "infra/local/requirements/sam.txt", "infra/template.yaml"]


# ── functions ─────────────────────────────────────────────────────────────────────────────────────────────────────


def build_function(name: str, architecture: str) -> Path:
    """Builds a function as `sam build` does, with the crates of Cargo.lock. Returns its program."""
    command = ["lambda", "build", "--release", "--locked", *(["--arm64"] if architecture == "arm64" else [])]
    cargo(command, tools.ROOT / "functions" / name)
    return built(name)


def cargo(command: list[str], directory: Path, **variables: str) -> None:
    environment = reproducible.environment(tools.ROOT) | variables
    if subprocess.run(["cargo", *command], cwd=directory, env=environment, check=False).returncode != 0:
        raise Failure(f"cargo {' '.join(command)} failed in {directory.relative_to(tools.ROOT)}")


def built(name: str) -> Path:
    """A program that `cargo lambda build` has written. Fails if it names a directory of this machine."""
    program = tools.ROOT / "target" / "lambda" / name / "bootstrap"
    if found := reproducible.named_directories(program.read_bytes(), tools.ROOT):
        raise Failure(f"{name} can't be reproduced in other directories, because it names {', '.join(found)}")
    return program


def write_functions(release: Path, programs: dict[str, Path], architecture: str) -> None:
    """Writes the zip of each program, and the template that deploys them if it is all four."""
    for name, program in programs.items():
        entry = zipfile.ZipInfo("bootstrap", ZIP_TIME)
        entry.create_system = 3  # Unix, which has the permissions
        entry.external_attr = (stat.S_IFREG | 0o755) << 16
        with zipfile.ZipFile(release / f"{name}.zip", "w") as archive:
            archive.writestr(entry, program.read_bytes(), zipfile.ZIP_DEFLATED)
    if sorted(programs) == FUNCTIONS:
        (release / "template.yaml").write_text(template(TEMPLATE.read_text(), architecture))


def template(source: str, architecture: str) -> str:
    """The template with the zips in place of the sources, restricted to the architecture of the zips."""
    changes = {
        r"\n    Metadata:\n      BuildMethod: rust-cargolambda": ("", len(FUNCTIONS)),
        r"CodeUri: \.\./functions/(\w+)": (r"CodeUri: \1.zip", len(FUNCTIONS)),
        r"(\n  Architecture:\n    Type: String\n    Default: )\w+(\n    AllowedValues: )\[.*\]": (
            rf"\g<1>{architecture}\g<2>[{architecture}]",
            1,
        ),
    }
    for pattern, (replacement, expected) in changes.items():
        source, found = re.subn(pattern, replacement, source)
        if found != expected:
            raise Failure(f"infra/template.yaml has {pattern!r} {found} times, not {expected}")
    return source


# ── the tool ──────────────────────────────────────────────────────────────────────────────────────────────────────


def build_tool() -> Path:
    """Builds `wab` for this machine's architecture, with the functions' linker. Returns the program."""
    # Debug information names directories.
    command = ["lambda", "build", "--profile", "tool", "--locked", "--package", "wab", "--bin", "wab"]
    cargo(command, tools.ROOT, CARGO_PROFILE_TOOL_STRIP="symbols")
    return built("wab")


def write_tool(release: Path, program: Path) -> None:
    """Writes the archive of `wab`, its completions and its manual pages, laid out as under /usr/local."""
    files = {"bin/wab": program.read_bytes()}
    completions = {
        "bash": "share/bash-completion/completions/wab",
        "fish": "share/fish/vendor_completions.d/wab.fish",
        "zsh": "share/zsh/site-functions/_wab",
    }
    for shell, path in completions.items():
        files[path] = subprocess.run([program, "completions", shell], stdout=subprocess.PIPE, check=True).stdout
    with tempfile.TemporaryDirectory() as pages:
        subprocess.run([program, "man", pages], check=True)
        files |= {f"share/man/man1/{page.name}": page.read_bytes() for page in Path(pages).iterdir()}
    name = f"wab-{version()}-{sam_cli.architecture()}-linux"
    with (
        (release / f"{name}.tar.gz").open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=TAR_TIME) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size, entry.mtime = len(content), TAR_TIME
            entry.mode = 0o755 if path == "bin/wab" else 0o644
            archive.addfile(entry, io.BytesIO(content))


def version() -> str:
    return re.findall(r'^version = "(.+)"$', (tools.ROOT / "Cargo.toml").read_text(), re.MULTILINE)[0]


# ── SBOMs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_sboms(release: Path, architecture: str) -> None:
    """Writes a CycloneDX SBOM of each function and of `wab`."""
    wanted = {f"wab-{name}": architecture for name in FUNCTIONS} | {"wab": sam_cli.architecture()}
    for processor in set(wanted.values()):
        found = sboms(TRIPLES[processor])
        for package in [package for package, built_for in wanted.items() if built_for == processor]:
            refuse_incomplete(package, json.loads(found[package]), TRIPLES[processor])
            (release / f"{package.removeprefix('wab-')}.cdx.json").write_text(found[package])


def sboms(triple: str) -> dict[str, str]:
    """The SBOM of each package of the workspace, without this machine's directories."""
    name = "release-sbom"
    time = git("log", "-1", "--format=%ct")
    command = ["cyclonedx", "--quiet", "--format", "json", "--spec-version", "1.5", "--target", triple]
    path = os.pathsep.join([str(tools.TOOLS / "cargo" / "bin"), os.environ["PATH"]])
    cargo([*command, "--override-filename", name], tools.ROOT, PATH=path, SOURCE_DATE_EPOCH=time)
    found = {}
    for package in json.loads(supply_chain.cargo("metadata", "--no-deps", "--format-version=1"))["packages"]:
        # The tool writes beside each Cargo.toml.
        file = Path(package["manifest_path"]).with_name(f"{name}.json")
        found[package["name"]] = file.read_text().replace(f"file://{tools.ROOT}", "file:///wab")
        file.unlink()
    return found


def refuse_incomplete(package: str, sbom: dict[str, Any], triple: str) -> None:
    """Fails if the SBOM lacks a crate that the package is compiled from."""
    listed = {(component["name"], component["version"]) for component in sbom["components"]}
    compiled = set(supply_chain.crates("normal", [package], triple)) - {(package, version())}
    if missing := compiled - listed:
        raise Failure(f"the SBOM of {package} lacks {', '.join(' '.join(crate) for crate in sorted(missing))}")


# ── provenance and sums ───────────────────────────────────────────────────────────────────────────────────────────


def write_provenance(release: Path, commit: str, architecture: str, builder: str) -> None:
    """Writes the statement that names the commit and the inputs of every file. It isn't signed."""
    subjects = digests(release, {PROVENANCE, SUMS})
    rustc = dict(re.findall(r"^([\w -]+): (.+)$", reproducible.output(tools.ROOT, "rustc", "-vV"), re.MULTILINE))
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)", (tools.REQUIREMENTS / "sam.txt").read_text(), re.MULTILINE))
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in subjects.items()],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:wab:make-release:v1",
                "externalParameters": {"architecture": architecture},
                "internalParameters": {
                    "cargo-cyclonedx": tools.CARGO_TOOLS["cargo-cyclonedx"],
                    "cargo-lambda": pinned["cargo-lambda"],
                    "host": rustc["host"],
                    "rustc": rustc["release"],
                    "zig": pinned["ziglang"],
                    "zlib": zlib.ZLIB_RUNTIME_VERSION,
                },
                "resolvedDependencies": [
                    {"name": "source", "digest": {"gitCommit": commit}},
                    {"name": "rustc", "digest": {"gitCommit": rustc["commit-hash"]}},
                    *({"name": name, "digest": {"sha256": sha256(tools.ROOT / name)}} for name in INPUTS),
                ],
            },
            "runDetails": {"builder": {"id": builder}},
        },
    }
    (release / PROVENANCE).write_text(json.dumps(statement, indent=2) + "\n")


def write_sums(release: Path) -> None:
    lines = [f"{digest}  {name}\n" for name, digest in digests(release, {SUMS}).items()]
    (release / SUMS).write_text("".join(lines))


def digests(directory: Path, left_out: set[str]) -> dict[str, str]:
    names = sorted(path.name for path in directory.iterdir() if path.name not in left_out)
    return {name: sha256(directory / name) for name in names}


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def git(*arguments: str) -> str:
    return reproducible.output(tools.ROOT, "git", *arguments).strip()


# ── commands ──────────────────────────────────────────────────────────────────────────────────────────────────────


def build(architecture: str, functions: list[str], builder: str) -> None:
    """Replaces release/. With some functions only, it holds their zips and no more."""
    commit = clean_commit("commit or stash the changes first")
    tools.install(["sam"])
    shutil.rmtree(RELEASE, ignore_errors=True)
    RELEASE.mkdir()
    write_functions(RELEASE, {name: build_function(name, architecture) for name in functions}, architecture)
    if functions == FUNCTIONS:
        tools.install(["cargo-cyclonedx"])
        write_tool(RELEASE, build_tool())
        write_sboms(RELEASE, architecture)
    if clean_commit("the files changed during the build; build it again") != commit:
        raise Failure(f"{commit} is no longer checked out; build it again")
    write_provenance(RELEASE, commit, architecture, builder)
    write_sums(RELEASE)
    say(f"wrote {RELEASE.relative_to(tools.ROOT)}/ for {architecture}:\n{(RELEASE / SUMS).read_text()}")


def clean_commit(otherwise: str) -> str:
    """The commit that the files are of."""
    if git("status", "--porcelain"):
        raise Failure(f"a release is of a commit: {otherwise}")
    return git("rev-parse", "HEAD")


def check(functions: list[str]) -> None:
    """Builds release/ again from a clean clone in another directory, and fails if a file differs."""
    if not (RELEASE / PROVENANCE).exists():
        raise Failure("there is no release to compare with: run `make release` first")
    statement = json.loads((RELEASE / PROVENANCE).read_text())
    expected = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    definition = statement["predicate"]["buildDefinition"]
    commit = definition["resolvedDependencies"][0]["digest"]["gitCommit"]
    with tempfile.TemporaryDirectory() as directory:
        # Cargo's own directory has another name there too, so that every crate is compiled from another place.
        home, clone = Path(directory) / "cargo", Path(directory) / "elsewhere" / "wab"
        home.symlink_to(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
        git("clone", "--quiet", str(tools.ROOT), str(clone))
        git("-C", str(clone), "checkout", "--quiet", "--detach", commit)
        (clone / ".tools").symlink_to(tools.TOOLS.resolve())
        command = [sys.executable, "infra/local/release.py", "--arch", definition["externalParameters"]["architecture"]]
        environment = os.environ | {"CARGO_HOME": str(home)}
        subprocess.run([*command, *functions], cwd=clone, env=environment, check=True)
        rebuilt = digests(clone / "release", {PROVENANCE, SUMS})
    if differing := [name for name, digest in rebuilt.items() if digest != expected.get(name)]:
        raise Failure(f"not reproduced: {', '.join(differing)}")
    say(f"reproduced from {commit}: {', '.join(rebuilt)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("functions", nargs="*", help=f"only the zips of these: {', '.join(FUNCTIONS)}")
    parser.add_argument("--arch", choices=sorted(TRIPLES), default="x86_64", help="the functions' processor")
    parser.add_argument("--builder", default="urn:wab:builder:unnamed", help="the URI of the builder in the provenance")
    parser.add_argument("--check", action="store_true", help="build release/ again elsewhere, and compare")
    arguments = parser.parse_args()
    if unknown := set(arguments.functions) - set(FUNCTIONS):
        parser.error(f"no such function: {', '.join(sorted(unknown))}")
    functions = sorted(arguments.functions) or FUNCTIONS
    try:
        if arguments.check:
            check(functions)
        else:
            build(arguments.arch, functions, arguments.builder)
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
