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
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from ..journal.segment import Segment
    from ..values.value import Value
    from .life import Life
    from .points import LogMetric, LogMetrics
    from .recording import Recording

__all__ = ["PointLog", "record_values", "save_values"]

_FAST_AFTER = 300  # careful calls; then the fast encoder is worth its import


class PointLog:
    """Logs the metrics of one experiment: the fast functions, and the slow path that they fall back on.

    Args:
        life: The experiment's life.
        install: Takes the two fast functions whenever they are made again.
    """

    __slots__ = ("_calls", "_hot", "_install", "_iteration", "_life", "_told")

    def __init__(self, life: Life, install: Callable[[LogMetric, LogMetrics], object]) -> None:
        self._life = life
        self._install = install
        self._iteration: int | None = None
        self._calls = 0
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
            self._life.say(f"a metric's name cannot be kept as it is; it is recorded as {kept!r}")
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
        values: list[tuple[str, Value]] = []
        for given, value in metrics.items():
            name = given if given in known else self.name(given)
            if self.is_nothing(name, value):
                continue
            try:
                numbers[name] = encoding.number_or_name(as_number(name, value))
            except InvalidValue:
                from ..values import as_value

                found = as_value(value)
                if found is None:
                    raise
                values.append((name, found))
        about = to_plain(dict(metadata)) if metadata else {}
        line = self._line(numbers, step, about) if numbers else b""
        # Whatever can be refused has been by now, or is by this: nothing is recorded yet.
        saved = save_values(recording, values, step, about)
        if numbers:
            segment = recording.writer.points
            segment.append(line)
            self._calls += 1
            if encoding.is_fast():
                # Known names are what opens the fast way: not before its encoder is there.
                self._hot.ready(segment, encoding.encode)
                known.update(numbers)
            elif self._calls == _FAST_AFTER:
                # In the background: a signal handler that logs would find the module half imported here.
                process_ticker().add(encoding.load_fast_encoder, None, 0.0, name="the fast encoder")
            recording.check_strict()
        record_values(recording, saved)

    @staticmethod
    def _line(numbers: dict[str, float | str], step: int | None, about: dict[str, Any]) -> bytes:
        record: dict[str, Any] = {"t": int(time.time() * 1e3) / 1e3, "m": numbers}
        if step is not None:
            record = {"s": step, **record}
        if about:
            record["x"] = mask_secrets(about)
        return encoding.encode_line(record)

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


def save_values(
    recording: Recording,
    values: Sequence[tuple[str, Value]],
    step: int | None,
    metadata: Mapping[str, Any],
) -> list[tuple[str, dict[str, Any] | OSError]]:
    """Save values into the experiment's folder; each one's name with the event that is to record it, or the disk's error.

    If one of them cannot be what it claims to be, the files of the others are removed, and its error is raised.
    """
    folder = os.path.join(recording.layout.folder, "values")
    saved: list[tuple[str, dict[str, Any] | OSError]] = []
    paths: list[str] = []
    try:
        for name, value in values:
            stem = "-".join(
                p for p in (folder_name(name), None if step is None else str(step), new_id()) if p
            )
            try:
                found = value.save(folder, stem)
            except OSError as error:
                saved.append((name, error))
                continue
            if found.path is not None:
                paths.append(os.path.join(folder, found.path))
            fields = {
                "name": name,
                "kind": value.kind,
                "step": step,
                "path": None if found.path is None else f"values/{found.path}",
                "data": found.data,
                "metadata": {**found.metadata, **metadata} or None,
            }
            saved.append((name, {k: v for k, v in fields.items() if v is not None}))
    except BaseException:
        for path in paths:
            try:
                os.unlink(path)
            except OSError:
                continue
        raise
    return saved


def record_values(
    recording: Recording, saved: Iterable[tuple[str, dict[str, Any] | OSError]]
) -> None:
    """Record what `save_values` saved; what the disk refused is counted as lost, and the run continues."""
    for name, event in saved:
        if isinstance(event, OSError):
            recording.lose(f"the value {name!r} was not saved: {event}")
        else:
            recording.event("value", **event)
