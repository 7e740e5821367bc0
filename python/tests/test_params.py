from __future__ import annotations

import json
import sys
import unittest
from unittest import mock

from job_case import JobCase, OutsideCase

import jd


class InJob(JobCase):
    def test_params_come_with_their_types_from_the_file_of_the_attempt(self) -> None:
        params = {"learning_rate": 0.01, "name": "1", "layers": [8, 16], "note": None, "café": "ü", "on": True}
        (self.attempt / "params.json").write_text(json.dumps(params, ensure_ascii=False), encoding="utf-8")
        with mock.patch.object(sys, "argv", ["train.py", "--learning_rate", "9"]):
            self.assertEqual(jd.jd_params(), params)

    def test_a_missing_or_broken_file_is_an_error(self) -> None:
        for content in (None, "{", "[1]"):
            if content is not None:
                (self.attempt / "params.json").write_text(content)
            with self.assertRaises(jd.JdError) as caught:
                jd.jd_params()
            self.assertEqual(caught.exception.code, "params_unreadable")


class Outside(OutsideCase):
    def read(self, *arguments: str) -> object:
        with mock.patch.object(sys, "argv", ["train.py", *arguments]):
            return jd.jd_params()

    def test_pairs_and_equals_signs_and_lone_names(self) -> None:
        self.assertEqual(
            self.read("--epochs", "3", "--learning_rate=-0.5", "ignored", "--verbose", "--name", "a b", "--last"),
            {"epochs": 3, "learning_rate": -0.5, "verbose": True, "name": "a b", "last": True},
        )

    def test_a_negative_number_is_a_value(self) -> None:
        self.assertEqual(self.read("--shift", "-3"), {"shift": -3})

    def test_values_that_read_and_write_back_the_same_are_json(self) -> None:
        values = {
            "1": 1, "0.1": 0.1, "0.00001": 1e-05, "1e-5": 1e-05, "true": True, "null": None, '"7"': "7",
            '[1,"a",{"b":null}]': [1, "a", {"b": None}], "[]": [], '"ü"': "ü",
        }  # fmt: skip
        for text, value in values.items():
            read = self.read("--x", text)
            self.assertEqual(read, {"x": value}, text)
            self.assertIs(type(read["x"]), type(value), text)  # type: ignore[index]

    def test_everything_else_is_text(self) -> None:
        for text in ["007", "+1", "1_000", "NaN", "Infinity", "[1, 2]", '{"a":1,"a":2}', "0.1000000000000000055", "1e999", "", " 1", "abc", "{", "[" * 9999]:
            self.assertEqual(self.read("--x", text), {"x": text})

    def test_the_words_of_python_mean_what_they_mean_there(self) -> None:
        self.assertEqual(self.read("--a", "True", "--b", "False", "--c", "None"), {"a": True, "b": False, "c": None})


if __name__ == "__main__":
    unittest.main()
