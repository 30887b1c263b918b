"""What experiments logged beside metrics: histograms over steps, the first rows of a table, and media in a grid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import AnewError
from ..plots.style import PALETTE, dress, new_grid, shortened
from ..reading.pictures import still_of
from ..reports.meaning import question_of
from ..reports.plots import MOST_NAMES
from .figure import image_of
from .parts import Cell, Figure, Gallery, Part, Table
from .stills import bars, waves
from .words import plural, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from ..analysis.histograms import Histograms, HistogramSteps
    from ..reading.files import Stored, ValueView
    from ..reading.views import ExperimentView
    from ..reports.meaning import Block
    from ..reports.plots import Media, Plot
    from ..store import Store

__all__ = ["histograms", "media", "table"]

_ROWS = 100
_RIDGES = 30
_COLUMNS = 200
_BINS = 128
_TOGETHER = 6
"""Experiments in one drawing."""
_BESIDE = 16
"""Values of one name and step that are shown."""
_MOST_BYTES = 6_000_000
_MOST_SOURCE = 32 << 20
"""Bytes of a value beyond which no picture is made of it."""
_TEXT = 400
_FEW_ROWS = 5
_WIDE = 24
_MASK = re.compile(r"/masks/[^/]+$")
_KINDS = ("image", "figure", "video", "audio", "histogram", "table", "text")


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


def histograms(store: Store, block: Block, plot: Plot, form: Literal["svg", "png"]) -> list[Part]:
    """A heat map or ridges for each experiment, all on the same axes."""
    views, said = views_of(store, block)
    name, having = _named(views, "histogram", plot.logged)
    if not having:
        return [Figure((("These experiments have logged no histogram.", None),), said=said)]
    columns = _RIDGES if plot.form == "ridges" else _COLUMNS
    told = store.analysis.histograms(having, name, columns=columns, bins=_BINS)
    called = {one.id: one.name for one in having}
    charts = []
    for begin in range(0, len(told.series), _TOGETHER):
        some = told.series[begin : begin + _TOGETHER]
        names = [called.get(one.id, one.id) for one in some]
        form_of = "heat maps" if plot.form == "heat" else "ridges"
        title = f"Histograms of {name} over steps, as {form_of}: {', '.join(names)}"
        charts.append((title, image_of(_side_by_side(told, some, names, plot.form), form, title)))
    words = [f"{name}: {plural(sum(one.recorded for one in told.series), 'histogram')}, all counted."]  # fmt: skip
    if any(len(one.first) < one.recorded for one in told.series):
        words.append("Neighbouring steps are drawn together.")
    if plot.form == "heat":
        words.append("The darker, the larger a step's part there.")
    if told.unreadable:
        words.append(f"{plural(told.unreadable, 'value')} could not be read as histograms.")
    return [Figure(tuple(charts), said=(*said, *words))]


def _side_by_side(
    told: Histograms, some: Sequence[HistogramSteps], names: Sequence[str], form: str
) -> Drawing:
    across = min(2, len(some))
    figure, every = new_grid(-(-len(some) // across), across)
    for axes, one, name in zip(every, some, names, strict=False):
        (_ridges if form == "ridges" else _heat)(axes, told, one)
        steps = "step" if one.steps else "number"
        x, y = (steps, told.name) if form == "heat" else (told.name, steps)
        dress(axes, title=shortened(name, 40), x=x, y=y, grid="")
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


def _heat(axes: Axes, told: Histograms, one: HistogramSteps) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    if not len(one.first):
        return
    first = np.asarray(one.first, np.float64)
    edges = np.append(first, max(_end(one), first[-1] + 1e-9))
    shades = LinearSegmentedColormap.from_list("shares", ["#FFFFFF", PALETTE[0]])
    axes.pcolormesh(edges, told.edges, np.sqrt(_shares(told, one)).T, cmap=shades, rasterized=True)


def _ridges(axes: Axes, told: Histograms, one: HistogramSteps) -> None:
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
        axes.plot(middle, tops, color=PALETTE[0], lw=1, zorder=at + 2.5)
    axes.invert_yaxis()
    axes.set_yticks([one for one in axes.get_yticks() if last[0] <= one <= last[-1]])


# -- tables -----------------------------------------------------------------------------------------


def table(store: Store, block: Block, plot: Plot) -> list[Part]:
    """The first rows of a logged table."""
    views, said = views_of(store, block)
    name, having = _named(views, "table", plot.logged)
    if not having:
        return [Figure((("These experiments have logged no table.", None),), said=said)]
    whose = next((one for one in having if one.id == plot.whose), having[0])
    told = store.analysis.table(whose, name, step=plot.step, filter=plot.rows, sort=plot.order, limit=_ROWS)  # fmt: skip
    rows = [
        (str(place), *map(_shown, row)) for place, row in zip(told.places, told.rows, strict=True)
    ]
    numeric = {0} | {at + 1 for at, one in enumerate(told.columns) if one.kind == "number"}
    step = told.table.steps[told.table.at]
    where = "" if step is None else f", step {step:,}"
    matched = f"rows 1 to {len(rows):,} of {told.matched:,}" if rows else "no row"
    among = f", of {plural(told.total, 'row')}" if plot.rows else ""
    words = f"{name} of {whose.name}{where}: {matched}{among}."
    heads = ("row", *(one.name for one in told.columns))
    return [Table(heads, tuple(rows), frozenset(numeric), said=(words,))]


def _shown(value: Any) -> str:
    """A cell as it is read: nothing for what is missing, and of a fraction the digits that tell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return short(value)
    return str(value)[:_TEXT]


# -- media ------------------------------------------------------------------------------------------


def media(store: Store, block: Block, wanted: Media) -> list[Part]:
    """The values of each name beside each other, at one step."""
    views, said = views_of(store, block)
    by_name: dict[tuple[int, str, str], list[tuple[ExperimentView, list[ValueView]]]] = {}
    for view in views:
        mine: dict[tuple[int, str, str], list[ValueView]] = {}
        known = view.values()
        images = {value.name for value in known}
        for value in known:
            over = _MASK.sub("", value.name)
            if over != value.name and over in images:
                continue  # it lies over an image
            if _is_wanted(value.name, wanted.names):
                mine.setdefault((_rank(value.kind), value.name, value.kind), []).append(value)
        for key, values in mine.items():
            by_name.setdefault(key, []).append((view, values))
    keys = sorted(by_name, key=lambda one: (one[0], natural(one[1])))
    words = list(said)
    if len(keys) > MOST_NAMES:
        words.append(f"The first {MOST_NAMES} of {plural(len(keys), 'name')}: `names` says which.")
    room, sections = _MOST_BYTES, []
    for key in keys[:MOST_NAMES]:
        cells = []
        for view, values in by_name[key]:
            for value in at_step(values, wanted.step)[:_BESIDE]:
                cell = _cell(view, value, room)
                room -= len(cell.image or b"")
                cells.append(cell)
        sections.append((key[1], tuple(cells)))
    if views and not sections:
        words.append("These experiments have logged no media of such names.")
    return [Gallery(tuple(sections), said=tuple(words))]


def _is_wanted(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name is one of those, or meant by a pattern, of which only `*` means something else than itself."""
    plain = [one.replace("[", "[[]").replace("?", "[?]") for one in patterns]
    return not plain or any(fnmatchcase(name, one) for one in plain)


def _rank(kind: str) -> int:
    return _KINDS.index(kind) if kind in _KINDS else len(_KINDS)


def at_step(values: Sequence[ValueView], step: int | None) -> list[ValueView]:
    """Those of the last step that is not beyond one; of the first where all are, of the newest where no step is meant."""
    placed = sorted(values, key=lambda one: (one.step is not None, one.step or 0, one.time))
    by_then = [one for one in placed if step is None or one.step is None or one.step <= step]
    chosen = by_then[-1] if by_then else placed[0]
    if chosen.step is None:
        return [chosen]
    return [one for one in placed if one.step == chosen.step]


def _cell(view: ExperimentView, value: ValueView, room: int) -> Cell:
    caption = value.metadata.get("caption")
    parts = ["" if value.step is None else f"step {value.step:,}", caption if isinstance(caption, str) else ""]  # fmt: skip
    try:
        image, words = _still(value)
    except (AnewError, OSError):
        image, words = None, ""
    if image is not None and len(image[0]) > room:
        image = None
    if image is None and not words:
        words = f"{value.kind}, in the page"
    told = [*parts, words] if image is not None else parts
    detail = " · ".join(filter(None, told))[:_TEXT]
    if image is None:
        return Cell(view.name, detail, text=words)
    return Cell(view.name, detail, image[0], image[1])


def _still(value: ValueView) -> tuple[tuple[bytes, str] | None, str]:
    """A picture of a value, if there can be one, and what it says in words."""
    data = value.data
    match value.kind:
        case "image" | "figure" | "video" if value.stored is not None:
            still = "the first frame of a video" if value.kind == "video" else ""
            found = still_of(_read(value.stored))
            return found, still if found else ""
        case "audio" if value.stored is not None:
            rate = value.metadata.get("sample_rate")
            drawn = waves(_read(value.stored))
            return _png(drawn), f"audio, {rate:,g} Hz" if isinstance(rate, int | float) else "audio"  # fmt: skip
        case "histogram" if isinstance(data, dict):
            counts, edges = data.get("counts"), data.get("edges")
            if isinstance(counts, list) and isinstance(edges, list) and len(edges) > 1:
                drawn = bars(counts)
                return _png(drawn), f"{sum(counts):,g} values from {short(edges[0])} to {short(edges[-1])}"  # fmt: skip
        case "table" if isinstance(data, dict):
            return None, _few_rows(data.get("columns"), data.get("rows"))
    if isinstance(data, str):
        return None, data[:_TEXT] + ("…" if len(data) > _TEXT else "")
    return None, ""


def _read(stored: Stored) -> bytes:
    """The bytes of a value; none of one that is too large to be looked at for a small picture."""
    with stored.open() as file:
        found = file.read(_MOST_SOURCE + 1)
    return found if len(found) <= _MOST_SOURCE else b""


def _png(drawn: bytes | None) -> tuple[bytes, str] | None:
    return None if drawn is None else (drawn, "image/png")


def _few_rows(columns: Any, rows: Any) -> str:
    """The first rows of a small table."""
    if not isinstance(columns, list) or not isinstance(rows, list):
        return ""
    lines = [" | ".join(_shown(one)[:_WIDE] for one in row) for row in [columns, *rows[:_FEW_ROWS]] if isinstance(row, list)]  # fmt: skip
    more = [f"… {plural(len(rows), 'row')}"] if len(rows) > _FEW_ROWS else []
    return "\n".join([*lines, *more])
