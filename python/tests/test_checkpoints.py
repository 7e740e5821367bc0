from __future__ import annotations

import os
import pickle
import threading
import time
import unittest

from attempt_server import TOKEN, AttemptServer
from job_case import JobCase, OutsideCase

import jd


class Saving(JobCase):
    def test_any_picklable_object_goes_to_the_server_as_a_version(self) -> None:
        state = {"epoch": 3, "weights": [0.1, float("inf")], "none": None}
        self.assertEqual(jd.jd_update_checkpoint(state)["version"], 0)
        result = jd.jd_update_checkpoint(state)
        self.assertEqual({name: result[name] for name in ("success", "filename", "version")}, {"success": True, "filename": "checkpoint", "version": 1})
        seen = self.server.seen[0]
        self.assertEqual((seen.method, seen.path), ("PUT", "/api/v1/attempt/checkpoint"))
        self.assertEqual(pickle.loads(seen.body), state)
        self.assertEqual(seen.body[1], pickle.HIGHEST_PROTOCOL)
        self.assertEqual(jd.jd_get_last_checkpoint(), state)

    def test_without_the_server_it_is_kept_for_the_agent(self) -> None:
        self.stop_server()
        result = jd.jd_update_checkpoint({"epoch": 1})
        self.assertEqual((result["queued"], result["version"], result["filename"]), (True, None, "checkpoint"))
        (entry,) = self.entries()
        self.assertEqual((entry["kind"], entry["name"]), ("checkpoint", "checkpoint"))
        self.assertEqual(pickle.loads((self.spool / entry["file"]).read_bytes()), {"epoch": 1})

    def test_one_try_when_there_is_little_time(self) -> None:
        self.server.faults.extend([503] * 5)
        self.assertTrue(jd.jd_update_checkpoint(1, max_retries=1)["queued"])
        self.assertEqual(len(self.server.seen), 1)

    def test_too_large_and_refused_states_are_errors(self) -> None:
        os.environ["JD_MAX_UPLOAD_BYTES"] = "100"
        with self.assertRaises(jd.JdError) as caught:
            jd.jd_update_checkpoint(bytes(200))
        self.assertEqual(caught.exception.code, "too_large")
        self.server.faults.append((409, "lease_lost", False))
        with self.assertRaises(jd.JdError) as caught:
            jd.jd_update_checkpoint(1)
        self.assertEqual(caught.exception.code, "lease_lost")

    def test_what_cannot_be_pickled_is_an_error_of_pickle(self) -> None:
        with self.assertRaises((pickle.PicklingError, AttributeError, TypeError)):
            jd.jd_update_checkpoint(lambda: None)


class Loading(JobCase):
    def error(self) -> jd.JdError:
        with self.assertRaises(jd.JdError) as caught:
            jd.jd_get_last_checkpoint()
        return caught.exception

    def test_none_when_the_server_says_that_there_is_none(self) -> None:
        self.assertIsNone(jd.jd_get_last_checkpoint())
        self.assertEqual(self.server.seen[0].headers["authorization"], f"Bearer {TOKEN}")

    def test_a_saved_none_is_none_too(self) -> None:
        jd.jd_update_checkpoint(None)
        self.assertIsNone(jd.jd_get_last_checkpoint())

    def test_what_waits_here_is_newer_than_what_the_server_has(self) -> None:
        jd.jd_update_checkpoint("delivered")
        self.server.faults.extend([503] * 5)
        jd.jd_update_checkpoint("waiting")
        jd.jd_update_checkpoint("waiting too")
        jd.jd_upload(self.write("a file"))
        self.assertEqual(jd.jd_get_last_checkpoint(), "waiting too")
        self.deliver()
        jd.jd_update_checkpoint("last")
        self.assertEqual(jd.jd_get_last_checkpoint(), "last")

    def test_what_waits_here_needs_no_server(self) -> None:
        self.stop_server()
        jd.jd_update_checkpoint("waiting")
        self.assertEqual(jd.jd_get_last_checkpoint(), "waiting")

    def test_a_description_whose_data_was_delivered_just_now_sends_us_to_the_server(self) -> None:
        self.server.store("checkpoint", "checkpoint", "k", pickle.dumps("delivered"))
        self.spool.mkdir()
        (self.spool / "1700000000000-0123abcd.json").write_text('{"key":"k","name":"checkpoint","kind":"checkpoint","file":"gone","size":4}')
        self.assertEqual(jd.jd_get_last_checkpoint(), "delivered")

    def test_files_that_are_not_ours_are_passed_over(self) -> None:
        self.spool.mkdir()
        for name in ["notes.json", "1700000000000-0123abcd.json", "1700000000001-0123abcd.json.tmp"]:
            (self.spool / name).write_text("{")
        self.assertIsNone(jd.jd_get_last_checkpoint())

    def test_never_none_when_it_cannot_know(self) -> None:
        for fault in [503, 404, "login page", "redirect", "reset", (500, "internal", True), 400]:
            self.server.faults.append(fault)
            self.assertIn(self.error().code, ("unexpected_reply", "unreachable", "internal"), fault)

    def test_a_refusal_is_raised_without_waiting(self) -> None:
        os.environ["JD_CHECKPOINT_WAIT_SECONDS"] = "300"
        self.server.faults.append((401, "unauthenticated", False))
        self.assertEqual(self.error().code, "unauthenticated")
        self.assertEqual(len(self.server.seen), 1)

    def test_it_tries_again_until_the_server_answers(self) -> None:
        os.environ["JD_CHECKPOINT_WAIT_SECONDS"] = "300"
        self.server.store("checkpoint", "checkpoint", "k", pickle.dumps("state"))
        self.server.faults.extend([503, "cut short"])
        self.assertEqual(jd.jd_get_last_checkpoint(), "state")
        self.assertEqual(len(self.server.seen), 3)
        self.assertEqual(self.err.getvalue().count("waiting up to"), 1)

    def test_it_waits_for_a_server_that_is_down_and_gives_up_in_the_end(self) -> None:
        later = AttemptServer(listening=False)
        self.addCleanup(later.close)
        later.store("checkpoint", "checkpoint", "k", pickle.dumps("state"))
        os.environ["JD_SERVER"] = later.url
        self.assertEqual(self.error().code, "unreachable")
        os.environ["JD_CHECKPOINT_WAIT_SECONDS"] = "300"
        found: list[object] = []
        waiting = threading.Thread(target=lambda: found.append(jd.jd_get_last_checkpoint()))
        waiting.start()
        deadline = time.monotonic() + 30
        while "waiting up to" not in self.err.getvalue() and time.monotonic() < deadline:
            waiting.join(0.01)
        later.listen()
        waiting.join(30)
        self.assertEqual(found, ["state"])

    def test_a_state_that_this_script_cannot_load_is_an_error(self) -> None:
        self.server.store("checkpoint", "checkpoint", "k", b"cnowhere\nThing\n.")
        error = self.error()
        self.assertEqual(error.code, "checkpoint_unreadable")
        self.assertIn("version 0", str(error))

    def test_a_damaged_state_is_passed_over_with_a_warning(self) -> None:
        good = pickle.dumps({"epoch": 1}, protocol=pickle.HIGHEST_PROTOCOL)
        for number, data in enumerate([good, good[:-3], b"", b"no pickle at all"]):
            self.server.store("checkpoint", "checkpoint", f"k{number}", data)
        self.assertEqual(jd.jd_get_last_checkpoint(), {"epoch": 1})
        said = self.err.getvalue()
        for version in (3, 2, 1):
            self.assertIn(f"warning: checkpoint version {version} is damaged", said)
        self.assertIn("going on from checkpoint version 0, which is older", said)

    def test_a_damaged_state_that_waits_here_sends_us_to_the_server(self) -> None:
        jd.jd_update_checkpoint("delivered")
        self.server.faults.extend([503] * 5)
        jd.jd_update_checkpoint("waiting")
        (entry,) = self.entries()
        (self.spool / entry["file"]).write_bytes(b"\x80\x05cut")
        self.assertEqual(jd.jd_get_last_checkpoint(), "delivered")
        self.assertIn("is damaged", self.err.getvalue())

    def test_when_no_state_can_be_read_it_is_an_error_and_never_none(self) -> None:
        for number in range(2):
            self.server.store("checkpoint", "checkpoint", f"k{number}", b"damaged")
        error = self.error()
        self.assertEqual(error.code, "checkpoint_unreadable")
        self.assertIn("checkpoint version 1 is damaged", str(error))

    def test_a_name_that_the_script_lacks_is_no_damage(self) -> None:
        self.server.store("checkpoint", "checkpoint", "k0", pickle.dumps("old"))
        self.server.store("checkpoint", "checkpoint", "k1", b"cos\nno_such_function\n.")
        self.assertEqual(self.error().code, "checkpoint_unreadable")

    def test_a_server_that_sends_the_same_one_again_is_not_asked_for_ever(self) -> None:
        os.environ["JD_CHECKPOINT_WAIT_SECONDS"] = "300"
        self.server.knows_before = False
        self.server.store("checkpoint", "checkpoint", "k", b"damaged")
        self.assertEqual(self.error().code, "unexpected_reply")
        self.assertEqual(len(self.server.seen), 2)

    def test_a_large_state_goes_through_a_file_both_ways(self) -> None:
        state = {"weights": os.urandom(20_000_000)}
        self.assertGreater(jd.jd_update_checkpoint(state)["size_bytes"], 20_000_000)
        self.assertEqual(jd.jd_get_last_checkpoint(), state)
        self.assertEqual([path.name for path in self.attempt.iterdir()], [])

    def test_one_that_is_far_too_large_is_refused_before_it_is_written(self) -> None:
        os.environ["JD_MAX_UPLOAD_BYTES"] = "1000000"

        class Endless:
            written = 0

            def __reduce__(self) -> object:
                Endless.written += 1
                return (bytes, (bytes(500_000),))

        with self.assertRaises(jd.JdError) as caught:
            jd.jd_update_checkpoint([Endless() for _ in range(1_000)])
        self.assertEqual(caught.exception.code, "too_large")
        self.assertLess(Endless.written, 10)

    def test_without_an_attempt_directory_it_works_directly(self) -> None:
        del os.environ["JD_ATTEMPT_DIR"]
        self.assertIsNone(jd.jd_get_last_checkpoint())
        jd.jd_update_checkpoint([1])
        self.assertEqual(jd.jd_get_last_checkpoint(), [1])


class Outside(OutsideCase):
    def test_the_newest_state_is_found_again_and_three_are_kept(self) -> None:
        with self.quiet() as (_, err):
            self.assertIsNone(jd.jd_get_last_checkpoint())
            versions = [jd.jd_update_checkpoint({"epoch": epoch})["version"] for epoch in range(12)]
            self.assertEqual(jd.jd_get_last_checkpoint(), {"epoch": 11})
        self.assertEqual(versions, list(range(12)))
        kept = sorted((self.root / "jd_data").glob("_local/.drover/*/checkpoints/*"))
        self.assertEqual(len(kept), 3)
        self.assertIn("remove it to start afresh", err.getvalue())

    def test_a_damaged_state_is_passed_over_here_too(self) -> None:
        with self.quiet() as (_, err):
            for epoch in range(2):
                jd.jd_update_checkpoint(epoch + 1)
            newest = max((self.root / "jd_data").glob("_local/.drover/*/checkpoints/*"))
            newest.write_bytes(b"")
            self.assertEqual(jd.jd_get_last_checkpoint(), 1)
        self.assertIn("is damaged", err.getvalue())

    def test_nothing_is_taken_for_a_server_when_the_token_is_missing(self) -> None:
        os.environ["JD_SERVER"] = "http://127.0.0.1:9"
        self.assertIsNone(jd.jd_get_last_checkpoint())


if __name__ == "__main__":
    unittest.main()
