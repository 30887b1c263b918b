"""Likely meanings of a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["nearest", "one_of"]


def nearest(name: str, candidates: Iterable[str], limit: int = 3) -> list[str]:
    """The candidates most like `name`, best first.

    The same but for case comes first, then a name that ends in it (`loss` → `train/loss`), then what is
    spelt alike.
    """
    known = list(dict.fromkeys(candidates))
    lower = name.lower()
    found = [c for c in known if c.lower() == lower]
    if len(lower) > 1:
        endings = tuple(mark + lower for mark in "/._- ")
        found += sorted((c for c in known if c.lower().endswith(endings)), key=len)
    by_lower: dict[str, str] = {}
    for candidate in known:
        by_lower.setdefault(candidate.lower(), candidate)
    close = difflib.get_close_matches(lower, by_lower, limit, cutoff=0.6)
    found += [by_lower[c] for c in close]
    if not found and len(lower) > 2:
        found = sorted((c for c in known if lower in c.lower()), key=len)
    return list(dict.fromkeys(found))[:limit]


def one_of(names: Iterable[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *rest, last = names
    return f"{', '.join(rest)} or {last}" if rest else last
