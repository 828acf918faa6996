"""SECURITY.md names existing tests, and docs/security.md the build scripts that run. Tools are locked with hashes."""

import json
import re
import unittest

import supply_chain
import tools


def rows(page: str, section: str) -> list[list[str]]:
    """The cells of the table in a section of a page."""
    text = (tools.ROOT / page).read_text().split(f"\n## {section}\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


class Threats(unittest.TestCase):
    def test_each_row_names_existing_tests(self) -> None:
        threats = rows("SECURITY.md", "Threats")
        self.assertGreaterEqual(len(threats), 15)
        for *_, proof in threats:
            files = re.findall(r"`(\S+/\S+)`((?: `\w+`,?)+)", proof)
            self.assertEqual(sum(2 + names.count("`") for _, names in files), proof.count("`"), proof)
            self.assertNotEqual(files, [], proof)
            for file, names in files:
                source = (tools.ROOT / file).read_text()
                for name in re.findall(r"\w+", names):
                    exists = re.search(rf'(?:fn|def) {name}\(|test\("{name}"', source)
                    self.assertTrue(exists, f"{file} has no test {name}")


class SupplyChain(unittest.TestCase):
    def test_each_build_script_was_read_in_its_version(self) -> None:
        read = [supply_chain.Crate(*cells[0].strip("`").split()) for cells in rows("docs/security.md", "Build scripts")]
        self.assertEqual(sorted(read), sorted(supply_chain.with_kind("custom-build")))

    def test_each_npm_package_has_a_hash(self) -> None:
        for directory in tools.NPM_PACKAGES.values():
            packages = json.loads((directory / "package-lock.json").read_text())["packages"]
            self.assertEqual([name for name, package in packages.items() if name and "integrity" not in package], [])

    def test_each_python_package_has_a_hash(self) -> None:
        for lock in tools.REQUIREMENTS.glob("*.txt"):
            for requirement in re.split(r"\n(?=\S)", lock.read_text()):
                if "==" in requirement.partition("\n")[0]:
                    self.assertIn("--hash=sha256:", requirement, lock.name)


if __name__ == "__main__":
    unittest.main()
