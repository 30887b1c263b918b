"""Which fields tell most about experiments: those that differ, and the metric that says how good they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from ..errors import InvalidValue
from ..query.fields import written
from ..query.question import Column, NamesQuestion, Question, Wanted, parse_field
from ..query.telling import MOST_METRICS, FieldFact, Telling
from .backend import Backend
from .goals import Goals, GoalsOf

__all__ = ["telling"]

_SECTIONS = ("params", "config", "tags")
# What is different in every run by design, or says where something lies, comes after what was chosen.
_DULL = re.compile(
    r"(^|[._])(seed|random_state|path|dir|file|folder|root|url|output|workers|num_workers|device)$",
    re.IGNORECASE,
)
_HELD_OUT = ("val", "test", "eval", "dev")
_RESULTS = ("loss", "acc", "error", "f1", "auc", "reward")
_MACHINE = "system/"
_FEW = 2000
_MOST_CELLS = 1_000_000
"""Up to so many values of metrics, those of just these experiments are looked up."""


def telling(backend: Backend, question: Question, *, metrics: int = MOST_METRICS) -> Telling:
    """What tells most about the experiments that a question is about; every one of them is looked at.

    Args:
        metrics: At most so many metrics.
    """
    wanted = tuple(Wanted(parse_field(one)) for one in _SECTIONS)
    found = backend.select(
        msgspec.structs.replace(question, columns=wanted, group=(), limit=None, offset=0)
    )
    count = len(found.ids)
    settings = [fact for column in found.columns for fact in _facts(column)]
    shadowed = {one.name for one in settings if one.section == "params"}
    settings = [one for one in settings if one.section != "config" or one.name not in shadowed]
    settings.sort(key=lambda one: _rank(one, count))
    names, whole = _metrics(backend, question, count)
    goals = GoalsOf(backend).now()
    places = _places(backend, question) if any(one.project for one in goals) else []
    known = [
        FieldFact(
            field=written("metrics", name),
            section="metrics",
            name=name,
            experiments=experiments,
            better=_better(goals, name, places),
        )
        for name, experiments in names.items()
    ]
    known.sort(key=lambda one: (one.name.startswith(_MACHINE), -one.experiments, _dullness(one.name)))  # fmt: skip
    best = known[0].name if known and not known[0].name.startswith(_MACHINE) else None
    if (main := goals.main(names, places)) is not None:
        best = main
        known.sort(key=lambda one: one.name != main)
    told = (*settings, *known[:metrics])
    return Telling(experiments=count, fields=told, headline=best, metrics=len(known), whole=whole)


def _metrics(backend: Backend, question: Question, count: int) -> tuple[dict[str, int], bool]:
    """The metrics of the experiments, and how many of them have each; and whether they are those of the whole store instead."""
    names = backend.names(NamesQuestion(kind="metric", counts=True, now=question.now))
    every = backend.select(Question(limit=0, total=True, now=question.now)).total or 0
    all_of_them = {one.name: one.count or 0 for one in names}
    if count == every:
        return all_of_them, False
    # Of more experiments than these, whole columns are read.
    if (count if count <= _FEW else every) * len(names) > _MOST_CELLS:
        return all_of_them, True
    wanted = (Wanted(parse_field("metrics")),)
    found = backend.select(
        msgspec.structs.replace(question, columns=wanted, group=(), limit=None, offset=0)
    )
    counted = {
        column.name.partition(".")[2]: sum(one is not None for one in column.values)
        for column in found.columns
    }
    return {name: number for name, number in counted.items() if number}, False


def _places(backend: Backend, question: Question) -> list[str]:
    """The prefixes of the experiments: a project's goals are those of its experiments."""
    wanted = (Wanted(parse_field("prefix")),)
    asked = msgspec.structs.replace(question, columns=wanted, group=(), limit=None, offset=0)
    return [str(one) for one in backend.select(asked).columns[0].values]


def _better(goals: Goals, metric: str, places: Sequence[str]) -> Literal["min", "max"] | None:
    try:
        return goals.known(metric, places)
    except InvalidValue:  # the projects say different things
        return None


def _facts(column: Column) -> Iterable[FieldFact]:
    """What one column of the answer says; the column of tags has all of them."""
    if column.name == "tags":
        values: dict[str, list[Any]] = {}
        for tags in column.values:
            for name, value in (tags or {}).items():
                values.setdefault(name, []).append(True if value is None else value)
        for name, given in values.items():
            yield _fact("tags", name, given)
        return
    section, _, name = column.name.partition(".")
    yield _fact(section, name, [one for one in column.values if one is not None])


def _fact(section: str, name: str, given: Sequence[Any]) -> FieldFact:
    texts = Counter(map(repr, given))
    only = given[0] if len(texts) == 1 else None
    if not isinstance(only, (str, int, float, bool)):
        only = None if only is None else repr(only)
    return FieldFact(
        field=written(section, name),
        section=section,  # type: ignore[arg-type]  # the answer has the sections asked for
        name=name,
        experiments=len(given),
        values=len(texts),
        only=only,
    )


def _rank(one: FieldFact, count: int) -> tuple[bool, bool, bool, bool]:
    return (
        one.section == "tags",
        one.values < 2,
        bool(_DULL.search(one.name)),
        one.experiments < count / 2,
    )


def _dullness(name: str) -> tuple[int, str]:
    """Results on held-out data come first, then losses and accuracies, then the rest."""
    lower = name.lower()
    held_out = any(word in lower for word in _HELD_OUT)
    result = any(word in lower for word in _RESULTS)
    dull = any(word in lower for word in ("epoch", "lr", "time", "step", "learning_rate"))
    return 4 * dull - 2 * result - held_out, name
