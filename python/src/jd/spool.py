"""Uploads that wait in the attempt directory until the agent has delivered them.

`uploads/<13-digit ms>-<8 hex>.json` describes the data file beside it. The agent delivers in order of these names and
removes both files when the server has the upload.
"""

from __future__ import annotations

import errno
import json
import os
import re
import time
from pathlib import Path
from typing import Any, Iterator, NamedTuple

from .context import attempt_dir, number
from .errors import JdError
from .payload import MEBIBYTE, ExactReader, Payload

MAX_SPOOL_BYTES = 5 * 1024 * MEBIBYTE
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)

_DESCRIPTION = re.compile(r"(\d{13})-[0-9a-f]{8}\.json")


class Entry(NamedTuple):
    path: Path
    kind: str
    data: Path


def spool_dir() -> Path | None:
    directory = attempt_dir()
    return None if directory is None else directory / "uploads"


def is_waiting(spool: Path) -> bool:
    """Whether an earlier upload of this attempt is not delivered yet: later ones must queue behind it."""
    return len(_descriptions(spool)) > 0


def add(spool: Path, payload: Payload, key: str) -> None:
    """Keeps a copy of the upload; when this returns, it survives a crash of the machine."""
    try:
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_room(spool, payload.size)
        try:
            _write(spool, payload, key)
        except OSError as error:
            if error.errno not in NO_SPACE or not _drop_superseded(spool, payload.size):
                raise
            _write(spool, payload, key)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise JdError("spool_full", f"{payload.name} cannot be kept for later: no space left in {spool}.") from error
        raise JdError("spool_unwritable", f"{payload.name} cannot be kept for later in {spool}: {error}") from error


def waiting_checkpoints(spool: Path) -> Iterator[Path]:
    """States that wait for delivery, newest first. One that was delivered just now ends the list: the server has it and what came before."""
    for path in reversed(_descriptions(spool)):
        entry = _read_entry(path)
        if entry is not None and entry.kind == "checkpoint":
            if not entry.data.exists():
                return
            yield entry.data


def _descriptions(spool: Path) -> list[Path]:
    return sorted(path for path in spool.glob("*.json") if _DESCRIPTION.fullmatch(path.name))


def _read_entry(path: Path) -> Entry | None:
    try:
        description: Any = json.loads(path.read_text(encoding="utf-8"))
        return Entry(path, description["kind"], path.with_name(Path(description["file"]).name))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(spool: Path, payload: Payload, key: str) -> None:
    stem = f"{_next_moment(spool):013d}-{os.urandom(4).hex()}"
    data, description = spool / f"{stem}.data", spool / f"{stem}.json"
    content = {"key": key, "name": payload.name, "kind": payload.kind, "file": data.name, "size": payload.size}
    temporary = spool / f"{stem}.json.tmp"
    try:
        _write_synced(data, payload)
        with temporary.open("x", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, description)
    except BaseException:
        # Without its description nobody would ever send this copy.
        _remove(temporary)
        _remove(data)
        raise
    _sync_directory(spool)


def _write_synced(path: Path, payload: Payload) -> None:
    with payload.open() as source, path.open("xb") as copy:
        reader = ExactReader(source, payload.size)
        for block in iter(lambda: reader.read(MEBIBYTE), b""):
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())


def _next_moment(spool: Path) -> int:
    # Later than every name that is there, so that a clock that was set back cannot reorder uploads.
    names = _descriptions(spool)
    last = int(names[-1].name[:13]) if names else 0
    return max(time.time_ns() // 1_000_000, last + 1)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        # Some network file systems cannot; the entry is in place all the same.
        pass
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except FileNotFoundError:
        pass


def _make_room(spool: Path, needed: int) -> None:
    limit = int(number("JD_SPOOL_MAX_BYTES", MAX_SPOOL_BYTES))
    excess = _used(spool) + needed - limit
    if excess > 0 and not _drop_superseded(spool, excess):
        raise JdError(
            "spool_full",
            f"The server has not taken uploads for a while and {spool} holds its limit of {limit} bytes (JD_SPOOL_MAX_BYTES).",
        )


def _used(spool: Path) -> int:
    return sum(_size(path) for path in spool.iterdir())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _drop_superseded(spool: Path, needed: int) -> bool:
    """Gives up old undelivered checkpoints, never the newest, until `needed` bytes are free: a long absence of the server
    must not end a job that saves its state often."""
    entries = [entry for entry in map(_read_entry, _descriptions(spool)) if entry is not None and entry.kind == "checkpoint"]
    sizes = [_size(entry.data) for entry in entries[:-1]]
    if sum(sizes) < needed:
        return False
    for entry, size in zip(entries, sizes):
        if needed <= 0:
            break
        _remove(entry.path)
        _remove(entry.data)
        needed -= size
    return True
