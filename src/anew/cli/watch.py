"""`watch`: running experiments, kept up to date on the screen."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from ..commands.answers import watch_document, watched
from ..commands.questions import WatchOptions
from ..reading.headline import headline_metrics
from .columns import experiment_columns, parse_fields
from .curves import painted
from .face import Face, shared
from .words import moment, one_line, plural

if TYPE_CHECKING:
    from rich.text import Text

    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["watch"]


@click.command()
@click.argument("filter", required=False)
@click.option(
    "-i", "--interval", type=click.FloatRange(0.1), default=2.0, help="Seconds between updates."
)
@click.option(
    "-c",
    "--columns",
    metavar="FIELDS",
    multiple=True,
    help="The columns, joined by commas; may repeat.",
)
@click.option("-m", "--metric", metavar="NAME", help="The metric to draw below the table.")
@click.option(
    "-n", "--limit", type=click.IntRange(1), help="At most this many; by default what fits."
)
@click.option(
    "--recent",
    metavar="AGE",
    default="10m",
    show_default=True,
    help="Also experiments that ended within this time, such as 1h; 0s leaves them out.",
)
@click.option("--once", is_flag=True, help="Print the table once and exit.")
@shared()
def watch(
    face: Face,
    filter: str | None,
    interval: float,
    columns: tuple[str, ...],
    metric: str | None,
    limit: int | None,
    recent: str,
    once: bool,
) -> None:
    """Watch running experiments.

    The table, and below it the curves of the metric that says most, are brought up to date until Ctrl-C. What ended
    lately stays (--recent). Elsewhere than on a terminal, --once is needed. `anew plot NAME --follow` draws one metric
    of a few experiments large.

    \b
    Examples:
      anew watch
      anew watch -m val_loss
      anew watch "'sweep-3' in tags" --recent 1h
      anew watch --once --json
    """
    if not once and not face.out.terminal:
        raise click.UsageError("watch draws on a terminal; --once prints what is running now.")
    fields = parse_fields(columns)
    question = WatchOptions(filter=filter, recent=recent, limit=limit)
    with face.store() as store:
        if once:
            _once(face, store, question, fields)
        else:
            _live(face, store, question, fields, metric, interval)


def _once(face: Face, store: Store, question: WatchOptions, fields: Sequence[str]) -> None:
    found = watched(store, question)

    def table() -> None:
        if not found:
            face.out.say("Nothing is running, and nothing ended lately.")
        else:
            views = _running_first(found)
            face.out.table(experiment_columns(store, views, face.out, wanted=fields))

    face.out.emit(
        watch_document(found),
        ids=found.ids,
        table=table,
    )


def _running_first(views: Iterable[ExperimentView]) -> list[ExperimentView]:
    return sorted(views, key=lambda view: str(view.status) not in ("running", "pending"))


def _live(
    face: Face,
    store: Store,
    question: WatchOptions,
    fields: Sequence[str],
    metric: str | None,
    interval: float,
) -> None:
    from rich.live import Live

    console = face.out.console()
    with Live(console=console, auto_refresh=False, screen=True, transient=True) as live:
        while True:
            room = max(1, console.height - 3)
            store.refresh()
            most = min(question.limit or room, room)
            found = watched(store, msgspec.structs.replace(question, limit=most))
            picture = _picture(
                face, store, _running_first(found), found.total, fields, metric, console.height
            )
            live.update(picture, refresh=True)
            time.sleep(interval)


def _picture(
    face: Face,
    store: Store,
    views: Sequence[ExperimentView],
    total: int,
    fields: Sequence[str],
    metric: str | None,
    height: int,
) -> Text:
    """What is on the screen: how many there are, the table, and curves where there is room for them."""
    from rich.text import Text

    running = sum(str(view.status) in ("running", "pending") for view in views)
    heading = Text(
        f"{plural(total, 'experiment')}, {running} running, at {moment(time.time())}", "dim"
    )
    if len(views) < total:
        heading.append(f", {total - len(views)} not shown")
    if not views:
        return Text("\n").join([heading, Text("Nothing is running. Ctrl-C leaves.")])
    table, _ = face.out.picture(experiment_columns(store, views, face.out, wanted=fields))
    lines = [heading, *table]
    return Text("\n").join([*lines, *_curves(face, store, views, metric, height - len(lines) - 1)])


def _curves(
    face: Face, store: Store, views: Sequence[ExperimentView], metric: str | None, room: int
) -> list[Text]:
    """One metric of the experiments in the table, in the lines that are left."""
    from ..plots.terminal import ChartLook, line_charts

    names = [metric] if metric else headline_metrics(views, 1)
    having = [view for view in views if names and names[0] in view.metrics]
    # Title, remark and names take four lines; less than these below says nothing.
    height = min(room - _AROUND, _TALLEST)
    if not having or height < _LOWEST:
        return []
    look = ChartLook(width=min(face.out.width, 160), height=height)
    (chart,) = line_charts(store, having, names, look=look)
    lines = [painted([]), painted([(one_line(chart.title), "bold")])]
    lines += [painted(row) for row in chart.rows]
    told: list[tuple[str, int | str | None]] = []
    for letter, name, color in chart.names:
        told += [("  ", None), (letter, color), (f" {one_line(name)}", "")]
    return [*lines, painted(told)]


_AROUND = 4
_LOWEST = 6
_TALLEST = 16
