"""What a report consists of before it is a file of some form."""

from __future__ import annotations

from typing import Any

import msgspec

from .colours import Colour
from .lent import Lent

__all__ = ["Cell", "Chart", "Figure", "Gallery", "Key", "Part", "Problem", "Table", "Text", "Verdict"]  # fmt: skip


class Text(msgspec.Struct, frozen=True):
    """Markdown that was read."""

    tokens: tuple[Any, ...]


class Key(msgspec.Struct, frozen=True):
    """What a colour of a chart means; the id of what it is of, if that is one experiment."""

    colour: Colour
    name: str
    id: str = ""


class Chart(msgspec.Struct, frozen=True):
    """A drawing with what it shows in words; where there is none, these are all that is said.

    Attributes:
        keys: What its colours mean, and `more` how many have none there.
        lent: Its texts that it lacks, because no font here has their characters.
    """

    words: str
    image: bytes | None = None
    keys: tuple[Key, ...] = ()
    more: int = 0
    lent: tuple[Lent, ...] = ()


class Figure(msgspec.Struct, frozen=True):
    """Charts one below the other."""

    charts: tuple[Chart, ...]
    caption: str = ""
    said: tuple[str, ...] = ()


class Table(msgspec.Struct, frozen=True):
    """Rows of texts below heads.

    Attributes:
        numeric: The columns of numbers.
        lead: How many columns, the first ones, say which row it is: they are repeated where the others do not fit beside each other.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int]
    caption: str = ""
    said: tuple[str, ...] = ()
    lead: int = 1


class Cell(msgspec.Struct, frozen=True):
    """One logged value: a small picture of it with its type (`image/webp`), or what it says; and whose it is and of which step."""

    title: str
    detail: str
    image: bytes | None = None
    media: str = ""
    text: str = ""


class Gallery(msgspec.Struct, frozen=True):
    """Logged values in a grid, below their names; the keys are what was marked in pictures."""

    sections: tuple[tuple[str, tuple[Cell, ...]], ...]
    keys: tuple[Key, ...] = ()
    caption: str = ""
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


Part = Text | Figure | Table | Gallery | Verdict | Problem
