"""The answers of the commands that look, each a function of a store and a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ..errors import InvalidValue, NotFound
from ..models.asking import find_lineage
from . import questions as asked
from .badges import BadgeOptions, badge_document, badge_of
from .difference import DiffOptions, diff_document
from .documents import (
    alert_document,
    experiment_document,
    fact_document,
    file_document,
    fired_document,
    goal_document,
    line_document,
    lineage_document,
    model_document,
    place_of,
    report_document,
    trashed_document,
    usage_document,
    value_document,
    view_document,
)
from .drawing import PlotOptions, charts_of, drawn_of, plot_document
from .kept import opened
from .people import (
    comment_document,
    comments_asked,
    marks_document,
    news_asked,
    news_document,
    preferences_document,
)

if TYPE_CHECKING:
    from ..reading.files import FileView
    from ..reading.history import History
    from ..reading.results import Best
    from ..reading.views import Experiments, ExperimentView
    from ..reading.wide import Wide
    from ..reports.document import Report
    from ..store import Store

__all__ = [
    "ANSWERS",
    "best_document",
    "history_document",
    "history_of",
    "list_document",
    "listed",
    "report_version",
    "show_document",
    "those_of",
    "viewed",
    "watch_document",
    "watched",
]


def listed(store: Store, question: asked.ListOptions) -> Experiments:
    """The experiments of a list."""
    tags = {
        one.partition("=")[0]: one.partition("=")[2] if "=" in one else None for one in question.tag
    }
    return store.list(
        _filter_of(store, question),
        status=list(question.status) or None,
        tags=tags or None,
        name=question.name,
        project=question.project,
        user=question.user,
        sort=question.sort or ("-created_at",),
        limit=question.limit or None,
        offset=question.offset,
        reproductions=question.reproductions,
    )


def _filter_of(store: Store, question: asked.ListOptions) -> str | None:
    return (
        question.filter if question.view is None else viewed(store, question.view, question.filter)
    )


def viewed(store: Store, name: str, filter: str | None = None) -> str | None:
    """The filter of a saved view, one's own first, and a filter that must be met as well.

    Raises:
        NotFound: There is no such view.
    """
    found = [one for one in store.saved_views.list() if one.name == name]
    if not found:
        store.saved_views.get(name)
    nearest = min(found, key=lambda one: (not one.mine, one.project or ""))
    both = [
        text
        for text in (nearest.shows.get("filter"), filter)
        if isinstance(text, str) and text.strip()
    ]
    return " and ".join(f"({text})" for text in both) if len(both) > 1 else "".join(both) or None


def list_document(found: Experiments, offset: int) -> dict[str, Any]:
    """What `list` answers."""
    return {
        "total": found.total,
        "offset": offset,
        "left_out": found.left_out,
        "experiments": [experiment_document(view) for view in found],
    }


def _list(store: Store, question: asked.ListOptions) -> dict[str, Any]:
    if not question.group_by:
        return list_document(listed(store, question), question.offset)
    found = store.groups(
        question.group_by,
        list(question.columns) or None,
        _filter_of(store, question),
        limit=question.limit or None,
        reproductions=question.reproductions,
    )
    return {"total": found.total, "groups": [one.to_dict() for one in found]}


def _best(store: Store, question: asked.BestOptions) -> dict[str, Any]:
    found = store.best(
        question.metric,
        mode=question.mode,
        filter=question.filter,
        status=None if "any" in question.status else list(question.status),
        limit=question.limit,
        reproductions=question.reproductions,
    )
    return best_document(found[:], question.metric, found.left_out)


def best_document(shown: list[Best], metric: str | None, left_out: int) -> dict[str, Any]:
    """What `best` answers."""
    return {
        "metric": shown[0].metric if shown else metric,
        "left_out": left_out,
        "best": [
            {
                "value": one.value,
                "step": one.step,
                "mode": one.mode,
                "experiment": experiment_document(one.experiment),
            }
            for one in shown
        ],
    }


def show_document(view: ExperimentView) -> dict[str, Any]:
    """What `show` answers; what only a machine with its folder knows is for that machine to add."""
    return {
        **view.to_dict(),
        "values": [value_document(one) for one in view.values()],
        "forwarded": [],
        "synced": [],
        "import": None,
    }


def those_of(
    store: Store,
    refs: tuple[str, ...],
    filter: str | None,
    *,
    reproductions: bool = True,
    left_out: Callable[[int], object] = lambda count: None,
) -> list[ExperimentView]:
    """The experiments named and those of the filter, each once, in that order.

    Args:
        reproductions: Whether the filter finds reproductions too.
        left_out: Takes how many of them it left out.

    Raises:
        NotFound: There are none.
        InvalidValue: None are named.
    """
    if not refs and not filter:
        raise InvalidValue("Name experiments, or give a filter.", key="experiments")
    found = {view.id: view for view in (store.get(ref) for ref in refs)}
    if filter:
        fitting = store.list(filter, reproductions=reproductions)
        for view in fitting:
            found.setdefault(view.id, view)
        if not reproductions:
            left_out(fitting.left_out)
    if not found:
        raise NotFound(f"No experiment fits {filter!r}: there is nothing to do.")
    return list(found.values())


def _compare(store: Store, question: asked.CompareOptions) -> dict[str, Any]:
    hidden: list[int] = []
    views = those_of(
        store, question.experiments, question.filter, reproductions=question.reproductions, left_out=hidden.append
    )  # fmt: skip
    found = store.compare(
        [one.id for one in views], list(question.metric) or None, mode=question.mode
    )
    return {**found.to_dict(), "modes": found.modes, "left_out": sum(hidden)}


def history_of(store: Store, question: asked.HistoryOptions) -> History:
    """The points of `history`: of the metrics that are asked for, and of the one to join by."""
    views = those_of(store, question.experiments, question.filter)
    metrics = list(question.metric)
    if metrics and question.on not in ("step", "time"):
        metrics.append(question.on)
    return store.history(
        views, metrics or None, points=question.points or None, start=question.start, stop=question.stop,
        attempts=question.attempts,
    )  # fmt: skip


def history_document(wide: Wide) -> dict[str, Any]:
    """What `history` answers: columns, where null is no value at that place."""
    return {
        "on": wide.on,
        "metrics": wide.metrics,
        "experiments": [
            {
                "id": id_,
                "name": name,
                "at": rows.x.tolist(),
                "step": None if rows.steps is None else rows.steps.tolist(),
                "values": {
                    metric: [
                        value if there else None
                        for value, there in zip(*(one.tolist() for one in column), strict=True)
                    ]
                    for metric, column in rows.columns(wide.metrics)
                },
            }
            for id_, name, rows in wide.each()
        ],
    }


def _history(store: Store, question: asked.HistoryOptions) -> dict[str, Any]:
    return history_document(history_of(store, question).wide(question.on))


def _logs(store: Store, question: asked.LogsOptions) -> dict[str, Any]:
    views = those_of(store, question.experiments, question.filter)
    lines = store.logs(views, question.level, question.grep, question.tail)
    return {"lines": [line_document(line, view.id) for view, line in lines]}


def _files(store: Store, question: asked.FilesOptions) -> dict[str, Any]:
    view = store.get(question.experiment)
    files = [one for one in (view.files.freed if question.freed else view.files) if _fits(one, question.patterns)]  # fmt: skip
    values = [
        one
        for one in ([] if question.freed else view.values())
        if not question.patterns or any(fnmatchcase(one.name, p) for p in question.patterns)
    ]
    return {
        "id": view.id,
        "values": [value_document(one) for one in values],
        "files": [file_document(one) for one in files],
    }


def _fits(one: FileView, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(
        fnmatchcase(one.name, pattern) or fnmatchcase(place_of(one), pattern)
        for pattern in patterns
    )


def _watch(store: Store, question: asked.WatchOptions) -> dict[str, Any]:
    return watch_document(watched(store, question))


def watched(store: Store, question: asked.WatchOptions) -> Experiments:
    """What is running, and what ended lately."""
    condition = f"(status in ('running', 'pending') or ended_at > {question.recent!r})"
    if question.filter:
        condition = f"({question.filter}) and {condition}"
    return store.list(condition, limit=question.limit, reproductions=True)


def watch_document(found: Experiments) -> dict[str, Any]:
    """What `watch --once` answers."""
    return {"total": found.total, "experiments": [experiment_document(view) for view in found]}


def _du(store: Store, question: asked.DuOptions) -> dict[str, Any]:
    views = None
    if question.experiments or question.filter:
        views = those_of(store, question.experiments, question.filter)
    return usage_document(store.du(views))


def _models_show(store: Store, question: asked.ModelsShowOptions) -> dict[str, Any]:
    one = store.models.get(question.model)
    return {**model_document(one.fact), "history": [fact_document(each) for each in one.history()]}


def report_version(store: Store, question: asked.ReportsShowOptions) -> Report:
    """A report, or one of its versions.

    Raises:
        NotFound: There is none.
    """
    from ..reports.document import version_of

    history = question.history or question.version is not None
    found = store.reports.get(question.name, question.project, history=history)
    return version_of(found, question.version)


ANSWERS: Mapping[str, tuple[type[Any], Callable[[Store, Any], dict[str, Any]], str]] = {
    "list": (asked.ListOptions, _list, "Experiments, newest first, or groups of them."),
    "best": (asked.BestOptions, _best, "The experiments with the best value of a metric."),
    "show": (
        asked.ShowOptions,
        lambda store, question: show_document(store.get(question.experiment)),
        "Everything about one experiment.",
    ),
    "compare": (asked.CompareOptions, _compare, "Experiments side by side."),
    "badge": (
        BadgeOptions,
        lambda store, question: {"badge": badge_document(badge_of(store, question))},
        "What a badge says.",
    ),
    "history": (asked.HistoryOptions, _history, "Metrics side by side, a row for each step or time."),
    "logs": (asked.LogsOptions, _logs, "What experiments logged."),
    "files": (asked.FilesOptions, _files, "The files and values of an experiment."),
    "open": (
        asked.OpenOptions,
        opened,
        "What an experiment logged beside numbers.",
    ),
    "lineage": (
        asked.LineageOptions,
        lambda store, question: lineage_document(find_lineage(store.backend, question.what, files=False)),
        "Where a model, an experiment or a content comes from, and what came of it.",
    ),
    "goal": (
        asked.GoalOptions,
        lambda store, question: {"goals": [goal_document(one) for one in store.goals()]},
        "What was said of metrics.",
    ),
    "watch": (asked.WatchOptions, _watch, "What is running, and what ended lately."),
    "plot": (
        PlotOptions,
        lambda store, question: plot_document(charts_of(drawn_of(store, question))),
        "Curves as points, thinned out so that extremes stay.",
    ),
    "diff": (DiffOptions, diff_document, "Where two experiments differ: a verdict, and what was captured otherwise."),
    "du": (asked.DuOptions, _du, "How much disk space experiments use."),
    "alert/list": (
        asked.AlertListOptions,
        lambda store, question: {"alerts": [alert_document(one) for one in store.alerts.list()]},
        "The alerts.",
    ),
    "alert/log": (
        asked.AlertLogOptions,
        lambda store, question: {"fired": [fired_document(one) for one in store.alerts.fired(newest=question.limit)]},
        "What alerts found, newest first.",
    ),
    "comment/list": (
        asked.CommentListOptions,
        lambda store, question: {"comments": [comment_document(one) for one in comments_asked(store, question)]},
        "What people said.",
    ),
    "star": (
        asked.MarksOptions,
        lambda store, question: marks_document("stars", store.stars.list()),
        "The experiments that who asks has starred.",
    ),
    "pin": (
        asked.MarksOptions,
        lambda store, question: marks_document("pins", store.pins.list()),
        "The experiments that are pinned.",
    ),
    "preferences": (
        asked.PreferencesOptions,
        lambda store, question: preferences_document(store.preferences.list()),
        "How who asks likes the page to be.",
    ),
    "news": (
        asked.NewsOptions,
        lambda store, question: news_document(news_asked(store, question)),
        "What has changed since who asks has looked.",
    ),
    "restore": (
        asked.TrashOptions,
        lambda store, question: {"trash": [trashed_document(one) for one in store.trash(question.filter)]},
        "What is in the trash.",
    ),
    "views": (
        asked.ViewsListOptions,
        lambda store, question: {
            "views": [view_document(one) for one in store.saved_views.list(question.project)]
        },
        "Saved views.",
    ),
    "views/show": (
        asked.ViewsShowOptions,
        lambda store, question: {
            "view": view_document(
                store.saved_views.get(
                    question.name, question.project, mine=question.mine, history=question.history
                ), history=question.history
            )
        },
        "A saved view.",
    ),
    "reports": (
        asked.ReportsListOptions,
        lambda store, question: {
            "reports": [report_document(one) for one in store.reports.list(question.project)]
        },
        "Reports.",
    ),
    "reports/show": (
        asked.ReportsShowOptions,
        lambda store, question: {
            "report": report_document(report_version(store, question), history=question.history)
        },
        "A report.",
    ),
    "models": (
        asked.ModelsListOptions,
        lambda store, question: {
            "models": [
                model_document(one.fact)
                for one in (store.models.deleted() if question.deleted else store.models)
            ]
        },
        "Registered models.",
    ),
    "models/show": (asked.ModelsShowOptions, _models_show, "A registered model, and all that happened to it."),
}  # fmt: skip
"""By the path below `/api/v1/commands/`: what is asked, the answer, and what it is."""
