"""Which of several processes this is: the rank a launcher gave it, read from its environment.

Launchers nest (mpirun inside a SLURM job, torchrun inside a pod), so the innermost is asked first.
"""

from __future__ import annotations

import os

from ..record.names import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Joined", "Rank", "find_rank"]


class Rank:
    """The place of a process among those started together.

    `rank` is None for a process on its own; `local_rank` counts within its machine, None if
    unknown; `source` names the launcher, "" if there is none.
    """

    __slots__ = ("local_rank", "rank", "source", "world_size")

    def __init__(
        self,
        rank: int | None = None,
        local_rank: int | None = None,
        world_size: int = 1,
        source: str = "",
    ) -> None:
        self.rank = rank
        self.local_rank = local_rank
        self.world_size = world_size
        self.source = source

    @property
    def is_lead(self) -> bool:
        """Whether this is the first process, or the only one."""
        return not self.rank

    @property
    def label(self) -> str:
        """What its writer is called."""
        return "main" if self.is_lead else f"rank{self.rank}"

    @property
    def role(self) -> str:
        """What its writer is to the experiment."""
        return "lead" if self.is_lead else "rank"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rank):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.rank, self.local_rank, self.world_size, self.source))

    def __repr__(self) -> str:
        return (
            f"Rank({self.rank}, local_rank={self.local_rank}, world_size={self.world_size}, "
            f"source={self.source!r})"
        )


class Joined(Rank):
    """The place of a process that was handed an experiment that another one began."""

    __slots__ = ()

    @property
    def is_lead(self) -> bool:
        """It never is."""
        return False

    @property
    def label(self) -> str:
        """What its writer is called."""
        return f"child-{os.getpid()}"

    @property
    def role(self) -> str:
        """A child: how it ends says nothing about the experiment."""
        return "child"


# (launcher, rank, world size, local rank); where several variables are named, the first one set counts.
_LAUNCHERS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    ("torchrun", ("RANK",), ("WORLD_SIZE",), ("LOCAL_RANK",)),
    (
        "openmpi",
        ("OMPI_COMM_WORLD_RANK",),
        ("OMPI_COMM_WORLD_SIZE",),
        ("OMPI_COMM_WORLD_LOCAL_RANK",),
    ),
    (
        "mvapich",
        ("MV2_COMM_WORLD_RANK", "MVP_COMM_WORLD_RANK"),
        ("MV2_COMM_WORLD_SIZE", "MVP_COMM_WORLD_SIZE"),
        ("MV2_COMM_WORLD_LOCAL_RANK", "MVP_COMM_WORLD_LOCAL_RANK"),
    ),
    (
        "mpi",
        ("PMI_RANK",),
        ("PMI_SIZE",),
        ("MPI_LOCALRANKID", "PMI_LOCAL_RANK", "PALS_LOCAL_RANKID"),
    ),
    (
        "slurm",
        ("SLURM_PROCID",),
        ("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_NPROCS"),
        ("SLURM_LOCALID",),
    ),
)
# SLURM numbers the steps of a job from 0; the batch script, an interactive shell and the like have
# reserved numbers from here on.
_FIRST_RESERVED_STEP = 0xFFFFFFF0


def find_rank(environ: Mapping[str, str]) -> Rank:
    """The rank that torchrun, Open MPI, MVAPICH, MPICH, SLURM or a TPU pod gave this process.

    A SLURM rank counts only inside a step that `srun` started: the batch script itself and an
    interactive shell carry the same variables and are one process. Variables that are no numbers, or
    do not fit each other, are passed over.
    """
    for source, ranks, sizes, locals_ in _LAUNCHERS:
        rank, size = _number(environ, ranks), _number(environ, sizes)
        if rank is None or size is None or rank >= size:
            continue
        if source == "slurm" and not _in_srun_step(environ):
            continue
        if size == 1:
            return Rank(source=source)
        return Rank(rank, _number(environ, locals_), size, source)
    return _tpu_pod(environ) or Rank()


def _number(environ: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    for name in names:
        text = environ.get(name)
        if text is not None:
            return natural(text.strip())
    return None


def _in_srun_step(environ: Mapping[str, str]) -> bool:
    step = _number(environ, ("SLURM_STEP_ID", "SLURM_STEPID"))
    if step is None or step >= _FIRST_RESERVED_STEP:
        return False
    # `srun --pty bash`: a shell for a person, whatever was allotted to it.
    return "SLURM_PTY_PORT" not in environ and environ.get("SLURM_JOB_NAME") not in (
        "bash",
        "interactive",
    )


def _tpu_pod(environ: Mapping[str, str]) -> Rank | None:
    hosts = [h for h in environ.get("TPU_WORKER_HOSTNAMES", "").split(",") if h.strip()]
    rank = _number(environ, ("TPU_WORKER_ID",))
    if rank is None or len(hosts) < 2 or rank >= len(hosts):
        return None
    return Rank(rank, None, len(hosts), "tpu")
