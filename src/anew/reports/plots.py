"""What a plot and the media of a view mean. What a view leaves to the page is chosen here as the page chooses it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import msgspec

from ..errors import InvalidValue
from ..query.question import Question, parse_field
from ..query.suggest import nearest
from ..query.telling import FieldFact
from ..reading.backend import Backend
from ..reading.telling import telling
from .blocks import Asked

__all__ = [
    "MOST_NAMES",
    "ONE_BY_ONE",
    "Media",
    "Plot",
    "each_of",
    "marked_range",
    "media_of",
    "plot_of",
]

Which = Literal[
    "scatter", "parallel", "slices", "boxes", "bars", "compare", "importance", "histograms", "tables"
]  # fmt: skip
_WHICH: tuple[Which, ...] = get_args(Which)
EACH = 8
"""Experiments whose media or histograms stand side by side, unless a block says another limit."""
_MOST_EACH = 48
MOST_NAMES = 24
"""Names of media in one block."""
_MOST_SETTINGS = 60
_AXES = 6
_MOST_AXES = 12
_SEED = re.compile(r"(^|[._/-])(random_?)?seed$", re.IGNORECASE)
_MARKED = ("scatter", "parallel", "slices")
_AGAINST = re.compile(r"(-?\d+)?(?:@(.+))?")
_RANGE = re.compile(r"(.+?)\.\.(.+)")
ONE_BY_ONE = ("histograms", "tables")
"""Plots in which experiments stand side by side."""


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """What an analysis draws, with all that the view leaves open chosen.

    Attributes:
        which: The kind of plot.
        result: The field that is explained.
        setting: The field that it is held against.
        axes: Of parallel axes, their fields.
        settings: The settings that differ, the most telling first.
        seeds: Those of them that tell repetitions apart.
        logs: Fields whose axes are logarithmic though they usually are not; with `-` before them the other way round.
        groups: The two values of the setting that are compared; the most frequent ones where there are none.
        pair: The field that pairs their experiments: "-" for none, "" for whatever fits.
        logged: The name of the histogram or table; the first one if it is "".
        form: How histograms are drawn.
        front: Of a scatter plot, which ends of its axes are the better ones: those that no other experiment beats stand out.
        whose: Of a table, the experiment that logged it; the first one if it is "".
        rows: Of a table, the filter of its rows.
        order: Of a table, the columns that it is sorted by.
        against: Of a table, the one that it is held against: its step, `step@experiment`, or `@experiment` for the newest of that.
        key: The columns by which rows of two tables go together; their places if there are none.
        brush: Of fields the ranges that are marked, such as "0.01..0.1"; of texts, of their places in the order of the axis.
        step: The table of this step, or the last one before it; the newest if None.
    """

    which: Which = "scatter"
    result: str = "duration"
    setting: str = "created_at"
    axes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    pair: str = ""
    logged: str = ""
    form: Literal["heat", "ridges"] = "heat"
    front: Literal["none", "low-low", "low-high", "high-low", "high-high"] = "none"
    whose: str = ""
    rows: str = ""
    order: tuple[str, ...] = ()
    against: str = ""
    key: tuple[str, ...] = ()
    brush: dict[str, str] = {}
    step: int | None = None


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """Which media are shown.

    Attributes:
        names: Names, or patterns with `*`; all if there are none.
        step: Of each name the last value by this step; the newest if None.
    """

    names: tuple[str, ...] = ()
    step: int | None = None


def plot_of(
    backend: Backend, asked: Asked, parts: Mapping[str, Any], question: Question
) -> tuple[Plot, tuple[str, ...]]:
    """The plot of a view, and what of the view it does not show, in sentences.

    Raises:
        InvalidValue: A part has a value that it cannot have.
        QueryError: A field cannot be read.
    """
    which = parts.get("plot") or "scatter"
    if which not in _WHICH:
        near = nearest(str(which), _WHICH)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InvalidValue(f"There is no plot {which!r}.{hint}", key="plot")
    given = {one: parts[one] for one in _PARTS if parts.get(one) is not None}
    try:
        found = msgspec.convert({"which": which, **given}, Plot)
    except msgspec.ValidationError as error:
        raise InvalidValue(f"This part of the view cannot be read: {error}") from None
    found = msgspec.structs.replace(found, step=asked.step)
    said = []
    for field, bounds in found.brush.items():
        parse_field(field)
        if marked_range(bounds) is None:
            raise InvalidValue(
                "`brush` has a range for each field that is marked, such as `params.lr: 0.01..0.1`.", key="brush"
            )  # fmt: skip
    if found.brush and found.which not in _MARKED:
        said.append("Nothing is marked in this plot: only scatter plots, parallel axes and slices have marks.")  # fmt: skip
    if asked.names:
        said.append("`names` are those of media; a plot has none.")
    if found.which in ONE_BY_ONE:
        if found.against and read_against(found.against) is None:
            raise InvalidValue("`against` is a step, `step@experiment` or `@experiment`.", key="against")  # fmt: skip
        if found.against and (found.rows or found.order):
            said.append("The rows of a difference are not filtered and not sorted.")
        if found.which == "histograms" and asked.step is not None:
            said.append("Histograms are drawn over all steps.")
        return found, tuple(said)
    if asked.limit is not None:
        said.append("All experiments are in a plot: it has no `limit`.")
    if asked.step is not None:
        said.append("A plot has no step.")
    found = _chosen(backend, found, parts, question)
    for field in (found.result, found.setting, *found.axes):
        parse_field(field)
    return found, tuple(said)


_PARTS = ("result", "setting", "axes", "logs", "groups", "pair", "logged", "form", "front", "whose", "rows", "order", "against", "key", "brush")  # fmt: skip


def marked_range(text: str) -> tuple[float, float] | None:
    """The smaller and the larger end of a range that is marked, such as "0.01..0.1"; None for what is none."""
    found = _RANGE.fullmatch(text)
    try:
        low, high = (float(found[1]), float(found[2])) if found else (1.0, 0.0)
    except ValueError:
        return None
    return (low, high) if low <= high else None


def read_against(text: str) -> tuple[int | None, str] | None:
    """The step and the experiment of the table that another one is held against, as the link says them; None for none.

    The step is None for the newest one, the experiment "" for the same one.
    """
    found = _AGAINST.fullmatch(text)
    if not found or not text:
        return None
    return (int(found[1]) if found[1] else None), found[2] or ""


def _chosen(backend: Backend, plot: Plot, parts: Mapping[str, Any], question: Question) -> Plot:
    """The fields that the view names, and in the place of others those that tell most, as in the page."""
    named = parts.get("result") and parts.get("setting")
    if plot.which in ("scatter", "boxes", "bars") and named:
        return msgspec.structs.replace(plot, axes=())
    if plot.which == "parallel" and parts.get("axes"):
        return msgspec.structs.replace(plot, axes=_bounded(parts["axes"]), result=parts["axes"][-1])
    told = telling(backend, question)
    differing = [one for one in told.fields if one.section in ("params", "config") and _differs(one, told.experiments)]  # fmt: skip
    settings = [one.field for one in differing]
    seeds = [one.field for one in differing if _SEED.search(one.name)]
    other = [one for one in settings if one not in seeds]
    metrics = [one for one in told.fields if one.section == "metrics"]
    main = [one for one in metrics if one.name == told.headline]
    result = parts.get("result") or next((_best(one) for one in (*main, *metrics)), "duration")
    # The one that was tried with the most values; of several, the one that tells most.
    tried = max((one for one in differing if one.field in other), key=lambda one: one.values, default=None)  # fmt: skip
    setting = parts.get("setting") or (tried.field if tried else next(iter(settings), "created_at"))
    axes = parts.get("axes")
    if axes is None:
        axes = [*(other or ["created_at"])[:_AXES], result]
    return msgspec.structs.replace(
        plot, result=result, setting=setting, axes=_bounded(axes) if plot.which == "parallel" else tuple(axes), settings=tuple(settings[:_MOST_SETTINGS]),
        seeds=tuple(seeds),
    )  # fmt: skip


def _bounded(axes: Sequence[str]) -> tuple[str, ...]:
    if not 2 <= len(axes) <= _MOST_AXES:
        raise InvalidValue(f"`axes` has 2 to {_MOST_AXES} fields.", key="axes")
    return tuple(axes)


def _differs(one: FieldFact, experiments: int) -> bool:
    return one.values > 1 or (one.values == 1 and one.experiments < experiments)


def _best(metric: FieldFact) -> str:
    return f"{metric.field}.{metric.better or 'last'}"


def media_of(asked: Asked, parts: Mapping[str, Any]) -> tuple[Media, tuple[str, ...]]:
    """The media of a view, and what of the view is not shown, in sentences."""
    said = []
    if parts.get("media") == "grid":
        said.append("Pictures of all steps are shown by the page alone: these are those of one step.")  # fmt: skip
    if (x := parts.get("x") or "step") != "step":
        said.append(f"Media are shown by their steps here, and not by {x}.")
    return Media(names=asked.names, step=asked.step), tuple(said)


def each_of(asked: Asked) -> tuple[int, tuple[str, ...]]:
    """How many experiments stand side by side, and what is to be said of more."""
    if asked.limit is None or asked.limit <= _MOST_EACH:
        return asked.limit or EACH, ()
    return _MOST_EACH, (f"At most {_MOST_EACH} experiments are shown side by side.",)
