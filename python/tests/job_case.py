"""The ground for tests: a clean environment, a job directory as an agent makes it, and a server."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Iterator
from unittest import mock

PYTHON = Path(__file__).resolve().parents[1]
REPOSITORY = PYTHON.parent
sys.path.insert(0, str(PYTHON / "src"))

from attempt_server import TOKEN, AttemptServer  # noqa: E402


class OutsideCase(unittest.TestCase):
    """Outside any job, with a workspace of its own."""

    def setUp(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="jd-test-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("JD_") and "proxy" not in name.lower()}
        patch = mock.patch.dict(os.environ, {**kept, "JD_WORKSPACE_PATH": str(self.root)}, clear=True)
        patch.start()
        self.addCleanup(patch.stop)

    def write(self, name: str, data: bytes = b"data") -> Path:
        path = self.root / name
        path.write_bytes(data)
        return path

    @contextlib.contextmanager
    def quiet(self) -> Iterator[tuple[io.StringIO, io.StringIO]]:
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            yield out, err


class JobCase(OutsideCase):
    """Inside job digits-tune/42, attempt 2. Tries follow each other at once."""

    def setUp(self) -> None:
        super().setUp()
        self.server = AttemptServer()
        self.addCleanup(lambda: self.server.close())
        workspace = self.root / "jd_data"
        self.attempt = workspace / "digits-tune" / ".drover" / "42.2.0123abcd"
        self.spool = self.attempt / "uploads"
        self.attempt.mkdir(parents=True)
        os.environ.update(
            JD_SERVER=self.server.url,
            JD_WORKER_TOKEN=TOKEN,
            JD_JOB_ID="42",
            JD_EXP_ID="digits-tune",
            JD_ATTEMPT="2",
            JD_ATTEMPT_DIR=str(self.attempt),
            JD_WORKER_WORKSPACE_ROOT=str(workspace),
            JD_WORKER_JOB_DIR=str(workspace / "digits-tune" / "42"),
            JD_UPLOAD_MAX_WAIT_SECONDS="0",
            JD_CHECKPOINT_WAIT_SECONDS="0",
        )
        output = self.quiet()
        self.out, self.err = output.__enter__()
        self.addCleanup(output.__exit__, None, None, None)

    def stop_server(self) -> None:
        self.server.close()

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.spool.glob("*.json"))]

    def deliver(self) -> None:
        """What the agent does: oldest first, description removed before its data."""
        for path in sorted(self.spool.glob("*.json")):
            entry = json.loads(path.read_text())
            data = path.with_name(entry["file"])
            self.server.store(entry["kind"], entry["name"], entry["key"], data.read_bytes())
            path.unlink()
            data.unlink()
