"""Groups of runs that differ in their seed only, and the verdict on two of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from ..record.plain import flatten
from ..record.status import Status
from .comparison import side_of
from .differences import InputDifference, Side, captured_differences, is_seed
from .equivalence import (
    ALPHA,
    Equivalence,
    Margin,
    MetricEquivalence,
    judge_equivalence,
    overall_equivalence,
)
from .names import chosen
from .ran import ran_differences
from .series import curves_of

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = [
    "Margins",
    "NoiseVerdict",
    "Taken",
    "compare_groups",
    "differs_in_seed_only",
    "seed_of",
    "siblings",
]

Taken = Literal["last", "min", "max", "mean"]
"""Which value of a curve stands for the run."""
_LOOKED_AT = 500


@dataclass(frozen=True)
class Margins:
    """The margins of the metrics: of the last pattern that fits, else the general one. Where that is None, other metrics
    are not compared."""

    general: Margin | None
    patterns: Sequence[tuple[str, Margin]] = ()

    def of(self, metric: str) -> Margin | None:
        """The margin of a metric; None for one that is not compared."""
        fitting = [margin for pattern, margin in self.patterns if fnmatchcase(metric, pattern)]
        return fitting[-1] if fitting else self.general


@dataclass(frozen=True)
class NoiseVerdict:
    """What is said of two groups of runs.

    Attributes:
        verdict: EQUIVALENT where every metric is.
        first: Ids of the first group that count; `second` of the other.
        copies: How many runs were left out as copies: a seed that gives the same to the last bit is one run.
        metrics: A verdict per metric, the worst first.
        left_out: Metrics that were not compared, each with the reason.
    """

    verdict: Equivalence
    reason: str
    taken: Taken
    first: list[str]
    second: list[str]
    copies: int = 0
    metrics: list[MetricEquivalence] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 for EQUIVALENT, 1 for NOT EQUIVALENT, 2 for NOT ENOUGH RUNS."""
        return self.verdict.exit_code

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and the record."""
        return {
            "verdict": self.verdict.value,
            "reason": self.reason,
            "method": "two one-sided Welch t-tests",
            "value": self.taken,
            "first": self.first,
            "second": self.second,
            "copies": self.copies,
            "metrics": {one.metric: one.to_dict() for one in self.metrics},
            "left_out": self.left_out,
        }


def siblings(store: Store, view: ExperimentView, most: int = 50) -> list[ExperimentView]:
    """The completed experiments of the same project that differ from one in their seed at most; the oldest first.

    What `anew reproduce` recorded is not among them.
    """
    side = side_of(view)
    found = []
    for other in store.list(project=view.project, status=Status.COMPLETED.value, limit=_LOOKED_AT):
        if (
            other.id != view.id
            and _settings_alike(side, side_of(other))
            and differs_in_seed_only(side, side_of(other))
        ):
            found.append(other)
        if len(found) == most:
            break
    return found[::-1]


def _settings_alike(a: Side, b: Side) -> bool:
    """Whether the configurations have the same keys: what costs nothing to see, before the captures are read."""
    return set(a.config) == set(b.config) and a.fact("git").get("commit") == b.fact("git").get("commit")  # fmt: skip


def differs_in_seed_only(a: Side, b: Side) -> bool:
    """Whether nothing that was captured of two runs differs but the seed, and what follows from it."""
    seeds = seed_of(a), seed_of(b)
    found = [
        *captured_differences(a, b, clones=False),
        *(one for one in ran_differences(a, b) if one.weight == "likely"),
    ]
    return all(_is_of_seed(one, seeds) for one in found)


def _is_of_seed(one: InputDifference, seeds: tuple[object, object]) -> bool:
    match one.kind:
        case "seed" | "random state":
            return True
        case "config" | "params":
            return is_seed(one.what)
        case "variable":
            return "SEED" in one.what.upper()
        case "command":
            return _same_but_seed(one.a, one.b, seeds)
        case _:
            return one.weight == "unlikely"


_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")


def _same_but_seed(a: object, b: object, seeds: tuple[object, object]) -> bool:
    """Whether two command lines are the same but for a number that is the seed of each."""
    if not (isinstance(a, list) and isinstance(b, list) and len(a) == len(b)):
        return False
    for x, y in zip(a, b, strict=True):
        numbers = _NUMBER.findall(str(x)), _NUMBER.findall(str(y))
        alike = _NUMBER.sub("", str(x)) == _NUMBER.sub("", str(y)) and len(numbers[0]) == len(numbers[1])  # fmt: skip
        if x != y and not (
            alike
            and all(
                one == other or (one, other) == (str(seeds[0]), str(seeds[1]))
                for one, other in zip(*numbers, strict=True)
            )
        ):
            return False
    return True


def seed_of(side: Side) -> object:
    """The seed of a run: the one given to `seed_everything`, else the one in its settings; None if there is none."""
    seed = side.fact("seeds").get("seed")
    if seed is not None:
        return seed
    for settings in (side.config, side.params):
        for key, value in dict(flatten(settings)).items():
            if is_seed(key):
                return value
    return None


def compare_groups(
    first: Sequence[tuple[Store, ExperimentView]],
    second: Sequence[tuple[Store, ExperimentView]],
    margins: Margins,
    *,
    only: Sequence[str] = (),
    ignore: Sequence[str] = (),
    taken: Taken = "last",
    alpha: float = ALPHA,
) -> NoiseVerdict:
    """The verdict on two groups of runs, each with the store that it is in.

    Args:
        only: Patterns of the metrics to compare; all but times, speeds and the system's if none.
        ignore: Patterns of metrics to leave out.
        taken: Which value of a curve stands for the run.
        alpha: The level of each of the two tests.
    """
    started = first[0][1].started_at or first[0][1].created_at
    curves = [[curves_of(store, view) for store, view in group] for group in (first, second)]
    everywhere = [name for name in curves[0][0] if all(name in one for group in curves for one in group)]  # fmt: skip
    parts = chosen([(n, curves[0][0][n]) for n in everywhere], started=started, only=only, ignore=ignore)  # fmt: skip
    left_out = {n: why for n, why in parts.left_out.items() if not n.startswith("system/")}
    left_out |= {
        name: "not every run logged it"
        for group in curves for one in group for name in list(one)
        if name not in everywhere and not name.startswith("system/")
    }  # fmt: skip
    wanted = {name: margin for name in parts.counted if (margin := margins.of(name)) is not None}
    left_out |= {name: "no margin was given for it" for name in parts.counted if name not in wanted}
    names = list(wanted)
    kept: list[list[tuple[str, dict[str, float]]]] = []
    copies = 0
    for group, of_group in zip((first, second), curves, strict=True):
        rows: dict[tuple[object, ...], tuple[str, dict[str, float]]] = {}
        for (_, view), one in zip(group, of_group, strict=True):
            values = {name: _value(one[name].values, taken) for name in names}
            key = (repr(seed_of(side_of(view))), *(value.hex() for value in values.values()))
            rows.setdefault(key, (view.id, values))
        copies += len(group) - len(rows)
        kept.append(list(rows.values()))
    metrics = [
        judge_equivalence(
            name, [row[name] for _, row in kept[0]], [row[name] for _, row in kept[1]], wanted[name], alpha
        )
        for name in names
    ]  # fmt: skip
    order = list(Equivalence)
    metrics.sort(key=lambda one: -order.index(one.verdict))
    return NoiseVerdict(
        overall_equivalence(metrics), _reason(metrics, kept, copies), taken,
        [name for name, _ in kept[0]], [name for name, _ in kept[1]], copies, metrics, left_out,
    )  # fmt: skip


def _value(values: Any, taken: Taken) -> float:
    return float(values[-1] if taken == "last" else getattr(values, taken)())


def _reason(metrics: list[MetricEquivalence], kept: Sequence[Sequence[object]], copies: int) -> str:
    if not metrics:
        return "the runs have no metric in common"
    worst = metrics[0]
    runs = f"{len(kept[0])} runs against {len(kept[1])}"
    if copies:
        runs += f" ({copies} more are copies: one seed, the same to the last bit)"
    if worst.verdict is Equivalence.EQUIVALENT:
        count = len(metrics)
        power = min(one.power or 0.0 for one in metrics)
        return f"{runs}: the means of {count} metric{'s' * (count > 1)} are within the margin, with a power of {power:.0%}"
    return f"{runs}: {worst.metric}: {worst.reason}"
