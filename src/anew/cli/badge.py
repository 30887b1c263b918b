"""`badge`: what can be said in a word, as an image for a README."""

from __future__ import annotations

from pathlib import Path

import click

from ..commands.badges import BadgeOptions, badge_document, badge_of
from .face import Face, complete_experiment, shared

__all__ = ["badge"]


@click.command()
@click.argument("experiment", required=False, shell_complete=complete_experiment)
@click.option(
    "-m", "--metric", metavar="NAME", help="Say the best value of this metric, and not the status."
)
@click.option(
    "--verdict", is_flag=True, help="Say whether the results came back when it was run again."
)
@click.option(
    "--best",
    metavar="METRIC",
    help="In place of an experiment: the best value among those that completed.",
)
@click.option(
    "-p", "--project", metavar="PREFIX", help="With --best: only experiments below this prefix."
)
@click.option(
    "-f", "--filter", metavar="FILTER", help="With --best: only experiments that match it."
)
@click.option("--label", metavar="TEXT", help="What stands at the left.")
@click.option(
    "-o", "--output", metavar="FILE", help="An image (.svg), or an answer for shields.io (.json)."
)
@shared(quiet="Print nothing but errors.")
def badge(
    face: Face, experiment: str | None, metric: str | None, verdict: bool, best: str | None, project: str | None,
    filter: str | None, label: str | None, output: str | None,
) -> None:  # fmt: skip
    """Write a badge: the status of an experiment, a result, a verdict, or the best of a project.

    Without --output the image is printed. A server answers the same at /api/v1/badge, to who may see the experiment.

    \b
    Examples:
      anew badge release/digits -o docs/status.svg
      anew badge release/digits --metric val/acc -o docs/acc.svg
      anew badge release/digits --verdict -o docs/reproduced.svg
      anew badge --best val/acc --project lab/vision -o docs/best.svg
    """
    question = BadgeOptions(
        experiment=experiment, metric=metric, verdict=verdict, best=best, project=project, filter=filter, label=label
    )  # fmt: skip
    with face.store() as store:
        found = badge_of(store, question)
    if output is not None:
        text = found.to_json() if output.endswith(".json") else found.to_svg()
        Path(output).write_text(text, encoding="utf-8")

    def table() -> None:
        if output is None:
            face.out.line(found.to_svg().rstrip("\n"))
        else:
            face.out.say(f"{found.label}: {found.message}")

    face.out.emit({"badge": badge_document(found)}, table=table)
