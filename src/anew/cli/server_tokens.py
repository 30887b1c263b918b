"""`server token`: by what programs use a server."""

from __future__ import annotations

import click

from .face import Face, shared
from .server_accounts import (
    PROJECT,
    ROLE,
    ROLES,
    day,
    fields,
    listed,
    note,
    on_catalog,
    opened,
    when,
)

__all__ = ["token"]


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
@click.option("--role", type=ROLE, required=True, help=f"What it may do: {', '.join(ROLES)}.")
@click.option("--project", default="*", metavar="PATTERN", help=PROJECT)
@click.option(
    "--expires", metavar="WHEN", help="When it ends: 90d for in ninety days, or a date such as 2027-01-31. Never, if not given."
)  # fmt: skip
@click.option("--user", metavar="NAME", help="The user it belongs to: it never does more than they may, and ends with their account.")  # fmt: skip
@on_catalog
@shared(quiet="Print the token alone.")
def create(
    face: Face,
    catalog: str | None,
    name: str,
    role: str,
    project: str,
    expires: str | None,
    user: str | None,
) -> None:
    """Make a token, and print it this one time.

    \b
    Examples:
      anew server token create cluster --role writer --project 'lab/*' --expires 90d
      ANEW_TOKEN=$(anew server token create look --role reader -q) anew list --root http://127.0.0.1:5700
    """
    from ..server.callers import ROLES

    until = None if expires is None else when(expires)
    with opened(face, catalog) as accounts:
        made = accounts.create_token(
            name, ROLES[role], project=project, expires_at=until, user=user
        )
        known = next(one for one in accounts.tokens() if one.name == name.strip())
        note(accounts, "token created", f"{known.name}: {role} of {known.project}")

    def table() -> None:
        face.out.line(made)
        face.out.say("It is not shown again. Programs take it from the variable ANEW_TOKEN.")

    face.out.emit({"token": made, **fields(known)}, ids=[made], table=table)


@token.command("list")
@on_catalog
@shared(quiet="Print names alone, one per line.")
def list_tokens(face: Face, catalog: str | None) -> None:
    """List the tokens: what they may do, until when, and when they were last used.

    \b
    Examples:
      anew server token list
      anew server token list --json
    """
    with opened(face, catalog) as accounts:
        found = accounts.tokens()
    columns = (
        ("NAME", lambda one: one.name),
        ("ROLE", lambda one: one.role),
        ("PROJECT", lambda one: one.project),
        ("USER", lambda one: one.user or "-"),
        ("EXPIRES", lambda one: day(one.expires_at)),
        ("LAST USED", lambda one: day(one.used_at)),
    )
    names = [one.name for one in found]
    listed(face, "tokens", found, names, columns, "There are no tokens.")


@token.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@on_catalog
@shared(quiet="Print nothing.")
def revoke(face: Face, catalog: str | None, names: tuple[str, ...]) -> None:
    """End tokens at once.

    \b
    Examples:
      anew server token revoke cluster
    """
    with opened(face, catalog) as accounts:
        for name in names:
            accounts.revoke_token(name)
            note(accounts, "token revoked", name)
    face.out.emit({"revoked": list(names)}, ids=[], table=lambda: face.out.say("Revoked."))
