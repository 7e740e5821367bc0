"""Lines for the person who reads the log. Nothing here ever raises: a closed stream must not end a job."""

from __future__ import annotations

import sys
MOST_WARNINGS = 100

_warned: set[str] = set()


def warn_once(topic: str, sentence: str) -> None:
    """Prints a warning on stderr, once per topic and process."""
    if topic in _warned or len(_warned) >= MOST_WARNINGS:
        return
    _warned.add(topic)
    note(f"warning: {sentence}")


def note(sentence: str) -> None:
    _write(sys.stderr, f"jd: {sentence}\n")


def say(sentence: str) -> None:
    """Prints a line of output."""
    _write(sys.stdout, f"{sentence}\n")


def _write(stream: object, line: str) -> None:
    # One write per line keeps lines of several threads apart.
    try:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(line.encode(encoding, "replace").decode(encoding))  # type: ignore[attr-defined]
        stream.flush()  # type: ignore[attr-defined]
    except Exception:
        pass
