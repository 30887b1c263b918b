"""The routes behind the pages of a difference and of a reproduction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ..errors import InvalidValue, NotFound
from ..query.difference import first_part
from ..reading.history import Series
from ..reading.views import ExperimentView
from ..record.plain import flatten, to_plain
from ..reproduce.comparison import compare, side_of
from ..reproduce.differences import Side
from ..reproduce.evidence import evidence
from ..reproduce.gap import gap_of
from ..reproduce.matrix import MatrixRow, differing_files, matrix
from ..reproduce.verdict import Curve, MetricVerdict, Tolerance
from ..store import Store
from .page import corrections
from .page_answers import (
    Compared,
    CurvePart,
    DifferenceAnswer,
    DifferenceRow,
    Explained,
    Gaps,
    Judged,
    ReproductionAnswer,
    Rerun,
    SharedMetric,
    Stated,
)
from .routes import Call

__all__ = ["curves", "difference", "gap", "reproduction"]

MOST_COMPARED = 50
"""Experiments that are compared with one another; more make no page that could be read."""
MOST_POINTS = 50_000_000
"""Points of one metric in all of them that are read to find where they part."""


def _views(call: Call) -> tuple[Store, list[ExperimentView]]:
    """The experiments that are asked about, each once.

    Raises:
        InvalidValue: There are fewer than two, or too many.
    """
    store = Store(call.place.backend(call.caller))
    found = {view.id: view for view in map(store.get, call.question.ids[: MOST_COMPARED + 1])}
    if not 2 <= len(found) <= MOST_COMPARED:
        raise InvalidValue(
            f"A difference is between 2 to {MOST_COMPARED} experiments; {len(found)} were given.",
            key="ids",
        )
    return store, list(found.values())


def difference(call: Call) -> DifferenceAnswer:
    """What differs between experiments: everything but their points."""
    _, views = _views(call)
    sides = [side_of(view) for view in views]
    rows = [
        *matrix(sides, [view.name for view in views]),
        *differing_files([view.files for view in views]),
    ]
    names = sorted(
        {name for view in views for name in view.metrics if not name.startswith("system/")}
    )
    return DifferenceAnswer(
        experiments=tuple(map(_compared, views)),
        rows=tuple(map(_row, rows)),
        same=_same(sides, rows),
        unknown=tuple(_unknown(views)),
        metrics=tuple(
            SharedMetric(
                name,
                tuple(view.metrics[name].count if name in view.metrics else 0 for view in views),
            )
            for name in names
        ),
    )  # fmt: skip


def _compared(view: ExperimentView) -> Compared:
    return Compared(
        id=view.id, prefix=view.prefix, name=view.name, status=view.status, reason=view.reason,
        created_at=view.created_at, duration=view.duration if view.status.ended else None, host=view.host,
        corrected=corrections(view),
    )  # fmt: skip


def _row(row: MatrixRow) -> DifferenceRow:
    return DifferenceRow(
        kind=row.kind, what=row.what, values=tuple(to_plain(value) for value in row.values),
        weight=row.weight, text=row.text, outliers=row.outliers,
    )  # fmt: skip


def _same(sides: Sequence[Side], rows: Sequence[MatrixRow]) -> dict[str, int]:
    """By kind, how many keys of the configurations and parameters are the same in all."""
    found = {}
    for kind in ("config", "params"):
        every = {name for side in sides for name in flatten(getattr(side, kind))}
        count = len(every - {row.what for row in rows if row.kind == kind})
        if count:
            found[kind] = count
    return found


def _unknown(views: Sequence[ExperimentView]) -> list[str]:
    """What one of them did not capture, so that nothing can be said of it."""
    found = []
    for what, word in (("git", "code"), ("environment", "packages"), ("hardware", "hardware")):
        lacking = [view.name for view in views if not isinstance(view.captured.get(what), dict)]
        if lacking:
            found.append(f"The {word} of {', '.join(lacking)} was not captured.")
    return found


# -- curves -----------------------------------------------------------------------------------------


def curves(call: Call) -> tuple[CurvePart, ...]:
    """Where the curves of experiments part, metric by metric."""
    store, views = _views(call)
    asked = call.question
    if asked.rtol < 0 or asked.atol < 0:
        raise InvalidValue("A tolerance is 0 or more.", key="rtol")
    known = {name for view in views for name in view.metrics}
    names = asked.metrics or sorted(name for name in known if not name.startswith("system/"))
    return tuple(
        _part(store, views, name, asked.rtol, asked.atol) for name in names if name in known
    )


def _part(
    store: Store, views: Sequence[ExperimentView], name: str, rtol: float, atol: float
) -> CurvePart:
    counts = tuple(view.metrics[name].count if name in view.metrics else 0 for view in views)
    if not all(counts):
        other = next(place for place, count in enumerate(counts) if (count > 0) != (counts[0] > 0))
        return CurvePart(metric=name, kind="missing", other=other, counts=counts)
    if sum(counts) > MOST_POINTS:
        raise InvalidValue(
            f"{name} has {sum(counts):,} points in these experiments; up to {MOST_POINTS:,} are compared at once.",
            key="metrics",
        )
    history = store.history(views, name)
    series: list[Series] = [
        found for view in views if (found := history.get(view.id, name)) is not None
    ]
    first, best = series[0], None
    for place, one in enumerate(series[1:], 1):
        part = first_part(first.steps, first.values, one.steps, one.values, rtol, atol)
        if part is not None and (best is None or part.step < best[1].step):
            best = place, part
    if best is None:
        return CurvePart(metric=name, kind="same", counts=counts)
    place, part = best
    return CurvePart(
        metric=name, kind=part.kind, step=part.step, other=place, a=part.a, b=part.b, counts=counts
    )  # fmt: skip


def gap(call: Call) -> Gaps:
    """How far one metric of two experiments is apart."""
    store, views = _views(call)
    asked = call.question
    if len(views) != 2 or not 1 <= asked.points <= 10_000:
        raise InvalidValue("A gap is between two experiments, at 1 to 10,000 steps.", key="points")
    counts = [
        view.metrics[asked.metric].count if asked.metric in view.metrics else 0 for view in views
    ]
    if not all(counts):
        raise NotFound(f"One of the two never logged {asked.metric!r}.", name=asked.metric)
    if sum(counts) > MOST_POINTS:
        raise InvalidValue(f"Up to {MOST_POINTS:,} points are compared at once.", key="metric")
    history = store.history(views, asked.metric)
    found = [
        Curve(one.steps, one.values)
        for view in views
        if (one := history.get(view.id, asked.metric)) is not None
    ]
    apart = gap_of(found[0], found[1], asked.points)
    return Gaps(apart.steps, apart.a, apart.b, apart.gap, apart.matched, apart.exact)


# -- a reproduction ---------------------------------------------------------------------------------


def reproduction(call: Call) -> ReproductionAnswer:
    """Whether a result came back when an experiment was run again."""
    store = Store(call.place.backend(call.caller))
    asked = call.question
    view = store.get(asked.ref)
    again: ExperimentView | None = None
    original: ExperimentView | None = view
    if view.relation == "reproduces" and asked.again is None:
        again = view
        original = store.get(view.parent) if view.parent and view.parent in store else None
    runs = [] if original is None else [
        one for one in original.children() if one.relation == "reproduces" and "probe" not in one.captured
    ]  # fmt: skip
    runs.reverse()
    if asked.again is not None:
        again = store.get(asked.again)
    elif again is None and runs:
        again = runs[0]
    known = view if original is None else original
    answer = ReproductionAnswer(
        original=None if original is None else _compared(original),
        again=None if again is None else _compared(again),
        reruns=tuple(
            Rerun(
                id=one.id, prefix=one.prefix, status=one.status, created_at=one.created_at,
                verdict=_recorded(one),
            )
            for one in runs
        ),
        command=f"anew reproduce {known.id[:8]}",
    )  # fmt: skip
    if original is None or again is None:
        return answer
    judgement = compare(
        store, original, again, tolerance=_tolerance(again, asked.rtol, asked.atol),
        ignore=_ignored(again), reproduced=again.parent == original.id, clones=False,
    )  # fmt: skip
    sides = side_of(original), side_of(again)
    return msgspec.structs.replace(
        answer,
        verdict=judgement.verdict.value,
        reason=judgement.reason,
        recorded=_recorded(again),
        metrics=tuple(map(_judged, judgement.metrics)),
        apart=tuple(map(_judged, judgement.apart)),
        explanation=_explanation(again),
        unknown=tuple(judgement.unknown),
        left_out=judgement.left_out,
        causes=tuple(
            _row(MatrixRow(one.kind, one.what, (one.a, one.b), one.weight, one.text))
            for one in judgement.differences
        ),
        evidence=tuple(
            Stated(one.what, one.state, one.text)
            for one in evidence(*sides, judgement.differences)
        ),
        notes=tuple(judgement.notes),
    )  # fmt: skip


def _document(again: ExperimentView) -> Mapping[str, Any]:
    """The verdict as it was recorded when the run ended; empty where none was."""
    found = again.captured.get("verdict")
    return found if isinstance(found, Mapping) else {}


def _recorded(again: ExperimentView) -> str | None:
    found = _document(again).get("verdict")
    return found if isinstance(found, str) else None


def _explanation(again: ExperimentView) -> Explained | None:
    """Why the two differ, as further runs have shown it then. What was recorded may have been written by anybody."""
    found = _document(again).get("explanation")
    if not isinstance(found, Mapping):
        return None
    cause, runs, text = (found.get(key) for key in ("cause", "runs", "text"))
    if not (isinstance(cause, str) and type(runs) is int and isinstance(text, str)):
        return None
    return Explained(
        cause, runs, text,
        *(tuple(_texts(found.get(key))) for key in ("causes", "cleared", "suspects")),
    )  # fmt: skip


def _texts(found: object) -> list[str]:
    """The sentences of recorded differences."""
    rows = found if isinstance(found, (list, tuple)) else []
    texts = [one.get("text") for one in rows if isinstance(one, Mapping)]
    return [text for text in texts if isinstance(text, str)]


def _judged(one: MetricVerdict) -> Judged:
    plain = {name: getattr(one, name) for name in Judged.__struct_fields__}
    return Judged(**{**plain, "verdict": one.verdict.value})


def _tolerance(again: ExperimentView, rtol: float | None, atol: float | None) -> Tolerance:
    """The tolerance asked for, else the one that was recorded for each metric."""
    if rtol is not None or atol is not None:
        return Tolerance(rtol or 0.0, atol or 0.0)
    metrics = _document(again).get("metrics")
    patterns = []
    for name, one in metrics.items() if isinstance(metrics, Mapping) else ():
        if isinstance(one, Mapping):
            given = one.get("rtol"), one.get("atol")
            if all(isinstance(value, (int, float)) for value in given) and any(given):
                patterns.append((_literal(name), *given))
    return Tolerance(patterns=patterns)


def _ignored(again: ExperimentView) -> list[str]:
    """The metrics that whoever ran it asked to leave out."""
    left_out = _document(again).get("left_out")
    if not isinstance(left_out, Mapping):
        return []
    return [
        _literal(name) for name, why in left_out.items() if why in ("as asked", "not asked for")
    ]


def _literal(name: str) -> str:
    """A pattern that fits one name alone."""
    return "".join(f"[{one}]" if one in "*?[" else one for one in name)
