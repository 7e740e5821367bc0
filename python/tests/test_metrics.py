from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
import unittest
from decimal import Decimal
from fractions import Fraction
from typing import Any
from unittest import mock

from job_case import PYTHON, JobCase, OutsideCase

import jd


def strict(line: str) -> Any:
    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is not JSON")

    return json.loads(line, parse_constant=refuse)


class Scalar:
    """Like the scalars of numpy and torch: not a float, but float() takes it."""

    def __float__(self) -> float:
        return 0.25


class Broken:
    def __float__(self) -> float:
        raise RuntimeError("device lost")


class InJob(JobCase):
    def lines(self) -> list[Any]:
        text = (self.attempt / "metrics.jsonl").read_text(encoding="utf-8")
        self.assertTrue(text == "" or text.endswith("\n"))
        return [strict(line) for line in text.splitlines()]

    def metrics(self) -> list[Any]:
        return [line["m"] for line in self.lines()]

    def test_a_metric_is_one_line_with_time_step_and_value(self) -> None:
        before = time.time()
        jd.jd_log_metric("loss", 0.3, step=7)
        (line,) = self.lines()
        self.assertEqual((line["s"], line["m"]), (7, {"loss": 0.3}))
        self.assertTrue(before - 0.001 <= line["t"] <= time.time() + 0.001)
        self.assertEqual(set(line), {"t", "s", "m"})

    def test_several_metrics_share_a_line_and_a_step_may_be_absent(self) -> None:
        jd.jd_log_metrics({"loss": 1, "accuracy": 0.5})
        self.assertEqual([(line["s"], line["m"]) for line in self.lines()], [(None, {"loss": 1, "accuracy": 0.5})])

    def test_progress(self) -> None:
        jd.jd_progress(3, 30)
        (line,) = self.lines()
        self.assertEqual(line["p"], [3, 30])
        self.assertEqual(set(line), {"t", "p"})

    def test_numbers_that_are_not_finite_are_words(self) -> None:
        jd.jd_log_metrics({"a": math.nan, "b": math.inf, "c": -math.inf})
        self.assertEqual(self.metrics(), [{"a": "NaN", "b": "Infinity", "c": "-Infinity"}])

    def test_scalars_of_other_libraries_are_numbers(self) -> None:
        jd.jd_log_metrics({"a": Scalar(), "b": Decimal("0.5"), "c": Fraction(1, 4), "d": True})  # type: ignore[dict-item]
        self.assertEqual(self.metrics(), [{"a": 0.25, "b": 0.5, "c": 0.25, "d": 1}])

    def test_what_is_not_a_number_is_dropped_with_one_warning_and_the_rest_is_kept(self) -> None:
        for _ in range(3):
            jd.jd_log_metrics({"fine": 1, "worded": "0.3", "absent": None, "broken": Broken(), "huge": 10**400})  # type: ignore[dict-item]
        self.assertEqual(self.metrics(), [{"fine": 1}] * 3)
        for name in ("worded", "absent", "broken", "huge"):
            self.assertEqual(self.err.getvalue().count(f"{name} is not a number"), 1, self.err.getvalue())

    def test_bad_arguments_never_raise(self) -> None:
        jd.jd_log_metrics(None)  # type: ignore[arg-type]
        jd.jd_log_metrics({})
        jd.jd_log_metric(None, 1)  # type: ignore[arg-type]
        jd.jd_progress(None, "x")  # type: ignore[arg-type]
        jd.jd_progress(math.nan, math.inf)
        self.assertEqual(self.metrics(), [{"None": 1}])

    def test_steps(self) -> None:
        for step in (0, 2.5, Scalar(), True, "4", math.nan, 10**400, 2**60):
            jd.jd_log_metric("x", 1, step=step)  # type: ignore[arg-type]
        self.assertEqual([line["s"] for line in self.lines()], [0, 2.5, 0.25, 1, None, None, None, 2.0**60])

    def test_names_are_cut_to_the_limit_and_made_valid(self) -> None:
        long, faces = "n" * 300, "\U0001f600" * 150
        jd.jd_log_metrics({long: 1, faces: 2, 'quo"te\n': 3, "half\ud800": 4, "nul\0": 5, "": 6})
        (metrics,) = self.metrics()
        self.assertEqual(
            metrics, {"n" * 200: 1, "\U0001f600" * 100: 2, 'quo"te\n': 3, "half?": 4, "nul\ufffd": 5, "metric": 6}
        )
        self.assertIn("cut to 200", self.err.getvalue())

    def test_ten_thousand_calls_write_ten_thousand_lines(self) -> None:
        for step in range(10_000):
            jd.jd_log_metric("loss", step / 7, step=step)
        lines = self.lines()
        self.assertEqual([line["s"] for line in lines], list(range(10_000)))
        self.assertEqual([line["m"]["loss"] for line in lines], [step / 7 for step in range(10_000)])

    def test_a_very_large_dictionary_is_split_into_lines_of_one_moment(self) -> None:
        jd.jd_log_metrics({f"m{number}": number for number in range(1_201)}, step=1)
        lines = self.lines()
        self.assertEqual([len(line["m"]) for line in lines], [500, 500, 201])
        self.assertEqual(len({line["t"] for line in lines}), 1)

    def test_threads_keep_lines_whole(self) -> None:
        def work(worker: int) -> None:
            for step in range(500):
                jd.jd_log_metric(f"w{worker}", step, step=step)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(self.lines()), 4_000)
        for worker in range(8):
            steps = [line["s"] for line in self.lines() if f"w{worker}" in line["m"]]
            self.assertEqual(steps, list(range(500)))

    def test_forked_children_write_to_the_same_file(self) -> None:
        jd.jd_log_metric("parent", 0)
        children = []
        for child in range(4):
            pid = os.fork()
            if pid == 0:
                for step in range(250):
                    jd.jd_log_metric(f"child{child}", step, step=step)
                os._exit(0)
            children.append(pid)
        for step in range(250):
            jd.jd_log_metric("parent", step, step=step)
        for pid in children:
            self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertEqual(len(self.lines()), 1 + 5 * 250)

    def test_a_script_that_closes_all_descriptors_loses_nothing_and_harms_nothing(self) -> None:
        jd.jd_log_metric("before", 1)
        code = (
            "import os, jd\n"
            "jd.jd_log_metric('one', 1)\n"
            "os.closerange(3, 256)\n"
            "mine = [os.open(%r, os.O_RDWR | os.O_CREAT) for _ in range(9)]\n"
            "jd.jd_log_metric('two', 2)\n"
        ) % str(self.root / "mine")
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(PYTHON / "src")}, check=True)
        self.assertEqual(self.metrics(), [{"before": 1}, {"one": 1}, {"two": 2}])
        self.assertEqual((self.root / "mine").read_bytes(), b"")

    def test_a_torn_line_of_an_earlier_process_does_not_spoil_the_next(self) -> None:
        (self.attempt / "metrics.jsonl").write_text('{"t": 1, "s"')
        jd.jd_log_metric("loss", 1)
        torn, whole = (self.attempt / "metrics.jsonl").read_text().splitlines()
        self.assertEqual((torn, strict(whole)["m"]), ('{"t": 1, "s"', {"loss": 1}))

    def test_a_full_disk_costs_the_point_and_one_warning(self) -> None:
        os.environ["JD_ATTEMPT_DIR"] = str(self.root / "full")
        (self.root / "full").mkdir()
        os.symlink("/dev/full", self.root / "full" / "metrics.jsonl")
        jd.jd_log_metric("loss", 1)
        jd.jd_log_metric("loss", 2)
        self.assertEqual(self.err.getvalue().count("metrics are lost"), 1)

    def test_a_missing_directory_does_not_raise(self) -> None:
        os.environ["JD_ATTEMPT_DIR"] = str(self.root / "gone")
        jd.jd_log_metric("loss", 1)
        jd.jd_progress(1, 2)

    def test_closed_streams_do_not_raise(self) -> None:
        with mock.patch.object(sys, "stderr", None), mock.patch.object(sys, "stdout", None):
            jd.jd_log_metric("closed", "no")  # type: ignore[arg-type]
            del os.environ["JD_ATTEMPT_DIR"]
            jd.jd_log_metric("closed", 1)


class Outside(OutsideCase):
    def test_metrics_and_progress_are_printed_one_line_per_call(self) -> None:
        with self.quiet() as (out, _):
            jd.jd_log_metric("loss", 0.3, step=4)
            jd.jd_log_metrics({"loss": 0.5, "accuracy": 1})
            jd.jd_progress(3, 12)
            jd.jd_progress(0, 0)
        self.assertEqual(
            out.getvalue().splitlines(),
            ["metric loss=0.3 step=4", "metric loss=0.5 accuracy=1.0", "progress 3/12 (25 %)", "progress 0/0"],
        )


if __name__ == "__main__":
    unittest.main()
