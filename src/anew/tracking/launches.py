"""Which start of a program this is: what its processes have in common, and whether a launcher starts it once more.

A launch is one start of a program. Its processes, on one machine or many, derive the same ids from the launch's token
without talking to each other.
"""

from __future__ import annotations

import os
import sys

from ..journal.liveness import process_started
from ..record.names import natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .ranks import Rank

__all__ = ["Launch", "ancestors", "find_launch"]

_MPI = (
    "PMIX_NAMESPACE",
    "OMPI_MCA_ess_base_jobid",
    "OMPI_MCA_orte_ess_jobid",
    "PALS_APID",
    "PMI_JOBID",
)


class Launch:
    """One start of a program.

    Attributes:
        token: A text that is the same for all processes of the launch and unique to it; "" for a process alone. It
            stays the same when the launcher starts its processes again.
        restarts: How often the launcher has started them again.
        job: The job that the launcher may start again; "" without one.
        distinct: Whether its processes are called differently, so that two of one name are two starts.
        scattered: Whether other machines take part that cannot know the token.
    """

    __slots__ = ("distinct", "job", "restarts", "scattered", "token")

    def __init__(
        self,
        token: str = "",
        restarts: int = 0,
        job: str = "",
        *,
        distinct: bool = False,
        scattered: bool = False,
    ) -> None:
        self.token = token
        self.restarts = restarts
        self.job = job
        self.distinct = distinct
        self.scattered = scattered


def find_launch(environ: Mapping[str, str], given: str, rank: Rank) -> Launch:
    """The launch of this process, as its launcher's environment variables say.

    Args:
        given: The setting `launch`.
        rank: Which of its processes this is.
    """
    elastic = "TORCHELASTIC_RUN_ID" in environ
    slurm = environ.get("SLURM_JOB_ID", "")
    restarts = _number(environ.get("TORCHELASTIC_RESTART_COUNT"))
    restarts = restarts + _number(environ.get("SLURM_RESTART_COUNT"))
    job = f"slurm:{slurm}" if slurm else ""
    several = rank.world_size > 1
    if given:
        return Launch(f"given:{given}", restarts, job, distinct=several)
    if not several and not elastic:
        return Launch(_children_of(), restarts, job)
    run_id = environ.get("TORCHELASTIC_RUN_ID", "none")
    if run_id != "none":
        return Launch(f"torchrun:{run_id}", restarts, job, distinct=True)
    if slurm:
        step = environ.get("SLURM_STEP_ID") or environ.get("SLURM_STEPID") or ""
        return Launch(f"{job}.{step}", restarts, job, distinct=True)
    for name in _MPI:
        if environ.get(name):
            return Launch(f"mpi:{environ[name]}", restarts, job, distinct=True)
    # All ranks of this machine were started by one process.
    parent = os.getppid()
    here = environ.get("LOCAL_WORLD_SIZE", str(rank.world_size)) == str(rank.world_size)
    token = f"parent:{parent}.{process_started(parent)}"
    return Launch(token, restarts, job, distinct=True, scattered=not here)


def _children_of() -> str:
    """The token of processes that `multiprocessing` started: the program that did is what was launched."""
    module = sys.modules.get("multiprocessing.process")
    parent = module.parent_process() if module is not None else None
    if parent is None or parent.pid is None:
        return ""
    return f"parent:{parent.pid}.{process_started(parent.pid)}"


def _number(text: str | None) -> int:
    return natural((text or "").strip(), 8) or 0


def ancestors() -> dict[int, int]:
    """The processes that started this one, and when each of them began (see `process_started`)."""
    found: dict[int, int] = {}
    pid = os.getppid()
    while pid > 1 and pid not in found and len(found) < 64:
        found[pid] = process_started(pid)
        pid = _parent_of(pid)
    return found


def _parent_of(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
        return int(stat[stat.rindex(b")") + 2 :].split()[1])
    except (OSError, ValueError, IndexError):
        pass
    try:
        import psutil

        return int(psutil.Process(pid).ppid())
    except Exception:  # noqa: BLE001  (no such process, or not to be asked)
        return 0
