"""The hot path: one log call is one line and one `os.write`.

The two functions users call most are closures over a descriptor, an encoder and a set of known metric
names. They take the straight way only when everything is plain (Python floats under names seen before, an
integer step); anything else goes the careful way, which checks, converts and explains, and after which
the names are known. Failing writes end up there too: see `journal.segment` for why a closed or broken
segment needs no check here.
"""

from __future__ import annotations

import math
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Protocol

    from ..journal.segment import Segment

    class LogMetric(Protocol):
        """`Experiment.log_metric`."""

        def __call__(
            self,
            name: str,
            value: Any,
            step: int | None = None,
            *,
            metadata: Mapping[str, Any] | None = None,
        ) -> None: ...

    class LogMetrics(Protocol):
        """`Experiment.log_metrics`."""

        def __call__(
            self,
            metrics: Mapping[str, Any],
            step: int | None = None,
            *,
            metadata: Mapping[str, Any] | None = None,
        ) -> None: ...


__all__ = ["MAX_STEP", "HotPath"]

MAX_STEP = (1 << 63) - 1
_NUMBERS = frozenset((float, int))


class HotPath:
    """The two fast log functions of one started experiment.

    Args:
        careful: Takes `(metrics, step, metadata)` when the straight way will not do.
        refused: Takes `(segment, line, error or None)` when a line was not written, or not whole.
        iteration: The step of calls without one, or None.
    """

    __slots__ = ("known", "log_metric", "log_metrics", "ready", "set_iteration")

    log_metric: LogMetric
    log_metrics: LogMetrics
    ready: Callable[[Segment, Callable[[object], bytes]], None]
    set_iteration: Callable[[int | None], None]

    def __init__(
        self,
        careful: Callable[[Mapping[str, Any], Any, Mapping[str, Any] | None], None],
        refused: Callable[[Segment, bytes, OSError | None], None],
        iteration: int | None,
    ) -> None:
        self.known: set[str] = set()
        self.log_metric, self.log_metrics, self.ready, self.set_iteration = _closures(
            careful, refused, self.known, iteration
        )


def _closures(
    careful: Callable[[Any, Any, Any], None],
    refused: Callable[[Segment, bytes, OSError | None], None],
    known: set[str],
    iteration: int | None,
) -> Any:
    # Cells instead of attributes: a cell is one load, `self.x` is a dictionary look-up.
    # Times are cut to the millisecond: the digits after it are a tenth of a line and say nothing.
    write, now, inf, numbers, max_step = os.write, time.time, math.inf, _NUMBERS, MAX_STEP
    fd = -1
    encode: Any = None
    # Both functions name the segment, so that it, and with it the meaning of `fd`, lives as long as either.
    held: Any = None

    def log_metric(name: Any, value: Any, step: Any = None, *, metadata: Any = None) -> None:
        if type(value) is float and -inf < value < inf and name in known and metadata is None:
            if step is None:
                step = iteration
            if type(step) is int and -max_step <= step <= max_step:
                line = encode({"s": step, "t": int(now() * 1e3) / 1e3, "m": {name: value}}) + b"\n"
            elif step is None:
                line = encode({"t": int(now() * 1e3) / 1e3, "m": {name: value}}) + b"\n"
            else:
                return careful({name: value}, step, None)
            try:
                if write(fd, line) == len(line):
                    return None
                return refused(held, line, None)
            except OSError as error:
                return refused(held, line, error)
        return careful({name: value}, step, metadata)

    def log_metrics(metrics: Any, step: Any = None, *, metadata: Any = None) -> None:
        if (
            metadata is None
            and type(metrics) is dict
            and metrics  # before the first point there is no encoder
            and known.issuperset(metrics)
            and numbers.issuperset(map(type, metrics.values()))
        ):
            if step is None:
                step = iteration
            try:
                if type(step) is int and -max_step <= step <= max_step:
                    line = encode({"s": step, "t": int(now() * 1e3) / 1e3, "m": metrics}) + b"\n"
                elif step is None:
                    line = encode({"t": int(now() * 1e3) / 1e3, "m": metrics}) + b"\n"
                else:
                    return careful(metrics, step, None)
            except OverflowError:  # an integer that no float64 holds
                return careful(metrics, step, None)
            # JSON has no NaN and no infinities: the encoder writes null, which no number is.
            if b"null" not in line:
                try:
                    if write(fd, line) == len(line):
                        return None
                    return refused(held, line, None)
                except OSError as error:
                    return refused(held, line, error)
        return careful(metrics, step, metadata)

    def ready(segment: Segment, fast_encode: Callable[[object], bytes]) -> None:
        nonlocal fd, encode, held
        fd, encode, held = segment.fd, fast_encode, segment

    def set_iteration(value: int | None) -> None:
        nonlocal iteration
        iteration = value

    return log_metric, log_metrics, ready, set_iteration
