"""`report`: experiments as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import NotFound
from .face import Face, complete_experiment, shared
from .words import plural, size

if TYPE_CHECKING:
    from ..reading.views import ExperimentView

__all__ = ["report"]


@click.command()
@click.argument("experiments", nargs=-1, shell_complete=complete_experiment)
@click.option("-f", "--filter", metavar="FILTER", help="The experiments that match this filter.")
@click.option("--all", "everything", is_flag=True, help="All experiments.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default="report.html",
    show_default=True,
    metavar="FILE",
    help="The .html file to write; one that is there is replaced.",
)
@click.option(
    "-m",
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="A metric to draw; may repeat; the first one ranks the experiments.",
)
@click.option("--title", default="", help="The title.")
@click.option("--no-images", is_flag=True, help="Leave out images and figures.")
@shared(quiet="Print the path alone.")  # fmt: skip
def report(
    face: Face,
    experiments: tuple[str, ...],
    filter: str | None,
    everything: bool,
    output: Path,
    metrics: tuple[str, ...],
    title: str,
    no_images: bool,
) -> None:
    """Write curves, a table and what differs to one HTML file.

    The file needs no network and no server: attach it to a message, or put it on a web server. All
    curves can be read, hidden and coloured by a parameter. What was left out to keep the file small is said in it.

    \b
    Examples:
      anew report k7f3 p2m8
      anew report -f "'paper' in tags" -o paper.html
      anew report --all -m val/acc -m val/loss
    """
    if not (experiments or filter or everything):
        raise click.UsageError("Name the experiments to report on, or give a --filter or --all.")
    if output.suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"--output ends in .html, and {output.name!r} does not.")
    from ..report import write_report

    with face.store() as store:
        found: dict[str, ExperimentView] = {}
        for view in store.list(filter) if filter or everything else ():
            found[view.id] = view
        for name in experiments:
            view = store.get(name)
            found.setdefault(view.id, view)
        if not found:
            raise NotFound("No experiment fits: there is nothing to report on.")
        views = sorted(found.values(), key=lambda view: view.created_at)
        with face.out.progress("Writing"):
            written = write_report(
                store, views, output, metrics=metrics, title=title, pictures=not no_images
            )

    def table() -> None:
        face.out.line(
            f"{written.path}  {plural(len(written.experiments), 'experiment')}, {size(written.bytes)}"
        )
        for one in written.said:
            face.out.line(one, "dim")

    face.out.emit(
        {
            "written": str(written.path),
            "bytes": written.bytes,
            "experiments": written.experiments,
            "left_out": list(written.said),
        },
        ids=[str(written.path)],
        table=table,
    )
