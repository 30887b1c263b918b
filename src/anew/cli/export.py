"""`export`: experiments as tables, as one HTML file, or whole in a zip file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .face import Face, complete_experiment, several, shared
from .words import plural, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["export"]


@click.command()
@click.argument("experiments", nargs=-1, shell_complete=complete_experiment)
@click.option(
    "-o",
    "--to",
    "target",
    required=True,
    metavar="PATH",
    help="A folder for tables, an .html file, or a .zip file.",
)
@click.option("-f", "--filter", metavar="FILTER", help="The experiments that match this filter.")
@click.option("--all", "everything", is_flag=True, help="All experiments.")
@click.option(
    "--format",
    type=click.Choice(["parquet", "csv", "jsonl", "html", "zip"]),
    help="The format; by default decided by the target's name, and Parquet for a folder.",
)
@click.option(
    "-m",
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="In an HTML file: a metric to draw; may repeat; the first one ranks the experiments.",
)
@click.option("--title", default="", help="The title of an HTML file.")
@click.option("--no-images", is_flag=True, help="Leave images and figures out of an HTML file.")
@shared(quiet="Print the paths written.")  # fmt: skip
def export(
    face: Face,
    experiments: tuple[str, ...],
    target: str,
    filter: str | None,
    everything: bool,
    format: Any,
    metrics: tuple[str, ...],
    title: str,
    no_images: bool,
) -> None:
    """Export experiments as tables, as one HTML file, or as a zip file.

    Tables are one of experiments, one of parameters and one of points; a zip file holds the folders as they
    are, and unpacking it into another store's folder brings them there.

    An HTML file has the curves, a table, what differs, and the images. It needs no network and no server: attach it to a message,
    or put it on a web server. All curves can be read, hidden and coloured by a parameter. What was left out to keep the file
    small is said in it.

    \b
    Examples:
      anew export --all --to tables/
      anew export k7f3 p2m8 --to two.zip
      anew export -f "'paper' in tags" --to paper/ --format csv
      anew export -f "'paper' in tags" --to paper.html -m val/acc -m val/loss
    """
    if not (experiments or filter or everything):
        raise click.UsageError("Name the experiments to export, or give a --filter or --all.")
    html = target.lower().endswith((".html", ".htm"))
    if format is not None and html != (format == "html"):
        raise click.UsageError(f"--format {format} does not fit the name {target!r}.")
    if not html and (metrics or title or no_images):
        raise click.UsageError("--metric, --title and --no-images are of an .html file.")
    with face.store() as store:
        views = None if everything else several(store, experiments, filter)
        if html:
            chosen = store.list(sort="created_at") if views is None else views
            _to_html(face, store, chosen, target, metrics, title, not no_images)
            return
        with face.out.progress("Exporting"):
            ids = None if views is None else [view.id for view in views]
            written = store.export(ids, target, format)
    paths = [str(path) for path in written]
    face.out.emit({"written": paths}, ids=paths, table=lambda: face.out.ids(paths))


def _to_html(
    face: Face,
    store: Store,
    views: Sequence[ExperimentView],
    target: str,
    metrics: tuple[str, ...],
    title: str,
    pictures: bool,
) -> None:
    from ..html_file import write_html

    ordered = sorted(views, key=lambda view: view.created_at)
    with face.out.progress("Writing"):
        written = write_html(
            store, ordered, Path(target), metrics=metrics, title=title, pictures=pictures
        )

    def table() -> None:
        count = plural(len(written.experiments), "experiment")
        face.out.line(f"{written.path}  {count}, {size(written.bytes)}")
        for one in written.said:
            face.out.line(one, "dim")

    face.out.emit(
        {
            "written": [str(written.path)],
            "bytes": written.bytes,
            "experiments": written.experiments,
            "left_out": list(written.said),
        },
        ids=[str(written.path)],
        table=table,
    )
