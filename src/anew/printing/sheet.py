"""What a report shows, asked for once, before it is written as a file of some form."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..errors import AnewError
from ..plots.labels import shown
from ..query.question import Column
from ..reports.blocks import read_block
from ..reports.markdown import runs_of
from ..reports.meaning import MOST_BLOCKS, Block, meaning_of, question_of
from .figure import drawn

if TYPE_CHECKING:
    from ..store import Store

__all__ = ["Figure", "Part", "Problem", "Table", "Text", "Verdict", "parts_of_report"]

_MOST_ROWS = 15
"""Metrics and causes that a verdict lists."""
_TIMES = frozenset({"created_at", "started_at", "ended_at", "updated_at"})


class Text(msgspec.Struct, frozen=True):
    """Markdown that was read."""

    tokens: tuple[Any, ...]


class Figure(msgspec.Struct, frozen=True):
    """Charts one below the other, each with the name of its metric; a metric without a chart was not logged."""

    charts: tuple[tuple[str, bytes | None], ...]
    caption: str
    said: tuple[str, ...] = ()


class Table(msgspec.Struct, frozen=True):
    """Rows of texts below heads; `numeric` are the columns of numbers."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int]
    caption: str
    said: tuple[str, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """What is said of two experiments: metric by metric, and what differs between them."""

    first: str
    second: str
    verdict: str
    reason: str
    metrics: tuple[tuple[str, str, str], ...]
    causes: tuple[str, ...]
    caption: str


class Problem(msgspec.Struct, frozen=True):
    """A sentence in the place of a block that cannot be shown."""

    text: str


Part = Text | Figure | Table | Verdict | Problem


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
            found.append(_part(store, block, form))
        except ImportError:
            raise
        except (AnewError, ValueError) as error:
            found.append(Problem(str(error)))
    return found


def _part(store: Store, block: Block, form: Literal["svg", "png"]) -> Part:
    match block.kind:
        case "figure":
            return _figure(store, block, form)
        case "table":
            return _table(store, block)
        case "verdict":
            return _verdict(store, block)
    view = f"the view {block.view}" if block.view else "this view"
    return Problem(f"Only the page shows {view}: it is one of the tab {block.shows.get('tab')!r}.")


def _figure(store: Store, block: Block, form: Literal["svg", "png"]) -> Figure:
    found = store.backend.select(question_of(block, ["name"], total=True))
    ids = tuple(found.ids)
    names = dict(zip(ids, map(str, found.columns[0].values), strict=True))
    charts = tuple(
        (metric, drawn(store.backend, ids, names, metric, block.look, form) if ids else None)
        for metric in block.metrics
    )
    return Figure(charts, block.caption, _said(block, len(ids), found.total))


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
        tuple(_head(one) for one in block.columns),
        tuple(zip(*columns, strict=True)) if columns else (),
        frozenset(at for at, one in enumerate(found.columns) if _is_numeric(one)),
        block.caption,
        _said(block, len(found.ids), found.total),
    )


def _head(field: str) -> str:
    """A column as the page calls it: without the section that it is of."""
    for section in ("params.", "config.", "metrics.", "tags."):
        if field.startswith(section):
            return field.removeprefix(section)
    return field


def _is_numeric(column: Column) -> bool:
    present = [one for one in column.values if one is not None]
    return bool(present) and column.name not in _TIMES and all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in present
    )  # fmt: skip


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in _TIMES and isinstance(value, int | float) and math.isfinite(value):
        return moment(value)
    return shown(value)


def moment(then: float) -> str:
    """A time of day, in this machine's zone."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(then))
    except (ValueError, OverflowError, OSError):
        return ""


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
