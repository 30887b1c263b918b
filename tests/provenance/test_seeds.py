"""Seeding every library, and random states that go through a checkpoint without losing a bit."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest

from anew import Experiment, Store, get_rng_state, seed_everything, set_rng_state
from anew.errors import InvalidValue
from anew.provenance import seeds as module


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch):
    state, legacy = random.getstate(), np.random.get_state()
    monkeypatch.setattr(module, "_last", None)
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    yield
    random.setstate(state)
    np.random.set_state(legacy)


def draw() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), random.gauss(0, 1)


def test_the_same_seed_gives_the_same_numbers_and_another_others():
    seeds = seed_everything(3)
    first = draw(), seeds.numpy_generator().random()
    again = seed_everything(3)
    assert (draw(), again.numpy_generator().random()) == first
    seed_everything(4)
    assert draw() != first[0]
    assert os.environ["PYTHONHASHSEED"] == "4"
    assert int(seeds) == 3


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "3", None, True])
def test_a_seed_that_some_library_cannot_take_is_refused_before_any_is_seeded(seed):
    state = random.getstate()
    with pytest.raises(InvalidValue):
        seed_everything(seed)
    assert random.getstate() == state


def test_numpy_integers_are_seeds():
    assert seed_everything(np.int64(5)).seed == 5


def test_a_state_goes_through_json_exactly():
    seed_everything(11)
    random.gauss(0, 1)  # leaves a second number waiting
    np.random.standard_normal()
    text = json.dumps(get_rng_state())
    expected = [draw() for _ in range(5)] + [float(np.random.standard_normal())]
    set_rng_state(json.loads(text))
    assert [draw() for _ in range(5)] + [float(np.random.standard_normal())] == expected


@pytest.mark.parametrize(
    "broken", [{}, {"python": 3}, {"python": {"version": 3, "state": [1], "gauss": None}}]
)
def test_what_is_no_state_is_refused(broken):
    with pytest.raises(InvalidValue):
        set_rng_state(broken)


def test_the_seed_is_recorded_before_and_after_the_start(tmp_path):
    def seeds_of(name: str):
        with Store(tmp_path) as store:
            return store[name].captured["seeds"]

    options = {"root": tmp_path, "quiet": True, "console": "off", "system_metrics": 0}
    with Experiment("a/none", **options):
        pass
    assert seeds_of("a/none")["seed"] is None
    with Experiment("a/after", **options):
        seed_everything(21)
    assert seeds_of("a/after")["seed"] == 21
    with Experiment("a/before", **options):
        pass
    assert seeds_of("a/before")["seed"] == 21
    assert {"random", "numpy"} <= set(seeds_of("a/before")["libraries"])


def test_the_state_at_the_start_is_recorded_as_a_digest(tmp_path):
    options = {"root": tmp_path, "quiet": True, "console": "off", "system_metrics": 0}
    for name, skip in (("a/1", 0), ("a/2", 0), ("a/3", 1)):
        seed_everything(1)
        for _ in range(skip):
            np.random.random()
        with Experiment(name, **options):
            pass
    with Store(tmp_path) as store:
        one, two, three = (store[f"a/{n}"].captured["seeds"]["states"] for n in (1, 2, 3))
    assert one == two
    assert one["random"] == three["random"]
    assert one["numpy"] != three["numpy"]


def test_a_library_imported_later_is_seeded_then():
    program = (
        "import sys\nfrom anew import seed_everything\nseeds = seed_everything(5)\n"
        "assert 'numpy' not in sys.modules\nimport numpy\n"
        "first = numpy.random.random()\nnumpy.random.seed(5)\nassert numpy.random.random() == first\n"
        "assert seeds.libraries == ['random', 'numpy'], seeds.libraries\n"
        "assert type(numpy.random.__spec__.loader).__module__ != 'anew.provenance.imports'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.slow
def test_torch_is_seeded_and_its_state_comes_back():
    program = """
import json, sys
from anew import get_rng_state, seed_everything, set_rng_state, seed_worker
seeds = seed_everything(5, deterministic=True)
import torch
assert torch.initial_seed() == 5
assert torch.are_deterministic_algorithms_enabled()
assert not torch.backends.cudnn.benchmark
torch.rand(3)
text = json.dumps(get_rng_state())
expected = torch.randn(5)
set_rng_state(json.loads(text))
assert torch.equal(torch.randn(5), expected)
a = torch.rand(4, generator=seeds.torch_generator())
assert torch.equal(a, torch.rand(4, generator=seeds.torch_generator()))
seed_worker(0)
assert "torch" in seeds.libraries
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.slow
def test_jax_gets_a_key():
    pytest.importorskip("jax")
    program = (
        "from anew import seed_everything\nimport jax\n"
        "a = jax.random.uniform(seed_everything(5).jax_key(), (3,))\n"
        "assert (a == jax.random.uniform(jax.random.key(5), (3,))).all()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
