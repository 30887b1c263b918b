"""`server user`: accounts of people, and their roles."""

from __future__ import annotations

from typing import Any

import click

from .face import Face, shared
from .server_accounts import (
    PROJECT,
    ROLE,
    ROLES,
    URL,
    day,
    fields,
    listed,
    note,
    on_catalog,
    opened,
)

__all__ = ["user"]


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
@click.option("--role", type=ROLE, help=f"A role to begin with: {', '.join(ROLES)}.")
@click.option("--project", default="*", metavar="PATTERN", help=PROJECT)
@click.option("--admin", is_flag=True, help="Let them look after the server: its users, its tokens, and the record of who did what.")  # fmt: skip
@click.option("--url", metavar="URL", default=URL, help="How the server is reached, for the link.")  # fmt: skip
@on_catalog
@shared(quiet="Print the link alone.")
def add(
    face: Face,
    catalog: str | None,
    name: str,
    role: str | None,
    project: str,
    admin: bool,
    url: str,
) -> None:
    """Add a user, and print a link of one use that logs them in.

    Without --role they see no project yet.

    \b
    Examples:
      anew server user add alice --role writer --project 'lab/*'
      anew server user add root --admin --role owner --url https://runs.example.org
    """
    from ..server.callers import ROLES, Grant

    roles = [] if role is None else [Grant(project, ROLES[role])]
    with opened(face, catalog) as accounts:
        link = _link(url, accounts.add_user(name, roles, admin=admin))
        known = next(one for one in accounts.users() if one.name == name.strip())
        note(accounts, "user added", known.name)
    _tell_link(face, link, {"link": link, **fields(known)})


@user.command()
@click.argument("name")
@click.option("--url", metavar="URL", default=URL, help="How the server is reached, for the link.")  # fmt: skip
@on_catalog
@shared(quiet="Print the link alone.")
def link(face: Face, catalog: str | None, name: str, url: str) -> None:
    """Print another link of one use that logs a user in.

    \b
    Examples:
      anew server user link alice --url https://runs.example.org
    """
    with opened(face, catalog) as accounts:
        made = _link(url, accounts.link_for(name))
        note(accounts, "link made", name)
    _tell_link(face, made, {"link": made, "name": name})


@user.command()
@click.argument("name")
@click.argument("role", type=click.Choice((*ROLES, "none")))
@click.option("--project", default="*", metavar="PATTERN", help=PROJECT)
@on_catalog
@shared(quiet="Print nothing.")
def role(face: Face, catalog: str | None, name: str, role: str, project: str) -> None:
    """Give a user a role in some projects, or with `none` take it back.

    \b
    Examples:
      anew server user role alice maintainer --project lab/vision
      anew server user role alice none --project 'lab/*'
    """
    from ..server.callers import ROLES

    with opened(face, catalog) as accounts:
        accounts.set_role(name, project, ROLES.get(role))
        note(accounts, "role set", f"{name}: {role}", project)
        known = next(one for one in accounts.users() if one.name.lower() == name.strip().lower())
    face.out.emit(fields(known), ids=[], table=lambda: face.out.say("Done."))


@user.command("list")
@on_catalog
@shared(quiet="Print names alone, one per line.")
def list_users(face: Face, catalog: str | None) -> None:
    """List the users, their roles, and when they were last here.

    \b
    Examples:
      anew server user list
      anew server user list --json
    """
    with opened(face, catalog) as accounts:
        found = accounts.users()
    columns = (
        ("NAME", lambda one: one.name),
        ("ADMIN", lambda one: "yes" if one.admin else "-"),
        ("ROLES", _roles),
        ("LAST HERE", lambda one: day(one.used_at)),
    )
    listed(face, "users", found, [one.name for one in found], columns, "There are no users.")


@user.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@on_catalog
@shared(quiet="Print nothing.")
def remove(face: Face, catalog: str | None, names: tuple[str, ...]) -> None:
    """Remove accounts, with their sessions and tokens. What they recorded stays.

    \b
    Examples:
      anew server user remove alice
    """
    with opened(face, catalog) as accounts:
        for name in names:
            accounts.remove_user(name)
            note(accounts, "user removed", name)
    face.out.emit({"removed": list(names)}, ids=[], table=lambda: face.out.say("Removed."))


def _roles(one: Any) -> str:
    """The roles of a user, without the one that everybody has in what is their own."""
    given = (f"{role} of {pattern}" for pattern, role in one.roles.items() if pattern[0] != "~")
    return ", ".join(given) or "-"


def _tell_link(face: Face, link: str, document: dict[str, Any]) -> None:
    def table() -> None:
        face.out.line(link)
        face.out.say("Whoever opens it first, within a day, is logged in. It works once.")

    face.out.emit(document, ids=[link], table=table)


def _link(url: str, secret: str) -> str:
    return f"{url.rstrip('/')}/#link={secret}"
