from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path

from job_case import PYTHON, JobCase, OutsideCase

import jd


class InJob(JobCase):
    def test_the_three_directories_are_those_of_the_job(self) -> None:
        workspace = self.root / "jd_data"
        self.assertEqual(jd.jd_worker_workspace(), workspace)
        self.assertEqual(jd.jd_exp_dir(), workspace / "digits-tune")
        self.assertEqual(jd.jd_job_dir(), workspace / "digits-tune" / "42")

    def test_the_job_directory_can_be_written_at_once(self) -> None:
        (jd.jd_job_dir() / "result.json").write_text("{}")
        self.assertIsInstance(jd.jd_job_dir(), Path)


class Outside(OutsideCase):
    def where(self, *arguments: str) -> str:
        code = "import jd; print(jd.jd_job_dir())"
        script = self.write("train.py", code.encode())
        environment = {**os.environ, "PYTHONPATH": str(PYTHON / "src")}
        done = subprocess.run([sys.executable, str(script), *arguments], env=environment, stdout=subprocess.PIPE, check=True)
        return done.stdout.decode().strip()

    def test_the_workspace_is_below_the_home_directory_or_jd_workspace_path(self) -> None:
        self.assertEqual(jd.jd_worker_workspace(), self.root / "jd_data")
        del os.environ["JD_WORKSPACE_PATH"]
        os.environ["HOME"] = str(self.root / "home")
        self.assertEqual(jd.jd_worker_workspace(), self.root / "home" / "jd_data")

    def test_the_same_trial_finds_its_directory_again_and_another_has_its_own(self) -> None:
        self.assertEqual(self.where("--lr", "0.1"), self.where("--lr", "0.1"))
        self.assertNotEqual(self.where("--lr", "0.1"), self.where("--lr", "0.2"))
        self.assertEqual(Path(self.where()).parent, self.root / "jd_data" / "_local")
        self.assertTrue(Path(self.where()).name.startswith("train-"))

    def test_names_from_the_environment_are_used_when_they_are_there(self) -> None:
        os.environ.update(JD_EXP_ID="digits-tune", JD_JOB_ID="7")
        self.assertEqual(jd.jd_job_dir(), self.root / "jd_data" / "digits-tune" / "7")


if __name__ == "__main__":
    unittest.main()
