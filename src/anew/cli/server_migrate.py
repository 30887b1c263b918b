"""`server migrate`: moving a store to another place."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import click

from .face import Face, shared
from .output import Column
from .words import duration, plural, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..server.moving.migrating import Moved
    from ..server.moving.sides import Target
    from ..server.moving.sums import Sum

__all__ = ["migrate"]

_GROUP = "group"
_SHOWN = 20
_DIGITS = 12


@click.command()
@click.option(
    "--from", "source", metavar="PLACE", required=True, help="Where the store is: a folder, or the stores of a group."
)  # fmt: skip
@click.option(
    "--to", "target", metavar="PLACE", required=True, help="Where it is to be: a folder that is not there yet, or empty stores of a group."
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Count what there is, and write nothing.")
@shared(quiet="Print what differs alone, one per line.")
def migrate(face: Face, source: str, target: str, dry_run: bool) -> int:
    """Move a store to another place, and compare both: a folder, or the database and the bucket of a group.

    The stores of a group are written as DATABASE,BUCKET, or as the word group for those of ANEW_SERVER_CATALOG and ANEW_SERVER_BLOBS. Points
    in ClickHouse are derived: the servers of the group put them there when they start.

    Everything travels that is truth: records, files, values, captures, weights, the trash, models and views, accounts, tokens, shares and
    the audit record. The place it comes from is not changed, and may be served meanwhile: run the command again to bring what was
    written since. If it is cut short, run it again: it goes on. Servers do not start on a store that has come in part.

    At the end it counts and hashes each kind of thing in both places, and exits with 1 if they differ.

    \b
    Examples:
      anew server migrate --from /data/runs --to group
      anew server migrate --from /data/runs --to postgresql://anew@db.lab/anew,s3://lab/anew --dry-run
      anew server migrate --from postgresql://anew@db.lab/anew,s3://lab/anew --to /data/back --json
    """
    from ..server.moving.migrating import look
    from ..server.moving.migrating import migrate as run

    with ExitStack() as opened:
        there = opened.enter_context(closing(_side(source, "--from")))
        if dry_run:
            with face.out.progress("Counting") as report:
                counted = look(there, report)
            document = {"from": there.where, "dry_run": True, "there": {k: _document(one) for k, one in counted.items()}}  # fmt: skip
            face.out.emit(document, table=_counts({"THERE": counted}))
            return 0
        here = opened.enter_context(closing(_side(target, "--to")))
        with face.out.progress("Moving") as report:
            moved = run(there, here, report)
    face.out.emit(
        {"from": there.where, "to": here.where, "equal": moved.equal, "copied": moved.copied, "seconds": moved.seconds,
         "there": {kind: _document(one) for kind, one in moved.there.items()},
         "here": {kind: _document(one) for kind, one in moved.here.items()},
         "differences": [one._asdict() for one in moved.differences]},
        ids=["/".join(filter(None, (one.where, one.what))) for one in moved.differences],
        table=lambda: _tell(face, moved),
    )  # fmt: skip
    return 0 if moved.equal else 1


def _side(text: str, option: str) -> Target:
    """One of the two places.

    Raises:
        UsageError: It is no place.
    """
    if text == _GROUP or text.startswith(("postgresql://", "postgres://")):
        from ..server.group.address import GroupAddress
        from ..server.group.moving import GroupSide
        from ..settings import server_catalog, server_stores

        catalog, _, rest = text.partition(",")
        blobs, _, series = rest.partition(",")
        if text == _GROUP:
            catalog, blobs, series = server_catalog(), server_stores()[0], ""
        if not catalog or not blobs or (series and not series.startswith("clickhouse://")):
            raise click.UsageError(
                f"{option}: give the database and the bucket of a group as postgresql://…,s3://…, or set ANEW_SERVER_CATALOG and "
                "ANEW_SERVER_BLOBS and give the word group."
            )
        return GroupSide(GroupAddress(catalog, blobs))
    from ..address import local_folder
    from ..server.moving.folder import FolderSide

    return FolderSide(local_folder(text))


def _document(one: Sum) -> dict[str, Any]:
    return {name: value for name, value in one._asdict().items() if value != "" or name != "hash"}


def _counts(sides: Mapping[str, Mapping[str, Sum]]) -> list[Column]:
    kinds = sorted({kind for counted in sides.values() for kind in counted})
    columns = [Column("KIND", kinds)]
    for title, counted in sides.items():
        found = [counted.get(kind) for kind in kinds]
        columns.append(Column(title, [f"{one.things:,}" if one else "0" for one in found], True))
        columns.append(Column("SIZE", [size(one.bytes) if one and one.bytes else "" for one in found], True))  # fmt: skip
        if any(one and one.hash for one in found):
            columns.append(Column("HASH", [one.hash[:_DIGITS] if one else "" for one in found]))
    return columns


def _tell(face: Face, moved: Moved) -> None:
    face.out.table(_counts({"THERE": moved.there, "HERE": moved.here}))
    for one in moved.differences[:_SHOWN]:
        what = "/".join(filter(None, (one.where, one.what)))
        face.out.warn(f"{what}: {one.reason}")
    if len(moved.differences) > _SHOWN:
        face.out.warn(f"{len(moved.differences) - _SHOWN:,} more differ: --json has all of them.")
    said = "Both places have the same" if moved.equal else f"{plural(len(moved.differences), 'thing')} differ"  # fmt: skip
    face.out.line(f"{said}. Copied {size(moved.copied)} in {duration(moved.seconds)}.")
