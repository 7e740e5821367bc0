from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import threading
import unittest
from pathlib import Path
from typing import Any

from attempt_server import AttemptServer
from job_case import JobCase, OutsideCase

import jd


class Direct(JobCase):
    def test_success_returns_what_the_server_says(self) -> None:
        result = jd.jd_upload(self.write("result.json", b'{"a":1}'))
        self.assertEqual(result, {"success": True, "filename": "result.json", "version": 0, "size_bytes": 7})
        (seen,) = self.server.seen
        self.assertEqual((seen.method, seen.path, seen.body), ("PUT", "/api/v1/attempt/artifacts/result.json", b'{"a":1}'))
        self.assertEqual(seen.headers["authorization"], "Bearer jdw_test")
        self.assertEqual(seen.headers["content-length"], "7")
        self.assertNotIn("transfer-encoding", seen.headers)
        self.assertRegex(seen.headers["idempotency-key"], r"^[0-9a-f]{32}$")

    def test_a_path_may_be_text_and_the_same_name_is_the_next_version(self) -> None:
        path = self.write("model.pt")
        self.assertEqual([jd.jd_upload(str(path))["version"], jd.jd_upload(path)["version"]], [0, 1])

    def test_names_survive_quoting(self) -> None:
        for name in ["a b#?%/.txt".replace("/", ""), "ünï.csv", "..hidden", "plus+and&.json"]:
            self.assertEqual(jd.jd_upload(self.write(name))["filename"], name)
        self.assertEqual(len(self.server.stored), 4)

    def test_names_that_no_server_takes_are_made_valid(self) -> None:
        long = self.write("x" * 240 + ".json")
        self.assertEqual(jd.jd_upload(long)["filename"], "x" * 195 + ".json")
        self.assertEqual(jd.jd_upload(self.write("two\nlines\\\u2028.txt"))["filename"], "two_lines__.txt")
        broken = os.path.join(os.fsencode(self.root), b"caf\xe9.txt")
        with open(broken, "wb"):
            pass
        self.assertEqual(jd.jd_upload(os.fsdecode(broken))["filename"], "caf?.txt")

    def test_an_empty_and_a_large_file_arrive_whole(self) -> None:
        data = os.urandom(3_000_000)
        jd.jd_upload(self.write("empty", b""))
        jd.jd_upload(self.write("large", data))
        self.assertEqual([stored.data for stored in self.server.stored], [b"", data])

    def test_every_kind_of_passing_fault_is_tried_again_under_the_same_key(self) -> None:
        faults = [(503, "unavailable", True), "reset", 502, "login page"]
        self.server.faults.extend(faults)
        self.assertEqual(jd.jd_upload(self.write("r"))["version"], 0)
        self.assertEqual(len(self.server.seen), 5)
        self.assertEqual(len({seen.headers["idempotency-key"] for seen in self.server.seen}), 1)
        self.assertEqual({seen.body for seen in self.server.seen}, {b"data"})

    def test_a_404_or_a_redirect_of_a_proxy_is_tried_again_and_the_token_stays_here(self) -> None:
        self.server.faults.extend([404, "redirect"])
        self.assertEqual(jd.jd_upload(self.write("r"))["version"], 0)
        self.assertEqual({seen.path for seen in self.server.seen}, {"/api/v1/attempt/artifacts/r"})

    def test_a_lost_reply_does_not_store_the_file_twice(self) -> None:
        self.server.faults.append("lose reply")
        self.assertEqual(jd.jd_upload(self.write("r"))["version"], 0)
        self.assertEqual(len(self.server.stored), 1)

    def test_a_server_that_hangs_is_given_up(self) -> None:
        os.environ["JD_TIMEOUT_SECONDS"] = "0.1"
        self.server.faults.append("hang")
        self.assertEqual(jd.jd_upload(self.write("r"))["version"], 0)

    def test_a_final_refusal_is_raised_at_once_with_its_code(self) -> None:
        for status, code in [(409, "lease_lost"), (401, "unauthenticated"), (422, "too_many"), (413, "too_large")]:
            self.server.faults.append((status, code, False))
            with self.assertRaises(jd.JdError) as caught:
                jd.jd_upload(self.write("r"))
            self.assertEqual((caught.exception.code, caught.exception.status), (code, status))
            self.assertEqual(str(caught.exception), "Because.")
        self.assertEqual(len(self.server.seen), 4)
        self.assertFalse(self.spool.exists())

    def test_final_refusals_in_the_words_of_a_proxy(self) -> None:
        for status, code in [(413, "too_large"), (400, "unexpected_reply")]:
            self.server.faults.append(status)
            with self.assertRaises(jd.JdError) as caught:
                jd.jd_upload(self.write("r"))
            self.assertEqual(caught.exception.code, code)

    def test_a_refusal_that_comes_before_the_file_was_read_is_understood(self) -> None:
        self.server.faults.append("refuse unread")
        with self.assertRaises(jd.JdError) as caught:
            jd.jd_upload(self.write("large", bytes(20_000_000)))
        self.assertIn(caught.exception.code, ("too_large",))

    def test_tries_are_counted_from_argument_then_environment(self) -> None:
        for argument, environment, tries in [(2, "4", 2), (None, "4", 4), (None, None, 5), (0, None, 1), (None, "many", 5)]:
            os.environ.pop("JD_UPLOAD_MAX_RETRIES", None)
            if environment is not None:
                os.environ["JD_UPLOAD_MAX_RETRIES"] = environment
            self.server.faults.extend([503] * tries)
            self.assertTrue(jd.jd_upload(self.write("r"), max_retries=argument)["queued"])
            self.assertEqual((len(self.server.seen), len(self.server.faults)), (tries, 0))
            self.server.seen.clear()
            self.deliver()

    def test_without_an_attempt_directory_it_uploads_and_raises_at_the_end(self) -> None:
        del os.environ["JD_ATTEMPT_DIR"]
        self.assertEqual(jd.jd_upload(self.write("r"))["version"], 0)
        self.server.faults.extend([503] * 5)
        with self.assertRaises(jd.JdError) as caught:
            jd.jd_upload(self.write("r"))
        self.assertEqual((caught.exception.status, caught.exception.retryable), (503, True))

    def test_a_host_without_scheme_and_a_path_before_the_api_are_understood(self) -> None:
        os.environ["JD_SERVER"] = self.server.url.replace("http://", "")
        self.assertEqual(jd.jd_upload(self.write("r"))["version"], 0)
        os.environ["JD_SERVER"] = self.server.url + "/drover/"
        jd.jd_upload(self.write("r"))
        self.assertEqual(self.server.seen[-1].path, "/drover/api/v1/attempt/artifacts/r")

    def test_an_address_that_cannot_work_is_an_error_and_not_a_wait(self) -> None:
        for address in ["ftp://127.0.0.1", "http://127.0.0.1:port", "http://[::1"]:
            os.environ["JD_SERVER"] = address
            with self.assertRaises(jd.JdError) as caught:
                jd.jd_upload(self.write("r"))
            self.assertEqual(caught.exception.code, "invalid_server", address)

    def test_a_proxy_is_used_but_not_for_this_machine(self) -> None:
        proxy = AttemptServer()
        self.addCleanup(proxy.close)
        os.environ["http_proxy"] = proxy.url
        jd.jd_upload(self.write("r"))
        self.assertEqual((len(self.server.seen), len(proxy.seen)), (1, 0))
        # 0.0.0.0 leads here too, but does not look like it.
        os.environ["JD_SERVER"] = self.server.url.replace("127.0.0.1", "0.0.0.0")
        jd.jd_upload(self.write("r"))
        self.assertEqual([seen.path for seen in proxy.seen], [os.environ["JD_SERVER"] + "/api/v1/attempt/artifacts/r"])
        os.environ["no_proxy"] = "0.0.0.0"
        jd.jd_upload(self.write("r"))
        self.assertEqual((len(self.server.seen), len(proxy.seen)), (2, 1))


@unittest.skipUnless(shutil.which("openssl"), "openssl makes the certificate of this test")
class Secure(JobCase):
    def test_a_private_authority_is_trusted_only_when_a_setting_names_it(self) -> None:
        pem, key = str(self.root / "cert.pem"), str(self.root / "key.pem")
        names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", pem, *names]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        secure = AttemptServer(certificate=(pem, key))
        self.addCleanup(secure.close)
        os.environ["JD_SERVER"] = secure.url
        self.assertTrue(jd.jd_upload(self.write("r"), max_retries=1)["queued"])
        self.assertEqual(secure.seen, [])
        self.deliver()
        for name in ("SSL_CERT_FILE", "JD_CA_FILE", "NODE_EXTRA_CA_CERTS"):
            with self.subTest(name):
                os.environ[name] = pem
                self.assertEqual(jd.jd_upload(self.write(name))["version"], 0)
                del os.environ[name]
        self.assertEqual(len(secure.seen), 3)
        os.environ["NODE_EXTRA_CA_CERTS"] = str(self.root / "missing")
        os.environ["JD_CA_FILE"] = pem
        self.assertEqual(jd.jd_upload(self.write("s"))["version"], 0)
        os.environ["JD_CA_FILE"] = str(self.root / "missing")
        self.assertTrue(jd.jd_upload(self.write("t"), max_retries=1)["queued"])


class BadFiles(JobCase):
    def test_a_missing_file_and_a_directory(self) -> None:
        with self.assertRaisesRegex(FileNotFoundError, "there is no file .*nowhere"):
            jd.jd_upload(self.root / "nowhere")
        with self.assertRaisesRegex(IsADirectoryError, "is a directory; upload its files one by one"):
            jd.jd_upload(self.root)

    def test_something_that_is_no_regular_file_does_not_block(self) -> None:
        os.mkfifo(self.root / "pipe")
        with self.assertRaises(jd.JdError) as caught:
            jd.jd_upload(self.root / "pipe")
        self.assertEqual(caught.exception.code, "not_a_file")

    def test_the_limit_is_100_mebibytes_unless_told_otherwise(self) -> None:
        path = self.write("sparse", b"")
        os.truncate(path, 100 * 1024 * 1024 + 1)
        with self.assertRaises(jd.JdError) as caught:
            jd.jd_upload(path)
        self.assertEqual(caught.exception.code, "too_large")
        self.assertIn("104857601 bytes; at most 104857600", str(caught.exception))
        os.environ["JD_MAX_UPLOAD_BYTES"] = "3"
        with self.assertRaises(jd.JdError):
            jd.jd_upload(self.write("four"))
        jd.jd_upload(self.write("three", b"abc"))
        self.assertEqual(len(self.server.seen), 1)


class Spooled(JobCase):
    def test_after_the_last_try_the_file_is_kept_for_the_agent(self) -> None:
        self.stop_server()
        path = self.write("result.json", b"first")
        result = jd.jd_upload(path)
        expected: dict[str, Any] = {"success": True, "queued": True, "version": None, "filename": "result.json", "size_bytes": 5}
        self.assertEqual(result, expected)
        path.write_bytes(b"changed later")
        (entry,) = self.entries()
        self.assertEqual({name: entry[name] for name in ("name", "kind", "size")}, {"name": "result.json", "kind": "artifact", "size": 5})
        self.assertEqual((self.spool / entry["file"]).read_bytes(), b"first")
        names = sorted(path.name for path in self.spool.iterdir())
        self.assertEqual(len(names), 2)
        self.assertTrue(all(re.fullmatch(r"\d{13}-[0-9a-f]{8}\.(json|data)", name) for name in names), names)
        self.assertIn("result.json is kept on this machine", self.err.getvalue())

    def test_the_same_key_serves_the_direct_tries_and_the_spool(self) -> None:
        self.server.faults.extend([503, "lose reply", 503, 503, 503])
        self.assertTrue(jd.jd_upload(self.write("r"))["queued"])
        self.deliver()
        self.assertEqual([stored.version for stored in self.server.stored], [0])

    def test_while_something_waits_later_uploads_queue_behind_it(self) -> None:
        self.server.faults.extend([503] * 5)
        jd.jd_upload(self.write("first"))
        self.assertTrue(jd.jd_upload(self.write("second"))["queued"])
        self.assertTrue(jd.jd_update_checkpoint(3)["queued"])
        self.assertEqual(len(self.server.seen), 5)
        self.assertEqual([entry["name"] for entry in self.entries()], ["first", "second", "checkpoint"])
        self.deliver()
        self.assertEqual(jd.jd_upload(self.write("second"))["version"], 1)

    def test_order_is_kept_when_the_clock_was_set_back(self) -> None:
        self.stop_server()
        self.spool.mkdir()
        (self.spool / "9000000000000-00000000.json").write_text('{"key":"k","name":"early","kind":"artifact","file":"x","size":1}')
        jd.jd_upload(self.write("late"))
        jd.jd_upload(self.write("last"))
        self.assertEqual([entry["name"] for entry in self.entries()], ["early", "late", "last"])

    def test_without_a_server_address_everything_goes_to_the_spool(self) -> None:
        del os.environ["JD_SERVER"]
        self.assertTrue(jd.jd_upload(self.write("r"))["queued"])

    def test_threads_can_spool_at_the_same_moment(self) -> None:
        del os.environ["JD_SERVER"]
        paths = [self.write(f"file{number}") for number in range(20)]
        threads = [threading.Thread(target=jd.jd_upload, args=(path,)) for path in paths]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({entry["name"] for entry in self.entries()}, {path.name for path in paths})
        self.assertEqual(len({entry["key"] for entry in self.entries()}), 20)

    def test_a_full_spool_is_an_error(self) -> None:
        self.stop_server()
        os.environ["JD_SPOOL_MAX_BYTES"] = "1000"
        jd.jd_upload(self.write("fits", bytes(600)))
        with self.assertRaises(jd.JdError) as caught:
            jd.jd_upload(self.write("more", bytes(600)))
        self.assertEqual(caught.exception.code, "spool_full")
        self.assertEqual(len(list(self.spool.iterdir())), 2)

    def test_old_checkpoints_make_room_the_newest_and_files_stay(self) -> None:
        self.stop_server()
        os.environ["JD_SPOOL_MAX_BYTES"] = "4000"
        jd.jd_upload(self.write("file", bytes(500)))
        for number in range(20):
            jd.jd_update_checkpoint([number, bytes(900)])
        kinds = [entry["kind"] for entry in self.entries()]
        self.assertEqual(kinds[0], "artifact")
        self.assertTrue(2 <= kinds.count("checkpoint") <= 3, kinds)
        self.assertLessEqual(sum(path.stat().st_size for path in self.spool.glob("*.data")), 4000)
        self.assertEqual(jd.jd_get_last_checkpoint()[0], 19)

    def test_a_file_never_pushes_out_the_newest_checkpoint(self) -> None:
        self.stop_server()
        os.environ["JD_SPOOL_MAX_BYTES"] = "4000"
        jd.jd_update_checkpoint([1, bytes(900)])
        jd.jd_update_checkpoint([2, bytes(900)])
        with self.assertRaises(jd.JdError) as caught:
            jd.jd_upload(self.write("file", bytes(3200)))
        self.assertEqual(caught.exception.code, "spool_full")
        self.assertEqual([entry["kind"] for entry in self.entries()], ["checkpoint", "checkpoint"])
        jd.jd_upload(self.write("file", bytes(2400)))
        self.assertEqual([entry["kind"] for entry in self.entries()], ["checkpoint", "artifact"])
        self.assertEqual(jd.jd_get_last_checkpoint()[0], 2)

    def test_a_disk_without_space_is_a_full_spool_and_leaves_nothing_behind(self) -> None:
        from jd import payload, spool

        def fail() -> Any:
            raise OSError(errno.ENOSPC, "No space left on device")

        with self.assertRaises(jd.JdError) as caught:
            spool.add(self.spool, payload.Payload("r", "artifact", 4, fail), "key")
        self.assertEqual(caught.exception.code, "spool_full")
        self.assertEqual(list(self.spool.iterdir()), [])

    def test_a_spool_that_cannot_be_written_is_an_error_with_its_reason(self) -> None:
        self.stop_server()
        self.spool.write_text("in the way")
        with self.assertRaises(jd.JdError) as caught:
            jd.jd_upload(self.write("r"))
        self.assertEqual(caught.exception.code, "spool_unwritable")

    def test_a_file_that_shrinks_while_it_is_read_is_an_error(self) -> None:
        from jd import payload, spool

        path = self.write("growing", b"0123456789")
        announced = payload.file_payload(path)
        path.write_bytes(b"0123456789 and more")
        spool.add(self.spool, announced, "key")
        self.assertEqual((self.spool / self.entries()[0]["file"]).read_bytes(), b"0123456789")
        path.write_bytes(b"012")
        with self.assertRaises(jd.JdError) as caught:
            spool.add(self.spool, announced, "key")
        self.assertEqual(caught.exception.code, "file_changed")
        self.assertEqual(len(list(self.spool.iterdir())), 2)


class Waits(unittest.TestCase):
    def test_waits_are_random_grow_and_are_bounded(self) -> None:
        from unittest import mock

        from jd import transport

        def waits(tries: int, retry_after: float | None = None) -> list[float]:
            def fail() -> None:
                raise jd.JdError("unreachable", "no", retryable=True, retry_after=retry_after)

            with mock.patch("time.sleep") as sleep, self.assertRaises(jd.JdError):
                transport.with_retries(fail, tries, float("inf"))
            return [call.args[0] if hasattr(call, "args") else call[0][0] for call in sleep.call_args_list]

        with mock.patch.dict(os.environ):
            os.environ.pop("JD_UPLOAD_MAX_WAIT_SECONDS", None)
            rounds = [waits(5) for _ in range(50)]
            self.assertTrue(all(len(found) == 4 and 4 <= sum(found) <= 30 for found in rounds))
            self.assertTrue(all(1 <= wait <= 2 ** (turn + 1) for found in rounds for turn, wait in enumerate(found)))
            self.assertGreater(len({found[3] for found in rounds}), 40)
            self.assertLessEqual(sum(waits(100)), 30)
            self.assertEqual(waits(3, retry_after=9), [9, 9])
            self.assertEqual(sum(waits(5, retry_after=3600)), 30)
            os.environ["JD_UPLOAD_MAX_WAIT_SECONDS"] = "3"
            self.assertLessEqual(sum(waits(5)), 3)

    def test_no_try_begins_after_the_longest_time(self) -> None:
        from jd import transport

        calls = []

        def fail() -> None:
            calls.append(1)
            raise jd.JdError("unreachable", "no", retryable=True)

        with self.assertRaises(jd.JdError):
            transport.with_retries(fail, 5, 0.5)
        self.assertEqual(len(calls), 1)


class Outside(OutsideCase):
    def test_files_are_copied_and_versions_counted(self) -> None:
        with self.quiet() as (_, err):
            results = [jd.jd_upload(self.write("result.json", data)) for data in (b"one", b"three")]
            jd.jd_upload(self.write("other.json"))
        self.assertEqual(results[1], {"success": True, "filename": "result.json", "version": 1, "size_bytes": 5})
        kept = sorted((self.root / "jd_data" / "_local" / ".drover").glob("*/uploads/*/*"))
        self.assertEqual([path.parent.name + "/" + path.name for path in kept], ["0/other.json", "0/result.json", "1/result.json"])
        self.assertEqual([path.read_bytes() for path in kept], [b"data", b"one", b"three"])
        where = re.findall(r"in (\S+)$", err.getvalue(), re.MULTILINE)[0]
        self.assertTrue(Path(where).is_dir())

    def test_the_same_errors_as_in_a_job(self) -> None:
        os.environ["JD_MAX_UPLOAD_BYTES"] = "3"
        with self.assertRaises(jd.JdError):
            jd.jd_upload(self.write("four"))
        with self.assertRaises(FileNotFoundError):
            jd.jd_upload("nowhere")


if __name__ == "__main__":
    unittest.main()
