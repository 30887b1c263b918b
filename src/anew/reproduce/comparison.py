"""Two experiments held against each other: a verdict per metric and overall, and what else differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..record.status import Status
from .differences import InputDifference, Side, captured_differences
from .names import chosen
from .series import curves_of, curves_of_recipe
from .verdict import Curve, MetricVerdict, Tolerance, Verdict, judge, overall

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["Judgement", "compare", "side_of"]


@dataclass(frozen=True)
class Judgement:
    """What is said of two experiments.

    Attributes:
        verdict: The worst of the metrics' verdicts.
        reason: Why, in words.
        a: Id of the first (the original); `b` of the second.
        metrics: A verdict per metric that was compared, the worst first.
        left_out: Metrics that were not compared, each with the reason.
        differences: What was captured of both and is not the same, the likeliest to matter first.
        notes: What else to know, such as that one of the two failed.
    """

    verdict: Verdict
    reason: str
    a: str
    b: str
    prefix_a: str
    prefix_b: str
    metrics: list[MetricVerdict]
    left_out: dict[str, str] = field(default_factory=dict)
    differences: list[InputDifference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sides: tuple[str, str] = ("the original", "the re-run")

    @property
    def exit_code(self) -> int:
        """0 for the same, 1 for DIVERGED, 2 for NOT COMPARABLE."""
        return self.verdict.exit_code

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON and the record."""
        return {
            "verdict": self.verdict.value,
            "reason": self.reason,
            "a": self.a,
            "b": self.b,
            "prefix_a": self.prefix_a,
            "prefix_b": self.prefix_b,
            "metrics": {m.metric: m.to_dict() for m in self.metrics},
            "left_out": self.left_out,
            "differences": [d.to_dict() for d in self.differences],
            "notes": self.notes,
        }


def compare(
    store: Store,
    a: ExperimentView,
    b: ExperimentView,
    *,
    other: Store | None = None,
    tolerance: Tolerance | None = None,
    only: Sequence[str] = (),
    ignore: Sequence[str] = (),
    sides: tuple[str, str] = ("the original", "the re-run"),
    reproduced: bool = False,
    clones: bool = True,
) -> Judgement:
    """The verdict on two experiments, `a` being the one that the other is held against.

    Args:
        store: The store that `a` is in.
        other: The store that `b` is in, if that is another one.
        tolerance: How far values may be apart; not at all if not given.
        only: Patterns of the metrics to compare; all but times, speeds and the system's if none.
        ignore: Patterns of metrics to leave out.
        sides: What to call the two in sentences.
        reproduced: Whether `b` ran the recipe of `a` again: what another program added to `a` is left out.
        clones: As of `captured_differences`.
    """
    curves_a, of_others = curves_of_recipe(store, a) if reproduced else (curves_of(store, a), {})
    curves_b = curves_of(other or store, b)
    names, left_out = chosen(sorted({*curves_a, *curves_b}), only=only, ignore=ignore)
    left_out |= {name: why for name, why in of_others.items() if name not in curves_b}
    metrics = [
        judge(name, curves_a.get(name), curves_b.get(name), tolerance, sides) for name in names
    ]
    order = list(Verdict)
    metrics.sort(key=lambda m: (-order.index(m.verdict), m.step if m.step is not None else 0))
    verdict = overall(metrics)
    return Judgement(
        verdict=verdict,
        reason=_reason(verdict, metrics, curves_a, curves_b, sides, left_out),
        a=a.id,
        b=b.id,
        prefix_a=a.prefix,
        prefix_b=b.prefix,
        metrics=metrics,
        left_out=left_out,
        differences=captured_differences(side_of(a), side_of(b), sides, clones=clones),
        notes=_notes(a, b, sides),
        sides=sides,
    )


def side_of(view: ExperimentView) -> Side:
    """What the differences are looked for in."""
    return Side(view.captured, view.config, _plain(view.params), view.read_capture)


def _plain(params: Any) -> dict[str, Any]:
    return {k: _plain(v) if hasattr(v, "items") else v for k, v in params.items()}


def _reason(
    verdict: Verdict,
    metrics: list[MetricVerdict],
    a: dict[str, Curve],
    b: dict[str, Curve],
    sides: tuple[str, str],
    left_out: dict[str, str],
) -> str:
    if not metrics:
        for side, curves in zip(sides, (a, b), strict=True):
            if not [name for name in curves if not name.startswith("system/")]:
                return f"{side} logged no metrics"
        return f"no metrics to compare: all {len(left_out)} were excluded"
    if not any(m.matched for m in metrics):
        return "they have no metrics in common"
    count = {v: sum(m.verdict is v for m in metrics) for v in Verdict}
    worst = metrics[0]
    if verdict is Verdict.IDENTICAL:
        points = sum(m.points_a for m in metrics)
        return f"all {points} points of {_metrics(len(metrics))} are the same to the last bit"
    if verdict is Verdict.WITHIN_TOLERANCE:
        return f"{_metrics(count[verdict])} of {len(metrics)} differ within the tolerance; the others are identical"
    if verdict is Verdict.DIVERGED:
        return f"{count[verdict]} of {_metrics(len(metrics))} diverged, first {worst.metric} at step {worst.step}"
    return f"{worst.metric}: {worst.reason}"


def _metrics(count: int) -> str:
    return f"{count} metric{'' if count == 1 else 's'}"


def _notes(a: ExperimentView, b: ExperimentView, sides: tuple[str, str]) -> list[str]:
    notes = []
    for side, view in zip(sides, (a, b), strict=True):
        if view.status is Status.RUNNING:
            notes.append(f"{side} is still running")
        elif view.status in (Status.FAILED, Status.CANCELLED):
            notes.append(f"{side} {view.status}" + (f": {view.reason}" if view.reason else ""))
        if view.lost:
            notes.append(f"{side} lost {view.lost} records; its curves may have gaps")
        problems = view.captured.get("problems") or {}
        notes += [f"{side}: the {what} was not captured: {why}" for what, why in problems.items()]
    return notes
