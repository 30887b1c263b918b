"""The commands of `server` that look after what it serves: its index, backups, and getting one back."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from .errors import Refused
from .face import Face, shared
from .server_accounts import root_of
from .server_group import group_of, on_group
from .server_migrate import migrate
from .upkeep import rebuild_index, tell_findings
from .words import duration, plural, size

if TYPE_CHECKING:
    from ..server.backup import Copied

__all__ = ["COMMANDS"]


@click.command()
@click.argument("folder", metavar="DIR")
@shared(quiet="Print nothing but errors.")
def backup(face: Face, folder: str) -> None:
    """Copy the store and its accounts to a folder, also while the server runs.

    Into a folder with an earlier backup, only what is new is copied; it then has what the store has, without what was deleted since. The
    copy is a store too: `anew list --root DIR` looks into it. What is derived (the index) is left out.

    \b
    Examples:
      anew server backup /backup/runs
      anew server backup /backup/runs --root /data/runs
    """
    from ..server.backup import back_up

    root = root_of(face)
    with face.out.progress("Copying") as report:
        done = back_up(root, folder, report)
    document, told = _what_was_copied(root, folder, done)
    face.out.emit(document, table=f"The backup has {told}; {size(done.bytes)} were new.")


@click.command()
@on_group
@click.option(
    "--from-bucket",
    is_flag=True,
    help="For a group whose database was restored from a backup: also take what the bucket has and the database does not. Run it "
    "before the servers start.",
)
@shared(quiet="Print nothing but errors.")
def rebuild(
    face: Face,
    catalog: str | None,
    blobs: str | None,
    cache: str | None,
    series: str | None,
    from_bucket: bool,
) -> None:
    """Make the index again from the journals, also while the server runs.

    The index is derived: nothing is lost by this. It visits every experiment, so it takes a while for many.

    For a group, the catalog and what is derived from the points are made again. If the group's database was lost, so that it is empty, all its
    tables are made again from the objects in the bucket, but for the accounts, which are in no object.

    \b
    Examples:
      anew server rebuild --root /data/runs
      anew server rebuild --catalog postgresql://anew@db.lab/anew --blobs s3://lab/anew
      anew server rebuild --from-bucket --catalog postgresql://anew@db.lab/anew --blobs s3://lab/anew
    """
    group = group_of(face, None, catalog, blobs, cache, series)
    if group is None:
        if from_bucket:
            raise click.UsageError("--from-bucket is for a group: give --catalog and --blobs.")
        rebuild_index(face)
        return
    from ..server.group.rebuilding import rebuild_group

    with face.out.progress("Rebuilding") as report:
        recovered, done = rebuild_group(group, report, from_bucket=from_bucket)

    def table() -> None:
        if recovered is not None:
            face.out.line(
                f"The bucket has {plural(recovered.experiments, 'experiment')} with {size(recovered.bytes)} of records and "
                f"{plural(recovered.contents, 'file')}."
            )
            for key, reason in recovered.problems:
                face.out.warn(f"{key}: {reason}")
        face.out.line(
            f"Indexed {plural(done.experiments, 'experiment')} with {plural(done.points, 'point')} "
            f"in {duration(done.seconds)}."
        )

    document: dict[str, Any] = {"experiments": done.experiments, "points": done.points, "seconds": done.seconds, "broken": done.problems}  # fmt: skip
    if recovered is not None:
        document["recovered"] = {name: getattr(recovered, name) for name in recovered._fields}
    face.out.emit(document, table=table)


@click.command()
@on_group
@shared(quiet="Print the keys of what is damaged.")
def doctor(
    face: Face, catalog: str | None, blobs: str | None, cache: str | None, series: str | None
) -> None:
    """Check the stores of a group for damage, also while servers run.

    It reads all records and compares their hashes; of files it compares the sizes. Each object that is missing or was altered is named,
    with its experiment and what it has of which file. Exits with 6 when something is damaged. A server's folder is checked by `anew doctor`.

    \b
    Examples:
      anew server doctor --catalog postgresql://anew@db.lab/anew --blobs s3://lab/anew
    """
    group = group_of(face, None, catalog, blobs, cache, series)
    if group is None:
        raise click.UsageError("Give --catalog and --blobs: `anew doctor` checks a folder.")
    from ..server.group.rebuilding import check_group

    with face.out.progress("Checking") as report:
        findings = check_group(group, report)
    tell_findings(face, findings)


@click.command()
@click.option(
    "--older-than",
    metavar="AGE",
    help="Only what was deleted at least this long ago, such as 7d or 12h.",
)
@click.option("--dry-run", is_flag=True, help="Only show how much would be freed.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@on_group
@shared(quiet="Print the bytes freed alone.")
def gc(
    face: Face, catalog: str | None, blobs: str | None, cache: str | None, series: str | None,
    older_than: str | None, dry_run: bool, yes: bool,
) -> None:  # fmt: skip
    """Empty the trash of a group, and remove contents that nothing refers to, also while servers run.

    What was in the trash is gone for good. A server's folder is cleaned up by `anew gc`. Without a terminal to ask on, --yes is needed.

    \b
    Examples:
      anew server gc --dry-run --catalog postgresql://anew@db.lab/anew --blobs s3://lab/anew
      anew server gc --older-than 30d --yes --catalog postgresql://anew@db.lab/anew --blobs s3://lab/anew
    """
    group = group_of(face, None, catalog, blobs, cache, series)
    if group is None:
        raise click.UsageError("Give --catalog and --blobs: `anew gc` cleans up a folder.")
    from ..query.literals import parse_duration
    from ..server.group.opening import open_group
    from ..settings import load_settings

    age = 0.0 if older_than is None else parse_duration(older_than)
    if age is None:
        raise click.UsageError(f"--older-than takes an age such as 7d or 12h, not {older_than!r}.")
    with closing(open_group(group, user=load_settings().user, works=False)) as opened:
        freed = opened.upkeep.gc(dry_run=True, older_than=age)
        if not dry_run:
            if not yes and not face.out.confirm(f"Remove {size(freed)} for good?"):
                raise Refused("Nothing was removed: gc needs --yes, or a yes on a terminal.")
            with face.out.progress("Removing"):
                freed = opened.upkeep.gc(older_than=age)
    told = f"{'Would free' if dry_run else 'Freed'} {size(freed)}."
    face.out.emit({"bytes": freed, "dry_run": dry_run}, ids=[str(freed)], table=told)


@click.command()
@click.argument("folder", metavar="DIR")
@shared(quiet="Print nothing but errors.")
def restore(face: Face, folder: str) -> None:
    """Make the store from a backup, where there is none: the root must be empty or not there.

    Accounts and tokens are as they were; everybody has to log in again. Clients that recorded after the backup send what is missing the
    next time they send anything: `anew sync` does it at once.

    \b
    Examples:
      anew server restore /backup/runs --root /data/runs
    """
    from ..server.backup import restore as restored

    root = root_of(face)
    with face.out.progress("Copying") as report:
        done = restored(folder, root, report)
    document, told = _what_was_copied(root, folder, done)
    face.out.emit(document, table=f"{root} has {told} of the backup.")


def _what_was_copied(root: str, folder: str, done: Copied) -> tuple[dict[str, Any], str]:
    """The document of a copy, and its experiments and accounts in words."""
    document = {"root": root, "backup": folder, "experiments": done.experiments, "bytes": done.bytes, "accounts": done.accounts}  # fmt: skip
    told = f"{plural(done.experiments, 'experiment')}{' and the accounts' if done.accounts else ''}"
    return document, told


COMMANDS: dict[str, click.Command] = {
    "backup": backup,
    "doctor": doctor,
    "gc": gc,
    "migrate": migrate,
    "rebuild": rebuild,
    "restore": restore,
}
