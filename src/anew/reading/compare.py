"""Questions about several experiments: compared, the best of them, where two part."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal

from ..errors import Ambiguous, InvalidValue, NotFound
from ..query.difference import first_part
from ..query.points import PointsQuestion
from ..query.question import NamesQuestion, Wanted, ask, parse_field
from ..query.references import Resolved
from ..query.short_names import ending
from ..query.suggest import nearest, one_of
from ..record.fold import ExperimentState
from ..record.plain import flatten, from_plain
from ..record.status import Status
from .backend import Backend
from .goals import Goals, Mode, check_mode
from .history import History, Series
from .joining import attempts_of, continued
from .results import Comparison, Difference, Summary
from .source import Source
from .upkeep import Trashed
from .views import ExperimentView

__all__ = [
    "chosen_metrics",
    "compare",
    "differences",
    "full_name",
    "history",
    "in_trash",
    "meant",
    "summary",
    "unlogged",
]

Attempts = Literal["joined", "each"]
_SHOWN = 8
_SYSTEM = "system/"


def compare(
    views: Sequence[ExperimentView],
    metrics: str | Sequence[str] | None,
    mode: Mode | None,
    goals: Goals,
) -> Comparison:
    """See `Store.compare`."""
    names = chosen_metrics(views, metrics)
    places = {name: [view.prefix for view in views if name in view.metrics] for name in names}
    modes = {name: check_mode(mode, name, goals, places[name]) for name in names}
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
    states = [view.facts.state or ExperimentState() for view in views]
    params = [flatten(state.params) for state in states]
    config = [flatten(state.config or {}) for state in states]
    # A parameter and a configuration key of one name are one thing, which is compared once.
    either = [{**theirs, **own} for theirs, own in zip(config, params, strict=True)]
    is_param = {name for one in params for name in one}
    differing = _differing(views, either)
    return Comparison(
        facts,
        values,
        {name: by_id for name, by_id in differing.items() if name in is_param},
        {name: by_id for name, by_id in differing.items() if name not in is_param},
        modes,
        frozenset(
            name for name in names if mode is None and goals.known(name, places[name]) is None
        ),
    )


def _differing(
    views: Sequence[ExperimentView], flat: Sequence[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """By dotted key, the values of those keys that are not the same in all."""
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
        raise ValueError(f"rtol and atol must be 0 or more, not {rtol} and {atol}.")
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


def summary(backend: Backend) -> Summary:
    """See `Store.summary`."""
    now = time.time()
    sums = [
        Wanted(parse_field(field), "sum") for field in ("point_count", "file_count", "file_bytes")
    ]
    by_status = {status.value: 0 for status in Status}
    groups = backend.select(ask(group=["status"], columns=sums, now=now))
    statuses, counts, points, files, sizes = (column.values for column in groups.columns)
    by_status.update(zip(statuses, counts, strict=True))

    def distinct(field: str) -> list[str]:
        question = NamesQuestion(kind="value", field=parse_field(field), now=now)
        return sorted(str(one.value) for one in backend.names(question) if one.value is not None)

    return Summary(
        total=sum(counts),
        by_status=by_status,
        names=len(distinct("name")),
        projects=distinct("project"),
        owners=distinct("owner"),
        branches=distinct("git.branch"),
        metric_names=len(backend.names(NamesQuestion(kind="metric", now=now))),
        points=int(sum(points)),
        files=int(sum(files)),
        bytes=int(sum(sizes)),
    )


def meant(resolved: Resolved) -> str:
    """The id that a text means.

    Raises:
        NotFound: It means none; `.nearest` are likely meanings.
        Ambiguous: It means several; `.candidates` are their ids.
    """
    if resolved.id is not None:
        return resolved.id
    text = resolved.ref.strip()
    if resolved.candidates:
        shown = ", ".join(f"{one.id} ({one.prefix})" for one in resolved.candidates[:_SHOWN])
        more = ", …" if len(resolved.candidates) > _SHOWN else ""
        what = (
            f"Several experiments have the name {text!r}"
            if resolved.by == "name"
            else f"Several ids start with {text!r}"
        )
        raise Ambiguous(
            f"{what}: {shown}{more}. Give more of the id, or the prefix.",
            candidates=[one.id for one in resolved.candidates[:_SHOWN]],
        )
    if resolved.moved:
        hint = f" What lay below it was moved to {resolved.moved!r}."
    elif resolved.nearest:
        hint = f" Did you mean {one_of(resolved.nearest)}?"
    elif resolved.empty:
        hint = " The store has no experiments yet."
    else:
        hint = " List the experiments with `store.list()` or `anew list`."
    raise NotFound(
        f"There is no experiment {text!r}.{hint}", name=text, nearest=list(resolved.nearest)
    )


def chosen_metrics(
    views: Sequence[ExperimentView], metrics: str | Iterable[str] | None
) -> list[str]:
    """The metrics meant by names and patterns, of those that any of the experiments logged.

    Raises:
        NotFound: None of them logged one that was named, or one that fits a pattern.
    """
    known: dict[str, None] = {}
    for view in views:
        known.update(dict.fromkeys(view.metrics))
    if metrics is None:
        return sorted(name for name in known if not name.startswith(_SYSTEM))
    chosen: dict[str, None] = {}
    for wanted in [metrics] if isinstance(metrics, str) else metrics:
        if wanted in known:
            chosen[wanted] = None
            continue
        fitting = sorted(name for name in known if fnmatchcase(name, wanted))
        if not fitting and (short := full_name(wanted, known)) is not None:
            fitting = [short]
        if not fitting:
            near = nearest(wanted, known)
            hint = f" Did you mean {one_of(map(repr, near))}?" if near else ""
            which = "The experiment has" if len(views) == 1 else "None of the experiments has"
            no = "no" if len(views) == 1 else "a"
            raise NotFound(f"{which} {no} metric {wanted!r}.{hint}", name=wanted, nearest=near)
        chosen.update(dict.fromkeys(fitting))
    return list(chosen)


def history(
    source: Source,
    views: Sequence[ExperimentView],
    metrics: str | Iterable[str] | None,
    *,
    points: int | None = None,
    start: int | None = None,
    stop: int | None = None,
    metadata: bool = False,
    attempts: Attempts | None = None,
) -> History:
    """See `Store.history`."""
    chosen = chosen_metrics(views, metrics)
    if attempts not in (None, "joined", "each"):
        raise InvalidValue(
            f"attempts must be 'joined' or 'each', not {attempts!r}.", key="attempts"
        )
    names = {view.id: view.name for view in views}
    if not chosen:
        return History(())
    question = PointsQuestion(
        ids=tuple(view.id for view in views),
        metrics=tuple(chosen),
        points=None if attempts else points,  # what is thinned out before may lack what counts
        start=start,
        stop=stop,
        metadata=metadata,
    )
    found = [Series.of(one) for one in source.series(question)]
    if attempts:
        starts = {view.id: [one.started_at for one in view.openings] for view in views}
        found = [
            one.thinned(points)
            for series in found
            for one in _by_attempts(series, starts[series.experiment_id], attempts)
        ]
    return History(found, names)


def _by_attempts(series: Series, starts: Sequence[float], attempts: Attempts) -> list[Series]:
    if len(starts) < 2:
        return attempts_of(series, starts) if attempts == "each" else [series]
    return attempts_of(series, starts) if attempts == "each" else [continued(series, starts)]


def in_trash(ref: str, items: Sequence[Trashed]) -> Trashed:
    """What is meant in the trash by an id, the start of one, a prefix or a name.

    Raises:
        NotFound: None goes by that.
        Ambiguous: Several do.
    """
    text = ref.strip().strip("/")
    for meets in (
        [one for one in items if text in (one.id, one.prefix)],
        [one for one in items if text and one.id.startswith(text)],
        [one for one in items if one.name == text],
    ):
        found = {one.id: one for one in meets}
        if len(found) == 1:
            return meets[0]
        if found:
            shown = ", ".join(f"{one.id} ({one.prefix})" for one in meets[:8])
            raise Ambiguous(
                f"{ref!r} matches several experiments in the trash: {shown}.",
                candidates=list(found),
            )
    near = nearest(text, [word for one in items for word in (one.id, one.prefix)])
    hint = f" Did you mean {one_of(near)}?" if near else " The trash is empty." if not items else ""
    raise NotFound(f"There is no experiment {ref!r} in the trash.{hint}", name=ref, nearest=near)


def full_name(short: str, known: Iterable[str]) -> str | None:
    """The metric that a short name such as `acc` means; None where none ends in it.

    Raises:
        Ambiguous: Several do.
    """
    found = ending(short, known)
    if len(found) > 1:
        raise Ambiguous(
            f"{short!r} can mean {one_of(map(repr, sorted(found)[:_SHOWN]))}. Give the whole name.",
            candidates=sorted(found),
        )
    return found[0] if found else None


def unlogged(metric: str, known: Sequence[str]) -> NotFound:
    """The error for a metric that no experiment ever logged."""
    near = nearest(metric, known)
    hint = f" Did you mean {one_of(map(repr, near))}?" if near else ""
    return NotFound(
        f"No experiment ever logged a metric {metric!r}.{hint}", name=metric, nearest=near
    )
