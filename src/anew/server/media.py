"""The routes for what experiments logged beside metrics: names and values, of one or of many, and thumbnails of images."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import anyio.to_thread
import msgspec
import numpy as np
from starlette.responses import Response

from ..errors import InvalidValue, NotFound
from ..query.content import ContentQuestion
from ..query.points import PointsQuestion
from ..query.question import FactsQuestion, Part
from ..reading.backend import Backend
from ..record.facts import ExperimentFacts, ValueFact
from ..store import Store
from .page_answers import MediaOf, MediaSeries
from .replies import SECURITY
from .routes import Call
from .thumbnails import whole

__all__ = ["media", "media_of_many", "thumbnail"]

_MOST_IDS = 1000
_MOST_BYTES = 4 << 20
"""Bytes of data and metadata in one answer; of more, only what is small is told, and the rest value by value."""
_SMALL = 200
_FOR_GOOD = "private, max-age=31536000, immutable"

Places = Mapping[str, Any]


def media(call: Call) -> tuple[MediaSeries, ...]:
    """The names of an experiment's values with the newest of each, or some of them step by step."""
    asked = call.question
    backend = call.place.backend(call.caller)
    view = Store(backend).get(asked.ref)
    (facts,) = _facts(backend, (view.id,), "values")
    return _told(facts, set(asked.name), _Steps(), asked.time)


def media_of_many(call: Call) -> tuple[MediaOf, ...]:
    """The same of many experiments, on an x of one's own, in an answer of bounded size."""
    asked = call.question
    if len(asked.ids) > _MOST_IDS:
        raise InvalidValue(
            f"The media of {len(asked.ids)} experiments were asked for; ask for {_MOST_IDS} at a time.",
            key="ids",
        )
    backend = call.place.backend(call.caller)
    every = _facts(backend, asked.ids, "values")
    along = _along(backend, every, asked.x)
    wanted = set(asked.names)
    found = [MediaOf(one.id, _told(one, wanted, along)) for one in every]
    if sum(_weight(series) for one in found for series in one.series) > _MOST_BYTES:
        found = [MediaOf(one.id, tuple(map(_cut, one.series))) for one in found]
    return tuple(found)


async def thumbnail(call: Call) -> Response:
    """A small picture of an image. The file of a value never changes, so a browser may keep it for good."""
    asked = call.question
    kept = call.place.thumbnails

    def make() -> Any:
        backend = call.place.backend(call.caller)
        id_ = _id(backend, asked.ref)
        question = ContentQuestion(id=id_, kind="value", name=asked.name)
        return kept.of((id_, asked.name), lambda: whole(backend, question))

    found = await anyio.to_thread.run_sync(make)
    headers = {**SECURITY, "Cache-Control": _FOR_GOOD, "ETag": f'"{found.tag}"'}
    if headers["ETag"] in call.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found.data, headers=headers, media_type=found.media)


def _id(backend: Backend, ref: str) -> str:
    """The experiment with this id, which is found without looking for what is new; or what else the text means."""
    known = backend.facts(FactsQuestion(ids=(ref,), now=time.time()))
    return known[0].id if known else Store(backend).get(ref).id


def _facts(backend: Backend, ids: Sequence[str], *parts: Part) -> tuple[ExperimentFacts, ...]:
    found = backend.facts(FactsQuestion(ids=ids, parts=frozenset(parts), now=time.time()))
    if len(ids) == 1 and not found:
        raise NotFound(f"The experiment {ids[0]} was deleted just now.", name=ids[0])
    return tuple(found)


# -- what runs along the slider ---------------------------------------------------------------------


class _Steps:
    """Places are steps, which the answer has already."""

    def of(self, facts: ExperimentFacts, value: ValueFact) -> float | int | None:
        """The place of a value; None for one that has none."""
        return value.step

    told = False


class _Times(_Steps):
    """Places are seconds: since the epoch, or since the experiment began."""

    told = True

    def __init__(self, *, relative: bool) -> None:
        self._relative = relative

    def of(self, facts: ExperimentFacts, value: ValueFact) -> float | int | None:
        return value.time - facts.created_at if self._relative else value.time


class _Metric(_Steps):
    """Places are values of a metric: of the last point by the step of the value."""

    told = True

    def __init__(self, backend: Backend, every: Sequence[ExperimentFacts], metric: str) -> None:
        self._points: dict[str, tuple[Any, Any]] = {}
        having = [one.id for one in every if one.values]
        for one in backend.points(PointsQuestion(ids=tuple(having), metrics=(metric,))).series:
            real = np.isfinite(one.values)
            self._points[one.id] = one.steps[real], one.values[real]

    def of(self, facts: ExperimentFacts, value: ValueFact) -> float | int | None:
        steps, values = self._points.get(facts.id, ((), ()))
        if value.step is None or not len(steps):
            return None
        at = int(np.searchsorted(steps, value.step, side="right")) - 1
        return None if at < 0 else float(values[at])


def _along(backend: Backend, every: Sequence[ExperimentFacts], x: str) -> _Steps:
    if x == "step":
        return _Steps()
    if x in ("time", "relative"):
        return _Times(relative=x == "relative")
    return _Metric(backend, every, x)


# -- the answer -------------------------------------------------------------------------------------


def _told(
    facts: ExperimentFacts, wanted: set[str], along: _Steps, at: float | None = None
) -> tuple[MediaSeries, ...]:
    """An experiment's values by name and kind: those of the wanted names, or the newest of each."""
    by_name: defaultdict[tuple[str, str], list[ValueFact]] = defaultdict(list)
    for one in facts.values or ():
        if (not wanted or one.name in wanted) and (at is None or one.time == at):
            by_name[one.name, one.kind].append(one)
    found = []
    for (name, kind), values in by_name.items():
        placed = [(along.of(facts, one), one) for one in values]
        placed.sort(key=lambda one: (one[0] is not None, one[0] or 0, one[1].time))
        shown = placed if wanted else placed[-1:]
        found.append(_series(name, kind, len(values), shown, told=along.told))
    return tuple(found)


def _series(
    name: str, kind: str, count: int, shown: Sequence[tuple[Any, ValueFact]], *, told: bool
) -> MediaSeries:
    values = [one for _, one in shown]
    return MediaSeries(
        name=name, kind=kind, count=count, steps=tuple(one.step for one in values),
        times=tuple(one.time for one in values), paths=tuple(one.path for one in values),
        data=tuple(one.data for one in values), metadata=tuple(one.metadata for one in values),
        x=tuple(place for place, _ in shown) if told else None,
    )  # fmt: skip


def _weight(series: MediaSeries) -> int:
    return sum(map(_bytes, series.data)) + sum(map(_bytes, series.metadata))


def _bytes(given: Any) -> int:
    return 4 if given is None else len(msgspec.json.encode(given))


def _cut(series: MediaSeries) -> MediaSeries:
    """A series with what is small of each value, which tells of each whether something was left out."""
    metadata = tuple(
        {key: value for key, value in one.items() if _bytes(value) <= _SMALL} for one in series.metadata
    )  # fmt: skip
    data = tuple(one if _bytes(one) <= _SMALL else None for one in series.data)
    cut = tuple(
        kept is not before or len(small) != len(all_)
        for kept, before, small, all_ in zip(data, series.data, metadata, series.metadata, strict=True)
    )  # fmt: skip
    return msgspec.structs.replace(series, metadata=metadata, data=data, cut=cut)
