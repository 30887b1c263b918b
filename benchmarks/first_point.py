"""From the start of the process to the first point on disk, beside starting the interpreter."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from .harness import Bench, Row, at_most, duration, medians

BARE = "import time; print(time.monotonic())"
OURS = """
import sys
from anew import Experiment
with Experiment("bench/first/point", root=sys.argv[1]) as experiment:
    experiment.log_metric("loss", 0.5)
    import time
    now = time.monotonic()
sys.__stdout__.write(f"\\n{now}")
"""


def run(bench: Bench) -> Iterator[Row]:
    """Seconds to the first statement of an empty program, and to the return of the first log call."""
    taken = []
    for number in range(bench.size(31, 2)):
        with bench.folder("first_point") as folder:
            if number % 2:
                ours, beside = _until(OURS, str(folder)), _until(BARE)
            else:
                beside, ours = _until(BARE), _until(OURS, str(folder))
        taken.append((ours, beside))
    ours, beside, ratio = medians(taken[1:])
    yield Row(
        "process start → first point on disk",
        duration(ours),
        f"{duration(beside)} (interpreter start)",
        *at_most(ratio, 4),
    )


def _until(code: str, *args: str) -> float:
    start = time.monotonic()
    command = [sys.executable, "-c", code, *args]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(out.rstrip().rpartition("\n")[2]) - start
