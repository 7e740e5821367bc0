"""Saved state of a job, to go on from after an interruption, on this machine or another.

States are pickles: loading one can run any code that wrote it. They are as trusted as the script itself.
"""

from __future__ import annotations

import pickle
import random
import time
from pathlib import Path
from typing import Any, BinaryIO, Callable, ContextManager, Iterator, NamedTuple

from . import local_store, spool
from .context import Server, attempt_dir, number, outside, server
from .errors import JdError
from .notices import note, warn_once
from .payload import Saved, checkpoint_payload
from .uploads import deliver

FIRST_WAIT = 0.2
LONGEST_WAIT = 30
NO_LIMIT = float("inf")


class State(NamedTuple):
    """A saved state: what it is called in messages, and its bytes."""

    what: str
    open: Callable[[], ContextManager[BinaryIO]]


def jd_update_checkpoint(obj: Any, max_retries: int | None = None) -> dict[str, Any]:
    """Saves any object that can be pickled (at most 100 MiB) as the state of this job.

    Returns and raises what `jd_upload` does. When little time is left, after SIGTERM for example, `max_retries=1` goes to
    the local copy after one failed try.
    """
    state = Saved("the checkpoint", _scratch())
    try:
        # As it is written, so that a large state is not in memory twice.
        pickle.dump(obj, state, protocol=pickle.HIGHEST_PROTOCOL)
        payload = checkpoint_payload(state)
        if outside():
            return local_store.store_checkpoint(payload)
        return deliver(payload, "checkpoint", max_retries)
    finally:
        state.close()


def jd_get_last_checkpoint() -> Any:
    """The object that was saved last, by this or an earlier attempt of the job; None when nothing was ever saved.

    A state whose bytes are damaged is passed over with a warning, and the one before it is taken.

    None is certain: if the server cannot be reached and no newer state waits on this machine, the call waits up to
    `JD_CHECKPOINT_WAIT_SECONDS` (300) and then raises JdError, because starting afresh would throw work away.
    The bytes are unpickled, which can run code: a checkpoint is trusted like the script that wrote it.
    """
    if outside():
        return _first_sound(_local_states())
    deadline = time.monotonic() + number("JD_CHECKPOINT_WAIT_SECONDS", 300)
    wait, told = FIRST_WAIT, False
    while True:
        try:
            return _first_sound(_states())
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


def _first_sound(states: Iterator[State]) -> Any:
    """Of the newest state that can be read; None when there is none at all."""
    damage: JdError | None = None
    for state in states:
        try:
            loaded = _load(state)
        except _Delivered:
            continue
        except _Damaged as error:
            warn_once(f"damaged:{state.what}", f"{error} The one before it is tried.")
            # The newest one is what the script should hear of if no other can be read either.
            damage = damage or JdError("checkpoint_unreadable", str(error))
            continue
        if damage is not None:
            note(f"going on from {state.what}, which is older")
        return loaded
    if damage is not None:
        raise damage
    return None


class _Damaged(Exception):
    pass


class _Delivered(Exception):
    """It waited here a moment ago, and is at the server now."""


def _load(state: State) -> Any:
    try:
        opened = state.open()
    except FileNotFoundError:
        raise _Delivered() from None
    try:
        with opened as source:
            return pickle.load(source)
    except (ImportError, AttributeError) as error:
        # The bytes are sound; this script lacks a name that they speak of. An older state would not help.
        raise JdError("checkpoint_unreadable", f"{state.what} cannot be loaded by this script: {error!r:.300}") from error
    except Exception as error:
        raise _Damaged(f"{state.what} is damaged: {error!r:.300}.") from error


def _local_states() -> Iterator[State]:
    for path in local_store.checkpoints():
        note(f"outside a job; going on from {path} (remove it to start afresh)")
        yield State(str(path), _opener(path))


def _opener(path: Path) -> Callable[[], ContextManager[BinaryIO]]:
    return lambda: path.open("rb")


def _states() -> Iterator[State]:
    """Newest first."""
    directory = spool.spool_dir()
    # What waits here was saved after everything that the server has of this attempt, and earlier attempts have ended.
    if directory is not None:
        for path in spool.waiting_checkpoints(directory):
            yield State(f"the local checkpoint {path.name}", _opener(path))
    target = server()
    if target is None:
        raise JdError("unreachable", "JD_SERVER and JD_WORKER_TOKEN are not set, so nobody knows the last checkpoint.")
    before: str | None = None
    while True:
        state = Saved("the checkpoint", _scratch(), NO_LIMIT)
        try:
            before = _download(target, before, state)
            if before is None:
                return
            yield State(f"checkpoint version {before}", state.reopened)
        finally:
            state.close()


def _download(target: Server, before: str | None, state: Saved) -> str | None:
    """The version of the newest state below `before`; None when there is none."""
    # As in uploads.py: only scripts that need HTTP load it.
    from .transport import download

    try:
        headers = download(target, "checkpoint" if before is None else f"checkpoint?before={before}", state)
    except JdError as error:
        # Only the server's own word counts; a 404 of some proxy says nothing about checkpoints.
        if error.code == "artifact_not_found":
            return None
        raise
    version = headers.get("Drover-Checkpoint-Version")
    # A server that does not know `before` would send the same one for ever.
    if version is None or not version.isdigit() or (before is not None and int(version) >= int(before)):
        raise JdError("unexpected_reply", f"{target.url} did not answer like a Drover server.", status=200, retryable=before is None)
    return version


def _scratch() -> Path | None:
    """Beside the job's other files, where there is room for them; the system's place for temporary files may be small."""
    directory = attempt_dir()
    return directory if directory is not None and directory.is_dir() else None
