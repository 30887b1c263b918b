"""`delete` and `restore`: into the trash and out of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..commands.documents import deleted_document, restored_document, trashed_document
from ..errors import NotFound
from .changing import keep, make, tell
from .errors import Refused
from .face import Face, complete_experiment, several, shared
from .table import Column
from .words import ago, one_line, plural, size

if TYPE_CHECKING:
    from ..reading.upkeep import Trashed
    from ..reading.views import ExperimentView

__all__ = ["delete", "restore"]


@click.command()
@click.argument("experiments", nargs=-1, shell_complete=complete_experiment)
@click.option(
    "-f", "--filter", metavar="FILTER", help="Also the experiments that match this filter."
)
@click.option("--permanently", is_flag=True, help="Remove them at once, without the trash.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would go, and delete nothing.")
@shared(quiet="Print the ids of what was deleted.")
def delete(
    face: Face,
    experiments: tuple[str, ...],
    filter: str | None,
    permanently: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """Put experiments in the trash.

    They come back with `anew restore` or `anew undo`, and go for good with `anew gc` or --permanently. A running
    experiment is refused. Without a terminal to ask on, --yes is needed.

    \b
    Examples:
      anew delete k7f3
      anew delete -f "status == 'failed' and created_at < '30d'" --yes
      anew delete k7f3 p2m8 --permanently
    """
    if not experiments and not filter:
        raise click.UsageError("Name the experiments to delete, or give a --filter.")
    from ..reading.changing import deleting

    with face.store() as store:
        changes = []
        refs: Sequence[ExperimentView] | str
        try:
            refs = views = several(store, experiments, filter)
            what = views[0].prefix if len(views) == 1 else plural(len(views), "experiment")
            changes = [deleting(view) for view in views]
        except NotFound:
            if len(experiments) != 1 or filter:
                raise
            refs = what = experiments[0]  # the folder of an experiment that cannot be read, perhaps
        if dry_run:
            tell(face, changes, len(changes), dry_run)
            return
        if not yes:
            how = "for good" if permanently else "(they go to the trash)"
            if store.backend.about().root is None:
                how += f" for everybody, on {store.root}"
            if not face.out.confirm(f"Delete {one_line(what)} {how}?"):
                raise Refused(f"Nothing was deleted: {what} needs --yes, or a yes on a terminal.")
        done = store.delete(refs, permanently=permanently)
        ids = list(done.ids)
        if changes and not permanently:
            keep(store, "delete", changes)

    def table() -> None:
        rest = (
            "." if permanently else "; `anew restore` brings them back, `anew gc` frees the space."
        )
        face.out.line(f"Deleted {plural(done.count, 'experiment')}, {size(done.bytes)}{rest}")

    face.out.emit(
        deleted_document(done, permanently=permanently),
        ids=ids,
        table=table,
    )


@click.command()
@click.argument("experiments", nargs=-1)
@click.option("-l", "--list", "listing", is_flag=True, help="List what is in the trash.")
@click.option(
    "-f",
    "--filter",
    metavar="FILTER",
    help="All in the trash that match this filter; it knows id, prefix, name, owner, project, deleted_at and bytes.",
)
@click.option(
    "-n", "--dry-run", is_flag=True, help="Show what would come back, and restore nothing."
)
@shared()
def restore(
    face: Face, experiments: tuple[str, ...], listing: bool, filter: str | None, dry_run: bool
) -> None:
    """Take experiments out of the trash.

    \b
    Examples:
      anew restore --list
      anew restore k7f3
      anew restore --filter "project == 'vision' and deleted_at > '1h'" --dry-run
    """
    if experiments and filter:
        raise click.UsageError("Name experiments, or give a --filter: one of them.")
    if bool(experiments or filter) == listing and not (filter and listing):
        raise click.UsageError("Name the experiments to restore, or give a --filter or --list.")
    from ..reading.changing import restoring

    with face.store() as store:
        if listing:
            _list_trash(face, store.trash(filter))
            return
        found = store.in_trash(experiments, filter)
        changes = [restoring(one) for one in found]
        if dry_run:
            tell(face, changes, len(changes), dry_run)
            return
        make(face, store, "restore", changes)
        views = [store.get(one.id) for one in found]

    def table() -> None:
        for view in views:
            face.out.line(f"Restored {view.id} at {one_line(view.prefix)}.")

    face.out.emit(
        restored_document(views),
        ids=[view.id for view in views],
        table=table,
    )


def _list_trash(face: Face, trash: Sequence[Trashed]) -> None:
    def table() -> None:
        if not trash:
            face.out.say("The trash is empty.")
            return
        now = time.time()
        face.out.table(
            [
                Column("ID", [one.id for one in trash], styles="bold"),
                Column("PREFIX", [one_line(one.prefix) for one in trash], least=16, path=True),
                Column("DELETED", [ago(one.deleted_at, now) for one in trash], True),
                Column("SIZE", [size(one.bytes) for one in trash], True),
            ]
        )

    face.out.emit(
        {"trash": [trashed_document(one) for one in trash]},
        ids=[one.id for one in trash],
        table=table,
    )
