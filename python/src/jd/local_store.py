"""Uploads and checkpoints of a script that runs outside any job."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from .directories import local_store
from .payload import MEBIBYTE, ExactReader, Payload

CHECKPOINTS_KEPT = 3

_CHECKPOINT = re.compile(r"checkpoint-(\d+)\.pickle")


def store_artifact(payload: Payload) -> dict[str, Any]:
    uploads = local_store() / "uploads"
    version = 0
    while (uploads / str(version) / payload.name).exists():
        version += 1
    return _store(uploads / str(version) / payload.name, payload, version)


def store_checkpoint(payload: Payload) -> dict[str, Any]:
    saved = _checkpoints()
    version = max(saved, default=-1) + 1
    stored = _store(local_store() / "checkpoints" / f"checkpoint-{version}.pickle", payload, version)
    for old in sorted(saved)[: 1 - CHECKPOINTS_KEPT]:
        saved[old].unlink()
    return stored


def checkpoints() -> list[Path]:
    """Newest first."""
    saved = _checkpoints()
    return [saved[version] for version in sorted(saved, reverse=True)]


def _checkpoints() -> dict[int, Path]:
    files = (local_store() / "checkpoints").glob("checkpoint-*.pickle")
    matches = ((path, _CHECKPOINT.fullmatch(path.name)) for path in files)
    return {int(match.group(1)): path for path, match in matches if match is not None}


def _store(path: Path, payload: Payload, version: int) -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.urandom(4).hex()}.tmp")
    with payload.open() as source, temporary.open("wb") as copy:
        reader = ExactReader(source, payload.size)
        for block in iter(lambda: reader.read(MEBIBYTE), b""):
            copy.write(block)
    os.replace(temporary, path)
    return {"success": True, "filename": payload.name, "version": version, "size_bytes": payload.size}
