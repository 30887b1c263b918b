"""Runs found by the index: the conditions of `translate.filters`, asked of a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anew
from anew.errors import QueryError

from ...places import safe_segment
from ..translate.filters import (
    Bounds,
    Clause,
    Expression,
    all_of,
    compiled,
    is_own_summary,
    of_project,
    sort_fields,
    unsure,
)
from .errors import UsageError
from .filters import condition, known_filters, order_of, sort_key
from .plain import warn_once

__all__ = ["runs_of", "select"]


def runs_of(store: anew.Store, project: str) -> Sequence[Any]:
    """The experiments of a project that are runs, oldest first."""
    return store.search(_of_project(project), sort="created_at", reproductions=True)


def _of_project(project: str) -> Expression:
    """The runs of a project; those without an owner belong to every entity."""
    entity, _, name = project.rpartition("/")
    names = dict.fromkeys((name, safe_segment(name)))  # one that no folder can have is mended
    return of_project(names, (entity, safe_segment(entity)) if entity else None)


def select(
    store: anew.Store,
    project: str,
    filters: Mapping[str, Any],
    order: str,
    run_of: Callable[[Any], Any],
) -> list[Any]:
    """The runs of a project that meet the filters, in order.

    The index finds them, but for those that only their record can tell.

    Args:
        run_of: Makes a run of an experiment, as `Api` shows it.

    Raises:
        UsageError: The index does not know a pattern.
    """
    meant = compiled(known_filters(filters))
    if meant.sure is False and meant.possible is True:
        warn_once(
            f"The index cannot answer any part of this filter, so every run of {project!r} is checked: "
            f"{dict(filters)!r:.200}.",
            5,
        )
    scope = _of_project(project)
    bounds = all_of([Bounds(scope, scope), meant])
    fields = sort_fields(*sort_key(order))
    if fields is not None and fields[0] not in ("created_at", "-created_at"):
        own = all_of([bounds, Bounds(is_own_summary(), is_own_summary())])
        if _found(store, own.possible, limit=1):
            fields = None  # the index does not know what to sort these by
    found = [run_of(view) for view in _found(store, bounds.sure, fields)]
    meets = condition(filters)
    looked_at = map(run_of, _found(store, unsure(bounds)))
    doubtful = [run for run in looked_at if meets(run)]
    if fields is not None and not doubtful:
        return found
    oldest_first = sorted([*found, *doubtful], key=lambda run: run.native.created_at)
    return order_of(order)(oldest_first)


def _found(
    store: anew.Store, clause: Clause, sort: list[str] | None = None, limit: int | None = None
) -> Sequence[Any]:
    if isinstance(clause, bool):
        return []  # what is always true is not asked for: a project is a condition, too
    try:
        return store.search(clause, sort=sort or "created_at", limit=limit, reproductions=True)
    except QueryError as error:
        if sort is not None:  # by a metric that no experiment has
            return _found(store, clause, None, limit)
        raise UsageError(f"The index cannot answer this filter: {error}") from error
