"""Saved state of a job, to go on from after an interruption, on this machine or another.

States are pickles: loading one can run any code that wrote it. They are as trusted as the script itself.
"""

from __future__ import annotations

import pickle
import random
import time
from typing import Any

from . import local_store, spool
from .context import Server, number, outside, server
from .errors import JdError
from .notices import note
from .payload import checkpoint_payload
from .uploads import deliver

FIRST_WAIT = 0.2
LONGEST_WAIT = 30


def jd_update_checkpoint(obj: Any, max_retries: int | None = None) -> dict[str, Any]:
    """Saves any object that can be pickled (at most 100 MiB) as the state of this job.

    Returns and raises what `jd_upload` does. When little time is left, after SIGTERM for example, `max_retries=1` goes to
    the local copy after one failed try.
    """
    payload = checkpoint_payload(pickle.dumps(obj, protocol=pickle.HIGHEST_PROTOCOL))
    if outside():
        return local_store.store_checkpoint(payload)
    return deliver(payload, "checkpoint", max_retries)


def jd_get_last_checkpoint() -> Any:
    """The object that was saved last, by this or an earlier attempt of the job; None when nothing was ever saved.

    None is certain: if the server cannot be reached and no newer state waits on this machine, the call waits up to
    `JD_CHECKPOINT_WAIT_SECONDS` (300) and then raises JdError, because starting afresh would throw work away.
    The bytes are unpickled, which can run code: a checkpoint is trusted like the script that wrote it.
    """
    if outside():
        path = local_store.newest_checkpoint()
        if path is None:
            return None
        note(f"outside a job; going on from {path} (remove it to start afresh)")
        return _load(path.read_bytes(), str(path))
    deadline = time.monotonic() + number("JD_CHECKPOINT_WAIT_SECONDS", 300)
    wait, told = FIRST_WAIT, False
    while True:
        try:
            return _newest()
        except JdError as error:
            left = deadline - time.monotonic()
            if not error.retryable or left <= 0:
                raise
            if not told:
                note(f"{error}; waiting up to {left:.0f} s for the last checkpoint")
                told = True
            asked = max(wait * random.uniform(0.5, 1), error.retry_after or 0)
            time.sleep(min(asked, left))
            wait = min(LONGEST_WAIT, wait * 2)


def _newest() -> Any:
    directory = spool.spool_dir()
    # What waits here was saved after everything that the server has of this attempt, and earlier attempts have ended.
    waiting = None if directory is None else spool.newest_checkpoint(directory)
    if waiting is not None:
        return _load(waiting, "the local checkpoint")
    target = server()
    if target is None:
        raise JdError("unreachable", "JD_SERVER and JD_WORKER_TOKEN are not set, so nobody knows the last checkpoint.")
    return _download(target)


def _download(target: Server) -> Any:
    # As in uploads.py: only scripts that need HTTP load it.
    from .transport import get

    try:
        reply = get(target, "checkpoint")
    except JdError as error:
        # Only the server's own word counts; a 404 of some proxy says nothing about checkpoints.
        if error.code == "artifact_not_found":
            return None
        raise
    version = reply.headers.get("Drover-Checkpoint-Version")
    if version is None:
        raise JdError("unexpected_reply", f"{target.url} did not answer like a Drover server.", status=200, retryable=True)
    return _load(reply.body, f"checkpoint version {version}")


def _load(data: bytes, what: str) -> Any:
    try:
        return pickle.loads(data)
    except Exception as error:
        raise JdError("checkpoint_unreadable", f"{what} cannot be loaded by this script: {error!r:.300}") from error
