"""What a report shows, asked for once, before it is written as a file of some form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..analysis.values import values_of
from ..errors import AnewError
from ..plots.labels import shown
from ..query.question import Column
from ..reports.blocks import read_block
from ..reports.markdown import runs_of
from ..reports.meaning import MOST_BLOCKS, Block, meaning_of, question_of
from . import boxes, logged, points, reckoned
from .colours import TOLD, Colours
from .figure import drawn
from .media import media
from .parts import Chart, Figure, Part, Problem, Table, Text, Verdict
from .words import TIMES, moment, short, title_of

if TYPE_CHECKING:
    from ..reports.plots import Plot
    from ..store import Store

__all__ = ["parts_of_report"]

_MOST_ROWS = 15
"""Metrics and causes that a verdict lists."""


def parts_of_report(
    store: Store, text: str, project: str | None, form: Literal["svg", "png"]
) -> list[Part]:
    """All parts of a report; a block that cannot be shown says so, and the others are there.

    Args:
        form: Of the charts.

    Raises:
        MissingDependency: A chart needs a package that is not installed.
    """
    found: list[Part] = []
    blocks = 0
    colours = Colours(store.backend)
    for run in runs_of(text):
        if run.block is None:
            found.append(Text(run.tokens))
            continue
        blocks += 1
        try:
            if blocks > MOST_BLOCKS:
                found.append(Problem(f"A report shows up to {MOST_BLOCKS} blocks."))
                break
            block = meaning_of(store.backend, read_block(run.block), project)
            found += _parts(store, block, form, colours)
        except ImportError:
            raise
        except (AnewError, ValueError) as error:
            found.append(Problem(str(error)))
    return found


def _parts(store: Store, block: Block, form: Literal["svg", "png"], colours: Colours) -> list[Part]:
    """What stands in the report for a block."""
    match block.kind:
        case "figure":
            return [_figure(store, block, form, colours)]
        case "table":
            return [_table(store, block)]
        case "verdict":
            return [_verdict(store, block)]
        case "plot" if block.plot is not None:
            return _below(block, _plot(store, block, block.plot, form, colours))
        case "media" if block.media is not None:
            return _below(block, media(store, block, block.media))
    view = f"the view {block.view}" if block.view else "this view"
    return [
        Problem(f"Only the page shows {view}: it is one of the tab {block.shows.get('tab')!r}.")
    ]


def _below(block: Block, parts: list[Part]) -> list[Part]:
    """The parts of a block, with its caption and what is said of it below the last one."""
    last: Any = parts[-1]
    said = (*last.said, *block.said)
    return [*parts[:-1], msgspec.structs.replace(last, caption=block.caption, said=said)]


def _plot(
    store: Store, block: Block, plot: Plot, form: Literal["svg", "png"], colours: Colours
) -> list[Part]:
    match plot.which:
        case "compare":
            return reckoned.compared(store, block, plot, form)
        case "importance":
            return reckoned.explained(store, block, plot, form)
        case "histograms":
            return logged.histograms(store, block, plot, form, colours)
        case "tables":
            return logged.table(store, block, plot)
        case "parallel":
            fields = plot.axes
        case "slices":
            others = [one for one in plot.settings if one not in (*plot.seeds, plot.result)]
            fields = (plot.result, *(others or ["created_at"]))
        case "scatter":
            fields = (plot.setting, plot.result)
        case _:
            fields = (plot.result, plot.setting)
    values = values_of(store.backend, fields, block.filter, block.sort, ids=TOLD)
    if not values.count:
        return [Figure((Chart("No experiment is meant."),))]
    match plot.which:
        case "parallel":
            return [points.parallel(values, plot, form, colours)]
        case "slices":
            return [points.slices(values, plot, form, colours)]
        case "scatter":
            return [points.scatter(values, plot, form, colours)]
    return boxes.boxes(values, plot, form)


def _figure(store: Store, block: Block, form: Literal["svg", "png"], colours: Colours) -> Figure:
    found = store.backend.select(question_of(block, ["name"], total=True))
    ids = tuple(found.ids)
    names = dict(zip(ids, map(str, found.columns[0].values), strict=True))
    charts = []
    for metric in block.metrics:
        chart = drawn(store.backend, ids, names, metric, block.look, form, colours) if ids else None  # fmt: skip
        charts.append(chart or Chart(f"No experiment here logged {metric}."))
    return Figure(tuple(charts), block.caption, _said(block, len(ids), found.total))


def _said(block: Block, count: int, total: int | None) -> tuple[str, ...]:
    if not count:
        return (*block.said, "No experiment is meant.")
    if total is not None and total > count and block.ids is None:
        return (*block.said, f"The first {count:,} of {total:,} experiments.")
    return block.said


def _table(store: Store, block: Block) -> Table:
    found = store.backend.select(question_of(block, block.columns, total=True))
    columns = [[_cell(one.name, value) for value in one.values] for one in found.columns]
    return Table(
        tuple(map(title_of, block.columns)),
        tuple(zip(*columns, strict=True)) if columns else (),
        frozenset(at for at, one in enumerate(found.columns) if _is_numeric(one)),
        block.caption,
        _said(block, len(found.ids), found.total),
    )


def _is_numeric(column: Column) -> bool:
    present = [one for one in column.values if one is not None]
    return bool(present) and column.name not in TIMES and all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in present
    )  # fmt: skip


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in TIMES and isinstance(value, int | float) and math.isfinite(value):
        return moment(value)
    if isinstance(value, float) and not math.isfinite(value):
        return short(value)
    return shown(value)


def _verdict(store: Store, block: Block) -> Verdict:
    from ..reproduce.comparison import compare

    first, second = (store.get(one) for one in block.ids or ())
    found = compare(store, first, second, sides=("the first", "the second"))
    return Verdict(
        first.prefix,
        second.prefix,
        found.verdict.value,
        found.reason,
        tuple((one.metric, one.verdict.value, one.reason) for one in found.metrics[:_MOST_ROWS]),
        _texts(found.differences),
        block.caption,
    )


def _texts(differences: Sequence[Any]) -> tuple[str, ...]:
    return tuple(str(one.text) for one in differences[:_MOST_ROWS])
