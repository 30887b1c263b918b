"""`watch`: running experiments, kept up to date on the screen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from .columns import experiment_columns, experiment_json, parse_fields
from .face import Face, shared
from .table import fitted
from .words import moment, plural

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["watch"]


@click.command()
@click.argument("filter", required=False)
@click.option(
    "-i", "--interval", type=click.FloatRange(0.1), default=2.0, help="Seconds between updates."
)
@click.option("-c", "--columns", metavar="FIELDS", help="The columns, separated by commas.")
@click.option(
    "-n", "--limit", type=click.IntRange(1), help="At most this many; by default what fits."
)
@click.option(
    "--recent", metavar="AGE", help="Also experiments that ended within this time, such as 1h."
)
@click.option("--once", is_flag=True, help="Print the table once and exit.")
@shared()
def watch(
    face: Face,
    filter: str | None,
    interval: float,
    columns: str | None,
    limit: int | None,
    recent: str | None,
    once: bool,
) -> None:
    """Watch running experiments.

    The table is brought up to date until Ctrl-C. Elsewhere than on a terminal, --once is needed.

    \b
    Examples:
      anew watch
      anew watch "'sweep-3' in tags" --recent 1h
      anew watch --once --json
    """
    if not once and not face.out.terminal:
        raise click.UsageError("watch draws on a terminal; --once prints what is running now.")
    fields = parse_fields(columns)
    condition = "status in ('running', 'pending')"
    if recent is not None:
        condition = f"({condition} or ended_at > {recent!r})"
    if filter:
        condition = f"({filter}) and {condition}"
    with face.store() as store:
        if once:
            _once(face, store, condition, fields, limit)
        else:
            _live(face, store, condition, fields, limit, interval)


def _once(
    face: Face, store: Store, condition: str, fields: Sequence[str], limit: int | None
) -> None:
    found = store.list(condition, limit=limit, reproductions=True)

    def table() -> None:
        if not found:
            face.out.say("Nothing is running.")
        else:
            face.out.table(experiment_columns(store, found, face.out, wanted=fields))

    face.out.emit(
        {"total": found.total, "experiments": [experiment_json(v) for v in found]},
        ids=found.ids,
        table=table,
    )


def _live(
    face: Face,
    store: Store,
    condition: str,
    fields: Sequence[str],
    limit: int | None,
    interval: float,
) -> None:
    from rich.live import Live

    console = face.out.console()
    with Live(console=console, auto_refresh=False, screen=True, transient=True) as live:
        while True:
            room = max(1, console.height - 3)
            store.refresh()
            found = store.list(condition, limit=min(limit or room, room), reproductions=True)
            live.update(_picture(face, store, found, found.total, fields), refresh=True)
            time.sleep(interval)


def _picture(
    face: Face, store: Store, views: Sequence[ExperimentView], total: int, fields: Sequence[str]
) -> Any:
    from rich.text import Text

    heading = Text(f"{plural(total, 'experiment')} at {moment(time.time())}", "dim")
    if len(views) < total:
        heading.append(f", {total - len(views)} not shown")
    if not views:
        return Text("\n").join([heading, Text("Nothing is running. Ctrl-C leaves.")])
    shown, widths, _ = fitted(
        experiment_columns(store, views, face.out, wanted=fields), face.out.width
    )
    return Text("\n").join([heading, *face.out.rows(shown, widths)])
