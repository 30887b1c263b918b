"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """A problem in a store.

    `kind` is one of: "broken line", "corrupt file", "unreadable", "no identity" (a folder that looks like an
    experiment and does not say which), "copy" (a second folder with the same id), "not indexed", "gone" (in
    the catalog without a folder), "trash" (deleted, and its files are still in their place, or nothing says what lies
    there), "leftover" (files nothing refers to), "mixed" (a folder that holds the records of several experiments),
    "cut short" (a file of records that lost its end), "conflict" (a client sent other bytes than there are), "newer format" (written by a later version).

    `repaired` says that it was mended: only what is derived ever is; records are never touched.
    """

    kind: str
    prefix: str
    message: str
    path: str | None = None
    line: int | None = None
    repaired: bool = False
