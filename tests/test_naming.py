"""Names for experiments."""

from __future__ import annotations

import argparse
import enum
import random
import re
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from anew.errors import InvalidValue
from anew.naming import generate_experiment_name, random_name
from anew.record.names import check_label, check_prefix

NOW = datetime(2025, 1, 15, 14, 30)
DPO: dict[str, Any] = {
    "algorithm": {"name": "dpo"},
    "model": {"name": "meta-llama/llama-7b"},
    "dpo": {"beta": 0.1},
    "training": {"lr": 1e-5},
}


class Hand:
    """A configuration class as people write them."""

    class algorithm:
        name = "ppo"

    def __init__(self) -> None:
        self.algorithm = SimpleNamespace(name="ppo")
        self.model = SimpleNamespace(name="llama-7b")
        self.ppo = SimpleNamespace(clip_ratio=0.2)


@pytest.mark.parametrize(
    "config",
    [
        DPO,
        OmegaConf.create(DPO),
        argparse.Namespace(**{k: SimpleNamespace(**v) for k, v in DPO.items()}),
        {"algorithm": "dpo", "model": "llama-7b", "beta": 0.1},
    ],
    ids=lambda c: type(c).__name__,
)
def test_the_name_tells_algorithm_model_key_parameter_and_time(config: Any) -> None:
    assert generate_experiment_name(config, now=NOW) == "dpo_llama-7b_beta0.1_0115_1430"


def test_each_algorithm_has_its_own_key_parameter() -> None:
    assert generate_experiment_name(Hand(), now=NOW) == "ppo_llama-7b_clip0.2_0115_1430"
    sft = {"algorithm": {"name": "sft"}, "model": {"name": "a/b/phi-2"}}
    assert generate_experiment_name(sft, now=NOW) == "sft_phi-2_0115_1430"


def test_what_is_not_configured_is_left_out() -> None:
    assert generate_experiment_name({"model": {"name": "m"}}, now=NOW) == "m_0115_1430"
    assert generate_experiment_name({"algorithm": {"name": "dpo"}}, now=NOW) == "dpo_0115_1430"
    named = {"experiment": {"name": "ablation"}}
    assert generate_experiment_name(named, now=NOW) == "ablation_0115_1430"
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d{3}_0115_1430", generate_experiment_name({}, now=NOW))


def test_without_a_time_it_is_now() -> None:
    assert re.fullmatch(r"dpo_llama-7b_beta0.1_\d{4}_\d{4}", generate_experiment_name(DPO))


def test_a_pattern_chooses_what_the_name_tells() -> None:
    pattern = "{algorithm.name}_{model.name}_lr{training.lr}_{now:%m%d_%H%M}"
    assert generate_experiment_name(DPO, pattern, NOW) == "dpo_llama-7b_lr1e-05_0115_1430"
    assert generate_experiment_name(DPO, "b{dpo.beta:.2f}", NOW) == "b0.10"
    assert generate_experiment_name(DPO, "{now}", NOW) == "0115_1430"
    assert generate_experiment_name(DPO, "{{x}}{dpo.beta}", NOW) == "{x}0.1"
    assert generate_experiment_name(DPO, "alice/{model.name}", NOW) == "alice/llama-7b"
    assert generate_experiment_name({"n": np.int64(7)}, "run{n:03d}", NOW) == "run007"
    assert generate_experiment_name({"n": enum.Enum("E", "A").A}, "{n}", NOW) == "1"


@pytest.mark.parametrize(
    "pattern",
    [
        "{training.lrr}",
        "{nothing}",
        "{training}",
        "{a",
        "{}",
        "{algorithm.name!r}",
        "{dpo[beta]}",
        "{dpo.beta:{dpo.beta}}",
        "{dpo..beta}",
        "{dpo.beta:d}",
        "{dpo.beta:>99999999}",
        "",
        "{training.__class__}",
    ],
)
def test_a_pattern_that_cannot_be_followed_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidValue):
        generate_experiment_name(DPO, pattern, NOW)


def test_a_pattern_reaches_data_only() -> None:
    class Config:
        lr = 0.1
        _private = "hidden"

        def method(self) -> str:
            return "called"

        @property
        def broken(self) -> str:
            raise RuntimeError("no")

    assert generate_experiment_name(Config(), "{lr}", NOW) == "0.1"
    for field in (
        "_private", "method", "method.__globals__", "__class__", "__init__.__globals__", "broken",
    ):  # fmt: skip
        with pytest.raises(InvalidValue):
            generate_experiment_name(Config(), f"{{{field}}}", NOW)
    with pytest.raises(InvalidValue):
        generate_experiment_name({"m": re}, "{m.__name__}", NOW)


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_the_configuration_says_the_name_can_be_one(algorithm: str, model: str) -> None:
    name = generate_experiment_name({"algorithm": algorithm, "model": {"name": model}}, now=NOW)
    assert check_label(name, "name") == name
    check_prefix(f"alice/{name}")
    patterned = generate_experiment_name({"m": model}, "x_{m}_y", NOW)
    assert check_prefix(patterned) == patterned
    assert "/" not in patterned


def test_random_names_are_readable_and_differ() -> None:
    names = {random_name() for _ in range(200)}
    assert len(names) > 190
    assert all(re.fullmatch(r"[a-z]+-[a-z]+-\d{3}", name) for name in names)
    assert all(check_prefix(name) == name for name in names)


def test_random_names_leave_the_seeded_generators_alone() -> None:
    random.seed(1)
    np.random.seed(1)
    before = random.getstate(), np.random.get_state()[1].tolist()
    one = random_name()
    random.seed(1)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
    assert random_name() != one


def test_what_shares_a_seed_shares_its_name() -> None:
    assert random_name("slurm:77.0") == random_name("slurm:77.0")
    assert random_name("slurm:77.0") != random_name("slurm:78.0")
