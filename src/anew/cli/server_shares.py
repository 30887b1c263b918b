"""`server share`: links that show some projects to whoever has them."""

from __future__ import annotations

import click

from .face import Face, shared
from .server_accounts import URL, day, fields, listed, note, on_catalog, opened, when

__all__ = ["share"]


@click.group()
def share() -> None:
    """Links that show some projects, read-only, to whoever has them.

    Nobody needs an account for them. A link ends by itself, or when it is taken back.

    \b
    Examples:
      anew server share create lab/vision --expires 30d --url https://runs.example.org
      anew server share list
      anew server share revoke 3
    """


@share.command()
@click.argument("project", metavar="PATTERN")
@click.option(
    "--expires", metavar="WHEN", default="30d", show_default=True, help="When it ends: 30d for in thirty days, or a date such as 2027-01-31."
)  # fmt: skip
@click.option("--url", metavar="URL", default=URL, help="How the server is reached, for the link.")
@on_catalog
@shared(quiet="Print the link alone.")
def create(face: Face, catalog: str | None, project: str, expires: str, url: str) -> None:
    """Make a link to some projects, and print it this one time.

    PATTERN is a project such as lab/vision, 'lab/*' for all below lab, or '*' for every project.

    \b
    Examples:
      anew server share create lab/vision
      anew server share create 'lab/*' --expires 2027-01-31 --url https://runs.example.org
    """
    from ..settings import load_settings

    with opened(face, catalog) as accounts:
        made, secret = accounts.shares.create(project, when(expires), load_settings().user)
        note(accounts, "shared", f"share {made.number}", made.project)
    link = f"{url.rstrip('/')}/#share={secret}"

    def table() -> None:
        face.out.line(link)
        face.out.say(
            f"Whoever has it sees {made.project} until {day(made.expires_at)}. It is not shown again; "
            f"`anew server share revoke {made.number}` takes it back."
        )

    face.out.emit({"link": link, **fields(made)}, ids=[link], table=table)


@share.command("list")
@on_catalog
@shared(quiet="Print numbers alone, one per line.")
def list_shares(face: Face, catalog: str | None) -> None:
    """List the links that have not ended: what they show, who made them, and when they were last opened.

    \b
    Examples:
      anew server share list
      anew server share list --json
    """
    with opened(face, catalog) as accounts:
        found = accounts.shares.all()
    columns = (
        ("NUMBER", lambda one: str(one.number)),
        ("PROJECT", lambda one: one.project),
        ("MADE BY", lambda one: one.created_by or "-"),
        ("MADE", lambda one: day(one.created_at)),
        ("EXPIRES", lambda one: day(one.expires_at)),
        ("LAST OPENED", lambda one: day(one.used_at)),
    )
    numbers = [str(one.number) for one in found]
    listed(face, "shares", found, numbers, columns, "There are no links.")


@share.command()
@click.argument("numbers", nargs=-1, required=True, type=int, metavar="NUMBER...")
@on_catalog
@shared(quiet="Print nothing.")
def revoke(face: Face, catalog: str | None, numbers: tuple[int, ...]) -> None:
    """Take links back, with the sessions that they began.

    \b
    Examples:
      anew server share revoke 3
    """
    from ..errors import NotFound

    with opened(face, catalog) as accounts:
        known = {one.number: one for one in accounts.shares.all()}
        for number in numbers:
            if number not in known:
                raise NotFound(f"There is no link with the number {number}.", name=str(number))
        for number in numbers:
            accounts.shares.revoke(number)
            note(accounts, "unshared", f"share {number}", known[number].project)
    face.out.emit({"revoked": list(numbers)}, ids=[], table=lambda: face.out.say("Revoked."))
