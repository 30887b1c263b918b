"""Which metrics say something about the result, and which only about the machine and the clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

__all__ = ["CLOCK", "chosen", "why_left_out"]

CLOCK = re.compile(
    r"(^|[/_.\-\s])("
    r"time(d|_?stamp)?|timing|wall([_-]?(clock|time))?|clock|elapsed|duration|runtime|latency|speed|throughput|"
    r"(milli|micro|nano)?sec(ond)?s?|ms|msecs?|eta([_-]?(s|sec(ond)?s?|min(ute)?s?|h(ours?)?))?$|"
    r"(epoch|step|iter|batch|load|data|forward|backward|total|train|eval|val)[_-]s|"
    r"fps|ips|tps|hz|t?flop/?s|mfu|[kmg]?bps|it[_-]s|[a-z]+[_-]?per[_-]?(s(ec(ond)?)?|min(ute)?|hour)"
    r")($|[/_.\-\s])",
    re.IGNORECASE,
)
"""Names of times and speeds: `train/time`, `epoch_seconds`, `samples_per_sec`, `tokens/s`, `latency_ms` …"""

_PER_SECOND = re.compile(r"(per[_-]?s(ec(ond)?)?|/s(ec(ond)?)?)$", re.IGNORECASE)
# What a model is judged by, also where what it predicts is a time.
_RESULT = re.compile(
    r"(^|[/_.\-\s])(loss|acc(uracy)?|err(or)?|r?mse|mae|mape|nll|score|reward|return|r2|auc|f1|perplexity|ppl)$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def why_left_out(metric: str) -> str | None:
    """Why a metric is not compared; None if it is."""
    if metric.startswith("system/"):
        return "a system metric"
    spaced = _CAMEL.sub("_", metric)
    if _RESULT.search(spaced):
        return None
    if CLOCK.search(spaced) or _PER_SECOND.search(spaced):
        return "it measures time or speed"
    return None


def chosen(
    names: Iterable[str], *, only: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """The metrics to compare, and those left out, each with the reason.

    Args:
        only: Patterns of what is wanted; they bring in times and speeds too.
        ignore: Patterns of what is not.
    """
    kept: list[str] = []
    left_out: dict[str, str] = {}
    for name in names:
        wanted = any(fnmatchcase(name, pattern) for pattern in only)
        if any(fnmatchcase(name, pattern) for pattern in ignore):
            left_out[name] = "as asked"
        elif only and not wanted:
            left_out[name] = "not asked for"
        elif not wanted and (why := why_left_out(name)) is not None:
            left_out[name] = why
        else:
            kept.append(name)
    return kept, left_out
