"""`goal`: which values of a metric are better, and which metric is the main one."""

from __future__ import annotations

from typing import Any

import click

from ..commands.acting import said_of
from ..commands.changes import GoalChange
from ..commands.documents import goal_document
from .face import Face, shared
from .table import Column
from .words import one_line

__all__ = ["goal"]


@click.command()
@click.argument("metric", required=False)
@click.argument("better", required=False, type=click.Choice(["min", "max"]))
@click.option("--main", is_flag=True, help="It says how good an experiment is.")
@click.option(
    "-p", "--project", metavar="PREFIX", help="Only for the experiments below this prefix."
)
@click.option("--clear", is_flag=True, help="Take back what was said of it.")
@shared(quiet="Print nothing but errors.")
def goal(
    face: Face,
    metric: str | None,
    better: Any,
    main: bool,
    project: str | None,
    clear: bool,
) -> None:
    """Say which values of a metric are better, and which metric is the main one.

    `best`, `compare` and the page go by it, instead of guessing from the metric's name. What is said for a project outweighs
    what is said for all. Without a metric it prints what was said.

    \b
    Examples:
      anew goal val/score min
      anew goal val/acc max --main --project alice/vision
      anew goal val/score --clear
      anew goal
      anew best                    the best by the main metric
    """
    if metric is None and (main or clear or project):
        raise click.UsageError("Say which metric.")
    if clear and (better or main):
        raise click.UsageError("--clear takes back all that was said: give it alone.")
    with face.store() as store:
        if metric is None:
            said = store.goals()
        else:
            said = said_of(
                store, GoalChange(metric=metric, better=better, main=main, project=project, clear=clear)
            )  # fmt: skip

    def table() -> None:
        if not said:
            face.out.say("Nothing is said." if not clear else f"Nothing is said of {metric} now.")
            return
        face.out.table(
            [
                Column("metric", [one_line(one.metric) for one in said]),
                Column("better", [one.better or "by its name" for one in said]),
                Column("main", ["main" if one.main else "" for one in said]),
                Column("project", [one_line(one.project or "all") for one in said]),
                Column("by", [one_line(one.user) for one in said]),
            ]
        )

    face.out.emit({"goals": [goal_document(one) for one in said]}, table=table)
