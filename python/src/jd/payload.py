"""What is uploaded: a file or bytes, with a name and a size that are known before."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path
from typing import Any, BinaryIO, Callable, ContextManager, NamedTuple

from .context import number
from .errors import JdError

MEBIBYTE = 1024 * 1024
MAX_UPLOAD_BYTES = 100 * MEBIBYTE
NAME_CHARACTERS = 200

# Up to this size a state stays in memory; a larger one is written to a temporary file.
MEMORY_BYTES = 8 * MEBIBYTE

_REFUSED_CHARACTERS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\\\\]")


class Payload(NamedTuple):
    name: str
    kind: str
    size: int
    open: Callable[[], ContextManager[BinaryIO]]


class Saved:
    """A state on its way, in memory while it is small: written once, bounded, then read as often as needed."""

    def __init__(self, what: str, directory: Path | None, limit: float | None = None) -> None:
        # Loads half of the standard library, and most scripts save nothing.
        import tempfile

        self._file: Any = tempfile.SpooledTemporaryFile(MEMORY_BYTES, dir=directory)
        self._what = what
        self._limit = number("JD_MAX_UPLOAD_BYTES", MAX_UPLOAD_BYTES) if limit is None else limit
        self.size = 0

    def write(self, data: Any) -> int:
        # Pickle hands large objects over as they are, not only as bytes.
        length = memoryview(data).nbytes
        self.size += length
        if self.size > self._limit:
            raise too_large(self._what, f"more than {self.size - length}", self._limit)
        self._file.write(data)
        return length

    def reopened(self) -> ContextManager[BinaryIO]:
        self._file.seek(0)
        return contextlib.nullcontext(self._file)

    def close(self) -> None:
        self._file.close()


def file_payload(path: str | os.PathLike[str]) -> Payload:
    file = Path(path)
    try:
        status = file.stat()
    except FileNotFoundError:
        raise FileNotFoundError(f"jd_upload: there is no file {file}") from None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(f"jd_upload: {file} is a directory; upload its files one by one, or an archive of it")
    if not stat.S_ISREG(status.st_mode):
        raise JdError("not_a_file", f"jd_upload: {file} is not a regular file")
    name = artifact_name(file.name)
    check_size(name, status.st_size)
    return Payload(name, "artifact", status.st_size, lambda: file.open("rb"))


def checkpoint_payload(state: Saved) -> Payload:
    return Payload("checkpoint", "checkpoint", state.size, state.reopened)


def artifact_name(name: str) -> str:
    """The name as the server takes it: valid text without control characters, at most 200 long, its ending kept."""
    clean = _REFUSED_CHARACTERS.sub("_", name.encode("utf-8", "replace").decode())
    units = clean.encode("utf-16-le")
    if len(units) <= 2 * NAME_CHARACTERS:
        return clean
    ending = Path(clean).suffix[:20]
    room = 2 * NAME_CHARACTERS - len(ending.encode("utf-16-le"))
    return units[:room].decode("utf-16-le", "ignore") + ending


def check_size(what: str, size: int) -> None:
    limit = number("JD_MAX_UPLOAD_BYTES", MAX_UPLOAD_BYTES)
    if size > limit:
        raise too_large(what, str(size), limit)


def too_large(what: str, size: str, limit: float) -> JdError:
    return JdError(
        "too_large",
        f"{what} has {size} bytes; at most {limit:.0f} are taken. Split or compress it, "
        "or raise the limit of the server and JD_MAX_UPLOAD_BYTES.",
    )


class ExactReader:
    """Reads exactly as many bytes as were announced: a file that grows is cut there, one that shrinks is an error."""

    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source = source
        self._left = size

    def read(self, amount: int = -1) -> bytes:
        if self._left == 0:
            return b""
        data = self._source.read(self._left if amount < 0 else min(amount, self._left))
        if data == b"":
            raise JdError("file_changed", "The file became shorter while it was read; upload it when nothing writes to it.")
        self._left -= len(data)
        return data
