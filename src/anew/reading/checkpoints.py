"""Which saved files need not be kept, of many experiments at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Literal

from ..record.checkpoints import Candidate, to_free
from .files import FileView, candidates, curves, metric_of
from .source import Source
from .views import ExperimentView

__all__ = ["place_of", "that_may_go"]


def place_of(file: FileView) -> str:
    """A file's prefix and name."""
    return f"{file.prefix}/{file.name}" if file.prefix else file.name


def that_may_go(
    source: Source,
    views: Iterable[ExperimentView],
    pattern: str,
    *,
    last: int,
    best: bool,
    metric: str | None,
    mode: Literal["min", "max"] | None,
) -> dict[ExperimentView, list[FileView]]:
    """Of each experiment the files that fit a pattern and are not among those to keep; none for one without any.

    Raises:
        InvalidValue: The best are to be kept, no metric is given, and the checkpoints do not say one.
    """
    fitting = {
        view: [
            one
            for one in view.files
            if fnmatchcase(one.name, pattern) or fnmatchcase(place_of(one), pattern)
        ]
        for view in views
    }
    fitting = {view: files for view, files in fitting.items() if files}
    deciding = {view: metric or metric_of(files) for view, files in fitting.items()} if best else {}
    by_metric: dict[str, list[str]] = defaultdict(list)
    for view, name in deciding.items():
        by_metric[name].append(view.id)
    known = {name: curves(source, ids, name) for name, ids in by_metric.items()}
    found = {}
    for view, files in fitting.items():
        name = deciding.get(view, "")
        curve: Mapping[int, float] = known.get(name, {}).get(view.id, {})
        chosen = []
        for together in _by_prefix(files).values():
            given: list[Candidate] = candidates(together, curve, name)
            better = source.goals.better(name, (view.prefix,))
            doomed = to_free(given, last=last, best=best, mode=mode or better)
            chosen += [together[at] for at in doomed]
        if chosen:
            found[view] = chosen
    return found


def _by_prefix(files: Iterable[FileView]) -> dict[str, list[FileView]]:
    together: dict[str, list[FileView]] = defaultdict(list)
    for one in files:
        together[one.prefix].append(one)
    return together
