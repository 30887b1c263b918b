"""`forward`: sending experiments to other trackers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from .face import Face, complete_experiment, several, shared
from .words import one_line, plural

if TYPE_CHECKING:
    from ..forwarders.later import Forwarded

__all__ = ["forward", "told"]


@click.command()
@click.argument("experiments", nargs=-1, required=False, shell_complete=complete_experiment)
@click.option(
    "--to",
    multiple=True,
    metavar="PLACE",
    help="The tracker: mlflow, wandb, tensorboard, clearml or aim, with an optional address after a colon; may repeat.",
)
@click.option("-f", "--filter", metavar="FILTER", help="The experiments that match this filter.")
@click.option(
    "--patience",
    type=click.FloatRange(0),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="Seconds to keep retrying when a tracker cannot be reached.",
)
@click.option(
    "--afresh",
    is_flag=True,
    help="Send everything again, for a run that was deleted at the tracker.",
)
@shared(quiet="Print the ids of those that are not complete alone.")
def forward(
    face: Face,
    experiments: tuple[str, ...],
    to: tuple[str, ...],
    filter: str | None,
    patience: float,
    afresh: bool,
) -> int:
    """Send experiments, or what has not been sent of them yet, to other trackers.

    What arrived before is not sent again. Without --to, each goes where it was to be sent before. Exits with 1
    if something could not be sent; it stays counted, and the same command goes on with it.

    \b
    Examples:
      anew forward k7f3 --to mlflow:http://127.0.0.1:5000
      anew forward k7f3 --to wandb:offline --to tensorboard:runs
      anew forward k7f3                             what is left, where it was going
      anew forward -f "project == 'vision'" --to aim
    """
    if not experiments and not filter:
        raise click.UsageError("Name experiments, or choose them with --filter.")
    documents, left = [], []
    with face.store() as store:
        for view in several(store, experiments, filter):
            with face.out.progress(f"Sending {view.prefix}") as report:
                found = store.forward(
                    view, list(to) or None, patience=patience, afresh=afresh, progress=report
                )
            places = found[view.id]
            if not all(place.complete for place in places):
                left.append(view.id)
            if face.out.mode == "human":
                for place in places:
                    face.out.line(f"{view.id}  {told(place)}")
                    for reason, count in place.refused.items():
                        face.out.line(
                            f"    {plural(count, 'record')} refused: {one_line(reason)}", "dim"
                        )
            documents += [
                {"id": view.id, "prefix": view.prefix, **asdict(place), "complete": place.complete}
                for place in places
            ]
    face.out.emit({"places": documents}, ids=left)
    return 1 if left else 0


def told(place: Forwarded) -> str:
    """How far an experiment has come to one place, in a line."""
    parts = [f"to {place.to}: {plural(place.records, 'record')} sent"]
    if place.waiting:
        parts.append(f"{place.waiting:,} waiting")
    if place.refused:
        parts.append(f"{sum(place.refused.values()):,} refused")
    if place.error:
        parts.append(place.error)
    if place.url:
        parts.append(place.url)
    return ", ".join(one_line(part) for part in parts)
