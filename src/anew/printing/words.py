"""How fields, numbers and times are written in a report; the page writes them so, too."""

from __future__ import annotations

import math
import re
import time

__all__ = ["TIMES", "chance", "moment", "plural", "short", "title_of"]

TIMES = frozenset({"created_at", "started_at", "ended_at", "updated_at"})
_TITLES = {
    "created_at": "created", "started_at": "started", "ended_at": "ended", "updated_at": "updated", "duration": "took",
    "git.commit": "commit", "git.branch": "branch",
}  # fmt: skip
_STATISTICS = frozenset({"last", "first", "min", "max", "mean", "std", "count", "step", "min_step", "max_step", "nonfinite"})  # fmt: skip
_PLAIN = re.compile(r"(?:params|config|metrics|tags)\.(.+)", re.DOTALL)
_QUOTED = re.compile(r"(?:params|config|metrics|tags)\[([\"'])(.*)\1\]", re.DOTALL)


def title_of(field: str) -> str:
    """What a field is called: without its section, and of a metric with which of its values is meant."""
    stem, dot, tail = field.rpartition(".")
    statistic = ""
    if dot and field.startswith("metrics") and tail in _STATISTICS and stem != "metrics":
        statistic = re.sub(r"^(min|max) at step$", r"at \1", tail.replace("_", " at ", 1))
    else:
        stem = field
    if plain := _PLAIN.fullmatch(stem):
        stem = plain[1]
    elif written := _QUOTED.fullmatch(stem):
        stem = re.sub(r"\\(.)", r"\1", written[2])
    text = _TITLES.get(field, stem)
    return f"{text} ({statistic})" if statistic else text


def short(value: float | None) -> str:
    """A number with about four digits that matter; "" for none."""
    if value is None:
        return ""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    size = abs(value)
    if float(value).is_integer() and size < 1e6:
        return str(int(value))
    if 1e-3 <= size < 1e5:
        rounded = float(f"{value:.{5 if size >= 1 else 4}g}")
        return str(int(rounded)) if rounded.is_integer() else str(rounded)
    return f"{value:.3e}"


def chance(p: float) -> str:
    """A probability as it is written: no smaller than can be told."""
    if p < 0.0001:
        return "< 0.0001"
    return f"{p:.4f}" if p < 0.01 else f"{p:.3f}"


def plural(count: int, noun: str) -> str:
    """ "1 experiment", "1,204 experiments"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def moment(then: float) -> str:
    """A time of day, in this machine's zone."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(then))
    except (ValueError, OverflowError, OSError):
        return ""
