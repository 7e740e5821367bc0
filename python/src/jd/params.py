"""The params of this job."""

from __future__ import annotations

import json
import re
import sys
from decimal import Decimal, InvalidOperation
from typing import Any, Sequence, cast

from .context import attempt_dir
from .errors import JdError

_NAME = re.compile(r"--([A-Za-z_][A-Za-z0-9_.-]{0,127})(?:=(.*))?", re.DOTALL)
_PYTHON_WORDS: dict[str, Any] = {"True": True, "False": False, "None": None}


def jd_params() -> dict[str, Any]:
    """The params of this job, name to value, with their types.

    Outside a job they are read from the command line: `--name value` or `--name=value`. A value is JSON if it reads and
    writes back the same, `True`, `False` and `None` mean what they mean in Python, everything else is text; a name without a
    value is True.
    """
    directory = attempt_dir()
    if directory is None:
        return read_arguments(sys.argv[1:])
    try:
        params = json.loads((directory / "params.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise JdError("params_unreadable", f"The params of this job cannot be read: {error}") from error
    if not isinstance(params, dict):
        raise JdError("params_unreadable", f"{directory / 'params.json'} does not hold names and values.")
    return cast("dict[str, Any]", params)


def read_arguments(arguments: Sequence[str]) -> dict[str, Any]:
    params: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        match = _NAME.fullmatch(rest.pop(0))
        if match is None:
            continue
        name, value = match.groups()
        if value is None and rest and _NAME.fullmatch(rest[0]) is None:
            value = rest.pop(0)
        params[name] = True if value is None else read_value(value)
    return params


def read_value(text: str) -> Any:
    """The value that a text stands for, the way Drover writes values as arguments."""
    if text in _PYTHON_WORDS:
        return _PYTHON_WORDS[text]
    try:
        # Numbers are compared by their spelling: 0.00001 must stay a number although Python writes it 1e-05.
        spelled = json.loads(text, parse_int=_marked, parse_float=_marked, parse_constant=_refused, object_pairs_hook=_unique)
        compact = json.dumps(spelled, separators=(",", ":"), ensure_ascii=False)
        if re.sub(r'"\\u0000([^"]*)"', r"\1", compact) != text:
            return text
        return json.loads(text, parse_int=_kept_int, parse_float=_kept_float)
    except (ValueError, RecursionError):
        return text


def _marked(token: str) -> str:
    return f"\0{token}"


def _refused(token: str) -> Any:
    raise ValueError(f"{token} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is given twice")
    return members


def _kept_int(token: str) -> int:
    return int(token)


def _kept_float(token: str) -> float:
    value = float(token)
    try:
        if Decimal(repr(value)) == Decimal(token):
            return value
    except InvalidOperation:
        pass
    raise ValueError(f"{token} cannot be kept exactly")
