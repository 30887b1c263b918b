"""A re-run while it runs: how far it is, and whether it is the original so far."""

from __future__ import annotations

import numpy as np
import pytest

from anew import Experiment
from anew.reproduce.live import Live
from anew.reproduce.verdict import Curve, Tolerance
from anew.reproduce.words import progress_line

ORIGINAL = {"loss": Curve(np.arange(0, 50, 10), np.array([5.0, 4.0, 3.0, 2.0, 1.0]))}


@pytest.fixture
def rerun(tmp_path):
    with Experiment("rerun", root=tmp_path, quiet=True, console="off", system_metrics=0) as exp:
        yield exp


def test_the_step_reached_is_told_with_the_last_of_the_original(rerun):
    live = Live(rerun.folder, ORIGINAL, Tolerance())
    rerun.log_metrics({"loss": 5.0}, step=0)
    rerun.log_metrics({"loss": 4.0}, step=10)
    live.look()
    assert (live.step, live.last_step, live.done, live.total) == (10, 40, 2, 5)
    assert (live.differing, live.tolerated) == (None, False)
    assert "step 10 of 40" in progress_line(live)
    assert "identical" in progress_line(live)


def test_what_differs_within_the_tolerance_is_not_told_as_identical(rerun):
    live = Live(rerun.folder, ORIGINAL, Tolerance(0.0, 0.5))
    rerun.log_metrics({"loss": 5.1}, step=0)
    live.look()
    assert live.tolerated
    assert "identical" not in progress_line(live)
    rerun.log_metrics({"loss": 9.0}, step=10)
    live.look()
    assert live.differing == ("loss", 10, 4.0, 9.0)
    assert "step 10" in progress_line(live)
