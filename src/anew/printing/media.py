"""Logged values of experiments in a grid, at one step, with what was marked in pictures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import AnewError
from ..reading.pictures import still_of
from ..reports.plots import MOST_NAMES
from .logged import cell_text, natural, views_of
from .overlays import Marks, classes, drawn_over, keys_of, marks_of
from .parts import Cell, Gallery, Part
from .stills import bars, content_of, waves
from .words import plural, short

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..reading.files import ValueView
    from ..reading.views import ExperimentView
    from ..reports.meaning import Block
    from ..reports.plots import Media
    from ..store import Store
    from .colours import Colour

__all__ = ["media"]

_BESIDE = 16
"""Values of one name and step that are shown."""
_MOST_BYTES = 6_000_000
_TEXT = 400
_FEW_ROWS = 5
_WIDE = 24
_MASK = re.compile(r"/masks/[^/]+$")
_KINDS = ("image", "figure", "video", "audio", "histogram", "table", "text")


def media(store: Store, block: Block, wanted: Media) -> list[Part]:
    """The values of each name beside each other, at one step."""
    views, said = views_of(store, block)
    by_name: dict[tuple[int, str, str], list[_Held]] = {}
    for view in views:
        known = view.values()
        images = {value.name for value in known}
        over = [value for value in known if _masked(value.name) in images]
        mine: dict[tuple[int, str, str], list[ValueView]] = {}
        for value in known:
            if _masked(value.name) not in images and _is_wanted(value.name, wanted.names):
                mine.setdefault((_rank(value.kind), value.name, value.kind), []).append(value)
        for key, values in mine.items():
            by_name.setdefault(key, []).extend(_held(view, values, over, wanted.step))
    keys = sorted(by_name, key=lambda one: (one[0], natural(one[1])))
    words = list(said)
    if len(keys) > MOST_NAMES:
        words.append(f"The first {MOST_NAMES} of {plural(len(keys), 'name')}: `names` says which.")
    shown = keys[:MOST_NAMES]
    colours = classes([one.marks for key in shown for one in by_name[key]], natural)
    room, sections = _MOST_BYTES, []
    for key in shown:
        cells = []
        for one in by_name[key]:
            cell = _cell(one, colours, room)
            room -= len(cell.image or b"")
            cells.append(cell)
        sections.append((key[1], tuple(cells)))
    if views and not sections:
        words.append("These experiments have logged no media of such names.")
    return [Gallery(tuple(sections), keys_of(colours), said=tuple(words))]


class _Held(NamedTuple):
    view: ExperimentView
    value: ValueView
    marks: Marks


def _held(
    view: ExperimentView, values: Sequence[ValueView], over: Sequence[ValueView], step: int | None
) -> list[_Held]:
    """The values of one name that are shown, with what lies over them."""
    some = at_step(values, step)
    found = []
    for nth, value in enumerate(some[:_BESIDE]):
        masks = [one for one in over if value.kind == "image" and _masked(one.name) == value.name and one.step == value.step]  # fmt: skip
        named: dict[str, list[ValueView]] = {}
        for mask in masks:
            named.setdefault(mask.name, []).append(mask)
        chosen = [_mask_over(some, nth, name, these) for name, these in named.items()]
        found.append(_Held(view, value, marks_of(value, filter(None, chosen))))
    return found


def _mask_over(
    some: Sequence[ValueView], nth: int, name: str, masks: Sequence[ValueView]
) -> ValueView | None:
    """Which of the masks of a name lies over a picture. Pictures say which masks they have, where some have one and others do not; else each has one."""
    short = name.rpartition("/")[2]
    told = [(one.metadata.get("wandb") or {}).get("masks") for one in some]
    at = nth
    if any(isinstance(one, list) for one in told):
        if short not in (told[nth] or ()):
            return None
        at = sum(short in (one or ()) for one in told[:nth])
    return masks[at] if at < len(masks) else None


def _masked(name: str) -> str:
    """The name of the image that a mask of this name would lie over; "" for none."""
    over = _MASK.sub("", name)
    return over if over != name else ""


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


def _cell(one: _Held, colours: Mapping[str, Colour], room: int) -> Cell:
    view, value = one.view, one.value
    caption = value.metadata.get("caption")
    parts = ["" if value.step is None else f"step {value.step:,}", caption if isinstance(caption, str) else ""]  # fmt: skip
    try:
        image, words = _still(value, lambda picture: drawn_over(picture, one.marks, colours))
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


def _still(
    value: ValueView, over: Callable[[Image], Image]
) -> tuple[tuple[bytes, str] | None, str]:
    """A picture of a value, if there can be one, and what it says in words."""
    data = value.data
    match value.kind:
        case "image" | "figure" | "video" if value.stored is not None:
            still = "the first frame of a video" if value.kind == "video" else ""
            found = still_of(content_of(value.stored), over)
            return found, still if found else ""
        case "audio" if value.stored is not None:
            rate = value.metadata.get("sample_rate")
            drawn = waves(content_of(value.stored))
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


def _png(drawn: bytes | None) -> tuple[bytes, str] | None:
    return None if drawn is None else (drawn, "image/png")


def _few_rows(columns: Any, rows: Any) -> str:
    """The first rows of a small table."""
    if not isinstance(columns, list) or not isinstance(rows, list):
        return ""
    lines = [" | ".join(cell_text(one)[:_WIDE] for one in row) for row in [columns, *rows[:_FEW_ROWS]] if isinstance(row, list)]  # fmt: skip
    more = [f"… {plural(len(rows), 'row')}"] if len(rows) > _FEW_ROWS else []
    return "\n".join([*lines, *more])
