"""The colours of experiments and groups: those that the page gives them (`web/src/colours.ts`), on paper."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..query.documents import DocumentsQuestion

if TYPE_CHECKING:
    from ..reading.backend import Backend

__all__ = ["STRONG", "TOLD", "Colour", "Colours", "colour_in", "group_key", "slots_of"]

TOLD = 200
"""Of so many experiments each has its own colour."""
_SHADES = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#c38600", "#2f9bd6", "#9e9200", "#3a3f45",
    "#6a3d9a", "#b2182b", "#1b7837", "#8c510a", "#01665e", "#c51b7d", "#4d6fd0", "#7f7f2a",
    "#e0457b", "#5e8c31", "#9467bd", "#17808f", "#a6493c", "#596b8c", "#b5739d", "#3c8d5a",
    "#c26b2d", "#7a4fa3", "#6b7a00", "#8f5b77",
)  # fmt: skip
_DASHES: tuple[tuple[int, ...], ...] = ((), (6, 3), (2, 2), (9, 3, 2, 3), (14, 4), (9, 2, 2, 2, 2, 2), (3, 6), (1, 4))  # fmt: skip
_PLAIN = len(_SHADES)
_SLOTS = _PLAIN * len(_DASHES)
_FEW = 8
STRONG = _SHADES[0]
"""The colour of what is counted."""


@dataclass(frozen=True)
class Colour:
    """A shade, and the lengths of line and gap in points; none of a whole line."""

    shade: str
    dash: tuple[int, ...] = ()


class Colours:
    """The colours of one file: what somebody chose for all, and for others what the page gives to whoever opens it for the first time."""

    def __init__(self, backend: Backend) -> None:
        found = backend.documents(DocumentsQuestion(kind="colour", scope="root")).documents
        pairs = [(one.name, (one.body or {}).get("slot")) for one in found]
        self._chosen = {
            name: slot for name, slot in pairs if isinstance(slot, int) and 0 <= slot < _SLOTS
        }
        # Groups and experiments have colours of their own, as in the page; all of a file are shown at once.
        self._given: dict[bool, dict[str, int]] = {False: {}, True: {}}

    def see(self, keys: Iterable[str]) -> None:
        """Give colours to experiments or groups that are shown together: no two are alike while there are enough."""
        for groups, given in self._given.items():
            mine = sorted(one for one in keys if one.startswith("[") is groups)
            if mine:
                shown = dict.fromkeys((*given, *mine))
                self._given[groups] = {**given, **slots_of(list(shown), given, self._chosen)}

    def of(self, key: str) -> Colour:
        """The colour of an experiment by its id, or of a group by its key."""
        given = self._given[key.startswith("[")]
        if key not in given:
            self.see([key])
        return colour_in(self._chosen.get(key, self._given[key.startswith("[")][key]))


def colour_in(slot: int) -> Colour:
    """The colour at a place in the table of them."""
    return Colour(_SHADES[slot % _PLAIN], _DASHES[slot // _PLAIN % len(_DASHES)])


def group_key(values: Sequence[Any]) -> str:
    """What a group is called among the colours: its values, as the page writes them."""
    plain = [int(one) if isinstance(one, float) and one.is_integer() and abs(one) < 1e21 else one for one in values]  # fmt: skip
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def slots_of(
    keys: Sequence[str], kept: dict[str, int] | None = None, chosen: dict[str, int] | None = None
) -> dict[str, int]:
    """The places in the table of colours of what is shown together.

    Args:
        kept: Those that some have already; they keep them, but where another that is shown has the same.
        chosen: Those that people chose; others make room for them.
    """
    chosen = chosen or {}
    found = {key: chosen[key] for key in keys if key in chosen}
    taken = set(found.values())
    used = set(taken)
    for key, slot in (kept or {}).items():
        used.add(slot)
        if key in keys and key not in found and not (slot in taken and len(taken) < _SLOTS):
            taken.add(slot)
            found[key] = slot
    widths = [_FEW, _PLAIN] if len(keys) <= _FEW else [_PLAIN] if len(keys) <= _PLAIN else [_PLAIN, _SLOTS]  # fmt: skip
    for key in keys:
        if key in found:
            continue
        free = _free(key, widths, used)
        if free is None:
            free = _free(key, [*widths, _SLOTS], taken)
        slot = _hash(key) % _SLOTS if free is None else free
        taken.add(slot)
        used.add(slot)
        found[key] = slot
    return found


def _free(key: str, widths: Sequence[int], taken: set[int]) -> int | None:
    """The first place that is not taken, from the one on that a key's text gives, among so many and then among more."""
    for width in widths:
        first = _hash(key) % width
        for tried in range(width):
            if (first + tried) % width not in taken:
                return (first + tried) % width
    return None


def _hash(text: str) -> int:
    """FNV-1a over what a text is in UTF-16, and mixed once more."""
    data = text.encode("utf-16-le", "surrogatepass")
    found = 0x811C9DC5
    for at in range(0, len(data), 2):
        found = ((found ^ int.from_bytes(data[at : at + 2], "little")) * 0x01000193) & 0xFFFFFFFF
    found ^= found >> 15
    return (found * 0x2C1B3C6D) & 0xFFFFFFFF
