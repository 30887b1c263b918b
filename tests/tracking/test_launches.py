"""Which start of a program a process belongs to."""

from __future__ import annotations

import pytest

from anew.tracking.launches import find_launch
from anew.tracking.ranks import Rank

SLURM = {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0"}
FOUR = Rank(1, 1, 4, "x")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (SLURM, SLURM, True),
        (SLURM, {**SLURM, "SLURM_STEP_ID": "1"}, False),
        (SLURM, {**SLURM, "SLURM_RESTART_COUNT": "1"}, True),
        ({"TORCHELASTIC_RUN_ID": "x"}, {"TORCHELASTIC_RUN_ID": "x"}, True),
        ({"TORCHELASTIC_RUN_ID": "x"}, {"TORCHELASTIC_RUN_ID": "y"}, False),
        (
            {"TORCHELASTIC_RUN_ID": "x"},
            {"TORCHELASTIC_RUN_ID": "x", "TORCHELASTIC_RESTART_COUNT": "1"},
            True,
        ),
        ({"PMIX_NAMESPACE": "a@1"}, {"PMIX_NAMESPACE": "a@2"}, False),
        ({}, {}, True),  # started by one parent on one machine
    ],
)
def test_ranks_of_one_launch_have_a_token_in_common_also_when_it_is_started_again(
    one: dict[str, str], other: dict[str, str], same: bool
) -> None:
    assert (find_launch(one, "", FOUR).token == find_launch(other, "", FOUR).token) is same


def test_a_process_alone_has_none_unless_one_is_given() -> None:
    assert find_launch(SLURM, "", Rank()).token == ""
    assert find_launch({}, "mine", Rank()).token == find_launch(SLURM, "mine", FOUR).token != ""


def test_restarts_are_counted_and_a_job_has_a_name() -> None:
    again = find_launch({**SLURM, "SLURM_RESTART_COUNT": "2"}, "", Rank())
    assert (again.restarts, again.job) == (2, "slurm:7")
    assert find_launch({"SLURM_RESTART_COUNT": "x"}, "", Rank()).restarts == 0


def test_ranks_on_several_machines_without_a_token_are_known_to_be_scattered() -> None:
    assert find_launch({"LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "n1"}, "", FOUR).scattered
    assert not find_launch({"LOCAL_WORLD_SIZE": "4"}, "", FOUR).scattered
    assert not find_launch({**SLURM, "LOCAL_WORLD_SIZE": "2"}, "", FOUR).scattered
