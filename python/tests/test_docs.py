"""The Python examples of the docs run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unittest

from job_case import PYTHON, REPOSITORY, JobCase, OutsideCase

PAGES = ["docs/reference/python.md", "docs/how-to/checkpoints.md", "python/README.md"]


def examples() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        text = (REPOSITORY / page).read_text(encoding="utf-8")
        blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        found += [(f"{page} {number}", block) for number, block in enumerate(blocks, 1)]
    return found


def run(case: OutsideCase, name: str, block: str) -> None:
    script = case.write(re.sub(r"\W", "-", name) + ".py", block.encode())
    environment = {**os.environ, "PYTHONPATH": str(PYTHON / "src")}
    done = subprocess.run([sys.executable, str(script)], env=environment, cwd=case.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    case.assertEqual(done.returncode, 0, done.stdout.decode())


class Outside(OutsideCase):
    def test_every_example_runs_outside_a_job(self) -> None:
        self.assertGreaterEqual(len(examples()), 9)
        for name, block in examples():
            with self.subTest(name):
                run(self, name, block)


class InJob(JobCase):
    def test_every_example_runs_in_a_job(self) -> None:
        (self.attempt / "params.json").write_text('{"learning_rate": 0.1}')
        for name, block in examples():
            with self.subTest(name):
                self.server.stored.clear()
                run(self, name, block)


if __name__ == "__main__":
    unittest.main()
