"""A release doesn't depend on where it is built, and its files describe each other."""

import json
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

import release
import reproducible
import sam_cli
import tools
from build import LIGHT_PROFILE, build
from report import Failure
from state import Files

NAME = "release-test"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Release(unittest.TestCase):
    """The functions are those of local use: compiled with less optimisation."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.files = Files(NAME)
        cls.addClassCleanup(shutil.rmtree, cls.files.home, ignore_errors=True)
        cls.files.home.mkdir(parents=True, exist_ok=True)
        build(cls.files)
        cls.programs = {name: cls.files.build_dir / name.capitalize() / "bootstrap" for name in release.FUNCTIONS}

    def test_no_function_names_a_directory_of_the_machine(self) -> None:
        for name, program in self.programs.items():
            self.assertEqual(reproducible.named_directories(program.read_bytes(), tools.ROOT), [], name)
        for path, _ in reproducible.machine_directories(tools.ROOT):
            self.assertIn(str(path), reproducible.named_directories(f"at {path}/lib.rs".encode(), tools.ROOT))

    def test_function_compiled_in_another_directory_is_the_same(self) -> None:
        """Only the crates of wab are compiled and linked again. `make release-check` also compiles the dependencies."""
        with tempfile.TemporaryDirectory() as directory:
            checkout = Path(directory) / "elsewhere" / "wab"
            copy_sources(checkout)
            copy_dependencies(checkout / "target")
            function = checkout / "functions" / "recover"
            # With this checkout's flags: with others, cargo would compile the dependencies again.
            variables = reproducible.environment(tools.ROOT) | LIGHT_PROFILE
            command = ["cargo", "lambda", "build", "--release", "--locked", "--offline"]
            done = subprocess.run(command, cwd=function, env=variables, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"Compiling wab-recover v{release.version()} ({function})", done.stderr)
            self.assertNotIn("Compiling aws-", done.stderr)
            elsewhere = checkout / "target" / "lambda" / "recover" / "bootstrap"
            self.assertEqual(reproducible.named_directories(elsewhere.read_bytes(), checkout), [])
            self.assertEqual(release.sha256(elsewhere), release.sha256(self.programs["recover"]))

    def test_files_of_a_release_describe_each_other(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            directory, architecture = Path(name), sam_cli.architecture()
            release.write_functions(directory, self.programs, architecture)
            release.write_provenance(directory, COMMIT, architecture, "urn:example:builder")
            release.write_sums(directory)
            subprocess.run(["sha256sum", "--check", "--strict", "--quiet", release.SUMS], cwd=directory, check=True)

            statement = json.loads((directory / release.PROVENANCE).read_text())
            subjects = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
            self.assertEqual(set(subjects), {*(f"{function}.zip" for function in self.programs), "template.yaml"})
            for file, digest in subjects.items():
                self.assertEqual(release.sha256(directory / file), digest)
            source = statement["predicate"]["buildDefinition"]["resolvedDependencies"][0]
            self.assertEqual(source, {"name": "source", "digest": {"gitCommit": COMMIT}})
            self.assertNotIn(str(tools.ROOT), json.dumps(statement))

            code = re.findall(r"CodeUri: (.+)", (directory / "template.yaml").read_text())
            self.assertEqual(sorted(code), [f"{function}.zip" for function in release.FUNCTIONS])
            for file in code:
                with zipfile.ZipFile(directory / file) as archive:
                    (entry,) = archive.infolist()
                    self.assertEqual((entry.filename, entry.external_attr >> 16), ("bootstrap", 0o100755))

    def test_template_is_of_one_architecture_and_builds_nothing(self) -> None:
        template = release.template(release.TEMPLATE.read_text(), "arm64")
        self.assertIn("\n    Default: arm64\n    AllowedValues: [arm64]\n", template)
        self.assertNotIn("BuildMethod", template)
        with self.assertRaises(Failure):
            release.template(template, "arm64")

    def test_archive_of_the_tool_is_laid_out_as_under_usr_local(self) -> None:
        program = tools.program("wab")
        with tempfile.TemporaryDirectory() as directory:
            release.write_tool(Path(directory), program)
            (file,) = Path(directory).iterdir()
            with tarfile.open(file) as archive:
                files = {entry.name.partition("/")[2]: entry for entry in archive}
        self.assertEqual(files["bin/wab"].size, program.stat().st_size)
        self.assertEqual(files["bin/wab"].mode, 0o755)
        self.assertLess(
            {"share/man/man1/wab.1", "share/man/man1/wab-send.1", "share/bash-completion/completions/wab"}, set(files)
        )


def copy_sources(checkout: Path) -> None:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in reproducible.output(tools.ROOT, *listed).split("\0"):
        if name and (tools.ROOT / name).exists():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(tools.ROOT / name, checkout / name)


def copy_dependencies(target: Path) -> None:
    """Copies what is compiled, without the crates of this workspace."""
    own = shutil.ignore_patterns("wab*", "libwab*", *release.FUNCTIONS, "incremental", "examples")
    for profile in ("release", f"{release.TRIPLES[sam_cli.architecture()]}/release"):
        shutil.copytree(tools.ROOT / "target" / profile, target / profile, ignore=own)


if __name__ == "__main__":
    unittest.main()
