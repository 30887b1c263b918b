"""Runs that clients write to: what this server remembers of them, so that a call costs a line and no reading."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ....record.encode import encode_line, number_or_name
from ....record.fold import ExperimentState
from ....record.names import metric_name
from ....record.plain import nest
from ...written import Written
from ..translate.facts import by_name, param_name, param_texts
from .problems import invalid
from .requests import MetricGiven, Pair

__all__ = ["KnownRun", "KnownRuns", "Point"]

Point = tuple[int, int, float | None]
"""Step, timestamp, value; a NaN is None, since it is not equal to itself."""

_MOST_POINTS = 1_000_000
_MOST_RUNS = 4096
_MASKED = "***"
_LAST_YEAR = 253_402_300_799_000  # the last millisecond that readers can show as a time


class KnownRun:
    """What is remembered of a run that a client writes to.

    Attributes:
        writing: Its writer.
        name: Its name, where this server gave it one.
        lock: Held while something is compared with what is there, and then written.
        params: Its parameters as texts; None if they were not read yet.
        points: Its points by metric; None if they were not read yet.
        models: The ids of the logged models that it is known to log metrics of.
    """

    def __init__(self, writing: Written, *, is_new: bool) -> None:
        self.writing = writing
        self.name: str | None = None
        self.lock = threading.RLock()
        self._others = writing.others
        self.params: dict[str, str] | None = {} if is_new else None
        self.points: dict[str, set[Point]] | None = {} if is_new else None
        self.models: set[str] = set()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While nobody else writes to it for clients; what others have written meanwhile is not remembered wrongly.

        Raises:
            NotFound: It was deleted.
            OSError: It cannot be reached.
        """
        with self.lock, self.writing.alone():
            if self.writing.others != self._others:
                self._others = self.writing.others
                self.params = self.points = self.name = None
            yield

    @property
    def count(self) -> int:
        """How many points are remembered."""
        return sum(map(len, (self.points or {}).values()))

    def recall_params(self, read: Callable[[], ExperimentState | None]) -> dict[str, str]:
        """Its parameters as texts."""
        if self.params is None:
            state = read()
            self.params = param_texts(by_name(state.params)) if state is not None else {}
        return self.params

    def log_params(self, given: Sequence[Pair], read: Callable[[], ExperimentState | None]) -> None:
        """Set parameters, each once.

        Raises:
            MlflowProblem: One was set before, to another value; then none is set.
        """
        with self.alone():
            known = self.recall_params(read)
            new: dict[str, str] = {}
            for one in given:
                before = new.get(one.key, known.get(one.key))
                if before is not None and before not in (one.value, _MASKED):
                    raise invalid(
                        f"Changing param values is not allowed. Param with key='{one.key}' was already logged with "
                        f"value='{before}' for run ID='{self.writing.id}'. Attempted logging new value '{one.value}'."
                    )
                if before is None:
                    new[one.key] = one.value
            if new:
                taken = {*known, *new}
                kept = {param_name(key, taken): value for key, value in new.items()}
                self.writing.event("params", params=nest(kept))
                known.update(new)

    def log_points(
        self, given: Iterable[MetricGiven], read: Callable[[], dict[str, set[Point]]]
    ) -> int:
        """Keep the points that are not there yet; how many those were.

        What a client sends again because an answer did not come is there already.
        """
        with self.alone():
            if self.points is None:
                self.points = read()
            added: list[tuple[str, Point]] = []
            lines: list[bytes] = []
            row: dict[str, float | str] = {}
            at: tuple[Any, ...] | None = None

            def close() -> None:
                if row and at is not None:
                    lines.append(_line(row, *at))

            for one in given:
                point = (one.step, one.timestamp, None if math.isnan(one.value) else one.value)
                there = self.points.setdefault(metric_name(one.key), set())
                if point in there:
                    continue
                there.add(point)
                added.append((one.key, point))
                where = (
                    one.step,
                    one.timestamp,
                    one.model_id,
                    one.dataset_name,
                    one.dataset_digest,
                )
                if where != at or one.key in row:
                    close()
                    row, at = {}, where
                row[one.key] = number_or_name(one.value)
            close()
            try:
                if lines:
                    self.writing.points(b"".join(lines))
                else:
                    self.writing.touch()
            except BaseException:
                for name, point in added:
                    self.points[name].discard(point)
                raise
            return len(added)


def _line(
    row: Mapping[str, float | str],
    step: int,
    timestamp: int,
    model: str | None,
    dataset: str | None,
    digest: str | None,
) -> bytes:
    line: dict[str, Any] = {"t": min(timestamp, _LAST_YEAR) / 1000, "s": step, "m": dict(row)}
    beside: dict[str, Any] = {}
    if timestamp > _LAST_YEAR:
        beside["timestamp"] = timestamp
    for name, value in (("model_id", model), ("dataset_name", dataset), ("dataset_digest", digest)):
        if value:
            beside[name] = value
    if beside:
        line["x"] = beside
    return encode_line(line)


class KnownRuns:
    """The runs that clients wrote to last. Any thread may use them."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, KnownRun] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, writing: Written, *, is_new: bool = False) -> KnownRun:
        """What is remembered of the run that this writes to."""
        with self._lock:
            found = self._runs.get(writing.id)
            if found is None or found.writing is not writing:
                found = self._runs[writing.id] = KnownRun(writing, is_new=is_new)
                while len(self._runs) > _MOST_RUNS:
                    self._runs.popitem(last=False)
            self._runs.move_to_end(writing.id)
            return found

    def tidy(self) -> None:
        """Forget the points of the runs that nobody wrote to for longest, until few enough are remembered."""
        with self._lock:
            runs = list(self._runs.values())
        left = _MOST_POINTS
        for one in reversed(runs):
            left -= one.count
            if left < 0 and one is not runs[-1]:
                with one.lock:
                    one.points = None
