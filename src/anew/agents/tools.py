"""The tools themselves: each asks the store one thing, and answers in plain values of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from ..errors import InvalidValue
from ..query.question import NamesQuestion, parse_field
from ..query.syntax import Contains, Or, Value
from ..reading.views import ExperimentView
from ..reproduce.comparison import compare as judge
from ..reproduce.verdict import Tolerance
from ..store import Store
from .bounded import bounded

__all__ = ["READING", "WRITING", "Tools"]

_MOST_ROWS = 100
_MOST_POINTS = 500
_MOST_LINES = 500
_NAMED: tuple[Literal["metric", "param", "tag"], ...] = ("metric", "param", "tag")
_SEARCHED = ("id", "prefix", "name", "notes", "description", "tags")
_METRICS = 40
"""So many metrics of each experiment are told of in a list."""


class Tools:
    """What may be asked of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # -- reading -----------------------------------------------------------------------------------

    def list_experiments(
        self, filter: str = "", sort: str = "-created_at", limit: int = 20, offset: int = 0
    ) -> str:
        """List experiments that match a filter, newest first.

        Args:
            filter: An expression such as "metrics.val_loss.min < 0.5 and params.lr >= 1e-3 and 'vae' in tags and status == 'failed'". Fields are
                status, name, prefix, id, project, user, host, created_at, duration, tags, params.<name>, config.<name>, and metrics.<name> with
                .last (default), .min, .max, .first, .mean, .count. Operators: == != < <= > >= in, not in, =~ (regex), and, or, not.
            sort: A field, with "-" before it for descending; a metric's bare name puts the best values first.
            limit: At most this many, 100 at the most.
            offset: Skip this many.
        """
        found = self._store.list(
            filter or None,
            sort=sort,
            limit=_among(limit, _MOST_ROWS),
            offset=max(0, offset),
            reproductions=True,
        )
        return bounded(
            {"total": found.total, "offset": offset, "experiments": [_brief(one) for one in found]}
        )

    def search(self, text: str, limit: int = 20) -> str:
        """Find experiments by a word in their prefix, name, notes, description or tags, and names of metrics and parameters that contain it.

        Args:
            text: The word or part of one.
            limit: At most this many experiments, 100 at the most.
        """
        found = self._store.search(
            Or(tuple(_has(field, text) for field in _SEARCHED)),
            limit=_among(limit, _MOST_ROWS),
            reproductions=True,
        )
        names = {
            f"{kind}s": [
                one.name
                for one in self._store.backend.names(
                    NamesQuestion(kind=kind, contains=text, limit=50)
                )
            ]
            for kind in _NAMED
        }
        return bounded(
            {"total": found.total, "experiments": [_brief(one) for one in found], **names}
        )

    def show_experiment(self, experiment: str) -> str:
        """Everything that is known of one experiment: parameters, metrics in numbers, status, code, hardware, notes.

        Args:
            experiment: Its id, the start of its id, its prefix or its name.
        """
        return bounded(self._store.get(experiment).to_dict())

    def compare(self, experiments: list[str], metrics: list[str] | None = None) -> str:
        """Put experiments side by side: the best, last and first values of metrics, and the parameters that differ.

        Args:
            experiments: Ids, prefixes or names.
            metrics: Which metrics; all but the system's if not given.
        """
        found = self._store.compare(experiments, metrics)
        return bounded({**found.to_dict(), "modes": found.modes})

    def best(
        self, metric: str | None = None, mode: Literal["min", "max"] | None = None,
        filter: str = "", limit: int = 5,
    ) -> str:  # fmt: skip
        """The completed experiments with the best value of a metric over its whole history.

        Args:
            metric: Its name; the main metric of the store if not given.
            mode: Whether small ("min") or large ("max") values are better; by its goal or name if not given.
            filter: Only experiments that match it.
            limit: At most this many, 100 at the most.
        """
        found = self._store.best(
            metric, mode=mode, filter=filter or None, limit=_among(limit, _MOST_ROWS)
        )
        best = [
            {"value": one.value, "step": one.step, "mode": one.mode, "experiment": _brief(one.experiment)}
            for one in found
        ]  # fmt: skip
        return bounded({"metric": found[0].metric if found else metric, "best": best})

    def history(
        self, experiments: list[str], metrics: list[str], points: int = 50,
        start: int | None = None, stop: int | None = None,
    ) -> str:  # fmt: skip
        """Curves of metrics, thinned out so that first, last and extreme values stay.

        Args:
            experiments: Ids, prefixes or names.
            metrics: Names, or patterns such as "val/*".
            points: About how many points of each curve, 500 at the most.
            start: The first step wanted.
            stop: The step before which to end.
        """
        found = self._store.history(
            experiments, metrics, points=_among(points, _MOST_POINTS), start=start, stop=stop
        )
        return bounded(
            {
                "series": [
                    {
                        "experiment": one.experiment_id, "metric": one.metric, "total": one.total,
                        "steps": one.steps, "values": one.values,
                    }
                    for one in found
                ]
            }
        )  # fmt: skip

    def difference(self, first: str, second: str, metrics: list[str] | None = None) -> str:
        """Where the curves of two experiments part, exactly: per metric the first step at which they are not the same.

        Args:
            first: Id, prefix or name of one.
            second: Of the other.
            metrics: Which metrics; all but the system's if not given.
        """
        found = self._store.first_difference(first, second, metrics)
        parts = [
            {"metric": one.metric, "kind": one.kind, "step": one.step, "a": one.a, "b": one.b}
            for one in found
        ]
        return bounded({"same": not parts, "differences": parts})

    def verdict(self, first: str, second: str, rtol: float = 0.0, atol: float = 0.0) -> str:
        """Whether two experiments gave the same results, and what differs in code, parameters, data, packages and hardware, the likeliest causes first.

        Args:
            first: Id, prefix or name of the one that the other is held against.
            second: Of the other.
            rtol: Relative tolerance of values.
            atol: Absolute tolerance of values.
        """
        if rtol < 0 or atol < 0:
            raise InvalidValue("A tolerance must be 0 or more.", key="rtol")
        tolerance = Tolerance(rtol, atol) if rtol or atol else None
        a, b = self._store.get(first), self._store.get(second)
        found = judge(self._store, a, b, tolerance=tolerance, sides=("the first", "the second"))
        return bounded(found.to_dict())

    def logs(
        self, experiment: str, tail: int = 50, level: str | None = None,
        contains: str | None = None, console: bool = False,
    ) -> str:  # fmt: skip
        """The last messages of an experiment, or (console) the last lines that it printed.

        Args:
            experiment: Id, prefix or name.
            tail: How many of the last, 500 at the most.
            level: Only messages of this level and above, such as "warning".
            contains: Only those with this text in them.
            console: What the program printed, instead of its messages.
        """
        view = self._store.get(experiment)
        wanted = _among(tail, _MOST_LINES)
        lines: list[Any]
        if console:
            lines = view.console(wanted, contains=contains).splitlines()
        else:
            lines = [
                {"time": one.time, "level": one.level, "message": one.message, "fields": one.fields}
                for one in view.logs(level, contains, wanted)
            ]
        # What is left out of a list is left out at its end, and here the end says most.
        return bounded({"id": view.id, "status": str(view.status), "newest_first": lines[::-1]})

    # -- writing -----------------------------------------------------------------------------------

    def tag_experiment(
        self, experiment: str, add: list[str] | None = None, remove: list[str] | None = None
    ) -> str:
        """Add and remove tags of an experiment; "name=value" gives a tag a value.

        Args:
            experiment: Id, prefix or name.
            add: Tags to add.
            remove: Tags to remove.
        """
        given = {
            name: value if equals else None
            for name, equals, value in (one.partition("=") for one in add or ())
        }
        view = self._store.tag(experiment, given, remove or ())
        return bounded({"id": view.id, "tags": view.tags})

    def note_experiment(self, experiment: str, text: str) -> str:
        """Replace the notes of an experiment.

        Args:
            experiment: Id, prefix or name.
            text: The new notes.
        """
        view = self._store.note(experiment, text)
        return bounded({"id": view.id, "notes": view.notes})

    def describe_experiment(self, experiment: str, text: str) -> str:
        """Replace the description of an experiment.

        Args:
            experiment: Id, prefix or name.
            text: The new description.
        """
        view = self._store.describe(experiment, text)
        return bounded({"id": view.id, "description": view.description})

    def correct_params(self, experiment: str, params: dict[str, Any], why: str) -> str:
        """Correct parameters of an experiment; what the program had set stays in the record beside it.

        Args:
            experiment: Id, prefix or name.
            params: New values by dotted name.
            why: Why, to be read beside the correction.
        """
        view = self._store.set_params(experiment, params, why=why)
        return bounded({"id": view.id, "params": view.params.to_dict()})


READING: tuple[Callable[..., str], ...] = (
    Tools.list_experiments, Tools.search, Tools.show_experiment, Tools.compare, Tools.best,
    Tools.history, Tools.difference, Tools.verdict, Tools.logs,
)  # fmt: skip
"""The tools that change nothing."""

WRITING: tuple[Callable[..., str], ...] = (
    Tools.tag_experiment, Tools.note_experiment, Tools.describe_experiment, Tools.correct_params,
)  # fmt: skip
"""Those that do; each can be taken back."""


def _brief(view: ExperimentView) -> Mapping[str, Any]:
    """An experiment in a list."""
    metrics = {
        name: {"last": one.last, "best": one.best(), "step": one.last_step}
        for name, one in view.metrics.items()
        if not name.startswith("system/")
    }
    shown = dict(list(metrics.items())[:_METRICS])
    brief: dict[str, Any] = {
        "id": view.id, "prefix": view.prefix, "status": str(view.status), "created_at": view.created_at,
        "duration": view.duration, "tags": view.tags, "params": view.params.to_dict(), "metrics": shown,
    }  # fmt: skip
    if len(shown) < len(metrics):
        brief["left_out"] = {"metrics": len(metrics) - len(shown)}
    return brief


def _has(field: str, text: str) -> Contains:
    known = msgspec.structs.replace(parse_field(field), may_be_unknown=True)
    return Contains(known, Value("text", text, text, 0), False, 0)


def _among(asked: int, most: int) -> int:
    return max(1, min(asked, most))
