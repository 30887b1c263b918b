"""The files that two experiments have logged, held against each other by the hashes of their contents."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from .judgement import Output

if TYPE_CHECKING:
    from ..reading.views import ExperimentView

__all__ = ["compare_outputs", "hashes_of", "outputs_reason"]

_SHOWN = 3


def compare_outputs(
    a: ExperimentView, b: ExperimentView, *, cut_short: bool = False
) -> list[Output]:
    """A row for each file that either has logged, those that differ first.

    A name that was logged several times is matched by its order. Files whose bytes were given back still count: their
    hashes are known.

    Args:
        cut_short: Whether the first was ended before its time: what only the second has is no difference then.
    """
    x, y = hashes_of(a), hashes_of(b)
    rows = [
        Output(name, x.get(name), y.get(name))
        for name in sorted({*x, *y})
        if not (cut_short and name not in x)
    ]
    return sorted(rows, key=lambda row: row.same)


def hashes_of(view: ExperimentView) -> dict[str, str]:
    """The BLAKE3 of each file that an experiment has logged, by name; of a name that was logged several times by its number."""
    found: dict[str, str] = {}
    seen: defaultdict[str, int] = defaultdict(int)
    files = sorted((*view.files, *view.files.freed), key=lambda file: file.time)
    for file in files:
        name = f"{file.prefix}/{file.name}" if file.prefix else file.name
        number = seen[name]
        seen[name] += 1
        found[f"{name} #{number + 1}" if number else name] = file.hash
    return found


def outputs_reason(outputs: list[Output]) -> str:
    """How many files are the same, in words; "" where none was logged."""
    if not outputs:
        return ""
    other = [row.name for row in outputs if not row.same]
    if not other:
        return (
            f"all {len(outputs)} files are the same" if len(outputs) > 1 else "the file is the same"
        )
    shown = ", ".join(other[:_SHOWN]) + (" …" if len(other) > _SHOWN else "")
    return f"{len(other)} of {len(outputs)} files differ{'s' if len(other) == 1 else ''}: {shown}"
