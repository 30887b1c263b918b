"""What experiments logged beside metrics: histograms over steps, and the first rows of a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..plots.style import dress, new_grid, shortened
from ..reports.meaning import question_of
from ..reports.plots import read_against
from .figure import WIDE, charted
from .parts import Chart, Figure, Part, Table
from .words import plural, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from ..analysis.histograms import Histograms, HistogramSteps
    from ..analysis.tables import TableDifference
    from ..reading.views import ExperimentView
    from ..reports.meaning import Block
    from ..reports.plots import Plot
    from ..store import Store
    from .colours import Colours

__all__ = ["cell_text", "histograms", "natural", "table", "views_of"]

_ROWS = 100
_RIDGES = 30
_COLUMNS = 200
_BINS = 128
_TOGETHER = 6
"""Experiments in one drawing."""
_TEXT = 400
_SIGNS = {"added": "+", "removed": "−", "changed": "~", "same": ""}


def views_of(store: Store, block: Block) -> tuple[list[ExperimentView], tuple[str, ...]]:
    """The experiments of a block in its order, and what is to be said of how many there are."""
    found = store.backend.select(question_of(block, total=True))
    views = [store.get(one) for one in found.ids]
    if not views:
        return [], ("No experiment is meant.",)
    total = found.total or len(views)
    if total > len(views) and block.ids is None:
        return views, (f"The first {len(views):,} of {plural(total, 'experiment')}.",)
    return views, ()


def natural(text: str) -> list[tuple[bool, Any]]:
    """By numbers where there are some: `layer2` before `layer10`."""
    return [(one.isdigit(), int(one) if one.isdigit() else one.lower()) for one in re.split(r"(\d+)", text) if one]  # fmt: skip


def _named(views: Sequence[ExperimentView], kind: str, wanted: str) -> tuple[str, list[ExperimentView]]:  # fmt: skip
    """The name that is shown, the first one unless another is wanted, and the experiments that logged it."""
    by_view = [{value.name for value in view.values(kind=kind)} for view in views]
    names = sorted(set().union(*by_view), key=natural)
    name = wanted if wanted in names else names[0] if names else ""
    return name, [view for view, known in zip(views, by_view, strict=True) if name in known]


# -- histograms -------------------------------------------------------------------------------------


def histograms(
    store: Store, block: Block, plot: Plot, form: Literal["svg", "png"], colours: Colours
) -> list[Part]:
    """A heat map or ridges for each experiment, all on the same axes."""
    views, said = views_of(store, block)
    name, having = _named(views, "histogram", plot.logged)
    if not having:
        return [Figure((Chart("These experiments have logged no histogram."),), said=said)]
    columns = _RIDGES if plot.form == "ridges" else _COLUMNS
    told = store.analysis.histograms(having, name, columns=columns, bins=_BINS)
    called = {one.id: one.name for one in having}
    colours.see(called)
    charts = []
    for begin in range(0, len(told.series), _TOGETHER):
        some = told.series[begin : begin + _TOGETHER]
        names = [called.get(one.id, one.id) for one in some]
        form_of = "heat maps" if plot.form == "heat" else "ridges"
        title = f"Histograms of {name} over steps, as {form_of}: {', '.join(names)}"
        charts.append(charted(_side_by_side(told, some, names, plot.form, colours), form, title))
    words = [f"{name}: {plural(sum(one.recorded for one in told.series), 'histogram')}, all counted."]  # fmt: skip
    if any(len(one.first) < one.recorded for one in told.series):
        words.append("Neighbouring steps are drawn together.")
    if plot.form == "heat":
        words.append("The darker, the larger a step's part there.")
    if told.unreadable:
        words.append(f"{plural(told.unreadable, 'value')} could not be read as histograms.")
    return [Figure(tuple(charts), said=(*said, *words))]


def _side_by_side(
    told: Histograms,
    some: Sequence[HistogramSteps],
    names: Sequence[str],
    form: str,
    colours: Colours,
) -> Drawing:
    across = min(2, len(some))
    down = -(-len(some) // across)
    figure, every = new_grid(down, across, (WIDE, 3.4 if across == 1 else 0.1 + 2.5 * down))
    for axes, one, name in zip(every, some, names, strict=False):
        (_ridges if form == "ridges" else _heat)(axes, told, one, colours.of(one.id).shade)
        steps = "step" if one.steps else "number"
        x, y = (steps, told.name) if form == "heat" else (told.name, steps)
        dress(axes, title=shortened(name, 56 // across), x=x, y=y, grid="")
        if form == "heat":
            axes.set_xlim(*_extent(told))
    for axes in every[len(some) :]:
        axes.set_axis_off()
    return figure


def _extent(told: Histograms) -> tuple[float, float]:
    """From which step to which all experiments go."""
    there = [one for one in told.series if len(one.first)]
    low = min((float(one.first[0]) for one in there), default=0.0)
    return low, max((_end(one) for one in there), default=low + 1)


def _end(one: HistogramSteps) -> float:
    """Where the last column ends: as far on as the one before it begins earlier."""
    first = one.first
    return float(one.last[-1]) + (float(first[-1] - first[-2]) if len(first) > 1 else 1.0)


def _shares(told: Histograms, one: HistogramSteps) -> np.ndarray:
    """Of each column, how dense its values lie in each bin."""
    counts = np.asarray(one.counts, np.float64).reshape(len(one.first), -1)
    sums = np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    return np.asarray(counts / sums / np.diff(told.edges))


def _heat(axes: Axes, told: Histograms, one: HistogramSteps, shade: str) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    if not len(one.first):
        return
    first = np.asarray(one.first, np.float64)
    edges = np.append(first, max(_end(one), first[-1] + 1e-9))
    shades = LinearSegmentedColormap.from_list("shares", ["#FFFFFF", shade])
    axes.pcolormesh(edges, told.edges, np.sqrt(_shares(told, one)).T, cmap=shades, rasterized=True)


def _ridges(axes: Axes, told: Histograms, one: HistogramSteps, shade: str) -> None:
    shares = _shares(told, one)
    last = np.asarray(one.last, np.float64)
    if not len(last):
        return
    gap = (last[-1] - last[0]) / (len(last) - 1) if len(last) > 1 else 1.0
    rise = (gap or 1.0) * 6 / max(float(shares.max()), 1e-300)
    middle = (told.edges[:-1] + told.edges[1:]) / 2
    for at, ground in enumerate(last):
        tops = ground - shares[at] * rise
        axes.fill_between(middle, ground, tops, color="white", alpha=0.85, lw=0, zorder=at + 2)
        axes.plot(middle, tops, color=shade, lw=1, zorder=at + 2.5)
    axes.invert_yaxis()
    axes.set_yticks([one for one in axes.get_yticks() if last[0] <= one <= last[-1]])


# -- tables -----------------------------------------------------------------------------------------


def table(store: Store, block: Block, plot: Plot) -> list[Part]:
    """The first rows of a logged table."""
    views, said = views_of(store, block)
    name, having = _named(views, "table", plot.logged)
    if not having:
        return [Figure((Chart("These experiments have logged no table."),), said=said)]
    whose = next((one for one in having if one.id == plot.whose), having[0])
    if against := read_against(plot.against):
        return [_difference(store, whose, name, plot, *against)]
    told = store.analysis.table(whose, name, step=plot.step, filter=plot.rows, sort=plot.order, limit=_ROWS)  # fmt: skip
    rows = [
        (str(place), *map(cell_text, row))
        for place, row in zip(told.places, told.rows, strict=True)
    ]
    numeric = {0} | {at + 1 for at, one in enumerate(told.columns) if one.kind == "number"}
    step = told.table.steps[told.table.at]
    where = "" if step is None else f", step {step:,}"
    matched = f"rows 1 to {len(rows):,} of {told.matched:,}" if rows else "no row"
    among = f", of {plural(told.total, 'row')}" if plot.rows else ""
    words = f"{name} of {whose.name}{where}: {matched}{among}."
    heads = ("row", *(one.name for one in told.columns))
    return [Table(heads, tuple(rows), frozenset(numeric), said=(words,))]


def _difference(
    store: Store, whose: ExperimentView, name: str, plot: Plot, step: int | None, other: str
) -> Table:
    """What was added, removed and changed since another table."""
    was = store.get(other) if other else whose
    told = store.analysis.table_difference(
        was, name, whose, step=step, other_step=plot.step, key=plot.key, limit=_ROWS
    )  # fmt: skip
    places_a = {one.name: at for at, one in enumerate(told.columns_a)}
    places_b = {one.name: at for at, one in enumerate(told.columns_b)}
    columns = list(dict.fromkeys((*places_b, *places_a)))
    rows = []
    for row in told.rows:
        cells = []
        for one in columns:
            before = row.a[places_a[one]] if row.a is not None and one in places_a else None
            now = row.b[places_b[one]] if row.b is not None and one in places_b else None
            cells.append(" → ".join(_change(before, now)) if one in row.changed else cell_text(before if row.b is None or one not in places_b else now))  # fmt: skip
        at = ("" if one is None else f"{one:,}" for one in (row.place_a, row.place_b))
        rows.append((_SIGNS[row.kind], *at, *cells))
    numeric = {1, 2} | {at + 3 for at, one in enumerate(columns) if one in places_b and told.columns_b[places_b[one]].kind == "number"}  # fmt: skip
    heads = ("", "was row", "is row", *columns)
    said = _said_of_difference(told, name, whose.name, was.name)
    return Table(heads, tuple(rows), frozenset(numeric), said=said, lead=3)


def _said_of_difference(told: TableDifference, name: str, whose: str, was: str) -> tuple[str, ...]:
    def at(one: Any) -> str:
        step = one.steps[one.at]
        return "" if step is None else f"step {step:,}"

    same = told.a.id == told.b.id
    of = ", ".join(filter(None, (f"{name} of {whose}", at(told.b))))
    against = at(told.a) if same else ", ".join(filter(None, (was, at(told.a))))
    shown = sum(told.counts.get(one, 0) for one in ("added", "removed", "changed"))
    rows = f"rows 1 to {len(told.rows):,} of {shown:,}" if shown else "no such row"
    key = f"together by {', '.join(told.key)}" if told.key else "together by their positions"
    whole = plural(sum(told.counts.values()), "row")
    many = {str(kind): count for kind, count in told.counts.items()}
    counts = [f"{sign} {many.get(kind, 0):,} {kind}".strip() for kind, sign in _SIGNS.items()]
    changed = [f"{one.name} ({one.rows:,})" for one in told.changes if one.rows]
    names = [{one.name for one in columns} for columns in (told.columns_a, told.columns_b)]
    new = [one.name for one in told.columns_b if one.name not in names[0]]
    gone = [one.name for one in told.columns_a if one.name not in names[1]]
    for what, these in (("changed in", changed), ("new columns:", new), ("columns that are gone:", gone)):  # fmt: skip
        if these:
            counts.append(f"{what} {', '.join(these)}")
    return (
        f"{of}, against {against}: {rows} · {key} · all {whole} compared.",
        " · ".join(counts),
    )


def _change(was: Any, now: Any) -> tuple[str, str]:
    """What a cell was and is, with as many digits as tell them apart."""
    brief = cell_text(was), cell_text(now)
    return brief if brief[0] != brief[1] else (str(was), str(now))


def cell_text(value: Any) -> str:
    """A cell as it is read: nothing for what is missing, and of a fraction the digits that tell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return short(value)
    return str(value)[:_TEXT]
