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
    "on_catalog",
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


on_catalog = click.option(
    "--catalog", metavar="URL",
    help="The database of a group's servers, as postgresql://…; or ANEW_SERVER_CATALOG. Without it, the accounts of the folder that --root names.",
)  # fmt: skip
"""The option of a command that says whose accounts it is about."""


@contextmanager
def opened(face: Face, catalog: str | None) -> Iterator[Accounts]:
    """The accounts in the folder that a server serves, or those of a group.

    Args:
        catalog: What was given with `--catalog`.

    Raises:
        InvalidSetting: That is no address of a database.
        NotFound: There is no such folder.
    """
    from ..errors import InvalidSetting, NotFound
    from ..postgres import is_postgres
    from ..server.identity.accounts import Accounts
    from ..settings import load_settings, server_catalog

    catalog = catalog or (server_catalog() if face.root is None else "")
    if catalog and not is_postgres(catalog):
        raise InvalidSetting(
            "A catalog of a group is an address that begins with postgresql://.", setting="catalog"
        )
    where = catalog or root_of(face)
    if not catalog and not os.path.isdir(where):
        raise NotFound(f"There is no folder {where}, so no server serves it.", name=where)
    accounts = Accounts(where, first=load_settings().user)
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
