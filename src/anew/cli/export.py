"""`export`: experiments as tables, or whole in a zip file."""

from __future__ import annotations

from typing import Any

import click

from .face import Face, complete_experiment, several, shared

__all__ = ["export"]


@click.command()
@click.argument("experiments", nargs=-1, shell_complete=complete_experiment)
@click.option(
    "-o",
    "--to",
    "target",
    required=True,
    metavar="PATH",
    help="A folder for tables, or a .zip file.",
)
@click.option("-f", "--filter", metavar="FILTER", help="The experiments that match this filter.")
@click.option("--all", "everything", is_flag=True, help="All experiments.")
@click.option(
    "--format",
    type=click.Choice(["parquet", "csv", "jsonl", "zip"]),
    help="The format; by default decided by the target's name, and Parquet for a folder.",
)
@shared(quiet="Print the paths written.")  # fmt: skip
def export(
    face: Face,
    experiments: tuple[str, ...],
    target: str,
    filter: str | None,
    everything: bool,
    format: Any,
) -> None:
    """Export experiments as tables, or as a zip file.

    Tables are one of experiments, one of parameters and one of points; a zip file holds the folders as they
    are, and unpacking it into another store's folder brings them there.

    \b
    Examples:
      anew export --all --to tables/
      anew export k7f3 p2m8 --to two.zip
      anew export -f "'paper' in tags" --to paper/ --format csv
    """
    if not (experiments or filter or everything):
        raise click.UsageError("Name the experiments to export, or give a --filter or --all.")
    with face.store() as store:
        views = None if everything else several(store, experiments, filter)
        with face.out.progress("Exporting"):
            ids = None if views is None else [view.id for view in views]
            written = store.export(ids, target, format)
    paths = [str(path) for path in written]
    face.out.emit({"written": paths}, ids=paths, table=lambda: face.out.ids(paths))
