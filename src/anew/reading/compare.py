"""Questions about several experiments: compared, the best of them, where two part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Connection, func, select

from ..errors import Ambiguous, InvalidValue, NotFound
from ..query.difference import first_part
from ..query.direction import direction
from ..query.suggest import nearest, one_of
from ..record.plain import flatten, from_plain
from ..record.status import Status
from ..stores.catalog.sqlite import schema
from .history import History
from .reader import chosen_metrics
from .results import Comparison, Difference, Summary
from .views import ExperimentView

__all__ = ["Mode", "check_mode", "compare", "differences", "in_trash", "summary", "unlogged"]

Mode = Literal["min", "max"]


def check_mode(mode: Mode | None, metric: str) -> Mode:
    """The mode given, or the one that the metric's name suggests.

    Raises:
        InvalidValue: It is neither "min" nor "max".
    """
    if mode is None:
        return direction(metric)
    if mode not in ("min", "max"):
        raise InvalidValue(f"mode is 'min' or 'max', not {mode!r}.", key="mode")
    return mode


def compare(
    views: Sequence[ExperimentView],
    metrics: str | Sequence[str] | None,
    mode: Mode | None,
) -> Comparison:
    """See `Store.compare`."""
    names = chosen_metrics(views, metrics)
    modes = {name: check_mode(mode, name) for name in names}
    values: dict[str, dict[str, dict[str, Any]]] = {}
    for name in names:
        values[name] = {}
        for view in views:
            if name in view.metrics:
                metric = view.metrics[name]
                values[name][view.id] = {
                    "best": metric.best(modes[name]),
                    "best_step": metric.best_step(modes[name]),
                    "latest": metric.last,
                    "first": metric.first,
                    "count": metric.count,
                }
    facts = [
        {
            "id": view.id,
            "name": view.name,
            "prefix": view.prefix,
            "status": str(view.status),
            "duration": view.duration,
            "created_at": view.created_at,
        }
        for view in views
    ]
    params = _differing(views, [view._state.params for view in views])
    config = _differing(views, [view._state.config or {} for view in views])
    return Comparison(facts, values, params, config, modes)


def _differing(
    views: Sequence[ExperimentView], nested: Sequence[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """By dotted key, the values of those keys that are not the same in all."""
    flat = [flatten(one) for one in nested]
    found = {}
    for name in sorted({name for one in flat for name in one}):
        values = [one.get(name) for one in flat]
        # Types count: True is not 1 and 1 is not 1.0 in a configuration. A NaN is a tagged mapping here,
        # so it equals itself.
        if any(type(v) is not type(values[0]) or v != values[0] for v in values[1:]) or any(
            (name in one) != (name in flat[0]) for one in flat
        ):
            pairs = zip(views, values, strict=True)
            found[name] = {view.id: from_plain(value) for view, value in pairs}
    return found


def differences(
    a: ExperimentView,
    b: ExperimentView,
    rtol: float,
    atol: float,
    history: History,
    names: Sequence[str],
) -> list[Difference]:
    """See `Store.first_difference`; `history` has all series of both that are named."""
    if rtol < 0 or atol < 0:
        raise ValueError(f"rtol and atol are 0 or more, not {rtol} and {atol}.")
    found: list[Difference] = []
    for name in names:
        one, other = history.get(a.id, name), history.get(b.id, name)
        counts = (len(one) if one else 0, len(other) if other else 0)
        if one is None or other is None:
            found.append(Difference(name, "missing", None, None, None, None, *counts))
            continue
        part = first_part(one.steps, one.values, other.steps, other.values, rtol, atol)
        if part is not None:
            found.append(Difference(name, part.kind, part.step, part.row, part.a, part.b, *counts))
    return sorted(found, key=lambda d: (d.step is None, d.step or 0, d.metric))


def summary(connection: Connection) -> Summary:
    """See `Store.summary`."""
    e, n = schema.experiments.c, schema.names.c
    by_status = {status.value: 0 for status in Status}
    by_status.update(
        {
            row[0]: row[1]
            for row in connection.execute(select(e.status, func.count()).group_by(e.status))
        }
    )
    sums = connection.execute(
        select(
            func.count(),
            func.count(e.name.distinct()),
            func.coalesce(func.sum(e.point_count), 0),
            func.coalesce(func.sum(e.file_count), 0),
            func.coalesce(func.sum(e.file_bytes), 0),
        )
    ).one()

    def distinct(column: Any) -> list[str]:
        query = select(column).where(column.is_not(None)).distinct().order_by(column)
        return list(connection.scalars(query))

    metric_names = connection.scalar(select(func.count()).where(n.kind == "metric"))
    return Summary(
        total=sums[0],
        by_status=by_status,
        names=sums[1],
        projects=distinct(e.project),
        owners=distinct(e.owner),
        branches=distinct(e.git_branch),
        metric_names=int(metric_names or 0),
        points=int(sums[2]),
        files=int(sums[3]),
        bytes=int(sums[4]),
    )


def in_trash(ref: str, items: Sequence[tuple[str, str, str]]) -> str:
    """The id meant by an id, the start of one, a prefix or a name, of `(id, prefix, name)` in the trash.

    Raises:
        NotFound: None goes by that.
        Ambiguous: Several do.
    """
    text = ref.strip().strip("/")
    for meets in (
        [one for one in items if text in one[:2]],
        [one for one in items if text and one[0].startswith(text)],
        [one for one in items if one[2] == text],
    ):
        ids = list(dict.fromkeys(one[0] for one in meets))
        if len(ids) == 1:
            return ids[0]
        if ids:
            shown = ", ".join(f"{one[0]} ({one[1]})" for one in meets[:8])
            raise Ambiguous(f"{ref!r} may be several in the trash: {shown}.", candidates=ids)
    near = nearest(text, [word for one in items for word in one[:2]])
    hint = f" Did you mean {one_of(near)}?" if near else " The trash is empty." if not items else ""
    raise NotFound(f"There is no experiment {ref!r} in the trash.{hint}", name=ref, nearest=near)


def unlogged(metric: str, known: Sequence[str]) -> NotFound:
    """The error for a metric that no experiment ever logged."""
    near = nearest(metric, known)
    hint = f" Did you mean {one_of(map(repr, near))}?" if near else ""
    return NotFound(
        f"No experiment ever logged a metric {metric!r}.{hint}", name=metric, nearest=near
    )
