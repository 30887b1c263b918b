"""What the tests of importers hold: a source is not changed, and what came of it is what its tracker says."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from anew import Store
from anew.importing.importer import Imported, bring_in
from anew.trackers.importers import open_source

__all__ = ["bring", "contents", "points", "same"]


def bring(path: Path, root: Path) -> Imported:
    """Import what is recognised at a path."""
    source = open_source(str(path))
    try:
        return bring_in(source, str(root))
    finally:
        source.close()


def contents(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, with the bytes of files."""
    return {
        str(one.relative_to(folder)): one.read_bytes() if one.is_file() else None
        for one in sorted(folder.rglob("*"))
    }


def points(store: Store, prefix: str, metric: str) -> list[tuple[int | None, str, float]]:
    """A metric's points as they were written: step, value and time."""
    read = store[prefix].metrics[metric].read(order="written")
    steps = read.steps.tolist()
    return list(zip(steps, map(repr, read.values.tolist()), read.times.tolist(), strict=True))


def same(ours: Iterable[float], theirs: Iterable[float]) -> bool:
    """Whether numbers are the same, NaN and the sign of zero included."""
    return [_shown(one) for one in ours] == [_shown(one) for one in theirs]


def _shown(value: float) -> str:
    return "nan" if math.isnan(value) else repr(float(value))
