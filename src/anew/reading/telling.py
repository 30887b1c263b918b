"""Which fields tell most about experiments: those that differ, and the metric that says how good they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from ..errors import InvalidValue
from ..query.fields import written
from ..query.question import Name, NamesQuestion, Question, SettingKind, Wanted, parse_field
from ..query.telling import MOST_METRICS, FieldFact, Telling
from .backend import Backend
from .goals import Goals, GoalsOf

__all__ = ["telling"]

_SECTIONS: dict[SettingKind, Literal["params", "config", "tags"]] = {
    "param": "params", "config": "config", "tag": "tags",
}  # fmt: skip
# What is different in every run by design, or says where something lies, comes after what was chosen.
_DULL = re.compile(
    r"(^|[._])(seed|random_state|path|dir|file|folder|root|url|output|workers|num_workers|device)$",
    re.IGNORECASE,
)
# Of ten thousand names, each is looked at.
_HELD_OUT = re.compile("val|test|dev").search
_RESULT = re.compile("loss|acc|error|f1|auc|reward").search
_COURSE = re.compile("epoch|lr|time|step|learning_rate").search
_MACHINE = "system/"
_FEW = 2000
_MOST_LOOKED_UP = 1_000_000
"""Up to so many values of metrics are those of few experiments looked up."""
_MOST_CELLS = 5_000_000
"""Up to so many values of metrics are read to count those of many."""


def telling(backend: Backend, question: Question, *, metrics: int = MOST_METRICS) -> Telling:
    """What tells most about the experiments that a question is about; every one of them is looked at.

    Args:
        metrics: At most so many metrics.
    """
    among = msgspec.structs.replace(
        question, columns=(), sort=(), group=(), limit=None, offset=0, total=False
    )
    count = _count(backend, among)
    found = backend.names(NamesQuestion(kind="setting", among=among, now=question.now))
    settings = [_fact(one) for one in found]
    shadowed = {one.name for one in settings if one.section == "params"}
    settings = [one for one in settings if one.section != "config" or one.name not in shadowed]
    settings.sort(key=lambda one: _rank(one, count))
    names, whole = _metrics(backend, among, count)
    goals = GoalsOf(backend).now()
    places = _places(backend, question) if any(one.project for one in goals) else []
    order = sorted(
        names, key=lambda name: (name.startswith(_MACHINE), -names[name], _dullness(name))
    )
    best = order[0] if order and not order[0].startswith(_MACHINE) else None
    if (main := goals.main(names, places)) is not None:
        best = main
        order.sort(key=lambda name: name != main)
    known = [  # of a model with ten thousand layers, most are not told
        FieldFact(
            field=written("metrics", name),
            section="metrics",
            name=name,
            experiments=names[name],
            better=_better(goals, name, places),
        )
        for name in order[:metrics]
    ]
    told = (*settings, *known)
    return Telling(experiments=count, fields=told, headline=best, metrics=len(order), whole=whole)


def _count(backend: Backend, question: Question) -> int:
    return backend.select(msgspec.structs.replace(question, limit=0, total=True)).total or 0


def _metrics(backend: Backend, among: Question, count: int) -> tuple[dict[str, int], bool]:
    """The metrics of the experiments, and how many of them have each; and whether they are those of the whole store instead."""
    names = backend.names(NamesQuestion(kind="metric", counts=True, now=among.now))
    every = _count(backend, Question(now=among.now))
    all_of_them = {one.name: one.count or 0 for one in names}
    if count == every:
        return all_of_them, False
    # Of many experiments whole columns are read, but none of a metric that all have.
    partial = sum(one < every for one in all_of_them.values())
    few = count <= _FEW
    if count * len(names) > _MOST_LOOKED_UP if few else every * partial > _MOST_CELLS:
        return all_of_them, True
    found = backend.names(NamesQuestion(kind="metric", among=among, now=among.now))
    return {one.name: one.count or 0 for one in found}, False


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


def _fact(one: Name) -> FieldFact:
    section = _SECTIONS[one.kind or "param"]
    return FieldFact(
        field=written(section, one.name),
        section=section,
        name=one.name,
        experiments=one.count or 0,
        values=one.values or 0,
        only=one.value,
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
    dull, result, held_out = (bool(one(lower)) for one in (_COURSE, _RESULT, _HELD_OUT))
    return 4 * dull - 2 * result - held_out, name
