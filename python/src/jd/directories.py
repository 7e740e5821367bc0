"""The directories of a job. Each call makes the directory if it can, so that a script can write at once."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path

from .context import text

# No experiment can have this name, so trials outside a job never mix with real results.
LOCAL_EXPERIMENT = "_local"

# Scripts rewrite sys.argv; what identifies a trial is how it was started.
_STARTED_AS = list(getattr(sys, "argv", None) or [""])


def jd_worker_workspace() -> Path:
    """The root of all job data on this machine: `~/jd_data`, or `$JD_WORKSPACE_PATH/jd_data`."""
    root = text("JD_WORKER_WORKSPACE_ROOT")
    if root is not None:
        return _made(Path(root))
    return _made(Path(text("JD_WORKSPACE_PATH") or "~").expanduser().absolute() / "jd_data")


def jd_exp_dir() -> Path:
    """The directory that all jobs of this experiment on this machine share: a place for data sets and models."""
    return _made(jd_worker_workspace() / (text("JD_EXP_ID") or LOCAL_EXPERIMENT))


def jd_job_dir() -> Path:
    """The directory of this job alone: write your results here.

    Outside a job it is named after the script and its arguments, so the same trial finds it again.
    """
    directory = text("JD_WORKER_JOB_DIR")
    if directory is not None:
        return _made(Path(directory))
    return _made(jd_exp_dir() / (text("JD_JOB_ID") or local_job()))


def local_job() -> str:
    """A name for this script with these arguments, e.g. `train-3f0c9a1b`."""
    script, arguments = _STARTED_AS[0], _STARTED_AS[1:]
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", Path(script).stem)[:40].strip("-") or "interactive"
    where = os.path.abspath(script) if script else os.getcwd()
    told = "\0".join([where, *arguments]).encode("utf-8", "surrogateescape")
    return f"{stem}-{hashlib.sha256(told).hexdigest()[:8]}"


def local_store() -> Path:
    """Where uploads and checkpoints go outside a job."""
    experiment, job = text("JD_EXP_ID"), text("JD_JOB_ID") or local_job()
    name = job if experiment is None else f"{experiment}.{job}"
    return jd_worker_workspace() / LOCAL_EXPERIMENT / ".drover" / name


def _made(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        pass
    return directory
