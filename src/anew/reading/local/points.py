"""Points of metrics out of a series store, ordered, thinned out, or only those written since."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import numpy as np

from ...errors import InvalidValue
from ...query.arrays import Ints
from ...query.downsample import BLOCK, in_order, kept, kept_of_outline, outlined, step_order
from ...query.points import Points, PointsQuestion, SeriesPoints
from ...stores.series.columns import Columns, Outline, PartName, Stretch, assemble
from ...stores.series.protocol import ExperimentFolder, Reached, SeriesStore

__all__ = ["read_points", "series_of", "thinned_in_place"]

Seen = dict[str, dict[PartName, Reached]]
"""By experiment and part, how far it was read."""

_Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
_seen = msgspec.msgpack.Decoder(dict[str, list[tuple[str, _Number, _Number, _Number]]])


def read_points(
    store: SeriesStore,
    places: Sequence[ExperimentFolder],
    question: PointsQuestion,
    *,
    at_once: bool = False,
) -> Points:
    """The answer to a question about the experiments at these places.

    Args:
        at_once: Read them together, where the store can.

    Raises:
        InvalidValue: The cursor is not from an answer.
    """
    series: list[SeriesPoints] = []
    problems: list[str] = []
    since = None if question.cursor is None else _parsed(question.cursor)
    as_it_lies = (
        question.points is not None and question.metrics is not None and _is_plain(question)
    )
    if at_once and question.metrics is not None and _is_plain(question):
        return _together(store, places, question)
    for place in places:
        if as_it_lies:
            series += _thinned(store, place, question)
            continue
        new: Any = None
        if since is not None and not question.rows:
            columns, since[place.experiment_id] = store.read_since(
                place,
                question.metrics,
                since.get(place.experiment_id, {}),
                start=question.start,
                stop=question.stop,
                metadata=question.metadata,
            )
        else:
            columns = store.read(
                place,
                question.metrics,
                start=question.start,
                stop=question.stop,
                rows=question.rows,
                metadata=question.metadata,
            )
            if since is not None:  # the number of a call is its place among all of them
                new = _new(columns, since.setdefault(place.experiment_id, {}))
        calls = _calls(columns) if question.rows else None
        origins = _origins(columns) if question.rows else None
        series += [
            one
            for name in columns.names
            if (
                one := series_of(columns, place.experiment_id, name, question, calls, new, origins)
            ).total
            or since is None
        ]
        problems += [str(problem) for problem in columns.problems]
    cursor = None if since is None else _cursor(since)
    return Points(tuple(series), cursor, tuple(problems))


def _is_plain(question: PointsQuestion) -> bool:
    """Whether whole series are wanted, and nothing beside their points."""
    return (
        question.start is None
        and question.stop is None
        and question.cursor is None
        and not (question.metadata or question.rows)
    )


def _together(
    store: SeriesStore, places: Sequence[ExperimentFolder], question: PointsQuestion
) -> Points:
    columns = store.read_many(places, question.metrics or ())
    return Points(
        tuple(
            series_of(
                columns.alone(at), places[number].experiment_id, columns.names[metric], question
            )
            for at, (number, metric) in enumerate(
                zip(columns.experiment.tolist(), columns.metric.tolist(), strict=True)
            )
        ),
        None,
        tuple(str(problem) for problem in columns.problems),
    )


def series_of(
    columns: Columns,
    experiment_id: str,
    metric: str,
    question: PointsQuestion,
    calls: Ints | None = None,
    new: Any = None,
    origins: tuple[tuple[str, ...], Ints] | None = None,
) -> SeriesPoints:
    """One series out of what the store read, ordered and thinned out.

    Args:
        calls: The number of the log call of each point, where that is to be told.
        new: Which points are wanted, where not all are.
        origins: The writers, and which of them wrote each point, where that is to be told.
    """
    rows: Any = columns.of(metric)
    if new is not None:
        rows = np.flatnonzero(new[rows]) + rows.start
    steps, times, values = columns.step[rows], columns.time[rows], columns.value[rows]
    total = len(steps)
    order = step_order(steps) if question.order == "step" else None
    chosen: Any = order
    if question.points is not None:
        keep = kept(values if order is None else values[order], question.points)
        if keep is not None:
            chosen = keep if order is None else order[keep]
    if chosen is None:
        chosen = slice(None)
    metadata: tuple[str | None, ...] | None = None
    if question.metadata:
        said = None if columns.metadata is None else columns.metadata[rows][chosen]
        metadata = (None,) * len(steps[chosen]) if said is None else tuple(said.tolist())
    return SeriesPoints(
        experiment_id,
        metric,
        steps[chosen],
        times[chosen],
        values[chosen],
        total,
        None if columns.given is None or not question.rows else columns.given[rows][chosen],
        None if calls is None else calls[rows][chosen],
        metadata,
        None if origins is None else origins[0],
        None if origins is None else origins[1][rows][chosen],
    )


def _thinned(
    store: SeriesStore, place: ExperimentFolder, question: PointsQuestion
) -> list[SeriesPoints]:
    """Whole series thinned out, from how they lie in the store where that is possible."""
    assert question.metrics is not None
    assert question.points is not None
    found: dict[str, SeriesPoints] = {}
    missing: Sequence[str] = tuple(dict.fromkeys(question.metrics))
    for whole in (False, True):
        runs: dict[str, list[Outline]] = {name: [] for name in missing}
        for run in store.outlines(place, missing, whole=whole):
            runs[run.points.name].append(run)
        missing = []
        for name, mine in runs.items():
            if not mine:
                continue
            one = thinned_in_place(mine, place.experiment_id, name, question.points)
            if one is not None:
                found[name] = one
            elif any(run.at is not None for run in mine):
                missing.append(name)
            else:
                columns = assemble((run.points for run in mine), (), [name])
                found[name] = series_of(columns, place.experiment_id, name, question)
        if not missing:
            break
    return [found[name] for name in dict.fromkeys(question.metrics) if name in found]


def thinned_in_place(
    runs: Sequence[Outline], experiment_id: str, metric: str, points: int
) -> SeriesPoints | None:
    """A series thinned out as it lies in the store; None where all of it has to be put together first.

    The same points as for the series put together, without a copy of all the others; of outlines, points that are as
    good (see `kept_of_outline`).
    """
    last = None
    for run, _, _ in runs:
        if run.given is not None or not in_order(run.step):
            return None
        if last is not None and run.step[0] < last:
            return None
        last = run.step[-1]
    total = sum(run.total for run in runs)
    if any(run.at is not None for run in runs):
        runs = [run if run.at is not None else _outline_of(run.points) for run in runs]
        firsts = np.cumsum([0, *(run.total for run in runs[:-1])])
        block = np.concatenate(
            [first + _at(run) // BLOCK * BLOCK for first, run in zip(firsts, runs, strict=True)]
        )
        values = np.concatenate([run.points.value for run in runs])
        keep = kept_of_outline(block, values, total, points)
    else:
        keep = kept([run.points.value for run in runs], points)
    if keep is None:
        return None
    ends = np.cumsum([len(run.points.value) for run in runs])
    steps, times, found = [], [], []
    for (run, _, _), mine, end in zip(
        runs, np.split(keep, np.searchsorted(keep, ends)), ends, strict=False
    ):
        here = mine - (end - len(run.value))
        steps.append(run.step[here])
        times.append(run.time[here])
        found.append(run.value[here])
    return SeriesPoints(
        experiment_id,
        metric,
        np.concatenate(steps),
        np.concatenate(times),
        np.concatenate(found),
        total,
    )


def _outline_of(stretch: Stretch) -> Outline:
    """The outline of a stretch of which all points are there."""
    at = outlined(stretch.value)
    points = stretch._replace(step=stretch.step[at], time=stretch.time[at], value=stretch.value[at])
    return Outline(points, at, len(stretch.value))


def _at(run: Outline) -> Ints:
    assert run.at is not None
    return run.at


def _origins(columns: Columns) -> tuple[tuple[str, ...], Ints]:
    """The writers in the order of their names, and which of them wrote each point."""
    assert columns.part is not None
    writers = sorted({writer for writer, _ in columns.parts})
    numbers = np.array([writers.index(writer) for writer, _ in columns.parts], np.int64)
    return tuple(writers), numbers[columns.part] if len(columns) else np.zeros(0, np.int64)


def _calls(columns: Columns) -> Ints:
    """The number of the log call of each point, in the order in which the calls were written."""
    assert columns.row is not None
    assert columns.part is not None
    if not len(columns):
        return np.zeros(0, np.int64)
    written = sorted(range(len(columns.parts)), key=columns.parts.__getitem__)
    rank = np.empty(len(columns.parts), np.int64)
    rank[written] = np.arange(len(columns.parts))
    part = rank[columns.part]
    order = np.lexsort((columns.row, part))
    part, row = part[order], columns.row[order]
    new = np.zeros(len(row), np.int64)
    new[1:] = (part[1:] != part[:-1]) | (row[1:] != row[:-1])
    calls = np.empty(len(row), np.int64)
    calls[order] = np.cumsum(new)
    return calls


def _new(columns: Columns, seen: dict[PartName, Reached]) -> Any:
    """Which points come after the rows that were given before, which are brought up to date."""
    assert columns.row is not None
    assert columns.part is not None
    new = np.ones(len(columns), np.bool_)
    for at, part in enumerate(columns.parts):
        mine = columns.part == at
        before = seen.get(part, Reached(0, 0))
        new[mine] = columns.row[mine] > before.line
        if mine.any():
            seen[part] = max(before, Reached(int(columns.row[mine].max()), 0))
    return new


def _cursor(seen: Seen) -> str:
    flat = {
        id_: [(*part, *reached) for part, reached in parts.items()] for id_, parts in seen.items()
    }
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(flat)).decode()


def _parsed(cursor: str) -> Seen:
    if not cursor:
        return {}
    try:
        flat = _seen.decode(base64.urlsafe_b64decode(cursor.encode()))
        return {
            id_: {(writer, number): Reached(line, end) for writer, number, line, end in parts}
            for id_, parts in flat.items()
        }
    except (ValueError, msgspec.DecodeError):
        raise InvalidValue(
            "This cursor did not come from an earlier answer. Ask without a cursor first.",
            key="cursor",
        ) from None
