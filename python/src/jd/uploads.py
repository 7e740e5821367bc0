"""Files of a job: sent to the server at once, or kept for the agent to deliver."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

from . import local_store, spool
from .context import number, outside, server
from .errors import JdError
from .notices import note
from .payload import Payload, file_payload

TRIES = 5
# With a spool to fall back on, no try begins later than this: the job has better things to do.
LONGEST_SECONDS = 60


def jd_upload(file_path: str | os.PathLike[str], max_retries: int | None = None) -> dict[str, Any]:
    """Uploads a file of this job; the dashboard shows it under its base name, a repeated name as its next version.

    Returns the server's `{"success", "filename", "version", "size_bytes"}`. When the server cannot be reached in `max_retries`
    tries (default `JD_UPLOAD_MAX_RETRIES` or 5), a copy is kept and delivered later, and the version is not known yet:
    `{"success": True, "queued": True, "version": None, "filename", "size_bytes"}`.

    Raises FileNotFoundError, IsADirectoryError, or JdError with `code` `too_large` (more than `JD_MAX_UPLOAD_BYTES`, 100 MiB),
    `spool_full`, or whatever the server refused for good: `lease_lost` (another attempt has taken over this job) and
    `unauthenticated` (the token of this attempt has ended) mean that nothing this process saves will count any more, so it is
    told instead of queueing in vain.
    """
    payload = file_payload(file_path)
    if outside():
        stored = local_store.store_artifact(payload)
        note(f"outside a job; kept {stored['filename']} (version {stored['version']}) in {local_store.local_store()}")
        return stored
    return deliver(payload, f"artifacts/{quote(payload.name, safe='')}", max_retries)


def deliver(payload: Payload, path: str, max_retries: int | None) -> dict[str, Any]:
    """Sends directly, else to the spool. One key serves both, so the server never stores the upload twice."""
    key = os.urandom(16).hex()
    target, directory = server(), spool.spool_dir()
    if target is not None and not (directory is not None and spool.is_waiting(directory)):
        # The HTTP modules would double the time of `import jd`; a script that never uploads does without.
        from .transport import put, with_retries

        tries = max(1, int(number("JD_UPLOAD_MAX_RETRIES", TRIES, 1) if max_retries is None else max_retries))
        found = target
        try:
            return with_retries(lambda: put(found, path, payload, key), tries, LONGEST_SECONDS if directory else float("inf"))
        except JdError as error:
            if not error.retryable or directory is None:
                raise
    if directory is None:
        raise JdError("unreachable", "There is neither a server nor a spool.")
    spool.add(directory, payload, key)
    note(f"{payload.name} is kept on this machine until the server can take it")
    return {"success": True, "queued": True, "version": None, "filename": payload.name, "size_bytes": payload.size}
