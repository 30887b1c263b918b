"""Large experiments are sent and taken in with memory that does not grow with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from anew import Store
from anew.record.encode import encode_line
from faults.site import Serving, quick_folder, serving
from sync.recorded import Root

pytestmark = pytest.mark.slow

PART = 100_000
"""Points of a part: six megabytes of text."""
CLIENT, SERVER = 150, 300
MORE = 40
"""Megabytes that a server may have grown by, after it was sent four times as much again: that text alone has twenty-five."""
PUSH = """
import resource, sys
from anew.sync.push import push
assert push(sys.argv[1], sys.argv[2]).complete
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def most_of_client(root: Root, url: str) -> int:
    """The most megabytes that a process had that pushed."""
    command = [sys.executable, "-c", PUSH, str(root.path), url]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def most_of(server: Serving) -> int:
    """The most megabytes that the server had so far."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return next(int(li.split()[1]) for li in status.splitlines() if li.startswith("VmHWM")) // 1024


def points(server: Serving, id: str) -> int:
    """How many points a reader is shown."""
    with Store(server.url) as there:
        return sum(metric.count for metric in there[id].metrics.values())


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc")
def test_an_experiment_of_many_points_needs_no_more_memory_than_one_of_some() -> None:
    with quick_folder() as folder:
        root = Root(folder / "here")
        id, writer = root.open("lab/x/large")
        with serving(folder / "there") as server:

            def written(first: int, last: int) -> int:
                for part in range(first, last):
                    name = (
                        f"metrics/{writer}.jsonl" if part == 1 else f"metrics/{writer}.{part}.jsonl"
                    )
                    lines = (encode_line({"s": n, "t": 1e9 + n, "m": {"loss": 1 / (n + 1)}}) for n in range(PART))  # fmt: skip
                    root.append(id, name, b"".join(lines))
                assert most_of_client(root, server.url) < CLIENT
                assert points(server, id) == PART * (last - 1)
                return most_of(server)

            some = written(1, 3)
            root.close(id, writer)
            many = written(3, 7)
            assert many < SERVER
            assert many - some < MORE


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc")
def test_an_experiment_of_many_metrics_is_sent_and_shown() -> None:
    names = [f"layer{n}/grad" for n in range(5_000)]
    with quick_folder() as folder:
        root = Root(folder / "here")
        id, writer = root.open("lab/x/wide")
        for step in range(5):
            line = {"s": step, "t": 1e9 + step, "m": dict.fromkeys(names, float(step))}
            root.append(id, f"metrics/{writer}.jsonl", encode_line(line))
        root.close(id, writer)
        with serving(folder / "there") as server:
            assert most_of_client(root, server.url) < CLIENT
            assert points(server, id) == 5 * len(names)
            with Store(server.url) as there:
                assert there[id].metrics[names[-1]].last == 4.0
            assert most_of(server) < SERVER
