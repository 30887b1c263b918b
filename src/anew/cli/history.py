"""`history`: the points of metrics, side by side."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING, Any

import click

from ..commands.questions import HistoryOptions
from .face import Face, complete_experiment, shared
from .table import Column
from .words import moment, number, one_line

if TYPE_CHECKING:
    from ..reading.wide import Wide

__all__ = ["history"]

_ROWS = 1000  # for people; --json and --csv have all


@click.command()
@click.argument("experiments", nargs=-1, metavar="EXPERIMENT…", shell_complete=complete_experiment)
@click.option(
    "-f", "--filter", metavar="FILTER", help="Also the experiments that match this filter."
)
@click.option(
    "-m",
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="Only this metric, or those of a pattern; may repeat.",
)
@click.option(
    "--on",
    default="step",
    metavar="AXIS",
    show_default=True,
    help="A row for each step, each time, or in the order of a metric.",
)
@click.option(
    "--points",
    type=click.IntRange(2),
    metavar="N",
    help="At most about N points of each metric; extremes stay.",
)
@click.option("--start", type=int, metavar="STEP", help="From this step on.")
@click.option("--stop", type=int, metavar="STEP", help="Up to the step before this one.")
@click.option(
    "--attempts",
    type=click.Choice(["joined"]),
    help="One curve of a run that was resumed: a later attempt counts from where it goes on.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV; times are in UTC.")
@shared(quiet="Print nothing but errors.")  # fmt: skip
def history(
    face: Face,
    experiments: tuple[str, ...],
    filter: str | None,
    metrics: tuple[str, ...],
    on: str,
    points: int | None,
    start: int | None,
    stop: int | None,
    attempts: Any,
    as_csv: bool,
) -> None:
    """Print metrics side by side: a row for each step, a column for each metric.

    A cell is empty where a metric was not logged at that step. Of several values at one step the last one counts.

    \b
    Examples:
      anew history k7f3
      anew history k7f3 p2m8 -m val/loss -m 'train/*'
      anew history k7f3 -m val/acc --on tokens
      anew history k7f3 --on time --csv > curves.csv
    """
    from ..commands.answers import history_document, history_of

    question = HistoryOptions(
        experiments=experiments, filter=filter, metric=metrics, on=on, points=points or 0, start=start, stop=stop, attempts=attempts,
    )  # fmt: skip
    if not experiments and not filter:
        raise click.UsageError("Name an experiment, or give a --filter.")
    with face.store() as store:
        wide = history_of(store, question).wide(on)
    if as_csv:
        _csv(wide)
        return
    face.out.emit(lambda: history_document(wide), table=lambda: _table(face, wide))


def _csv(wide: Wide) -> None:
    table = wide.to_arrow()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(table.column_names)
    for row in table.to_pylist():
        writer.writerow(
            value.isoformat() if hasattr(value, "isoformat") else value for value in row.values()
        )


def _place(value: float) -> str:
    return str(value) if isinstance(value, int) else number(value)


def _table(face: Face, wide: Wide) -> None:
    each = list(wide.each())
    total = sum(len(rows.x) for _, _, rows in each)
    if not total:
        face.out.say("Nothing was logged there.")
        return
    shown = [(id_, name, rows, at) for id_, name, rows in each for at in range(len(rows.x))][:_ROWS]
    columns = []
    if len(each) > 1:
        columns.append(Column("ID", [id_ for id_, *_ in shown], styles="bold"))
        columns.append(Column("NAME", [one_line(name) for _, name, *_ in shown], least=8))
    at_time = wide.on == "time"
    places = [
        moment(float(rows.x[at])) if at_time else _place(rows.x[at].item())
        for _, _, rows, at in shown
    ]
    columns.append(Column(one_line(wide.on), places, True, styles="bold"))
    if wide.on not in ("step", "time"):
        steps = [str(rows.steps[at]) for _, _, rows, at in shown if rows.steps is not None]
        columns.append(Column("step", steps, True))
    for metric in wide.metrics:
        found = {id_: rows.column(metric) for id_, _, rows in each}
        cells = [
            number(float(found[id_][0][at])) if found[id_][1][at] else "" for id_, _, _, at in shown
        ]
        columns.append(Column(one_line(metric), cells, True))
    dropped = face.out.table(columns)
    if dropped:
        face.out.say(
            f"Not wide enough for: {', '.join(dropped)} (--metric chooses, --csv has all)."
        )
    if total > len(shown):
        face.out.say(f"The first {len(shown):,} of {total:,} rows; --csv and --json have all.")
