"""What the blocks of a report mean in a store: which experiments, which metrics, drawn how. The page and the files show the same."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec

from ..errors import AnewError, InvalidValue, NotFound
from ..query.question import NamesQuestion, Question, ask, parse_field
from ..query.references import ResolveQuestion
from ..reading.backend import Backend
from ..reading.compare import meant
from ..reading.saved_views import SavedViews
from ..reading.telling import telling
from .blocks import Asked, Look, look_of, read_block
from .markdown import SCHEME, experiments_linked, runs_of, to_html

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
MOST_PANELS = 24
"""Panels of one view in a report."""
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
        kind: "elsewhere" for a view of what only the page draws: the report links to it.
        metrics: Of a figure, a panel for each.
        columns: Of a table.
        ids: The experiments that are named; None where the filter says which.
        filter: The whole condition.
        sort: In which order.
        limit: How many at most.
        look: How curves are drawn.
        shows: The parts of the view, for a link to it.
        view: The saved view that they come from.
        caption: What stands below it.
        said: What of the view is not shown, in sentences.
    """

    kind: Literal["figure", "table", "verdict", "elsewhere"]
    metrics: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    ids: tuple[str, ...] | None = None
    filter: str = ""
    sort: tuple[str, ...] = ("-created_at",)
    limit: int = MOST_CURVES
    look: Look = Look()
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
    block = Block(
        kind=_kind(asked, parts),
        ids=ids,
        filter=condition_of(parts, project) if ids is None else "",
        sort=_list(parts, "sort") or ("-created_at",),
        limit=asked.limit or MOST_CURVES,
        look=look_of(parts),
        shows=parts,
        view=asked.view,
        caption=asked.caption,
        said=_unshown(parts),
    )
    question = question_of(block)  # a filter that cannot be read is told
    for field in block.look.group:
        parse_field(field)
    if block.kind == "figure":
        metrics, said = _metrics(backend, asked, parts, question)
        return msgspec.structs.replace(block, metrics=metrics, said=(*block.said, *said))
    if block.kind == "table":
        columns = asked.named or _list(parts, "columns") or _telling(backend, question)
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


def _kind(asked: Asked, parts: Mapping[str, Any]) -> Literal["figure", "table", "elsewhere"]:
    if asked.kind == "figure" or asked.kind == "table":
        return asked.kind
    tab = parts.get("tab") or "charts"
    if tab in ("charts", "system"):
        return "figure"
    return "table" if tab == "table" else "elsewhere"


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


def _unshown(parts: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence on the parts of a view that a report does not show."""
    left = sorted(key for key in parts if key not in _DRAWN and key not in _SILENT)
    tab = parts.get("tab") or "charts"
    if not left or tab not in ("charts", "system", "table"):
        return ()
    return (f"Not drawn here: {', '.join(left)}.",)


# -- which metrics, which columns --------------------------------------------------------------------


def _metrics(
    backend: Backend, asked: Asked, parts: Mapping[str, Any], question: Question
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The metrics that have panels, in order, and what is to be said of others."""
    named = asked.named or _arranged(parts)
    if named and not any("*" in one for one in named):
        found = tuple(dict.fromkeys(named))
    else:
        among = msgspec.structs.replace(question, sort=(), limit=None, total=False)
        names = [
            one.name
            for one in backend.names(NamesQuestion(kind="metric", among=among, now=question.now))
        ]
        found = _placed(named, names) if named else _all(parts, names)
    if len(found) <= MOST_PANELS:
        return found, ()
    return found[:MOST_PANELS], (f"{MOST_PANELS} of {len(found)} metrics are drawn.",)


def _arranged(parts: Mapping[str, Any]) -> tuple[str, ...]:
    """The metrics of panels that were arranged by hand, section by section."""
    sections = parts.get("panels") or ()
    try:
        every = [panel for section in sections for panel in section["panels"]]
        return tuple(str(one if isinstance(one, str) else one["metric"]) for one in every)
    except (KeyError, TypeError):
        raise InvalidValue(
            "`panels` is a list of sections, each with a `name` and its `panels`.", key="panels"
        ) from None


def _placed(named: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Names and what patterns mean: a metric stands where it is named first, and by name before by pattern."""
    placed = {one for one in named if "*" not in one or one in names}
    found: dict[str, None] = {}
    for one in named:
        if one in placed:
            found[one] = None
            continue
        rest = (name for name in names if name not in placed and fnmatchcase(name, one))
        found |= dict.fromkeys(rest)
    return tuple(found)


def _all(parts: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    """The metrics that a view shows by itself: those that fit what was typed, and the machine's only where these are meant."""
    machines = parts.get("tab") == "system"
    mine = [name for name in names if name.startswith("system/") == machines]
    typed = parts.get("metrics") or ""
    if not isinstance(typed, str):
        raise InvalidValue("`metrics` is a text.", key="metrics")
    patterns = [one.strip() for one in typed.split(",") if "*" in one]
    if patterns:
        return tuple(name for name in mine if any(fnmatchcase(name, one) for one in patterns))
    words = typed.lower().split()
    return tuple(name for name in mine if all(word in name.lower() for word in words))


def _telling(backend: Backend, question: Question) -> tuple[str, ...]:
    """The columns of a table that names none: what differs between the experiments, and their results."""
    told = telling(backend, question, metrics=3)
    settings = [
        one.field for one in told.fields if one.section in ("params", "config") and one.values > 1
    ]
    metrics = [
        one.field
        for one in told.fields
        if one.section == "metrics" and not one.name.startswith("system/")
    ]
    return ("name", "status", *settings[:5], *metrics[:3])
