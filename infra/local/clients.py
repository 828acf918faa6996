"""Checks the packages in clients/: their generated files, their types under the strictest settings, and their tests.

--update generates the files again, and docs/reference.md with them. The tools are those of the set `contracts`.
"""

import tools  # first, for its check of the Python version  # isort: skip

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CLIENTS = tools.ROOT / "clients"
GENERATE = Path(__file__).resolve().parent / "contracts" / "generate.py"


def check() -> bool:
    """Runs every check, and prints one line for each."""
    tools.install(["contracts"])
    python, node = str(tools.venv("contracts") / "bin" / "python"), str(tools.node("contracts"))
    packages = tools.venv("contracts") / "npm" / "node_modules"
    link_packages(CLIENTS / "typescript" / "node_modules", packages)
    typescript, tests = str(CLIENTS / "typescript"), map(str, (CLIENTS / "typescript" / "test").glob("*.test.ts"))
    go, module = tools.go("contracts"), str(CLIENTS / "go")
    checks = {
        "files are generated": [python, str(GENERATE), "--check"],
        "TypeScript types": [node, str(packages / "typescript" / "bin" / "tsc"), "--project", typescript],
        "TypeScript tests": [node, "--test", *tests],
        "Python types": [python, "-m", "mypy", "--no-error-summary", "--cache-dir", os.devnull],
        "Python tests": [python, "-m", "unittest", "discover", "--quiet", "--start-directory", "tests"],
        "Go format": [str(go.with_name("gofmt")), "-s", "-d", module],
        "Go types": [str(go), "-C", module, "vet", "./..."],
        # Not from the cache, which doesn't notice changes of the golden files.
        "Go tests": [str(go), "-C", module, "test", "-vet=off", "-count=1", "./..."],
    }
    environment = os.environ | {"PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1"}
    # This Go alone, without C, the network or the user's settings.
    environment |= {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOPROXY": "off", "GOENV": "off", "GOFLAGS": ""}
    environment["GOCACHE"] = str(tools.TOOLS / "go-cache")
    succeeded = report("versions", *versions_differ())
    for name, command in checks.items():
        succeeded = run(name, command, environment) and succeeded
    return build_typescript(environment) and succeeded


def run(name: str, command: list[str], environment: dict[str, str]) -> bool:
    done = subprocess.run(
        command,
        cwd=CLIENTS / "python",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return report(name, *([done.stdout] if done.returncode else []))


def build_typescript(environment: dict[str, str]) -> bool:
    """Builds the TypeScript package as its users do, with nothing but what it declares, and the example on it."""
    path = os.pathsep.join([str(tools.node("contracts").parent), environment["PATH"]])
    environment = environment | {"PATH": path}
    with tempfile.TemporaryDirectory() as copy:
        package, example = Path(copy) / "clients" / "typescript", Path(copy) / "examples" / "typescript"
        for directory in (package, example):
            ignored = shutil.ignore_patterns("node_modules", "dist", ".aws-sam")
            shutil.copytree(tools.ROOT / directory.relative_to(copy), directory, ignore=ignored)
        npm, tsc = tools.npm("contracts"), str(package / "node_modules" / "typescript" / "bin" / "tsc")
        checks = {
            "TypeScript build": [*npm, "--prefix", str(package), "install"],
            "TypeScript example's packages": [*npm, "--prefix", str(example), "ci"],
            "TypeScript example's types": [str(tools.node("contracts")), tsc, "--project", str(example)],
        }
        return all(run(name, command, environment) for name, command in checks.items())


def link_packages(link: Path, packages: Path) -> None:
    """Makes the npm packages of the set importable by the TypeScript package."""
    if link.is_symlink() and link.readlink() != packages:
        link.unlink()
    if not link.exists():
        link.symlink_to(packages)


def versions_differ() -> list[str]:
    """All packages have the version of the workspace, because the contracts have it."""

    def version(file: str) -> str:
        return re.findall(r'^(?:version|const Version) = "(.+)"$', (tools.ROOT / file).read_text(), re.MULTILINE)[0]

    found = {
        version("Cargo.toml"),
        version("clients/python/pyproject.toml"),
        version("clients/go/wab.go"),
        json.loads((CLIENTS / "typescript" / "package.json").read_text())["version"],
    }
    return [f"different versions: {', '.join(sorted(found))}"] if len(found) > 1 else []


def report(name: str, *faults: str) -> bool:
    print(f"clients {name} ... {'FAILED' if faults else 'ok'}", flush=True)
    for fault in faults:
        print(fault)
    return not faults


def main() -> int:
    if "--update" in sys.argv:
        tools.install(["contracts"])
        return subprocess.run([str(tools.venv("contracts") / "bin" / "python"), str(GENERATE)], check=False).returncode
    return 0 if check() else 1


if __name__ == "__main__":
    sys.exit(main())
