"""Records what was translated, in an experiment: the one way for the dialect and for `anew.capture()`."""

from __future__ import annotations

import os

from ..places import safe_path
from .names import HPARAM_DOMAINS
from .translate.calls import Document, Fact, Numbers, Row, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

__all__ = ["Rows", "write", "write_row"]


def write(
    experiment: Any, entries: Iterable[Any], name: Callable[[str], str] | None = None
) -> None:
    """Record entries of `translate.calls`.

    Args:
        experiment: The `anew.Experiment`.
        entries: What the functions of `translate.calls` return.
        name: The name to record a tag under, where it is another one than the tag.
    """
    for entry in entries:
        kind = type(entry)
        if kind is Numbers:
            values = entry.values
            if name is not None:
                values = {name(tag): value for tag, value in values.items()}
            experiment.log_metrics(values, entry.step, metadata=entry.metadata)
        elif kind is Value:
            tag = entry.name if name is None else name(entry.name)
            experiment.log_value(tag, entry.value, entry.step, metadata=entry.metadata)
        elif kind is Document:
            folder = experiment.files(entry.prefix)
            path = safe_path(entry.name)
            folder.save(entry.data, path, step=entry.step, metadata=entry.metadata)
        elif kind is Fact:
            experiment.capture(entry.what, entry.data)


def write_row(experiment: Any, row: Row, name: Callable[[str], str] | None = None) -> None:
    """Record a row of hyperparameters in the experiment that it belongs to."""
    if row.params:
        experiment.params.set(row.params)
    if row.metrics:
        write(experiment, [Numbers(row.metrics, row.step, None)], name)
    if row.domains:
        experiment.capture(HPARAM_DOMAINS, row.domains)


class Rows:
    """Which experiment each row of hyperparameters of one writer belongs to.

    The first row without a name, and later ones with the same parameters, are the writer's own experiment. A named row, and
    one with other parameters, is an experiment of its own below it.
    """

    def __init__(self) -> None:
        self._params: dict[str, Any] | None = None
        self._count = 0

    def place(self, row: Row, log_dir: str, is_taken: Callable[[str], bool]) -> str:
        """The path of the row's experiment below the writer's own, or "" if it is the writer's own.

        Args:
            log_dir: The writer's log directory; a row that has it as its name is the writer's own.
            is_taken: Whether there is an experiment at such a path already.
        """
        if row.name is not None:
            path = os.path.join(log_dir, str(row.name))
            own = os.path.abspath(path) == os.path.abspath(log_dir)
        else:
            own = self._params in (None, row.params)
        if own:
            self._params = row.params
            return ""
        if row.name is not None:
            return safe_path(os.path.relpath(path, log_dir))
        while True:
            self._count += 1
            path = f"hparams-{self._count}"
            if not is_taken(path):
                return path
