"""The commands of `server` that say who may use it: users and tokens."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from .face import Face, shared
from .output import Column
from .words import one_line

if TYPE_CHECKING:
    from ..server.identity.accounts import Accounts

__all__ = ["COMMANDS", "root_of"]

_ROLES = ("reader", "reporter", "writer", "maintainer", "owner")
_ROLE = click.Choice(_ROLES)
_PROJECT = "The projects it is for: lab/vision, 'lab/*' for all below lab, '*' for every project."


def root_of(face: Face, folder: str | None = None) -> str:
    """The folder that a server serves."""
    from ..address import local_folder
    from ..settings import load_settings

    where = folder or face.root
    return local_folder(load_settings().root if where is None else where)


@contextmanager
def _accounts(face: Face) -> Iterator[Accounts]:
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


def _note(accounts: Accounts, action: str, target: str, project: str = "") -> None:
    from ..settings import load_settings

    accounts.audit.note(load_settings().user, "command line", action, project, target)


@click.group()
def token() -> None:
    """Tokens, by which programs use the server.

    A token is a role in some projects. Programs take it from the variable ANEW_TOKEN.

    \b
    Examples:
      anew server token create cluster --role writer --expires 90d
      anew server token list
      anew server token revoke cluster
    """


@token.command()
@click.argument("name")
@click.option("--role", type=_ROLE, required=True, help=f"What it may do: {', '.join(_ROLES)}.")
@click.option("--project", default="*", metavar="PATTERN", help=_PROJECT)
@click.option(
    "--expires", metavar="WHEN", help="When it ends: 90d for in ninety days, or a date such as 2027-01-31. Never, if not given."
)  # fmt: skip
@click.option("--user", metavar="NAME", help="The user it belongs to: it never does more than they may, and ends with their account.")  # fmt: skip
@shared(quiet="Print the token alone.")
def create(
    face: Face, name: str, role: str, project: str, expires: str | None, user: str | None
) -> None:
    """Make a token, and print it this one time.

    \b
    Examples:
      anew server token create cluster --role writer --project 'lab/*' --expires 90d
      ANEW_TOKEN=$(anew server token create look --role reader -q) anew list --root http://127.0.0.1:5700
    """
    from ..server.callers import ROLES

    until = None if expires is None else _when(expires)
    with _accounts(face) as accounts:
        made = accounts.create_token(
            name, ROLES[role], project=project, expires_at=until, user=user
        )
        known = next(one for one in accounts.tokens() if one.name == name.strip())
        _note(accounts, "token created", f"{known.name}: {role} of {known.project}")

    def table() -> None:
        face.out.line(made)
        face.out.say("It is not shown again. Programs take it from the variable ANEW_TOKEN.")

    face.out.emit({"token": made, **_fields(known)}, ids=[made], table=table)


@token.command("list")
@shared(quiet="Print names alone, one per line.")
def list_tokens(face: Face) -> None:
    """List the tokens: what they may do, until when, and when they were last used.

    \b
    Examples:
      anew server token list
      anew server token list --json
    """
    with _accounts(face) as accounts:
        found = accounts.tokens()

    def table() -> None:
        if not found:
            face.out.say("There are no tokens.")
            return
        face.out.table(
            [
                Column("NAME", [one.name for one in found], styles="bold"),
                Column("ROLE", [one.role for one in found]),
                Column("PROJECT", [one.project for one in found]),
                Column("USER", [one.user or "-" for one in found]),
                Column("EXPIRES", [_day(one.expires_at) for one in found]),
                Column("LAST USED", [_day(one.used_at) for one in found]),
            ]
        )

    document = {"tokens": [_fields(one) for one in found]}
    face.out.emit(document, ids=[one.name for one in found], table=table)


@token.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@shared(quiet="Print nothing.")
def revoke(face: Face, names: tuple[str, ...]) -> None:
    """End tokens at once.

    \b
    Examples:
      anew server token revoke cluster
    """
    with _accounts(face) as accounts:
        for name in names:
            accounts.revoke_token(name)
            _note(accounts, "token revoked", name)
    face.out.emit({"revoked": list(names)}, ids=[], table=lambda: face.out.say("Revoked."))


@click.group()
def user() -> None:
    """Accounts of people, and their roles.

    \b
    Examples:
      anew server user add alice --role writer --project 'lab/*'
      anew server user list
      anew server user remove alice
    """


@user.command()
@click.argument("name")
@click.option("--role", type=_ROLE, help=f"A role to begin with: {', '.join(_ROLES)}.")
@click.option("--project", default="*", metavar="PATTERN", help=_PROJECT)
@click.option("--admin", is_flag=True, help="Let them look after the server: its users, its tokens, and the record of who did what.")  # fmt: skip
@click.option("--url", metavar="URL", default="http://127.0.0.1:5700", help="How the server is reached, for the link.")  # fmt: skip
@shared(quiet="Print the link alone.")
def add(face: Face, name: str, role: str | None, project: str, admin: bool, url: str) -> None:
    """Add a user, and print a link of one use that logs them in.

    Without --role they see no project yet.

    \b
    Examples:
      anew server user add alice --role writer --project 'lab/*'
      anew server user add root --admin --role owner --url https://runs.example.org
    """
    from ..server.callers import ROLES, Grant

    roles = [] if role is None else [Grant(project, ROLES[role])]
    with _accounts(face) as accounts:
        link = _link(url, accounts.add_user(name, roles, admin=admin))
        known = next(one for one in accounts.users() if one.name == name.strip())
        _note(accounts, "user added", known.name)
    _tell_link(face, link, {"link": link, **_fields(known)})


@user.command()
@click.argument("name")
@click.option("--url", metavar="URL", default="http://127.0.0.1:5700", help="How the server is reached, for the link.")  # fmt: skip
@shared(quiet="Print the link alone.")
def link(face: Face, name: str, url: str) -> None:
    """Print another link of one use that logs a user in.

    \b
    Examples:
      anew server user link alice --url https://runs.example.org
    """
    with _accounts(face) as accounts:
        made = _link(url, accounts.link_for(name))
        _note(accounts, "link made", name)
    _tell_link(face, made, {"link": made, "name": name})


@user.command()
@click.argument("name")
@click.argument("role", type=click.Choice((*_ROLES, "none")))
@click.option("--project", default="*", metavar="PATTERN", help=_PROJECT)
@shared(quiet="Print nothing.")
def role(face: Face, name: str, role: str, project: str) -> None:
    """Give a user a role in some projects, or with `none` take it back.

    \b
    Examples:
      anew server user role alice maintainer --project lab/vision
      anew server user role alice none --project 'lab/*'
    """
    from ..server.callers import ROLES

    with _accounts(face) as accounts:
        accounts.set_role(name, project, ROLES.get(role))
        _note(accounts, "role set", f"{name}: {role}", project)
        known = next(one for one in accounts.users() if one.name.lower() == name.strip().lower())
    face.out.emit(_fields(known), ids=[], table=lambda: face.out.say("Done."))


@user.command("list")
@shared(quiet="Print names alone, one per line.")
def list_users(face: Face) -> None:
    """List the users, their roles, and when they were last here.

    \b
    Examples:
      anew server user list
      anew server user list --json
    """
    with _accounts(face) as accounts:
        found = accounts.users()

    def table() -> None:
        if not found:
            face.out.say("There are no users.")
            return
        roles = [
            ", ".join(
                f"{role} of {pattern}" for pattern, role in one.roles.items() if pattern[0] != "~"
            )
            for one in found
        ]
        face.out.table(
            [
                Column("NAME", [one.name for one in found], styles="bold"),
                Column("ADMIN", ["yes" if one.admin else "-" for one in found]),
                Column("ROLES", [text or "-" for text in roles]),
                Column("LAST HERE", [_day(one.used_at) for one in found]),
            ]
        )

    document = {"users": [_fields(one) for one in found]}
    face.out.emit(document, ids=[one.name for one in found], table=table)


@user.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@shared(quiet="Print nothing.")
def remove(face: Face, names: tuple[str, ...]) -> None:
    """Remove accounts, with their sessions and tokens. What they recorded stays.

    \b
    Examples:
      anew server user remove alice
    """
    with _accounts(face) as accounts:
        for name in names:
            accounts.remove_user(name)
            _note(accounts, "user removed", name)
    face.out.emit({"removed": list(names)}, ids=[], table=lambda: face.out.say("Removed."))


@click.command()
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=50, help="Show this many of the newest."
)
@shared(quiet="Print what was done alone, one per line.")
def audit(face: Face, limit: int) -> None:
    """Show who changed or deleted what on the server, newest first.

    \b
    Examples:
      anew server audit
      anew server audit -n 500 --json
    """
    with _accounts(face) as accounts:
        found = accounts.audit.entries(limit=limit)

    def table() -> None:
        if not found:
            face.out.say("Nothing was changed yet.")
            return
        face.out.table(
            [
                Column("WHEN", [_day(one.time) for one in found]),
                Column("WHO", [one_line(one.who) for one in found], styles="bold"),
                Column("DID", [one.action for one in found]),
                Column("PROJECT", [one_line(one.project) or "-" for one in found]),
                Column("TO", [one_line(one.target) or "-" for one in found]),
            ]
        )

    document = {"entries": [_fields(one) for one in found]}
    face.out.emit(
        document, ids=[f"{one.who} {one.action} {one.target}" for one in found], table=table
    )


COMMANDS: dict[str, click.Command] = {"audit": audit, "token": token, "user": user}


def _tell_link(face: Face, link: str, document: dict[str, Any]) -> None:
    def table() -> None:
        face.out.line(link)
        face.out.say("Whoever opens it first, within a day, is logged in. It works once.")

    face.out.emit(document, ids=[link], table=table)


def _link(url: str, secret: str) -> str:
    return f"{url.rstrip('/')}/#link={secret}"


def _fields(one: Any) -> dict[str, Any]:
    from msgspec.structs import asdict

    return asdict(one)


def _when(text: str) -> float:
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


def _day(at: float | None) -> str:
    return "-" if at is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
