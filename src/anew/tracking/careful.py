"""The slow path of a log call: check and convert the values, explain errors, and prepare the fast path for the next call."""

from __future__ import annotations

import errno
import os
import time

from ..errors import InvalidValue
from ..monitor.ticker import process_ticker
from ..record import encode as encoding
from ..record.ids import new_id
from ..record.names import folder_name, metric_name
from ..record.plain import to_plain
from ..record.secrets import mask_secrets, mask_text
from .points import HotPath
from .scalars import as_number, as_step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ..journal.segment import Segment
    from .life import Life
    from .points import LogMetric, LogMetrics
    from .recording import Recording

__all__ = ["PointLog", "keep_value"]

_FAST_AFTER = 300  # careful calls; then the fast encoder is worth its import


class PointLog:
    """Logs the metrics of one experiment: the fast functions, and the slow path that they fall back on.

    Args:
        life: The experiment's life.
        install: Takes the two fast functions whenever they are made again.
    """

    __slots__ = ("_calls", "_hot", "_install", "_iteration", "_life", "_told", "_until_calls")

    def __init__(self, life: Life, install: Callable[[LogMetric, LogMetrics], object]) -> None:
        self._life = life
        self._install = install
        self._iteration: int | None = None
        self._calls = 0
        self._until_calls = 0
        self._told: set[str] = set()
        self.renew()

    def renew(self) -> None:
        """Begin with fresh fast functions: those of an opening that ended stay with its segment, and keep it open."""
        self._hot = HotPath(self._carefully, self._refused, self._iteration)
        self._install(self._hot.log_metric, self._hot.log_metrics)

    def forget_names(self) -> None:
        """Go the careful way until the names are known again: the segment is another one."""
        self._hot.known.clear()
        self._calls = 0

    def set_iteration(self, iteration: int | None) -> None:
        """The step of calls that give none."""
        self._iteration = None if iteration is None else as_step(iteration)
        self._hot.set_iteration(self._iteration)

    def step(self, step: Any) -> int | None:
        """The step of a call: what it gave, or the iteration."""
        return self._iteration if step is None else as_step(step)

    def name(self, given: Any) -> str:
        """A metric's name as it is kept; the user is told, once, where it is not the one given.

        Raises:
            InvalidName: It is not a text, or is empty.
        """
        kept = mask_text(metric_name(given))
        if kept != given and kept not in self._told:
            self._told.add(kept)
            self._life.say(
                f"a metric's name cannot be kept as it is; it is recorded as {kept!r:.200}"
            )
        return kept

    def is_nothing(self, name: str, value: Any) -> bool:
        """Whether a value is None, which means that there is none: it is left out, and the user is told once."""
        if value is not None:
            return False
        if f"{name}\0" not in self._told:
            self._told.add(f"{name}\0")
            self._life.say(
                f"the value of {name!r} is None; it is left out, here and whenever it is None again"
            )
        return True

    def _carefully(
        self, metrics: Mapping[str, Any], step: Any, metadata: Mapping[str, Any] | None
    ) -> None:
        """Check and convert one log call; everything or nothing of it is kept."""
        if self._life.disabled:
            return
        recording = self._life.require("log_metrics")
        if not hasattr(metrics, "items"):
            raise InvalidValue(
                f"log_metrics takes a mapping of names to numbers, not {type(metrics).__name__}. For a single metric, use log_metric(name, value)."
            )
        step = self.step(step)
        known = self._hot.known
        numbers: dict[str, float | str] = {}
        values: list[tuple[str, Any]] = []
        for given, value in metrics.items():
            name = given if given in known else self.name(given)
            if self.is_nothing(name, value):
                continue
            try:
                numbers[name] = encoding.number_or_name(as_number(name, value))
            except InvalidValue:
                from ..values import as_values

                found = as_values(value)
                if not found:
                    raise
                values += ((name, one) for one in found)
        extra = mask_secrets(to_plain(dict(metadata))) if metadata else None
        saved = _saved(recording, values, step, metadata) if values else ()
        if numbers:
            self._append(recording, numbers, step, extra)
            recording.check_strict()
        for fields in saved:
            recording.event("value", **fields)

    def _append(
        self,
        recording: Recording,
        numbers: dict[str, float | str],
        step: int | None,
        extra: Any,
    ) -> None:
        """Write the line of one call, and prepare the fast way for the next."""
        record: dict[str, Any] = {"t": int(time.time() * 1e3) / 1e3, "m": numbers}
        if step is not None:
            record = {"s": step, **record}
        if extra:
            record["x"] = extra
        segment = recording.writer.points
        if recording.until is not None:
            self._append_until(segment, encoding.encode_line(record), *recording.until)
            return
        segment.append(encoding.encode_line(record))
        self._calls += 1
        if encoding.is_fast():
            # Known names are what opens the fast way: not before its encoder is there.
            self._hot.ready(segment, encoding.encode)
            self._hot.known.update(numbers)
        elif self._calls == _FAST_AFTER:
            # In the background: a signal handler that logs would find the module half imported here.
            process_ticker().add(encoding.load_fast_encoder, None, 0.0, name="the fast encoder")

    def _append_until(self, segment: Segment, line: bytes, calls: int, number: int) -> None:
        """Write a line, unless as many were written as there may be: then the process ends here, as its original did."""
        if self._until_calls >= calls:
            import signal

            if number == signal.SIGINT:
                signal.raise_signal(number)
            else:
                os.kill(os.getpid(), number)
        self._until_calls += 1
        segment.append(line)

    def _refused(self, refusing: Segment, line: bytes, error: OSError | None) -> None:
        """The fast way could not write a line: find out why, and keep the line if it can be kept."""
        recording = self._life.require("log_metrics")
        segment = recording.writer.points
        # EBADF is the door of a segment that ended.
        replaced = error is not None and error.errno == errno.EBADF
        if replaced or refusing is not segment or segment.trouble is not None:
            segment.append(line)
        else:
            segment.failed(
                line, error or OSError(errno.ENOSPC, "only part of a record could be written")
            )
        recording.check_strict()


def keep_value(
    recording: Recording,
    name: str,
    value: Any,
    step: int | None,
    metadata: Mapping[str, Any] | None,
) -> None:
    """Save a value into the experiment's folder and record it; if the disk fails, the value is lost and the run continues."""
    for fields in _saved(recording, [(name, value)], step, metadata):
        recording.event("value", **fields)


def _saved(
    recording: Recording,
    values: Sequence[tuple[str, Any]],
    step: int | None,
    metadata: Mapping[str, Any] | None,
) -> list[dict[str, Any]]:
    """Save the values of one call; returns the fields of their records.

    When one of them cannot be saved whatever the disk does, the files of the others are removed and the call keeps
    nothing. A value that a failing disk refuses is counted as lost, and the others are kept.
    """
    plain = mask_secrets(to_plain(dict(metadata or {})))
    folder = os.path.join(recording.layout.folder, "values")
    found: list[dict[str, Any]] = []
    try:
        for name, value in values:
            stem = "-".join(
                p for p in (folder_name(name), None if step is None else str(step), new_id()) if p
            )
            try:
                saved = value.save(folder, stem)
            except OSError as error:
                recording.lose(f"the value {name!r} was not saved: {error}")
                continue
            fields = {
                "name": name,
                "kind": value.kind,
                "step": step,
                "path": None if saved.path is None else f"values/{saved.path}",
                "data": saved.data,
                "metadata": {**saved.metadata, **plain} or None,
            }
            found.append({k: v for k, v in fields.items() if v is not None})
    except BaseException:
        for fields in found:
            if "path" in fields:
                _remove(recording.layout.path(*fields["path"].split("/")))
        raise
    return found


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # it stays as a file that no record names
