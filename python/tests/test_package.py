from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from typing import Iterator

from job_case import PYTHON, REPOSITORY

import jd

sys.path.insert(0, str(PYTHON))
import wheel_backend  # noqa: E402

BUILT_IN_GENERICS = {"dict", "frozenset", "list", "set", "tuple", "type"}


def run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All but annotations, which `from __future__ import annotations` keeps from being evaluated."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child
                yield from run_time_nodes(child)


class Package(unittest.TestCase):
    def test_one_version_everywhere(self) -> None:
        package = json.loads((REPOSITORY / "package.json").read_text(encoding="utf-8"))
        self.assertEqual(jd.__version__, package["version"])
        self.assertEqual(wheel_backend.read_project()["version"], package["version"])

    def test_every_public_name_is_there_documented_and_in_the_reference(self) -> None:
        reference = (REPOSITORY / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
        for name in jd.__all__:
            self.assertTrue(hasattr(jd, name))
            self.assertIn(name, reference)
            if name.startswith("jd_"):
                self.assertTrue(getattr(jd, name).__doc__, name)

    def test_every_error_code_and_variable_of_the_library_is_in_the_reference(self) -> None:
        reference = (REPOSITORY / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
        source = "\n".join(path.read_text(encoding="utf-8") for path in (PYTHON / "src" / "jd").glob("*.py"))
        names = set(re.findall(r'"(JD_[A-Z_]+)"', source)) | set(re.findall(r'JdError\(\s*"([a-z_]+)"', source))
        self.assertGreater(len(names), 20)
        for name in sorted(names):
            self.assertIn(f"`{name}`", reference)

    def test_only_the_standard_library_is_used(self) -> None:
        # -S and -I: no site-packages, so anything else could not be imported.
        code = f"import sys; sys.path.insert(0, {str(PYTHON / 'src')!r}); import jd, jd.transport; print(jd.__version__)"
        done = subprocess.run([sys.executable, "-I", "-S", "-c", code], stdout=subprocess.PIPE, check=True)
        self.assertEqual(done.stdout.decode().strip(), jd.__version__)

    def test_every_source_is_in_the_grammar_of_the_oldest_python(self) -> None:
        major, minor = map(int, wheel_backend.read_project()["requires-python"].replace(">=", "").split("."))
        places = [PYTHON, REPOSITORY / "src" / "agent", REPOSITORY / "scripts", REPOSITORY / "examples", REPOSITORY / "test"]
        sources = [path for place in places for path in place.rglob("*.py")]
        self.assertGreater(len(sources), 20)
        for path in sources:
            with self.subTest(str(path)):
                tree = ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(major, minor))
                later = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
                for node in run_time_nodes(tree) if later else ast.walk(tree):
                    # `list[int]` is evaluated from 3.9 on.
                    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                        self.assertNotIn(node.value.id, BUILT_IN_GENERICS, f"line {node.lineno}")

    def test_the_wheel_holds_the_library_and_its_types(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            name = wheel_backend.build_wheel(directory)
            with zipfile.ZipFile(Path(directory) / name) as wheel:
                self.assertIsNone(wheel.testzip())
                names = wheel.namelist()
            sources = {f"jd/{path.name}" for path in (PYTHON / "src" / "jd").iterdir() if path.is_file()}
            self.assertEqual({entry for entry in names if entry.startswith("jd/")}, sources)
            self.assertIn("jd/py.typed", names)
            # A wheel is a zip that Python can import from.
            environment = {**os.environ, "PYTHONPATH": os.path.join(directory, name)}
            done = subprocess.run([sys.executable, "-c", "import jd; print(jd.__file__)"], env=environment, stdout=subprocess.PIPE, check=True)
            self.assertIn(name, done.stdout.decode())


if __name__ == "__main__":
    unittest.main()
