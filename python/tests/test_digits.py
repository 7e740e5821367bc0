"""The example: learns, and an interrupted run ends exactly like an uninterrupted one."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import signal
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

from job_case import PYTHON, REPOSITORY, JobCase, OutsideCase

EXAMPLE = REPOSITORY / "examples" / "digits"
SMALL = ["--hidden_units", "4", "--epochs", "30", "--learning_rate", "0.1", "--dropout", "0.2"]


def load_example() -> Any:
    spec = importlib.util.spec_from_file_location("digits_train", EXAMPLE / "train.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class StopAfter:
    """Asks to stop when it was looked at so many times."""

    def __init__(self, looks: float) -> None:
        self.looks = looks

    @property
    def came(self) -> bool:
        self.looks -= 1
        return self.looks < 0


class Resuming(unittest.TestCase):
    def test_stopping_at_any_batch_changes_nothing(self) -> None:
        train = load_example()
        settings = {"learning_rate": 0.1, "hidden_units": 3, "dropout": 0.3, "epochs": 2, "seed": 5}
        training = train.load_digits()[0][:100]
        whole = train.first_state(settings)
        for _ in range(2):
            self.assertTrue(train.train_epoch(whole, training, StopAfter(float("inf"))))
        for looks in range(8):
            state = train.first_state(settings)
            stop = StopAfter(looks)
            while train.train_epoch(state, training, stop):
                pass
            self.assertEqual((state["epoch"], state["batch"]), divmod(looks, 4))
            state = pickle.loads(pickle.dumps(state))
            while state["epoch"] < 2:
                train.train_epoch(state, training, StopAfter(float("inf")))
            self.assertEqual(state, whole)

    def test_the_data_is_the_whole_set_and_the_split_is_fixed(self) -> None:
        train = load_example()
        training, validation = train.load_digits()
        self.assertEqual((len(training), len(validation)), (1437, 360))
        self.assertEqual(train.load_digits(), (training, validation))
        self.assertEqual({digit for _, digit in validation}, set(range(10)))
        self.assertTrue(all(len(pixels) == 64 and 0 <= min(pixels) and max(pixels) <= 1 for pixels, _ in training))


class AsAJob(JobCase):
    def start(self) -> "subprocess.Popen[str]":
        environment = {**os.environ, "PYTHONPATH": str(PYTHON / "src"), "PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(
            [sys.executable, str(EXAMPLE / "train.py"), *SMALL], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def uploaded(self, name: str) -> bytes:
        return [stored.data for stored in self.server.stored if stored.name == name][-1]

    def test_preempted_and_resumed_it_ends_as_if_nothing_had_happened(self) -> None:
        whole = self.start()
        output, _ = whole.communicate(timeout=120)
        self.assertEqual(whole.returncode, 0, output)
        expected = self.uploaded("result.json")
        self.assertGreater(json.loads(expected)["validation_accuracy"], 0.6)
        matrix = [line.split(",") for line in self.uploaded("confusion_matrix.csv").decode().splitlines()]
        self.assertEqual(sum(int(cell) for row in matrix[1:] for cell in row[1:]), 360)
        lines = [json.loads(line) for line in (self.attempt / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual([line["s"] for line in lines if "validation_accuracy" in line.get("m", {})], list(range(1, 31)))
        self.assertEqual([line["p"] for line in lines if "p" in line][-1], [30, 30])

        self.server.stored.clear()
        first = self.start()
        assert first.stdout is not None
        while "epoch 1/" not in (line := first.stdout.readline()):
            self.assertNotEqual(line, "")
        first.send_signal(signal.SIGTERM)
        output, _ = first.communicate(timeout=120)
        self.assertEqual(first.returncode, 143, output)
        self.assertIn("asked to stop", output)
        second = self.start()
        output, _ = second.communicate(timeout=120)
        self.assertEqual(second.returncode, 0, output)
        self.assertIn("resumed after", output)
        self.assertEqual(self.uploaded("result.json"), expected)


class Outside(OutsideCase):
    def test_it_runs_without_drover_and_other_settings_do_not_mix(self) -> None:
        def run(*arguments: str) -> str:
            environment = {**os.environ, "PYTHONPATH": str(PYTHON / "src")}
            command = [sys.executable, str(EXAMPLE / "train.py"), "--hidden_units", "2", *arguments]
            return subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True).stdout

        self.assertIn("epoch 1/1 ", run("--epochs", "1"))
        self.assertNotIn("resumed", run("--epochs", "1", "--seed", "2"))
        self.assertIn("resumed after 1 epochs", run("--epochs", "1"))
        results = list(Path(self.root, "jd_data", "_local").glob("train-*/result.json"))
        self.assertEqual(len(results), 2)

    def test_wrong_settings_are_refused(self) -> None:
        done = subprocess.run(
            [sys.executable, str(EXAMPLE / "train.py"), "--dropout", "1"], env={**os.environ, "PYTHONPATH": str(PYTHON / "src")}, stderr=subprocess.PIPE
        )
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
