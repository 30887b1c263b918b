"""Finding runs: MLflow's filters and orders as one question to the backend, which answers it a page at a time."""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from ....errors import QueryError
from ....query.question import Question, SortKey
from ....query.syntax import Expression
from ....reading.backend import Backend
from ....record.facts import ExperimentFacts
from ..translate import question
from ..translate.filters import Condition, FilterMistake, Order, parse_filter, parse_order
from .answers import RunAnswer
from .problems import invalid
from .reading import Reader

__all__ = ["RUN_FIELDS", "Page", "find", "page_of", "read_conditions", "read_order", "token_of", "values_of"]  # fmt: skip

RUN_FIELDS = ("run_id", "run_name", "status", "artifact_uri", "user_id", "start_time", "end_time")
_STEP = 200
"""Experiments that are looked at together, where a condition cannot be said exactly."""


class Page(msgspec.Struct, frozen=True):
    """Where a page begins.

    Attributes:
        offset: How many are left out.
        trash: Whether it goes on among those that were deleted.
    """

    offset: int = 0
    trash: bool = False


def token_of(page: Page) -> str:
    """A page as the text that its client sends back."""
    return urlsafe_b64encode(msgspec.json.encode(page)).decode()


def page_of(token: str | None) -> Page:
    """The page that a client asks for.

    Raises:
        MlflowProblem: The token is not from an answer.
    """
    if not token:
        return Page()
    try:
        found = msgspec.json.decode(urlsafe_b64decode(token.encode()), type=Page)
    except (ValueError, msgspec.DecodeError):
        found = Page(-1)
    if not 0 <= found.offset < 1 << 53:
        raise invalid(f"Invalid page token: {token!r:.80} is not from an answer of this server.")
    return found


def read_conditions(text: str | None, attributes: Sequence[str]) -> tuple[Condition, ...]:
    """The conditions of a filter.

    Raises:
        MlflowProblem: It cannot be read.
    """
    try:
        return parse_filter(text, attributes)
    except FilterMistake as mistake:
        raise invalid(str(mistake)) from None


def read_order(clauses: Iterable[str] | None, attributes: Sequence[str]) -> tuple[Order, ...]:
    """The fields of an order.

    Raises:
        MlflowProblem: It cannot be read.
    """
    try:
        return parse_order(clauses, attributes)
    except FilterMistake as mistake:
        raise invalid(str(mistake)) from None


def values_of(run: RunAnswer, entity: str, name: str) -> list[Any]:
    """The values of a field of a run; none if it has none."""
    if entity == "attribute":
        value = getattr(run.info, name)
        return [] if value is None else [value]
    if entity == "dataset":
        read = run.inputs.dataset_inputs
        if name == "context":
            return [t.value for one in read for t in one.tags if t.key == "mlflow.data.context"]
        return [getattr(one.dataset, name) for one in read]
    if entity == "metric":
        return [float(one.value) for one in run.data.metrics if one.key == name]
    held = run.data.params if entity == "param" else run.data.tags
    return [one.value for one in held if one.key == name]


class _Asked(NamedTuple):
    """A question in the words of the backend, and what it cannot be asked."""

    expression: Expression | None
    exact: bool
    left: tuple[Condition, ...]


def _asked(scope: question.Asked, conditions: Iterable[Condition]) -> _Asked:
    said = {one: _said(one) for one in map(_hashable, conditions)}
    whole = question.all_of([scope, *said.values()])
    return _Asked(whole.expression, whole.exact, tuple(one for one in said if not said[one].exact))


def _said(condition: Condition) -> question.Asked:
    """A condition, where some facts of a run that came through a server lie elsewhere than a dialect's."""
    if condition.entity == "attribute" and condition.name == "start_time":
        return question.started(condition)
    if condition.entity == "attribute" and condition.name == "user_id":
        return question.by_user(condition)
    return question.asked(condition)


def _hashable(condition: Condition) -> Condition:
    entity, name, sign, value = condition
    return Condition(entity, name, sign, tuple(value) if isinstance(value, list) else value)


def find(
    backend: Backend,
    scope: question.Asked,
    conditions: Sequence[Condition],
    order: Sequence[Order],
    answer: Callable[[ExperimentFacts], RunAnswer | None],
    offset: int,
    limit: int,
) -> tuple[list[RunAnswer], int | None]:
    """A page of the runs that meet conditions, and the offset at which the next page begins, if there is one.

    The backend answers the conditions, the order and the page. What of a condition it cannot be asked (MLflow compares texts where
    a parameter may be a number) is asked of those that meet the rest, some at a time, until the page is full.

    Args:
        answer: The run of an experiment; None for one that is none of those asked for.
    """
    asked = _asked(scope, conditions)
    reader = Reader(backend)
    keys = _keys(backend, order)
    found: list[RunAnswer] = []
    # One more than asked for says whether there is a next page.
    step = limit + 1 if asked.exact else max(_STEP, limit + 1)
    at = offset
    while True:
        chosen = backend.select(
            Question(filter=asked.expression, sort=keys, limit=step, offset=at, now=time.time())
        )
        ids = chosen.ids[:limit] if asked.exact else chosen.ids
        by_id = {one.id: one for one in reader.several(ids, "state", "metrics")}
        for place, id_ in enumerate(ids):
            facts = by_id.get(id_)
            run = None if facts is None else answer(facts)
            if run is None or not all(
                c.holds(values_of(run, c.entity, c.name)) for c in asked.left
            ):
                continue
            if len(found) == limit:
                return found, at + place
            found.append(run)
        if asked.exact:
            return found, at + limit if len(chosen.ids) > limit else None
        if len(chosen.ids) < step:
            return found, None
        at += step


_NEWEST = (
    SortKey(question.sorted_by("attribute", "start_time"), True),
    SortKey(question.sorted_by("attribute", "run_id")),
)


def _keys(backend: Backend, order: Sequence[Order]) -> tuple[SortKey, ...]:
    """What to sort by, without names that no run has: these say nothing about the order."""
    keys = []
    for one in order:
        key = SortKey(question.sorted_by(one.entity, one.name), one.descending)
        if one.entity != "attribute":
            try:
                backend.select(Question(sort=(key,), limit=0, now=time.time()))
            except QueryError:
                continue
        keys.append(key)
    return (*keys, *_NEWEST)
