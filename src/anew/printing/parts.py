"""What a report consists of before it is a file of some form."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["Cell", "Figure", "Gallery", "Part", "Problem", "Table", "Text", "Verdict"]


class Text(msgspec.Struct, frozen=True):
    """Markdown that was read."""

    tokens: tuple[Any, ...]


class Figure(msgspec.Struct, frozen=True):
    """Charts one below the other, each with what it shows in words; where there is none, these are all that is said."""

    charts: tuple[tuple[str, bytes | None], ...]
    caption: str = ""
    said: tuple[str, ...] = ()


class Table(msgspec.Struct, frozen=True):
    """Rows of texts below heads; `numeric` are the columns of numbers."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int]
    caption: str = ""
    said: tuple[str, ...] = ()


class Cell(msgspec.Struct, frozen=True):
    """One logged value: a small picture of it with its type (`image/webp`), or what it says; and whose it is and of which step."""

    title: str
    detail: str
    image: bytes | None = None
    media: str = ""
    text: str = ""


class Gallery(msgspec.Struct, frozen=True):
    """Logged values in a grid, below their names."""

    sections: tuple[tuple[str, tuple[Cell, ...]], ...]
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
