"""The script library of Drover: what a job needs to find its directories, report and save. Standard library only.

Inside a job nothing has to be configured. Outside of one every call works too: it prints, or stores below
`jd_worker_workspace()`. See docs/reference/python.md.
"""

from __future__ import annotations

from .checkpoints import jd_get_last_checkpoint, jd_update_checkpoint
from .directories import jd_exp_dir, jd_job_dir, jd_worker_workspace
from .errors import JdError
from .metrics import jd_log_metric, jd_log_metrics, jd_progress
from .params import jd_params
from .uploads import jd_upload

__version__ = "0.1.0"

__all__ = [
    "JdError",
    "__version__",
    "jd_exp_dir",
    "jd_get_last_checkpoint",
    "jd_job_dir",
    "jd_log_metric",
    "jd_log_metrics",
    "jd_params",
    "jd_progress",
    "jd_update_checkpoint",
    "jd_upload",
    "jd_worker_workspace",
]
