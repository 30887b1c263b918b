"""Moving experiments: to another prefix, and file by file wherever others lie in the same folder."""

from __future__ import annotations

import errno
import os
import shutil

from ..errors import InvalidName, InvalidValue, NotFound, StillRunning
from ..journal.belongings import files_of
from ..journal.layout import OWN_FOLDERS, RootLayout, is_experiment, would_hide
from ..record.names import check_prefix, split_number
from ..record.status import Status
from ..stores.series.protocol import ExperimentFolder
from .footprint import own_entries
from .index import Index

__all__ = ["check_inside", "move", "move_experiment", "move_files"]


def move_experiment(index: Index, experiment_id: str, prefix: str) -> None:
    """File an experiment under another prefix, and note it in the root's journal.

    Only its own files move: experiments in folders below it stay.

    Raises:
        NotFound: It is not known.
        StillRunning: It is being written.
        InvalidName: The prefix cannot be one, belongs to another experiment, or lies in a folder of one.
        InvalidValue: It lies outside of the root, behind a link.
        OSError: The files cannot be moved.
    """
    prefix = check_prefix(prefix)
    with index.exclusive():
        row = index.look_at([experiment_id]).get(experiment_id)
        if row is None:
            raise NotFound(f"There is no experiment {experiment_id!r}.", name=experiment_id)
        if row.status == Status.RUNNING:
            raise StillRunning(
                f"{row.prefix} is still running, so its process writes to the folder. Move it when it has ended."
            )
        place = index.place(experiment_id, row.prefix)
        check_inside(index.root, place, row.prefix)
        target = index.root.experiment(prefix).folder
        _check_target(index.root, row.prefix, prefix)
        move_files(index.root, place, target)
        after = [event.id for event in index.journal.state().heads("experiment", experiment_id)]
        fields = {"experiment_id": experiment_id, "prefix": prefix, "was": row.prefix}
        index.journal.append("moved", fields, after=after)
        index.touch([row.prefix, prefix])


def _check_target(root: RootLayout, now: str, prefix: str) -> None:
    if prefix == now:
        raise InvalidName(f"The experiment is at {prefix!r} already.", name=prefix)
    if is_experiment(root.experiment(prefix).folder):
        raise InvalidName(
            f"The prefix {prefix!r} is used by another experiment. Choose another.", name=prefix
        )
    segments = prefix.split("/")
    if split_number(segments[-1])[1]:
        raise InvalidName(
            f"The prefix {prefix!r} ends in '~' and a number, which Anew adds itself when a prefix is used again. "
            "Leave it out.",
            name=prefix,
        )
    for number, segment in enumerate(segments[1:], 1):
        above = root.experiment("/".join(segments[:number])).folder
        if segment in OWN_FOLDERS and is_experiment(above):
            raise InvalidName(
                f"The prefix {prefix!r} would lie in the folder {segment!r} of the experiment "
                f"{'/'.join(segments[:number])!r}. Choose another name for that segment.",
                name=prefix,
            )
    if would_hide(root.experiment(prefix).folder) is not None:
        raise InvalidName(
            f"The prefix {prefix!r} would hide the experiments inside of it. Choose another.",
            name=prefix,
        )


def check_inside(root: RootLayout, place: ExperimentFolder, prefix: str) -> None:
    """Make sure that an experiment's files lie in the root.

    Raises:
        InvalidValue: A link leads to them: nothing is moved or removed outside of the root.
    """
    real, inside = os.path.realpath(place.folder), os.path.realpath(root.root)
    if not real.startswith(os.path.join(inside, "")):
        raise InvalidValue(
            f"{prefix} lies outside of the root, in {real}, where a link leads. Anew moves and removes nothing there. "
            "Move or remove that folder yourself, or use Anew on the root that it lies in.",
            key=prefix,
        )


def move_files(root: RootLayout, place: ExperimentFolder, target: str) -> None:
    """Move an experiment's own files to another folder; folders that are empty then go."""
    source = place.folder
    if place.share is not None:
        # Several experiments lie there: what is its own goes, what they share stays.
        for path in files_of(source, place.share):
            to = os.path.join(target, os.path.relpath(path, source))
            os.makedirs(os.path.dirname(to), exist_ok=True)
            move(path, to)
    elif os.path.isdir(source):
        entries, everything = own_entries(source)
        if everything and not target.startswith(os.path.join(source, "")):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            move(source, target)
        else:
            os.makedirs(target, exist_ok=True)
            # As long as its journal is there, the folder says whose files the rest are: that goes last.
            for path in sorted(entries, key=lambda p: os.path.basename(p) == "journal"):
                if not os.path.join(target, "").startswith(os.path.join(path, "")):
                    move(path, os.path.join(target, os.path.basename(path)))
    _prune(source, root.root)


def move(source: str, target: str) -> None:
    """Move a file or folder; what is at the target already is filled up, and of a file the longer one stays.

    No link is followed: what is moved takes the place of one, and one is moved only where nothing is.
    """
    try:
        if os.path.islink(source) and os.path.lexists(target):
            os.unlink(source)
            return
        if os.path.islink(target):
            os.unlink(target)
        if os.path.isdir(target) and os.path.isdir(source):
            for name in os.listdir(source):
                move(os.path.join(source, name), os.path.join(target, name))
            os.rmdir(source)
        elif os.path.isfile(target) and os.path.getsize(target) >= os.path.getsize(source):
            os.remove(source)
        else:
            os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.move(source, target)


def _prune(folder: str, root: str) -> None:
    """Remove a folder and those above it as long as they are empty, up to the root."""
    while folder != root and folder.startswith(root + os.sep):
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            pass
        except OSError:
            return
        folder = os.path.dirname(folder)
