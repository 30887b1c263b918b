"""What the blocks of a report mean in a store: which experiments, which metrics, drawn how. The page and the files show the same."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from ..errors import AnewError, InvalidValue, NotFound
from ..query.question import Question, ask, parse_field
from ..query.references import ResolveQuestion
from ..reading.backend import Backend
from ..reading.compare import meant
from ..reading.saved_views import SavedViews
from .blocks import Asked, Look, look_of, read_block
from .markdown import SCHEME, experiments_linked, runs_of, to_html
from .metrics import metrics_of, telling_columns
from .plots import ONE_BY_ONE, Media, Plot, each_of, media_of, plot_of, read_against

__all__ = [
    "MOST_BLOCKS",
    "Block",
    "Piece",
    "condition_of",
    "linked_ids",
    "meaning_of",
    "parts_of",
    "pieces_of",
    "question_of",
    "quoted",
]

MOST_BLOCKS = 200
MOST_CURVES = 100
"""Experiments in a figure or a table, unless a block says another limit."""
_DRAWN = frozenset({*Look.__struct_fields__, "archived", "columns", "filter", "metrics", "panels", "project", "reproductions", "sort", "tab"})  # fmt: skip
_SILENT = frozenset(
    {"colours", "each", "every", "folded", "pinned", "widths", "differs", "colour_by"}
)
"""Parts that a report passes over without a word: they change nothing of what is shown but its look."""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """What a block shows.

    Attributes:
        kind: "plot" for one of the tab analysis; "elsewhere" for a view of what only the page draws: the report links to it.
        metrics: Of a figure, a panel for each.
        columns: Of a table.
        ids: The experiments that are named; None where the filter says which.
        filter: The whole condition.
        sort: In which order.
        limit: How many at most.
        look: How curves are drawn.
        plot: What a plot draws.
        media: Which media are shown.
        shows: The parts of the view, for a link to it.
        view: The saved view that they come from.
        caption: What stands below it.
        said: What of the view is not shown, in sentences.
    """

    kind: Literal["figure", "table", "verdict", "plot", "media", "elsewhere"]
    metrics: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    ids: tuple[str, ...] | None = None
    filter: str = ""
    sort: tuple[str, ...] = ("-created_at",)
    limit: int = MOST_CURVES
    look: Look = Look()
    plot: Plot | None = None
    media: Media | None = None
    shows: dict[str, Any] = {}
    view: str | None = None
    caption: str = ""
    said: tuple[str, ...] = ()


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a report as it is shown: HTML of its text, what a block shows, or what is wrong with a block."""

    html: str = ""
    block: Block | None = None
    problem: str = ""


def pieces_of(backend: Backend, text: str, project: str | None = None) -> list[Piece]:
    """The parts of a report, each block with what it shows.

    Args:
        project: The project that the report is for: its blocks are about that, unless they say another.
    """
    found: list[Piece] = []
    blocks = 0
    ids = linked_ids(backend, text)
    for run in runs_of(text):
        if run.block is None:
            html = to_html(run.tokens, lambda ref: SCHEME + ids.get(ref, ref))
            found.append(Piece(html=html))
            continue
        blocks += 1
        try:
            if blocks > MOST_BLOCKS:
                raise InvalidValue(f"A report shows up to {MOST_BLOCKS} blocks.")
            found.append(Piece(block=meaning_of(backend, read_block(run.block), project)))
        except (AnewError, ValueError) as error:  # the rest of the report is shown
            found.append(Piece(problem=str(error)))
    return found


def linked_ids(backend: Backend, text: str) -> dict[str, str]:
    """The ids of the experiments that links of a text lead to, by how they are written there; those that mean one."""
    refs = experiments_linked(text)
    found = backend.resolve(ResolveQuestion(tuple(refs))) if refs else ()
    return {one.ref: one.id for one in found if one.id is not None}


def meaning_of(backend: Backend, asked: Asked, project: str | None = None) -> Block:
    """What a block shows.

    Raises:
        NotFound, Ambiguous: It names a view or an experiment that is not there, or that several may be.
        InvalidValue, QueryError: A part of it cannot be read.
    """
    if asked.kind == "verdict":
        return Block(kind="verdict", ids=_ids(backend, asked.named), caption=asked.caption)
    parts = parts_of(backend, asked, project)
    ids = _ids(backend, asked.experiments) if asked.experiments else None
    kind, tab = _kind(asked, parts)
    block = Block(
        kind=kind,
        ids=ids,
        filter=condition_of(parts, project) if ids is None else "",
        sort=_list(parts, "sort") or ("-created_at",),
        limit=asked.limit or MOST_CURVES,
        look=look_of(parts),
        shows={**parts, "tab": tab} if tab else parts,
        view=asked.view,
        caption=asked.caption,
        said=_unshown(parts, tab),
    )
    question = question_of(block)  # a filter that cannot be read is told
    for field in block.look.group:
        parse_field(field)
    if block.kind in ("plot", "media"):
        return _beside(backend, asked, block, question)
    if block.kind == "figure":
        metrics, said = metrics_of(backend, asked, parts, question)
        return msgspec.structs.replace(block, metrics=metrics, said=(*block.said, *said))
    if block.kind == "table":
        columns = asked.named or _list(parts, "columns") or telling_columns(backend, question)
        for field in columns:
            parse_field(field)
        return msgspec.structs.replace(block, columns=columns)
    return block


def question_of(block: Block, columns: Sequence[str] = (), *, total: bool = False) -> Question:
    """Which experiments a block is about.

    Raises:
        QueryError: Its filter, its order or its columns cannot be read.
    """
    now = time.time()
    if block.ids is not None:
        asked = ask(columns=columns, limit=block.limit, total=total, now=now)
        return msgspec.structs.replace(asked, ids=block.ids)
    return ask(
        block.filter or None, sort=block.sort, columns=columns, limit=block.limit, total=total, now=now
    )  # fmt: skip


def parts_of(backend: Backend, asked: Asked, project: str | None) -> dict[str, Any]:
    """The parts of a block's view: its own, and those of the saved view that it names.

    Raises:
        NotFound: There is no such view.
    """
    return {**(_saved(backend, asked.view, project) if asked.view else {}), **asked.parts}


def _kind(
    asked: Asked, parts: Mapping[str, Any]
) -> tuple[Literal["figure", "table", "plot", "media", "elsewhere"], str]:
    """What a block shows, and the tab of its view: a block that says which plot or which media means those."""
    tab = parts.get("tab") or ""
    if "tab" not in asked.parts:
        own = "analysis" if "plot" in asked.parts else "media" if asked.names or "media" in asked.parts else tab  # fmt: skip
        tab = own
    if not isinstance(tab, str):
        raise InvalidValue("`tab` is a text.", key="tab")
    if asked.kind == "figure" or asked.kind == "table":
        return asked.kind, tab
    kinds: dict[str, Literal["figure", "table", "plot", "media"]] = {
        "": "figure", "charts": "figure", "system": "figure", "table": "table", "analysis": "plot", "media": "media",
    }  # fmt: skip
    return kinds.get(tab, "elsewhere"), tab


def _beside(backend: Backend, asked: Asked, block: Block, question: Question) -> Block:
    """A block of an analysis or of media. Experiments that are named are a condition there: the page asks by filters."""
    plot, media, limit = None, None, block.limit
    if block.kind == "media":
        media, said = media_of(asked, block.shows)
    else:
        plot, said = plot_of(backend, asked, block.shows, question)
    if plot is None or plot.which in ONE_BY_ONE:
        limit, more = each_of(asked)
        said = (*said, *more)
    ids, condition = block.ids, block.filter
    if plot is not None and plot.which == "tables" and plot.whose:
        ids = _ids(backend, (plot.whose,))
        plot = msgspec.structs.replace(plot, whose=ids[0])
    if plot is not None and (against := read_against(plot.against)) and against[1]:
        (other,) = _ids(backend, (against[1],))
        step = "" if against[0] is None else str(against[0])
        plot = msgspec.structs.replace(plot, against=f"{step}@{other}")
        ids = (*ids, other) if ids and other not in ids else ids
    if ids is not None:
        condition = f"id in ({', '.join(map(quoted, ids))})"
    return msgspec.structs.replace(
        block, plot=plot, media=media, ids=ids, filter=condition, limit=limit, said=said
    )


def _saved(backend: Backend, name: str, project: str | None) -> dict[str, Any]:
    """What a saved view shows: that of the nearest project which has one of this name."""
    views = SavedViews(backend).list(project)
    if project is None:
        views = tuple(one for one in views if one.project is None) or views
    named = [one for one in views if one.name == name]
    if not named:
        near = [one.name for one in views][:8]
        raise NotFound(f"There is no saved view {name!r}.", name=name, nearest=near)
    return max(named, key=lambda one: len(one.project or "")).shows


def _ids(backend: Backend, refs: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(meant, backend.resolve(ResolveQuestion(tuple(refs)))))


def condition_of(parts: Mapping[str, Any], project: str | None) -> str:
    """The condition that all shown experiments meet, as the page makes it of a view."""
    found = []
    written, below = parts.get("filter") or "", parts.get("project")
    if not isinstance(written, str) or not isinstance(below, (str, type(None))):
        raise InvalidValue("`filter` and `project` are texts.", key="filter")
    if written.strip():
        found.append(f"({written})")
    below = project if below is None else below
    if below:
        pattern = re.sub(r"[^\w/]", lambda one: "\\" + one[0], below)
        found.append(f"prefix =~ {quoted(f'^{pattern}/')}")
    if not parts.get("archived"):
        found.append("'archived' not in tags")
    if not parts.get("reproductions"):
        found.append("not (relation == 'reproduces')")
    return " and ".join(found)


def quoted(text: str) -> str:
    """A text as it is written in a filter."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _list(parts: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = parts.get(key) or ()
    if isinstance(found, str):
        return (found,)
    if not isinstance(found, (list, tuple)) or not all(isinstance(one, str) for one in found):
        raise InvalidValue(f"`{key}` is a list of texts.", key=key)
    return tuple(found)


def _unshown(parts: Mapping[str, Any], tab: str) -> tuple[str, ...]:
    """A sentence on the parts of a view that a report does not show."""
    left = sorted(key for key in parts if key not in _DRAWN and key not in _SILENT)
    if not left or tab not in ("", "charts", "system", "table"):
        return ()
    return (f"Not drawn here: {', '.join(left)}.",)
