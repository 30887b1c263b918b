"""What the commands that change experiments share: which ones, showing a change before it is made, and taking it back."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from ..commands.planning import changed_document
from ..errors import NotFound
from ..reading.changing import Change
from ..record.plain import from_plain
from ..settings import user_folder
from .face import Face
from .words import one_line, plural, value

if TYPE_CHECKING:
    from ..store import Store

__all__ = ["Done", "changes_options", "forget", "keep", "made_last", "make", "parted", "tell"]

F = TypeVar("F", bound=Callable[..., Any])
_MOST_LINES = 40
_KEPT = 20
"""So many commands can be taken back, the newest first."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A command that changed experiments, as it is kept to be taken back."""

    store: str
    time: float
    command: str
    changes: tuple[Change, ...]


def changes_options(function: F) -> F:
    """The options of every command that changes experiments."""
    for option in (
        click.option(
            "-n", "--dry-run", is_flag=True, help="Show what would change, and change nothing."
        ),
        click.option(
            "-f",
            "--filter",
            metavar="FILTER",
            help="All experiments that match this filter, in the place of EXPERIMENT.",
        ),
    ):
        function = option(function)
    return function


def parted(words: Sequence[str], filter: str | None) -> tuple[str | None, tuple[str, ...]]:
    """The experiment that a command is about, and its other words: with a filter all are other words."""
    if filter:
        return None, tuple(words)
    if not words:
        raise click.UsageError("Name an experiment, or give a --filter.")
    return words[0], tuple(words[1:])


def make(
    face: Face, store: Store, command: str, changes: Sequence[Change], *, kept: bool = True
) -> None:
    """Write changes down, and, if `kept`, how they are taken back; what was written before an error is kept too."""
    done = 0
    with face.out.progress("Writing") as progress:

        def told_progress(so_far: int, total: int) -> None:
            nonlocal done
            done = so_far
            progress(so_far, total)

        try:
            store.change(changes, told_progress)
        finally:
            if done and kept:
                keep(store, command, changes[:done])


def tell(
    face: Face,
    changes: Sequence[Change],
    of: int,
    dry_run: bool,
    *,
    command: str = "",
    undone: bool = False,
) -> None:
    """Say what changes, or was changed."""

    def table() -> None:
        for one in changes[:_MOST_LINES]:
            for what, (before, after) in one.what.items():
                face.out.line(one_line(f"{one.prefix}  {what}: {_shown(before)} → {_shown(after)}"))
        if len(changes) > _MOST_LINES:
            face.out.line(f"and {plural(len(changes) - _MOST_LINES, 'more experiment')}", "dim")
        same = of - len(changes)
        already = f" {plural(same, 'experiment')} had it already." if same else ""
        count = plural(len(changes), "experiment")
        if dry_run and undone:
            face.out.say(f"Nothing was changed: {command!r} of {count} would be taken back.")
        elif dry_run:
            face.out.say(f"Nothing was changed: {count} would be.{already}")
        elif undone:
            face.out.say(f"Took back {command!r} of {count}.")
        else:
            face.out.say(f"Changed {count}.{already} `anew undo` takes it back.")

    face.out.emit(
        changed_document(changes, dry_run, command if undone else None),
        ids=[one.id for one in changes],
        table=table,
    )


def _shown(what: Sequence[Any]) -> str:
    if not what:
        return "nothing"
    return "set" if what[0] is None else value(from_plain(what[0]))


def made_last(store: Store) -> Done:
    """The newest command from here that changed this store and was not taken back.

    Raises:
        NotFound: There is none.
    """
    mine = [one for one in _read() if one.store == store.root]
    if not mine:
        raise NotFound("Nothing was changed from here that could be taken back.")
    return mine[-1]


def forget(done: Done) -> None:
    """Let a command be taken back no more."""
    _write([one for one in _read() if (one.store, one.time) != (done.store, done.time)])


def keep(store: Store, command: str, changes: Sequence[Change]) -> None:
    """Keep how changes that were made are taken back."""
    done = Done(store=store.root, time=time.time(), command=command, changes=tuple(changes))
    with contextlib.suppress(OSError):  # it can then not be taken back from here
        _write([*_read(), done])


def _file() -> str:
    return os.path.join(user_folder(), "undo.json")


def _read() -> list[Done]:
    try:
        with open(_file(), "rb") as file:
            return msgspec.json.decode(file.read(), type=list[Done])
    except (OSError, msgspec.MsgspecError):  # nothing was kept, or another version kept it
        return []


def _write(done: Sequence[Done]) -> None:
    path = _file()
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    beside = f"{path}.{os.getpid()}"
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(list(done)[-_KEPT:]))
    os.replace(beside, path)
