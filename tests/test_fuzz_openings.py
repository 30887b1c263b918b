"""Random sequences of openings, corrections, kills, moves, copies and damages, against a model of them.

`make test` runs a few of them, `make test-all` two dozen, and `make soak` runs `SOAK_SECONDS`. A failure names the seed, which repeats it alone.
"""

from __future__ import annotations

import random
import time

import pytest

from openings import run
from test_fuzz import SOAK_SECONDS


@pytest.fixture(autouse=True)
def without_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANEW_CAPTURE", "off")


@pytest.mark.parametrize(
    "seed", [*range(5), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5, 24))]
)
def test_what_was_opened_in_whatever_order_is_shown_as_the_rules_say(tmp_path, seed):
    run(tmp_path / "home", seed, 30)


@pytest.mark.soak
def test_openings_are_shown_as_the_rules_say_for_half_an_hour(tmp_path):
    until, seed = time.monotonic() + SOAK_SECONDS, random.SystemRandom().randrange(2**32)
    while time.monotonic() < until:
        run(tmp_path / str(seed), seed, 60)
        seed += 1
