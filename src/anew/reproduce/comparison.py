"""Two experiments held against each other: a verdict per metric and overall, and what else differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..record.status import Status
from .differences import Side, by_weight, captured_differences
from .explanation import not_looked_at
from .judgement import Judgement, Output
from .names import chosen
from .outputs import compare_outputs, outputs_reason, outputs_verdict
from .ran import changed_while_running, from_the_original, ran_differences
from .series import curves_of, curves_of_recipe
from .sessions import session_at
from .use import told_once
from .verdict import Curve, MetricVerdict, Tolerance, Verdict, judge, overall

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["compare", "side_of"]

_ORDER = list(Verdict)


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
        clones: As of `captured_differences`; without them, files are compared by their hashes alone.
    """
    curves_a, of_others = curves_of_recipe(store, a) if reproduced else (curves_of(store, a), {})
    curves_b = curves_of(other or store, b)
    names = sorted({*curves_a, *curves_b})
    pairs = [(name, curves_a.get(name)) for name in names]
    parts = chosen(pairs, started=a.started_at or a.created_at, only=only, ignore=ignore)
    left_out = parts.left_out | {n: why for n, why in of_others.items() if n not in curves_b}

    def verdicts(names: Iterable[str]) -> list[MetricVerdict]:
        return [
            _in_session(judge(name, curves_a.get(name), curves_b.get(name), tolerance, sides, cut_short=a.cut_short), a, curves_a.get(name))
            for name in names
        ]  # fmt: skip

    counted = parts.counted
    if a.cut_short:  # it had not come as far as the metrics that only the other logged
        left_out |= {n: f"{sides[0]} was ended before it" for n in counted if n not in curves_a}
        counted = [name for name in counted if name in curves_a]
    metrics = verdicts(counted)
    metrics.sort(key=lambda m: (-_ORDER.index(m.verdict), m.step if m.step is not None else 0))
    apart = verdicts(parts.apart)
    outputs = compare_outputs(
        store, a, b, other=other, tolerance=tolerance, cut_short=a.cut_short, reproduced=reproduced, contents=clones
    )  # fmt: skip
    verdict = overall(metrics)
    reason = _reason(verdict, metrics, curves_a, curves_b, sides, left_out, apart)
    if outputs:
        alone = all(name.startswith("system/") for name in names)
        verdict, reason = _with_outputs(verdict, reason, outputs, alone)
    if a.cut_short and verdict is not Verdict.DIVERGED and metrics:
        reason += f", as far as {sides[0]} went"
    side_a, side_b = side_of(a), side_of(b)
    foreign = from_the_original(side_a, side_b) if reproduced else []
    verdict, reason = _weighed(verdict, reason, foreign, _ends(a, b, sides), sides)
    if metrics:
        reason += _apart_reason(apart)
    if verdict is not Verdict.DIVERGED:
        reason += _evidence(side_a)
    ran = ran_differences(side_a, side_b, sides, clones=clones)
    captured = captured_differences(side_a, side_b, sides, clones=clones)
    return Judgement(
        verdict=verdict,
        reason=reason,
        a=a.id,
        b=b.id,
        prefix_a=a.prefix,
        prefix_b=b.prefix,
        metrics=metrics,
        outputs=outputs,
        apart=apart,
        left_out=left_out,
        differences=by_weight(told_once(side_a, side_b, [*ran, *captured])),
        notes=_notes(a, b, sides),
        sides=sides,
        unknown=not_looked_at(side_a) if verdict is Verdict.DIVERGED else [],
    )


def _with_outputs(
    verdict: Verdict, reason: str, outputs: list[Output], alone: bool
) -> tuple[Verdict, str]:
    """A verdict on metrics with what is said of the files; where these are all there is (`alone`), theirs."""
    if alone:
        return outputs_verdict(outputs), f"{outputs_reason(outputs)}, and no metric was logged"
    return verdict, f"{reason}; {outputs_reason(outputs)}"


def _in_session(metric: MetricVerdict, a: ExperimentView, curve: Curve | None) -> MetricVerdict:
    """The verdict on a metric, with the session of the original that it first differs in, if that was continued."""
    if metric.row is None or curve is None or curve.times is None:
        return metric
    found = session_at(a, float(curve.times[metric.row]))
    if found is None:
        return metric
    reason = f"{metric.reason} (in session {found[0]} of {found[1]})"
    return replace(metric, session=found[0], reason=reason)


def _weighed(
    verdict: Verdict, reason: str, foreign: list[str], ends: str | None, sides: tuple[str, str]
) -> tuple[Verdict, str]:
    """A verdict on what was logged, in the light of whose code ran and how both ended."""
    if foreign and verdict is not Verdict.DIVERGED:
        verdict = Verdict.NOT_COMPARABLE
        reason = f"{sides[1]} loaded code from the original's folder, not from its checkout: {_few(foreign)}"
    if ends and verdict is not Verdict.DIVERGED:
        verdict, reason = Verdict.DIVERGED, f"{ends}; until then: {reason}"
    return verdict, reason


def _apart_reason(apart: list[MetricVerdict]) -> str:
    """Which times and speeds differ, which do not count."""
    differ = [m.metric for m in apart if m.verdict is not Verdict.IDENTICAL]
    if not differ:
        return ""
    return f" (not counting {len(differ)} by their names times or speeds: {_few(differ)})"


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _ends(a: ExperimentView, b: ExperimentView, sides: tuple[str, str]) -> str | None:
    """How one of the two failed where the other did not; None where their ends say nothing against each other."""
    failed_a, failed_b = (view.status is Status.FAILED and not view.cut_short for view in (a, b))
    if a.cut_short or failed_a == failed_b:
        return (
            None
            if not b.cut_short or b.status is Status.CANCELLED
            else f"{sides[1]} was ended from outside"
        )
    which, view = (sides[0], a) if failed_a else (sides[1], b)
    said = [line for line in (view.error or "").splitlines() if any(map(str.isalnum, line))]
    last = said[-1].strip() if said else ""
    why = "; ".join(dict.fromkeys(one for one in (view.reason, last) if one))
    return f"only {which} failed" + (f" ({why})" if why else "")


def _evidence(side: Side) -> str:
    """What the code that ran is not known of, for the verdict's line."""
    git = side.fact("git")
    parts = []
    for what, text in (("left_out", "left out of its patch"), ("masked", "masked in its patch")):
        found = git.get(what)
        if found:
            parts.append(f"{len(found)} file{'' if len(found) == 1 else 's'} {text}")
    if changed := changed_while_running(side):
        parts.append(f"{', '.join(changed[:3])} changed after import")
    return f" ({'; '.join(parts)})" if parts else ""


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
    apart: list[MetricVerdict],
) -> str:
    if not metrics:
        if apart:
            return f"only times and speeds were logged: {', '.join(m.metric for m in apart)}"
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
        some = count[verdict]
        others = "; the others are identical" if some < len(metrics) else ""
        return f"{_metrics(some)} of {len(metrics)} differ{'s' * (some == 1)} within the tolerance{others}"
    if verdict is Verdict.DIVERGED:
        where = "" if worst.session is None else f" in session {worst.session}"
        return f"{count[verdict]} of {_metrics(len(metrics))} diverged, first {worst.metric} at step {worst.step}{where}"
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
