"""Finding the experiment that an opening refers to: by prefix or name, new or continued, alone or one of many ranks."""

from __future__ import annotations

import os

from ..errors import InvalidName
from ..journal.layout import ExperimentLayout, RootLayout, is_experiment
from ..journal.liveness import process_started
from ..record.ids import new_id
from ..record.names import RESERVED, check_label, check_prefix, folder_name
from ..record.secrets import MASK, mask_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Place", "find_place", "launch_token"]


class Place:
    """Where an experiment lies: its layout, prefix and name, and its id if that is decided already."""

    __slots__ = ("experiment_id", "layout", "name", "prefix")

    def __init__(self, root: RootLayout, prefix: str, name: str, experiment_id: str | None) -> None:
        self.prefix = prefix
        self.name = name
        self.experiment_id = experiment_id
        self.layout: ExperimentLayout = root.experiment(prefix)


def find_place(
    root: RootLayout,
    given: str,
    *,
    project: str | None,
    launch: str,
    ordinal: int,
    is_prefix: bool = False,
) -> Place:
    """The place of the experiment that the first argument of `Experiment` means.

    With a slash, or when `is_prefix` says so, it is a prefix, one experiment for ever. Without, it is a name: a new experiment in a folder of
    its own, except that the ranks of one launch (which share `launch`) mean the same one.

    Raises:
        InvalidName: It cannot be a prefix or a name.
    """
    if is_prefix or "/" in given or "\\" in given:
        prefix = check_prefix(given if project is None else f"{project}/{given}")
        _refuse_secret(prefix)
        _check_parents(root, prefix)
        return Place(root, prefix, prefix.rsplit("/", 1)[-1], None)
    name = mask_text(check_label(given, "name"))
    if name in (".", ".."):
        check_prefix(name)
    experiment_id = (
        new_id() if not launch else _shared_id(f"{launch}\0{project}\0{name}\0{ordinal}")
    )
    folder = f"{folder_name(name)}-{experiment_id}"
    prefix = check_prefix(folder if project is None else f"{project}/{folder}")
    _check_parents(root, prefix)
    return Place(root, prefix, name, experiment_id)


def _refuse_secret(prefix: str) -> None:
    """Refuse a prefix that holds a credential: it becomes folders, and is shown wherever the experiment is.

    Raises:
        InvalidName: It does.
    """
    shown = mask_text(prefix)
    if shown != prefix:
        raise InvalidName(
            f"The prefix {shown!r} contains what looks like a secret (shown as {MASK}). Prefixes become folders, "
            "and everyone who can see the store can read them. Leave it out.",
            name=shown,
        )


def _check_parents(root: RootLayout, prefix: str) -> None:
    """An experiment may lie inside another one's folder, but not where that one keeps its own things."""
    segments = prefix.split("/")
    for i, segment in enumerate(segments[1:], 1):
        if segment in RESERVED and is_experiment(os.path.join(root.root, *segments[:i])):
            raise InvalidName(
                f"The prefix {prefix!r} would lie in the folder {segment!r} of the experiment "
                f"{'/'.join(segments[:i])!r}. Choose another name for that segment.",
                name=prefix,
            )


def _shared_id(text: str) -> str:
    """An id that every rank of a launch derives alike."""
    import hashlib

    from ..record.ids import ID_LENGTH, id_from_bytes

    return id_from_bytes(hashlib.sha256(text.encode()).digest()[:ID_LENGTH])


def launch_token(environ: Mapping[str, str], launch_id: str, world_size: int | None) -> str:
    """A text that is the same for all ranks of one launch and unique to it; "" for a single process."""
    if not world_size or world_size < 2:
        return ""
    if launch_id:
        return f"given:{launch_id}"
    if environ.get("SLURM_JOB_ID"):
        step = environ.get("SLURM_STEP_ID") or environ.get("SLURM_STEPID") or ""
        restarts = environ.get("SLURM_RESTART_COUNT", "0")
        return f"slurm:{environ['SLURM_JOB_ID']}.{step}.{restarts}"
    restarts = environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    run_id = environ.get("TORCHELASTIC_RUN_ID", "none")
    if run_id != "none":
        return f"torchrun:{run_id}.{restarts}"
    if environ.get("LOCAL_WORLD_SIZE", str(world_size)) == str(world_size):
        # All ranks were started by one process on this machine.
        parent = os.getppid()
        return f"parent:{parent}.{process_started(parent)}.{restarts}"
    return f"address:{environ.get('MASTER_ADDR')}:{environ.get('MASTER_PORT')}.{restarts}"
