"""What the commands of `server` share that say who may use it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from .face import Face
from .output import Column

if TYPE_CHECKING:
    from ..server.identity.accounts import Accounts

__all__ = [
    "PROJECT",
    "ROLE",
    "ROLES",
    "URL",
    "day",
    "fields",
    "listed",
    "note",
    "opened",
    "root_of",
    "when",
]

ROLES = ("reader", "reporter", "writer", "maintainer", "owner")
ROLE = click.Choice(ROLES)
PROJECT = "The projects it is for: lab/vision, 'lab/*' for all below lab, '*' for every project."
URL = "http://127.0.0.1:5700"


def root_of(face: Face, folder: str | None = None) -> str:
    """The folder that a server serves."""
    from ..address import local_folder
    from ..settings import load_settings

    where = folder or face.root
    return local_folder(load_settings().root if where is None else where)


@contextmanager
def opened(face: Face) -> Iterator[Accounts]:
    """The accounts in the folder that a server serves."""
    from ..errors import NotFound
    from ..server.identity.accounts import Accounts
    from ..settings import load_settings

    root = root_of(face)
    if not os.path.isdir(root):
        raise NotFound(f"There is no folder {root}, so no server serves it.", name=root)
    accounts = Accounts(root, first=load_settings().user)
    try:
        yield accounts
    finally:
        accounts.close()


def note(accounts: Accounts, action: str, target: str, project: str = "") -> None:
    """Write down in the record of the server that this user did something."""
    from ..settings import load_settings

    accounts.audit.note(load_settings().user, "command line", action, project, target)


def listed(
    face: Face,
    key: str,
    found: Sequence[Any],
    ids: Sequence[str],
    columns: Sequence[tuple[str, Callable[[Any], str]]],
    none: str,
) -> None:
    """Print what there is: a row each, or as JSON a list under `key`.

    Args:
        columns: Their titles, and what they show of one; the first is what it goes by.
        none: What to say where there is nothing.
    """

    def table() -> None:
        if not found:
            face.out.say(none)
            return
        face.out.table(
            [
                Column(title, [show(one) for one in found], styles="" if at else "bold")
                for at, (title, show) in enumerate(columns)
            ]
        )

    face.out.emit({key: [fields(one) for one in found]}, ids=ids, table=table)


def fields(one: Any) -> dict[str, Any]:
    """A struct as JSON has it."""
    from msgspec.structs import asdict

    return asdict(one)


def when(text: str) -> float:
    """The time that a text names: so long from now, or a date.

    Raises:
        InvalidValue: It names none, or one that is over.
    """
    from ..errors import InvalidValue
    from ..query.literals import parse_duration, parse_time

    seconds = parse_duration(text.strip())
    span = None if seconds is not None else parse_time(text.strip())
    if seconds is None and span is None:
        raise InvalidValue(
            f"{text!r} is no time: write 90d, 12h, or a date such as 2027-01-31.", key="expires"
        )
    until = time.time() + (seconds or 0.0)
    if span is not None:
        until = (
            span.start if span.end is None else span.end
        )  # the day that is named is the last one
    if until <= time.time():
        raise InvalidValue(f"{text!r} is over already.", key="expires")
    return until


def day(at: float | None) -> str:
    """A time as a table shows it."""
    return "-" if at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
