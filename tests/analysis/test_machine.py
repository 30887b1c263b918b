"""What a machine did while a curve was drawn: idle time, and what stands out in a stretch."""

from __future__ import annotations

import json

import numpy as np
import pytest

from anew import Experiment, Store
from anew.analysis.machine import machine_of
from anew.errors import InvalidValue, NotFound
from anew.server.table import API
from serving import in_process
from stores.journals import Journal

START = 1_700_000_000.0
EVERY = 10.0
STEPS = 300
SLOW = range(120, 151)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A step a second for five minutes. From step 120 to 150 the throughput falls, and the first of four GPUs idles and is full."""
    root = str(tmp_path_factory.mktemp("machine"))
    noise = np.random.default_rng(1)
    journal = Journal(root, "lab/slow", t=START - 1).opened()
    for step in range(STEPS):
        fast = 100 if step not in SLOW else 30
        journal.points([(step, {"throughput": fast + noise.normal()})], t=START + step)
    for number in range(int(STEPS / EVERY)):
        at = START + number * EVERY
        slow = int(at - START) in SLOW
        sample = {"system/cpu.percent": 40 + noise.normal(), "system/gpu.0.memory_percent": 99.0 if slow else 50 + noise.normal()}  # fmt: skip
        for gpu in range(4):
            busy = 0.0 if (gpu == 0 and slow) or gpu == 3 else 90 + noise.normal()
            sample[f"system/gpu.{gpu}.utilization"] = busy
        journal.points([(None, sample)], t=at)
    journal.t = START + STEPS
    journal.closed().announce()
    with Experiment("lab/unwatched", root=root, quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"throughput": 1.0}, step=130)
    return root


@pytest.fixture(scope="module")
def store(root: str):
    with Store(root) as opened:
        yield opened


def test_idle_time_is_told_of_each_device(store):
    found = store.analysis.machine("slow")
    told = {one.device: one for one in found.devices}
    assert list(told) == ["cpu", "gpu.0", "gpu.1", "gpu.2", "gpu.3"]
    assert [told[f"gpu.{number}"].share for number in (1, 3)] == [0.0, 1.0]
    idle = sum(EVERY for number in range(30) if number * 10 in SLOW)
    assert told["gpu.0"].idle == pytest.approx(idle)
    assert told["gpu.0"].watched == pytest.approx(STEPS)
    assert told["gpu.0"].share == pytest.approx(idle / STEPS)
    assert told["gpu.0"].longest == pytest.approx(idle)
    assert told["gpu.0"].longest_at == START + 120
    assert found.begin is None
    assert "every 10 seconds" in found.notes[0]


def test_what_stands_out_in_a_stretch_comes_first_and_proves_nothing(store):
    found = store.analysis.machine("slow", "throughput", SLOW[0], SLOW[-1])
    assert (found.begin, found.end) == (START + 120, START + 150)
    assert found.curve.inside == pytest.approx(30, abs=2)
    assert found.curve.around == pytest.approx(100, abs=2)
    out = [one.metric for one in found.measures if one.stands_out]
    assert set(out) == {"system/gpu.0.utilization", "system/gpu.0.memory_percent"}
    assert [one.metric for one in found.measures[:2]] == out
    assert "does not say which of them brought the other about" in found.notes[-1]
    assert {one.device: one.share for one in found.devices}["gpu.0"] == 1.0


def test_where_nothing_was_unlike_the_time_around_it_that_is_told(store):
    found = store.analysis.machine("slow", "throughput", 200, 230)
    assert not any(one.stands_out for one in found.measures)
    assert "Nothing that was sampled stands out" in found.notes[-1]


def test_a_point_stands_for_the_time_between_its_neighbours(store):
    found = store.analysis.machine("slow", "throughput", 130, 130)
    assert (found.begin, found.end) == (START + 129, START + 131)
    assert found.curve.samples == 3
    between = store.analysis.machine("slow", "throughput", 133, 136)
    assert "No sample lies within this stretch" in between.notes[-1]
    assert between.measures[0].stands_out is None or not between.measures[0].samples


def test_times_since_the_start_and_of_the_clock_mean_the_same(store):
    view = store.get("slow")
    began = view.started_at or view.created_at
    by_step = store.analysis.machine("slow", "throughput", 120, 150)
    by_clock = store.analysis.machine("slow", "throughput", START + 120, START + 150, x="time")
    by_start = machine_of(view, "throughput", START + 120 - began, START + 150 - began, x="relative")  # fmt: skip
    assert by_clock == by_step
    assert by_start.begin == pytest.approx(by_step.begin)


def test_long_gaps_between_samples_are_not_counted(tmp_path):
    journal = Journal(tmp_path, "lab/gap", t=START - 1).opened()
    for at in (0, 10, 20, 30, 5000, 5010):
        journal.points([(None, {"system/gpu.0.utilization": 0.0})], t=START + at)
    journal.closed().announce()
    with Store(tmp_path) as store:
        (one,) = store.analysis.machine("gap").devices
    assert one.watched == 60


def test_what_cannot_be_told_is_refused(store):
    with pytest.raises(NotFound):
        store.analysis.machine("slow", "nope", 0, 1)
    with pytest.raises(NotFound):
        store.analysis.machine("slow", "throughput", 1000, 2000)
    with pytest.raises(InvalidValue):
        store.analysis.machine("slow", "throughput", 5)
    assert store.analysis.machine("unwatched").notes == ("Nothing was sampled of this machine.",)


def test_the_route_leaves_out_who_has_no_such_point(root, store):
    with in_process(root) as server:
        body = {"ids": ["slow", "unwatched"], "metric": "throughput", "start": 200, "stop": 210}
        answer = server.send("POST", f"{API}/analysis/machine", {"content-type": "application/json"}, json.dumps(body).encode())  # fmt: skip
    assert answer.status == 200, answer.body
    (found,) = json.loads(answer.body)
    assert found["id"] == store.get("slow").id
    assert found["begin"] == START + 200
