"""Metrics and progress. In a job they are lines of `metrics.jsonl` in the attempt directory, which the agent ships.

These calls sit in training loops: they never raise, take no lock and wait for nobody.
"""

from __future__ import annotations

import errno
import json
import operator
import os
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, Mapping

from . import notices
from .context import text

NAME_CHARACTERS = 200
NAMES_PER_LINE = 500
SAFE_INTEGER = 2**53


def jd_log_metric(name: str, value: float, step: float | None = None) -> None:
    """Records one number, for example `jd_log_metric("loss", 0.3, step=epoch)`."""
    jd_log_metrics({name: value}, step)


def jd_log_metrics(metrics: Mapping[str, float], step: float | None = None) -> None:
    """Records several numbers of the same moment. Anything that `float()` takes will do, numpy and torch scalars too."""
    try:
        points = [(name, number) for name, value in metrics.items() for number in [_number(name, value)] if number is not None]
        if points:
            _record_metrics(points, _step(step))
    except Exception as error:
        notices.warn_once("metrics", f"metrics are lost: {error}")


def jd_progress(done: float, total: float) -> None:
    """Says how far the job is, for example `jd_progress(epoch + 1, epochs)`."""
    try:
        first, last = _number("done", done), _number("total", total)
        if first is None or last is None:
            return
        if not (abs(first) < float("inf") and abs(last) < float("inf")):
            notices.warn_once("progress", f"progress {done!r} of {total!r} is not a finite number and is dropped.")
            return
        directory = text("JD_ATTEMPT_DIR")
        if directory is None:
            percent = f" ({100 * first / last:.0f} %)" if last > 0 else ""
            notices.say(f"progress {first:g}/{last:g}{percent}")
        else:
            _append(directory, f'{{"t": {time.time():.6f}, "p": [{first!r}, {last!r}]}}\n'.encode())
    except Exception as error:
        notices.warn_once("progress", f"progress is lost: {error}")


def _record_metrics(points: list[tuple[str, float]], step: str) -> None:
    directory = text("JD_ATTEMPT_DIR")
    if directory is None:
        shown = " ".join(f"{name}={value!r}" for name, value in points)
        notices.say(f"metric {shown}" + ("" if step == "null" else f" step={step}"))
        return
    # A name that comes twice after cleaning would make an object with a doubled member.
    members = {_encoded_name(name): _encoded_value(value) for name, value in points}
    moment = f"{time.time():.6f}"
    pairs = [f"{name}: {value}" for name, value in members.items()]
    lines = [
        f'{{"t": {moment}, "s": {step}, "m": {{{", ".join(pairs[at : at + NAMES_PER_LINE])}}}}}\n'
        for at in range(0, len(pairs), NAMES_PER_LINE)
    ]
    _append(directory, "".join(lines).encode())


def _number(name: object, value: Any) -> float | None:
    try:
        # float("1") works, but a text that looks like a number is a mistake somewhere.
        if isinstance(value, (str, bytes, bytearray)):
            raise TypeError
        return float(value)
    except Exception:
        notices.warn_once(f"metric:{name!s:.200}", f"{name!s:.200} is not a number ({type(value).__name__}) and is dropped.")
        return None


def _step(step: Any) -> str:
    """A step as JSON."""
    if step is None:
        return "null"
    try:
        if isinstance(step, (str, bytes, bytearray)):
            raise TypeError
        try:
            # int() because the index of True is True before Python 3.10.
            whole = int(operator.index(step))
            if abs(whole) <= SAFE_INTEGER:
                return str(whole)
        except TypeError:
            pass
        number = float(step)
        if abs(number) < float("inf"):
            return repr(number)
        raise ValueError
    except Exception:
        notices.warn_once("step", f"step {step!r:.100} is not a number; the points are kept without it.")
        return "null"


def _encoded_value(value: float) -> str:
    if value != value:
        return '"NaN"'
    if value == float("inf"):
        return '"Infinity"'
    if value == float("-inf"):
        return '"-Infinity"'
    return repr(value)


def _encoded_name(name: object) -> str:
    return _encoded_text(name if isinstance(name, str) else str(name))


@lru_cache(maxsize=16384)
def _encoded_text(name: str) -> str:
    clean = name.replace("\0", "\ufffd").encode("utf-8", "replace").decode() or "metric"
    # The limit counts UTF-16 units, because the server does.
    units = clean.encode("utf-16-le")
    if len(units) > 2 * NAME_CHARACTERS:
        clean = units[: 2 * NAME_CHARACTERS].decode("utf-16-le", "ignore")
        notices.warn_once(f"long:{clean}", f"the metric name {clean[:40]!r}... is cut to {NAME_CHARACTERS} characters.")
    return json.dumps(clean)


class _MetricFile:
    """The open end of one metrics file. O_APPEND keeps lines of threads and of forked children whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = -1
        self.identity = (-1, -1)
        self.torn = False

    def append(self, lines: bytes) -> None:
        if not self._is_open():
            self._open()
        if self.torn:
            lines = b"\n" + lines
        written = os.write(self.descriptor, lines)
        self.torn = written < len(lines) and (written > 0 or self.torn)
        if written < len(lines):
            raise OSError(errno.ENOSPC, "the disk is full")

    def _is_open(self) -> bool:
        # A script that closes all descriptors frees our number for one of its own files, which must not get our lines.
        try:
            status = os.fstat(self.descriptor)
        except (OSError, OverflowError):
            return False
        return (status.st_dev, status.st_ino) == self.identity

    def _open(self) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        status = os.fstat(descriptor)
        # An earlier process of this attempt may have died, or met a full disk, within a line.
        self.torn = status.st_size > 0 and os.pread(descriptor, 1, status.st_size - 1) != b"\n"
        self.identity = (status.st_dev, status.st_ino)
        self.descriptor = descriptor


_files: dict[str, _MetricFile] = {}


def _append(directory: str, lines: bytes) -> None:
    file = _files.get(directory)
    if file is None:
        opened = _MetricFile(Path(directory) / "metrics.jsonl")
        file = _files.setdefault(directory, opened)
    file.append(lines)
