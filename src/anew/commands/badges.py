"""What a badge says: how an experiment stands, a result of it, whether it came back, or the best of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import InvalidValue, NotFound
from ..reproduce.badge import Badge, Tone

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["BadgeOptions", "badge_document", "badge_of"]

_STATUS: dict[str, Tone] = {"completed": "good", "failed": "bad", "cancelled": "open", "running": "plain", "pending": "open"}  # fmt: skip
_GOOD = ("IDENTICAL", "WITHIN TOLERANCE", "EQUIVALENT")


class BadgeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew badge`.

    Attributes:
        experiment: Of which: its status; with `metric` the best of that; with `verdict` whether its results came back when it was run again.
        best: In its place: the best value of this metric among all experiments that ended well, of a `project` or a `filter`.
        label: What stands at the left, in place of what would.
    """

    experiment: str | None = None
    metric: str | None = None
    verdict: bool = False
    best: str | None = None
    project: str | None = None
    filter: str | None = None
    label: str | None = None


def badge_of(store: Store, question: BadgeOptions) -> Badge:
    """What a badge says.

    Raises:
        InvalidValue: It is asked for nothing, or for several things.
        NotFound: There is no such experiment, metric or re-run.
    """
    asked = question
    if (asked.experiment is None) == (asked.best is None):
        raise InvalidValue("Name an experiment, or the metric whose best is meant: one of them.", key="experiment")  # fmt: skip
    if asked.experiment is None:
        found = _best(store, asked)
    elif (
        asked.best is not None or asked.project or asked.filter or (asked.metric and asked.verdict)
    ):
        raise InvalidValue("A badge says one thing.", key="experiment")
    else:
        view = store.get(asked.experiment)
        if asked.metric is not None:
            found = _metric(view, asked.metric)
        elif asked.verdict:
            found = _verdict(store, view)
        else:
            status = str(view.status)
            found = Badge(view.name, status, _STATUS.get(status, "plain"))
    return found if asked.label is None else found._replace(label=asked.label)


def badge_document(found: Badge) -> dict[str, Any]:
    """A badge in words."""
    return {"label": found.label, "message": found.message, "color": found.color}


def _best(store: Store, asked: BadgeOptions) -> Badge:
    assert asked.best is not None
    parts = [f"({asked.filter})"] if asked.filter else []
    if asked.project:
        parts.append(f"prefix =~ {_quoted(asked.project)}")
    ranking = store.best(asked.best, filter=" and ".join(parts) or None, limit=1)
    if not len(ranking):
        return Badge(f"best {asked.best}", "none yet", "open")
    first = ranking[0]
    return Badge(
        f"best {first.metric}", f"{_number(first.value)} ({first.experiment.name})", "plain"
    )


def _metric(view: ExperimentView, name: str) -> Badge:
    if name not in view.metrics:
        raise NotFound(f"{view.prefix} has no metric {name!r}.", name=name, nearest=sorted(view.metrics)[:8])  # fmt: skip
    value = view.metrics[name].best()
    return Badge(name, "–" if value is None else _number(value), "plain")


def _verdict(store: Store, view: ExperimentView) -> Badge:
    views = [view]
    if view.relation != "reproduces":
        given = f"parent == {_text(view.id)} and relation == 'reproduces'"
        views = list(store.list(given, limit=20, reproductions=True))
    for one in views:
        said = one.captured.get("reproduction")
        verdict = said.get("verdict") if isinstance(said, dict) else None
        if isinstance(verdict, str) and verdict:
            return Badge("reproduced", verdict.lower(), "good" if verdict in _GOOD else "bad")
    return Badge("reproduced", "not run again", "open")


def _number(value: float) -> str:
    return f"{value:.4g}"


def _quoted(project: str) -> str:
    import re

    return _text("^" + re.escape(project) + "/")


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
