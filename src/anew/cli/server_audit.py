"""`server audit`: who changed or deleted what."""

from __future__ import annotations

import click

from .face import Face, shared
from .server_accounts import day, listed, on_catalog, opened
from .words import one_line

__all__ = ["audit"]


@click.command()
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=50, help="Show this many of the newest."
)
@on_catalog
@shared(quiet="Print what was done alone, one per line.")
def audit(face: Face, catalog: str | None, limit: int) -> None:
    """Show who changed or deleted what on the server, newest first.

    \b
    Examples:
      anew server audit
      anew server audit -n 500 --json
    """
    with opened(face, catalog) as accounts:
        found = accounts.audit.entries(limit=limit)
    columns = (
        ("WHEN", lambda one: day(one.time)),
        ("WHO", lambda one: one_line(one.who)),
        ("DID", lambda one: one.action),
        ("PROJECT", lambda one: one_line(one.project) or "-"),
        ("TO", lambda one: one_line(one.target) or "-"),
    )
    ids = [f"{one.who} {one.action} {one.target}" for one in found]
    listed(face, "entries", found, ids, columns, "Nothing was changed yet.")
