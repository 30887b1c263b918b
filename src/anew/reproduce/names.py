"""Which metrics say something about the result, and which about the machine and the clock.

A name alone decides nothing in silence: what is named like a time or a speed is compared all the same and told apart, and
a duration that the clock contradicts is no duration (see `agrees_with_clock`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from .verdict import Curve

__all__ = ["Chosen", "Measure", "agrees_with_clock", "chosen", "measure"]

_BEGIN, _END = r"(^|[/_.\-\s])", r"($|[/_.\-\s])"
_ITEMS = (
    r"(tok(en)?s?|samples?|images?|imgs?|it(er(ation)?)?s?|steps?|batch(es)?|examples?|frames?|episodes?|epochs?|rows?|"
    r"records?|words?|seq(uence)?s?|req(uest)?s?|items?|points?|[kmg]?i?b(ytes?)?|t?g?flops?|env_?steps?)"
)
_DURATION = re.compile(
    _BEGIN
    + r"(time(d|_?stamp)?|timing|wall([_-]?(clock|time))?|clock|elapsed|duration|runtime|latency|"
    r"(milli|micro|nano)?sec(ond)?s?|ms|us|ns|msecs?|min(ute)?s|h(ou)?rs?|"
    r"(?P<left>eta([_-]?(s|sec(ond)?s?|min(ute)?s?|h(ours?)?))?$)|"
    r"(epoch|step|iter|batch|load|data|forward|backward|total|train|eval|val|elapsed)[_-]s)" + _END,
    re.IGNORECASE,
)
_SPEED = re.compile(
    _BEGIN + r"(throughput|fps|ips|tps|hz|t?flop/?s|mfu|[kmg]?bps|it[_-]s|"
    + _ITEMS + r"[/_-](s|sec(ond)?)$|[a-z]+[_-]per[_-]?(s(ec(ond)?)?|min(ute)?|hour)|"
    r"(train|step|epoch|iter|batch|data|processing|inference|sampling)(ing)?[/_-]speed|speed[/_-]" + _ITEMS + ")" + _END,
    re.IGNORECASE,
)  # fmt: skip
# What a model is judged by, also where what it predicts is a time.
_RESULT = re.compile(
    r"(^|[/_.\-\s])(loss|acc(uracy)?|err(or)?|r?mse|mae|mape|nll|score|reward|return|r2|auc|f1|perplexity|ppl)$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_UNITS = (
    (1e-3, r"milli_?sec(ond)?s?|msecs?|ms"), (1e-6, r"micro_?sec(ond)?s?|us"), (1e-9, r"nano_?sec(ond)?s?|ns"),
    (60.0, r"min(ute)?s"), (3600.0, r"h(ou)?rs?"),
)  # fmt: skip
# A duration may have begun a little before the experiment was opened.
_SLACK, _SHARE = 0.05, 1.05


@dataclass(frozen=True)
class Measure:
    """What a metric seems to measure, by its name, if that is no result.

    Attributes:
        why: In words.
        seconds: The unit of a duration in seconds; None for what no clock can check.
    """

    why: str
    seconds: float | None = None


def measure(metric: str) -> Measure | None:
    """What a metric measures of the machine or the clock, by its name; None for a result."""
    if metric.startswith("system/"):
        return Measure("a system metric")
    spaced = _CAMEL.sub("_", metric)
    if _RESULT.search(spaced):
        return None
    if _SPEED.search(spaced):
        return Measure("its name says a speed")
    found = _DURATION.search(spaced)
    if found is None:
        return None
    if found["left"] or "stamp" in found[0].lower():
        return Measure("its name says a time")
    units = (
        seconds for seconds, words in _UNITS if re.search(f"{_BEGIN}({words}){_END}", spaced, re.I)
    )
    scale = next(units, 1.0)
    return Measure("its name says a time", scale)


def agrees_with_clock(kind: Measure, curve: Curve, started: float) -> bool:
    """Whether a curve can be what its name says: no duration was longer than the experiment had run by then.

    Args:
        started: When the experiment was opened, in seconds since the epoch.
    """
    if kind.seconds is None or curve.times is None or not len(curve):
        return True
    values = curve.values[np.isfinite(curve.values)]
    if not len(values) or float(values.min()) < 0:
        return not len(values)
    run = np.maximum(curve.times - started, 0.0)[np.isfinite(curve.values)]
    within = run * _SHARE + _SLACK
    if bool((values * kind.seconds <= within).all()):
        return True
    # Many log milliseconds under a name without a unit; values below one are none.
    return (
        kind.seconds == 1.0 and float(values.min()) >= 1.0 and bool((values * 1e-3 <= within).all())
    )


@dataclass(frozen=True)
class Chosen:
    """The metrics by what is done with them; `apart` and `left_out` with the reason.

    Attributes:
        counted: Those that the verdict is made of.
        apart: Times and speeds: compared, and told beside the verdict.
        left_out: Those that are not compared.
    """

    counted: list[str] = field(default_factory=list)
    apart: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def chosen(
    curves: Iterable[tuple[str, Curve | None]],
    *,
    started: float = 0.0,
    only: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> Chosen:
    """What is done with each metric.

    Args:
        curves: The metrics' names and curves of the original; None for what only the other logged.
        started: When the original was opened.
        only: Patterns of what is wanted; they let times and speeds count too.
        ignore: Patterns of what is not.
    """
    made = Chosen()
    for name, curve in curves:
        wanted = any(fnmatchcase(name, pattern) for pattern in only)
        kind = measure(name)
        if any(fnmatchcase(name, pattern) for pattern in ignore):
            made.left_out[name] = "as asked"
        elif only and not wanted:
            made.left_out[name] = "not asked for"
        elif wanted or kind is None:
            made.counted.append(name)
        elif name.startswith("system/"):
            made.left_out[name] = kind.why
        elif curve is not None and not agrees_with_clock(kind, curve, started):
            made.counted.append(name)
        else:
            made.apart[name] = kind.why
    return made
