"""Where this process runs: in a job of an agent (`JD_ATTEMPT_DIR`), with a server only (`JD_SERVER` and
`JD_WORKER_TOKEN`), or outside any job. Read at every call, because a script may change its environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from .notices import warn_once


class Server(NamedTuple):
    url: str
    token: str


def text(name: str) -> str | None:
    """An environment variable; empty counts as absent."""
    return os.environ.get(name) or None


def attempt_dir() -> Path | None:
    value = text("JD_ATTEMPT_DIR")
    return None if value is None else Path(value)


def server() -> Server | None:
    url, token = text("JD_SERVER"), text("JD_WORKER_TOKEN")
    if url is None or token is None:
        return None
    if "://" not in url:
        url = f"http://{url}"
    return Server(url.rstrip("/"), token)


def outside() -> bool:
    """True when neither an agent nor a server stands behind this process."""
    return attempt_dir() is None and server() is None


def number(name: str, default: float, least: float = 0) -> float:
    """A number from the environment; one that cannot be used is reported once and the default taken."""
    value = text(name)
    if value is None:
        return default
    try:
        parsed = float(value)
    except ValueError:
        parsed = float("nan")
    if not least <= parsed < float("inf"):
        warn_once(f"env:{name}", f"{name}={value!r} is not a number of at least {least}; {default} is used.")
        return default
    return parsed
