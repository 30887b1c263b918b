"""Ranks, from the variables that launchers set."""

from __future__ import annotations

import pytest

from anew.tracking.ranks import Rank, find_rank

TORCHRUN = {"RANK": "5", "LOCAL_RANK": "1", "WORLD_SIZE": "8", "MASTER_ADDR": "a"}
SLURM_JOB = {"SLURM_JOB_ID": "77", "SLURM_PROCID": "3", "SLURM_NTASKS": "4", "SLURM_LOCALID": "1"}
SRUN_STEP = SLURM_JOB | {"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4"}
OPENMPI = {
    "OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_LOCAL_RANK": "0",
}  # fmt: skip


@pytest.mark.parametrize(
    ("environ", "rank"),
    [
        (TORCHRUN, Rank(5, 1, 8, "torchrun")),
        (OPENMPI, Rank(2, 0, 4, "openmpi")),
        (
            {
                "MV2_COMM_WORLD_RANK": "1",
                "MV2_COMM_WORLD_SIZE": "2",
                "MV2_COMM_WORLD_LOCAL_RANK": "1",
            },
            Rank(1, 1, 2, "mvapich"),
        ),
        ({"PMI_RANK": "1", "PMI_SIZE": "3", "MPI_LOCALRANKID": "1"}, Rank(1, 1, 3, "mpi")),
        ({"PMI_RANK": "0", "PMI_SIZE": "3"}, Rank(0, None, 3, "mpi")),
        (SRUN_STEP, Rank(3, 1, 4, "slurm")),
        (
            {"TPU_WORKER_ID": "1", "TPU_WORKER_HOSTNAMES": "a,b,c,d"},
            Rank(1, None, 4, "tpu"),
        ),
    ],
    ids=["torchrun", "openmpi", "mvapich", "mpich, intel", "mpich", "slurm", "tpu"],
)
def test_each_launcher_is_understood(environ: dict[str, str], rank: Rank) -> None:
    found = find_rank(environ)
    assert found == rank
    assert found.is_lead == (rank.rank == 0)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"RANK": "0"},  # somebody's own variable
        {"RANK": "gold", "WORLD_SIZE": "4"},
        {"RANK": "4", "WORLD_SIZE": "4"},
        {"RANK": "-1", "WORLD_SIZE": "4"},
        {"RANK": "²", "WORLD_SIZE": "4"},
        {"RANK": "", "WORLD_SIZE": ""},
        {"RANK": "1" * 5000, "WORLD_SIZE": "2" * 5000},
        {"TPU_WORKER_ID": "0", "TPU_WORKER_HOSTNAMES": "localhost"},
    ],
)
def test_without_a_launcher_there_is_no_rank(environ: dict[str, str]) -> None:
    rank = find_rank(environ)
    assert rank == Rank()
    assert rank.is_lead
    assert rank.world_size == 1


@pytest.mark.parametrize(
    "environ",
    [
        SLURM_JOB,  # the batch script: one process, whatever the job was given
        SLURM_JOB | {"SLURM_STEP_ID": "4294967291"},  # … as newer versions number it
        SLURM_JOB | {"SLURM_STEPID": "4294967290"},  # an interactive step of salloc
        SRUN_STEP | {"SLURM_PTY_PORT": "40000"},  # srun --pty bash
        SRUN_STEP | {"SLURM_JOB_NAME": "bash"},
        SRUN_STEP | {"SLURM_JOB_NAME": "interactive"},
    ],
)
def test_a_slurm_job_is_a_rank_only_inside_an_srun_step(environ: dict[str, str]) -> None:
    assert find_rank(environ).rank is None


def test_a_step_of_its_own_size_within_a_larger_job_counts_by_the_step() -> None:
    environ = SRUN_STEP | {"SLURM_NTASKS": "64"}
    assert find_rank(environ).world_size == 4
    alone = SRUN_STEP | {"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"}
    assert find_rank(alone) == Rank(source="slurm")


def test_the_innermost_launcher_counts() -> None:
    assert find_rank(SRUN_STEP | TORCHRUN).source == "torchrun"
    assert find_rank(SRUN_STEP | OPENMPI).source == "openmpi"


def test_one_process_alone_has_no_rank_but_a_source() -> None:
    rank = find_rank({"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"})
    assert (rank.rank, rank.world_size, rank.source) == (None, 1, "torchrun")


def test_ranks_show_and_compare_by_what_they_hold() -> None:
    assert repr(Rank(1, 0, 2, "mpi")) == "Rank(1, local_rank=0, world_size=2, source='mpi')"
    assert len({Rank(1, 0, 2, "mpi"), Rank(1, 0, 2, "mpi"), Rank()}) == 2
    assert Rank() != 0
