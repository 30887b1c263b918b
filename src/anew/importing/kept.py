"""The imports into a root that are on record, each with what came of it."""

from __future__ import annotations

from collections.abc import Iterable

from ..journal.layout import RootLayout
from ..journal.root import follow_root
from ..record.root import Imported, LeftOut, Missing, decode_root

__all__ = ["Imported", "LeftOut", "Missing", "about", "imports_of"]


def imports_of(root: str) -> list[Imported]:
    """The imports into a root, the newest first; those that found nothing new are not kept."""
    found: dict[str, Imported] = {}
    for chunk in follow_root(RootLayout(root), {}):
        if b'"imported"' not in chunk.data:
            continue
        for line in decode_root(chunk.data, hints=False)[0]:
            if isinstance(line.event, Imported):
                found[line.event.id] = line.event
    return sorted(found.values(), key=lambda one: (one.t, one.id), reverse=True)


def about(
    imports: Iterable[Imported], experiment_id: str, source: str
) -> tuple[Imported | None, list[Missing], list[LeftOut]]:
    """The newest import of a source, and what it says of one of its experiments.

    Args:
        source: The kind of source and where it lay, as the event has it.
    """
    for one in imports:
        missing = [each for each in one.missing if each.experiment_id == experiment_id]
        left = [each for each in one.left if each.experiment_id == experiment_id]
        if one.source == source or missing or left:
            return one, missing, left
    return None, [], []
