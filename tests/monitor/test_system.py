"""System metrics of the machine the tests run on."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from anew.monitor.system import PREFIX, SystemSampler


def sample(sampler: SystemSampler) -> dict[str, float]:
    return {name.removeprefix(PREFIX): value for name, value in sampler.sample().items()}


def test_a_sample_holds_plain_numbers_within_their_bounds(tmp_path: Path) -> None:
    sampler = SystemSampler(str(tmp_path))
    first = sample(sampler)
    end = time.process_time() + 0.3
    while time.process_time() < end:
        sum(range(1000))
    values = sample(sampler)
    assert first.keys() == values.keys()
    assert all(type(v) is float for v in values.values())
    for name in ("cpu.percent", "memory.percent", "disk.percent"):
        assert 0 <= values[name] <= 100, name
    assert 0 < values["process.cpu_percent"] < 2000
    assert 1e6 < values["process.rss_bytes"] < 1e12
    assert values["process.threads"] >= 1
    for name in ("disk.read", "disk.written", "network.sent", "network.received"):
        assert values[f"{name}_bytes_per_s"] >= 0, name
    sampler.close()


def test_names_are_metric_names_under_system(tmp_path: Path) -> None:
    names = list(SystemSampler(str(tmp_path)).sample())
    assert names
    assert all(name.startswith("system/") for name in names)


def test_memory_of_child_processes_is_counted() -> None:
    sampler = SystemSampler()
    before = sample(sampler)
    ready = "import sys; keep = b'x' * 100_000_000; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", ready], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        during = sample(sampler)
        child.communicate("")
    assert during["process.tree_count"] >= before["process.tree_count"] + 1
    assert during["process.tree_rss_bytes"] > before["process.tree_rss_bytes"] + 50e6


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    values = sample(SystemSampler(str(tmp_path / "gone")))
    assert "disk.percent" not in values
    assert "memory.percent" in values


def test_a_counter_that_starts_anew_gives_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = SystemSampler()
    clock = iter([0.0, 10.0, 10.01, 20.0, 30.0])
    monkeypatch.setattr("anew.monitor.system.time.monotonic", lambda: next(clock))
    assert sampler.rate("x", 100) == {}
    assert sampler.rate("x", 200) == {"x": 10.0}
    assert sampler.rate("x", 900) == {}  # too soon after the last
    assert sampler.rate("x", 5) == {}
    assert sampler.rate("x", 15) == {"x": 1.0}


def test_making_a_sampler_imports_nothing_heavy() -> None:
    code = (
        "import sys; from anew.monitor.system import SystemSampler; SystemSampler(); "
        "print([m for m in ('psutil', 'pynvml', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True
    )
    assert done.stdout == "[]\n"
