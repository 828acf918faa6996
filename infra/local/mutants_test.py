"""Each mutant applies to the tree and names an existing test. `make mutants` runs them."""

import json
import subprocess
import unittest
from pathlib import Path

import mutants
import tools


class Mutants(unittest.TestCase):
    def setUp(self) -> None:
        self.mutants = mutants.mutants([])

    def test_each_mutant_applies_alone(self) -> None:
        for mutant in self.mutants:
            command = ["git", "apply", "--check", str(mutant.path)]
            applied = subprocess.run(command, cwd=tools.ROOT, capture_output=True, text=True, check=False)
            self.assertEqual(applied.returncode, 0, f"{mutant.name}: {applied.stderr}")

    def test_each_named_test_exists_once(self) -> None:
        command = ["cargo", "metadata", "--no-deps", "--format-version", "1", "--offline", "--locked"]
        metadata = json.loads(subprocess.run(command, cwd=tools.ROOT, capture_output=True, check=True).stdout)
        folders = {package["name"]: Path(package["manifest_path"]).parent for package in metadata["packages"]}
        for mutant in self.mutants:
            package, test = mutant.catcher.package, mutant.catcher.test
            self.assertIn(package, folders, mutant.name)
            if test:
                sources = [path.read_text() for path in folders[package].rglob("*.rs")]
                self.assertEqual(sum(source.count(f"fn {test}(") for source in sources), 1, f"{mutant.name}: {test}")

    def test_each_mutant_describes_its_defect(self) -> None:
        self.assertGreaterEqual(len(self.mutants), 50)
        for mutant in self.mutants:
            self.assertRegex(mutant.name, r"^\d{3}-[a-z0-9-]+$")
            self.assertTrue(mutant.breaks.endswith("."), mutant.name)
            self.assertFalse(mutant.breaks.startswith("Caught by"), mutant.name)


if __name__ == "__main__":
    unittest.main()
