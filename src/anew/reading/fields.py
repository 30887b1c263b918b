"""A field of experiments at hand by the name it has in filters, short names too: `lr`, `config.width`, `val/acc.max`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast

from ..errors import InvalidValue, QueryError
from ..query.fields import SECTIONS, Fact, Labels, Metric, Param, Target, resolve
from ..query.question import NamesQuestion, ask, parse_field
from ..query.short_names import Preferred
from ..query.syntax import Field, Part
from ..record.inputs import inputs_of
from .backend import Backend

if TYPE_CHECKING:
    from .views import ExperimentView

__all__ = ["NamesIn", "field_of", "kind_of", "settings_of", "value_of", "values_of"]


def settings_of(experiment: ExperimentView) -> dict[str, Any]:
    """The configuration and the parameters by dotted key; a parameter takes the place of the key of its name."""
    config = experiment.config
    return {**(config.flat() if config is not None else {}), **experiment.params.flat()}


def field_of(
    experiments: Sequence[ExperimentView],
    text: str,
    *,
    among: Backend | None = None,
    prefer: Preferred | None = None,
) -> Target:
    """What a field is of these experiments.

    Args:
        among: Where to look for a name that none of them has; without it, such a name is an error.
        prefer: What a name without a section is taken for first.

    Raises:
        QueryError: There is no such field, none of the experiments has such a name, or a short one can mean several.
        InvalidValue: It is no name at all.
    """
    if not text.strip(". "):
        raise InvalidValue(
            f"{text!r} is not a field. Name fields as in filters: lr, val/acc, params.lr, status.",
            key=text,
        )
    field = _field(text)
    try:
        return resolve(field, _NamesHere(experiments), text, prefer=prefer)
    except QueryError:
        if among is None:
            raise
    return resolve(field, NamesIn(among), text, prefer=prefer)


def _field(text: str) -> Field:
    """A field as it is written in filters; where it cannot be one there, what is after its section is taken as it is."""
    try:
        return parse_field(text)
    except QueryError:
        section, dot, name = text.partition(".")
        if not (dot and section in SECTIONS):
            return Field((Part(text, True, 0),), text, 0)
        return Field((Part(section, False, 0), Part(name, True, 0)), text, 0)


def values_of(
    experiments: Sequence[ExperimentView],
    field: str | Target,
    *,
    prefer: Preferred | None = None,
) -> list[Any]:
    """The values of a field, None where an experiment has none.

    Raises:
        QueryError, InvalidValue: As `field_of`.
    """
    target = field_of(experiments, field, prefer=prefer) if isinstance(field, str) else field
    return [value_of(one, target) for one in experiments]


def value_of(experiment: ExperimentView, target: Target) -> Any:
    """The value that an experiment has of a field; True for a plain tag."""
    match target:
        case Fact("duration", _):
            return experiment.duration
        case Fact(column, _):
            facts = experiment.facts
            value = facts.id if column == "experiment_id" else getattr(facts, column)
            return str(value) if column == "status" else value
        case Metric(name, stat):
            if name not in experiment.metrics:
                return None
            return getattr(experiment.metrics[name], "last_step" if stat == "step" else stat)
        case Param("param", name):
            return experiment.params.flat().get(name)
        case Param("config", name):
            config = experiment.config
            return None if config is None else config.flat().get(name)
        case Param(_, name):
            return settings_of(experiment).get(name)
        case Labels("input"):
            state = experiment.facts.state
            return [one.name for one in inputs_of(state)] or None if state else None
        case Labels("file"):
            return [one.name for one in experiment.files] or None
        case Labels(kind):
            return list(experiment.tags if kind == "tag" else experiment.bindrs) or None
        case _:
            tags = experiment.tags
            return (tags[target.name] or True) if target.name in tags else None


def kind_of(
    target: Target,
) -> Literal["status", "time", "duration", "tags", "metric", "other"]:
    """What the values of a field are, for who shows them."""
    match target:
        case Fact(_, "status" | "time" | "duration" as kind):
            return kind
        case Labels("tag"):
            return "tags"
        case Metric():
            return "metric"
        case _:
            return "other"


class _NamesHere:
    """`KnownNames` of experiments at hand."""

    def __init__(self, experiments: Sequence[ExperimentView]) -> None:
        self._experiments = experiments
        self._known: dict[str, dict[str, None]] = {}

    @property
    def empty(self) -> bool:
        return not self._experiments

    def _of(self, kind: str) -> Mapping[str, None]:
        if kind not in self._known:
            names: dict[str, None] = {}
            for one in self._experiments:
                names.update(dict.fromkeys(_names(one, kind)))
            self._known[kind] = names
        return self._known[kind]

    def has(self, kind: str, name: str) -> bool:
        return name in self._of(kind)

    def all(self, kind: str) -> Sequence[str]:
        return sorted(self._of(kind))

    def holds(self, kind: str, name: str) -> tuple[bool, bool]:
        return True, True  # nothing is compared with a value here


def _names(one: ExperimentView, kind: str) -> Sequence[str]:
    if kind == "metric":
        return list(one.metrics)
    if kind == "param":
        return list(one.params.flat())
    if kind == "config":
        return [] if one.config is None else list(one.config.flat())
    return list(one.tags) if kind == "tag" else one.bindrs


class NamesIn:
    """`KnownNames` of everything that a backend has."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[str, frozenset[str]] = {}

    @cached_property
    def empty(self) -> bool:
        """See `KnownNames.empty`."""
        return not self._backend.select(ask(limit=1, now=time.time())).ids

    def has(self, kind: str, name: str) -> bool:
        """See `KnownNames.has`."""
        if kind not in self._known:
            asked = cast(Literal["param", "config", "metric", "tag", "bindr"], kind)
            found = self._backend.names(NamesQuestion(kind=asked, now=time.time()))
            self._known[kind] = frozenset(one.name for one in found)
        return name in self._known[kind]

    def all(self, kind: str) -> Sequence[str]:
        """See `KnownNames.all`."""
        self.has(kind, "")
        return sorted(self._known[kind])

    def holds(self, kind: str, name: str) -> tuple[bool, bool]:
        """See `KnownNames.holds`."""
        return True, True  # nothing is compared with a value here
