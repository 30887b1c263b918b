"""What MLflow takes of a request: lengths, characters, times, pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ....errors import InvalidName
from ..write import project_of
from . import requests
from .problems import invalid

__all__ = [
    "MOST_TAG", "check_key", "check_metric", "check_pair", "checked_tags", "inside", "is_in", "limit_of", "run_id_of", "seconds", "view_of",
]  # fmt: skip

MOST_TAG = 8000
"""Characters of a tag's value."""
_VIEWS = {1: "ACTIVE_ONLY", 2: "DELETED_ONLY", 3: "ALL"}
_KEY = re.compile(r"[/\w.\- :]*")
_MOST_PAGE = 50_000
_MOST_KEY = 250


def inside(name: str) -> str:
    """A prefix that a run of an experiment could have: what may be done there may be done to the experiment."""
    return f"{project_of(name)}/x"


def view_of(given: str | int | None) -> str:
    """Which of the deleted and the others are asked for.

    Raises:
        MlflowProblem: It is no such word.
    """
    found = _VIEWS.get(given) if isinstance(given, int) else given or "ACTIVE_ONLY"
    if found not in _VIEWS.values():
        raise invalid(f"Invalid view type {given!r:.80}.")
    return str(found)


def is_in(view: str, *, deleted: bool) -> bool:
    """Whether something is among those asked for."""
    return view == "ALL" or deleted == (view == "DELETED_ONLY")


def limit_of(given: int) -> int:
    """How many are asked for.

    Raises:
        MlflowProblem: None, or more than are answered together.
    """
    if not 1 <= given <= _MOST_PAGE:
        raise invalid(
            f"Invalid value {given} for parameter 'max_results' supplied: It must be at least 1 and at most {_MOST_PAGE}."
        )
    return given


def run_id_of(asked: Any) -> str:
    """The id of the run that is asked about, by either of its names."""
    found = asked.run_id or asked.run_uuid
    if not found:
        raise invalid("Missing value for required parameter 'run_id'.")
    return str(found)


def seconds(given: int | None, what: str) -> float | None:
    """A time of the client in seconds since the epoch."""
    if given is None:
        return None
    if not 0 <= given <= 253_402_300_799_000:
        raise invalid(f"Invalid value {given} for parameter '{what}' supplied")
    return given / 1000


def check_key(what: str, key: str) -> None:
    """Refuse a key that MLflow does not take."""
    if not key or len(key) > _MOST_KEY:
        raise invalid(f"{what} key '{key:.80}' must have 1 to {_MOST_KEY} characters.")
    parts = key.split("/")
    if not _KEY.fullmatch(key) or any(one in ("", ".", "..") for one in parts):
        raise invalid(
            f"Invalid value \"{key:.250}\" for parameter 'key' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), "
            "periods (.), spaces ( ), colon(:) and slashes (/), and must be unique as paths."
        )


def check_metric(point: requests.MetricGiven) -> None:
    """Refuse a point that MLflow does not take."""
    check_key("Metric", point.key)
    if point.timestamp < 0:
        raise invalid(
            f"Invalid value {point.timestamp} for parameter 'timestamp' supplied: Timestamp must be a nonnegative long."
        )
    if not -(1 << 63) <= point.step < 1 << 63 or point.timestamp >= 1 << 63:
        raise invalid(f"Invalid value {point.step} for parameter 'step' supplied")


def check_pair(what: str, given: requests.Pair, most: int) -> None:
    """Refuse a tag or parameter that MLflow does not take."""
    check_key(what, given.key)
    if len(given.value) > most:
        raise invalid(
            f"{what} value '{given.value[:40]}…' had length {len(given.value)}, which exceeded length limit of {most}"
        )


def checked_tags(given: Sequence[requests.Pair], most: int = MOST_TAG) -> dict[str, str]:
    """Tags as they are kept, if MLflow takes them."""
    for one in given:
        check_pair("Tag", one, most)
    try:
        return {one.key: one.value for one in given}
    except InvalidName as error:
        raise invalid(str(error)) from error
