"""What every group uses: rows, paired rounds, percentiles, scratch folders and child processes."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
CHILD_LIMIT_S = 600


@dataclass(frozen=True)
class Row:
    """One line of the table. `reached` is None where there is no target, only a figure to know."""

    what: str
    ours: str
    beside: str = ""
    ratio: str = ""
    target: str = ""
    reached: bool | None = None


@dataclass(frozen=True)
class Bench:
    """What a group is given: where it may write, whether it only proves that it runs, and whether it measures everything."""

    scratch: Path
    quick: bool = False
    all: bool = False

    def size(self, full: int, quick: int) -> int:
        """How many: `full`, or `quick` in a quick run."""
        return quick if self.quick else full

    @contextmanager
    def folder(self, name: str) -> Iterator[Path]:
        """An empty folder that is gone afterwards."""
        path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.scratch))
        try:
            yield path
        finally:
            # A process beside a program may still be writing; it ends when it sees that its folder is gone.
            for _ in range(100):
                shutil.rmtree(path, ignore_errors=True)
                if not path.exists():
                    break
                time.sleep(0.1)


# -- timing ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """Calls of ours and of what it is held against, in rounds: nanoseconds a call."""

    ours: list[list[int]]
    beside: list[list[int]]

    def at(self, fraction: float) -> tuple[float, float, float]:
        """That quantile of ours and of beside in nanoseconds, and their ratio: medians over the rounds."""
        ours = [quantile(calls, fraction) for calls in self.ours]
        beside = [quantile(calls, fraction) for calls in self.beside]
        ratios = [a / b for a, b in zip(ours, beside, strict=True)]
        return statistics.median(ours), statistics.median(beside), statistics.median(ratios)


def quantile(values: Sequence[float], fraction: float) -> float:
    """The value that this fraction of `values` does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]


def each_call(call: Callable[[int], object], count: int, first: int = 0) -> list[int]:
    """Nanoseconds of each of `count` calls of `call(number)`."""
    clock = time.perf_counter_ns
    taken = []
    for number in range(first, first + count):
        start = clock()
        call(number)
        taken.append(clock() - start)
    return taken


def paired_calls(
    ours: Callable[[int], object], beside: Callable[[int], object], *, rounds: int, calls: int
) -> Pair:
    """Both, `calls` times a round, taking turns at going first; a first round is thrown away."""
    pair = Pair([], [])
    for number in range(rounds + 1):
        turns = [(ours, pair.ours), (beside, pair.beside)]
        for call, taken in turns if number % 2 else reversed(turns):
            taken.append(each_call(call, calls, number * calls))
    return Pair(pair.ours[1:], pair.beside[1:])


def paired_seconds(
    ours: Callable[[], object], beside: Callable[[], object], *, rounds: int, warm: int = 1
) -> tuple[float, float, float]:
    """Median seconds of each, and the median of the rounds' ratios."""
    taken: list[tuple[float, float]] = []
    for number in range(rounds + warm):
        if number % 2:
            a, b = seconds_of(ours), seconds_of(beside)
        else:
            b, a = seconds_of(beside), seconds_of(ours)
        taken.append((a, b))
    return medians(taken[warm:])


def medians(taken: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Medians of pairs `(ours, beside)`, and the median of their ratios."""
    return (
        statistics.median(a for a, _ in taken),
        statistics.median(b for _, b in taken),
        statistics.median(a / b for a, b in taken),
    )


def seconds_of(call: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


# -- processes ------------------------------------------------------------------------------------


def start_child(function: Callable[..., Any], *args: Any) -> subprocess.Popen[str]:
    """Start `function(*args)` in a new interpreter; its result is the last line it prints, as JSON."""
    name = f"{function.__module__}:{function.__qualname__}"
    command = [sys.executable, "-m", "benchmarks.child", name, json.dumps(args, default=str)]
    return subprocess.Popen(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def result_of(child: subprocess.Popen[str], limit: float | None = CHILD_LIMIT_S) -> Any:
    """Wait for a child, so many seconds at most, and return its result.

    Raises:
        RuntimeError: The child failed; the message is what it said last.
    """
    try:
        out, err = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise
    if child.returncode:
        print(err, file=sys.stderr)
        raise RuntimeError((err.strip().splitlines() or [f"exit code {child.returncode}"])[-1])
    return json.loads(out.rstrip("\n").rpartition("\n")[2])


def in_child(function: Callable[..., Any], *args: Any) -> Any:
    """The result of `function(*args)` in a new interpreter."""
    return result_of(start_child(function, *args))


# -- words ----------------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """Seconds in the unit that reads best."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def times(ratio: float) -> str:
    """A ratio as text."""
    return f"{ratio:.2f}×" if ratio < 100 else f"{ratio:.0f}×"


def at_most(ratio: float, most: float) -> tuple[str, str, bool]:
    """The last three columns of a row whose ratio must not exceed `most`."""
    return times(ratio), f"≤ {most:g}×", ratio <= most


def table(rows: Sequence[Row]) -> str:
    """The rows as one Markdown table with aligned columns."""
    head = ("what", "ours", "beside", "ratio", "target", "reached")
    marks = {None: "", True: "yes", False: "**no**"}
    cells = [
        head,
        *(
            (row.what, row.ours, row.beside, row.ratio, row.target, marks[row.reached])
            for row in rows
        ),
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = [
        "| "
        + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def memory_of(pid: int | str = "self") -> int:
    """Resident bytes of a process (Linux)."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def most_memory_of(pid: int | str) -> int:
    """The most resident bytes that a process has had (Linux)."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


def processor_time_of(pid: int) -> float:
    """Seconds of processor time that a process has used (Linux)."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
