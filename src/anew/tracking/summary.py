"""What is printed at the start and the end, and how much of a journal is read for it.

The end of a process must not wait for a long journal to be read: beyond a few megabytes a curve is
drawn from samples of the file, and the summary says so.
"""

from __future__ import annotations

import os
import re

from ..errors import InvalidSetting
from ..record.names import split_number
from ..record.plain import parse_json
from ..settings import load_settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..journal.layout import ExperimentLayout

__all__ = [
    "end_lines",
    "first_step",
    "largest_step",
    "last_step",
    "sparkline",
    "start_lines",
]

WHOLE_BYTES = 1 << 20
SAMPLES = 48
SAMPLE_BYTES = 4096
MOST_FOOTER = 64 << 20
MAX_METRICS = 12
_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: list[float], width: int = 24) -> str:
    """Values as a line of bars, lowest to highest; what is not finite is left out."""
    finite = [v for v in values if -float("inf") < v < float("inf")]
    if not finite:
        return ""
    if len(finite) > width:
        finite = [finite[round(i * (len(finite) - 1) / (width - 1))] for i in range(width)]
    low, high = min(finite), max(finite)
    span = high - low
    if not 0 < span < float("inf"):
        return _BARS[3] * len(finite)
    return "".join(_BARS[min(7, int((v - low) / span * 8))] for v in finite)


def start_lines(
    prefix: str,
    experiment_id: str,
    folder: str,
    continued: bool,
    root: str,
    *,
    found: bool = False,
    server: str = "",
) -> list[str]:
    """What, where, and a command that finds it in the shell that the program was started from.

    Args:
        found: Whether nobody said which store, and it was found above the working directory.
        server: The server that it is pushed to, if any.
    """
    first, number = split_number(prefix)
    again = "" if continued or not number else f" (a new one: {first} is there already)"
    try:
        shown = os.path.relpath(folder)
    except OSError:  # the working directory was deleted
        shown = folder
    if shown.startswith(".." + os.sep + ".."):
        shown = folder
    return [
        f"{'continuing' if continued else 'recording'} {prefix}{again}",
        f"in {shown}{f' (the store {root} was found above the working directory)' if found else ''}"
        f"{f', pushed to {server}' if server else ''}",
        f"look with: anew show {experiment_id[:6]}{_root_option(root)}",
    ]


def _root_option(root: str) -> str:
    """The option that leads `anew` to the store, where it would not find it by itself."""
    import shlex

    # The shell's folder, not what the program made of its own; and no variable that the program may have set itself.
    environ = {name: value for name, value in os.environ.items() if name != "ANEW_ROOT"}
    try:
        here = os.environ.get("PWD") or os.getcwd()
        if os.path.realpath(load_settings(environ, cwd=here).root) == os.path.realpath(root):
            return ""
        shown = os.path.relpath(root, here)
    except (OSError, InvalidSetting):  # the working directory was deleted
        shown = os.pardir
    return f" --root {shlex.quote(root if shown.startswith(os.pardir) else shown)}"


def end_lines(path: str, status: str, seconds: float, lost: int, prefix: str) -> list[str]:
    """The status, a curve and the last value per metric, and what was lost."""
    curves, exact = _curves(path)
    lines = [f"{status} {prefix} after {_duration(seconds)}"]
    shown = [name for name in curves if not name.startswith("system/")]
    width = max((len(name) for name in shown[:MAX_METRICS]), default=0)
    for name in shown[:MAX_METRICS]:
        last = f"{'' if name in exact else '~'}{curves[name][-1]:.6g}"
        lines.append(f"  {name:<{width}}  {last:<12} {sparkline(curves[name])}")
    if len(shown) > MAX_METRICS:
        lines.append(f"  and {len(shown) - MAX_METRICS} more metrics")
    if os.path.exists(path) and os.path.getsize(path) > WHOLE_BYTES:
        lines.append("  (curves drawn from samples of a long journal; every point is kept)")
    if lost:
        lines.append(f"LOST: {lost} records could not be written; see `anew doctor`")
    return lines


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def _curves(path: str) -> tuple[dict[str, list[float]], set[str]]:
    """Values by metric, in order, and the metrics whose last value is among them for certain."""
    curves: dict[str, list[float]] = {}
    tail: dict[str, list[float]] = {}
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size <= WHOLE_BYTES:
                _collect(file.read(), curves)
                return curves, set(curves)
            for i in range(SAMPLES):
                file.seek(i * (size - SAMPLE_BYTES) // SAMPLES)
                block = file.read(SAMPLE_BYTES)
                _collect(block[block.find(b"\n") + 1 : block.rfind(b"\n")], curves)
            file.seek(size - 16 * SAMPLE_BYTES)
            block = file.read()
            _collect(block[block.find(b"\n") + 1 :], tail)
    except OSError:
        pass
    for name, values in tail.items():
        curves.setdefault(name, []).extend(values[-1:])
    return curves, set(tail)


def _collect(data: bytes, curves: dict[str, list[float]]) -> None:
    for line in data.split(b"\n"):
        if line:
            try:
                metrics: dict[str, Any] = parse_json(line)["m"]
                for name, value in metrics.items():
                    curves.setdefault(name, []).append(float(value))
            except (ValueError, KeyError, TypeError):
                continue


def last_step(path: str) -> int | None:
    """The step of the last point line that has one, from the end of the file."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 16 * SAMPLE_BYTES))
            lines = file.read().split(b"\n")
    except OSError:
        return None
    for line in reversed(lines):
        try:
            step = parse_json(line).get("s")
        except (ValueError, AttributeError):
            continue
        if isinstance(step, int):
            return step
    return None


def first_step(path: str) -> int | None:
    """The first step in a file of points, near its beginning."""
    try:
        with open(path, "rb") as file:
            return next(iter(_steps(file.read(16 * SAMPLE_BYTES))), None)
    except OSError:
        return None


def largest_step(layout: ExperimentLayout, writer: str) -> int | None:
    """The largest step among the points of a writer; of a long file, among those at its end."""
    found: list[int] = []
    part = 1
    while True:
        try:
            with open(layout.points(writer, part), "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - WHOLE_BYTES))
                found += _steps(file.read())
        except OSError:
            sealed = layout.sealed(writer, part)
            if not os.path.exists(sealed):
                return max(found, default=None)
            found += _sealed_step(sealed)
        part += 1


def _sealed_step(path: str) -> list[int]:
    """What a sealed part says of its largest step, in the JSON in its footer; nothing that reads Parquet is needed."""
    try:
        with open(path, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - 8))
            size = int.from_bytes(file.read(4), "little")
            file.seek(max(0, end - 8 - size))
            footer = file.read(min(size, MOST_FOOTER))
    except OSError:
        return []
    found = re.findall(rb'(?<!\\)"last_step":(-?\d{1,19})', footer)
    return [int(found[-1])] if found else []


def _steps(data: bytes) -> list[int]:
    steps = []
    for line in data.split(b"\n"):
        try:
            step = parse_json(line).get("s")
        except (ValueError, AttributeError):
            continue
        if isinstance(step, int):
            steps.append(step)
    return steps
