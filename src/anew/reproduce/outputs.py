"""What two experiments have left behind beside curves: files, values, weights, and parameters that a program set.

They are held against each other by the hashes of their contents and, where those differ and the format is one that can be
read, by value.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import AnewError
from ..record.plain import flatten, to_plain
from .contents import LARGEST, compare_arrays, compare_contents, readable
from .judgement import Output, ValueDifference
from .verdict import Tolerance, Verdict

if TYPE_CHECKING:
    from ..reading.files import FileView, ValueView
    from ..reading.views import ExperimentView
    from ..store import Store
    from ..weights.snapshot import Snapshot

__all__ = ["compare_outputs", "hashes_of", "outputs_reason", "outputs_verdict"]

_SHOWN = 3
_MOST_VALUES, _MOST_BYTES = 2000, 256 << 20
"""Logged values that are compared, and bytes of them that are read."""
_MOST_COMMITS, _MOST_WEIGHTS = 100, 1 << 30


def compare_outputs(
    store: Store,
    a: ExperimentView,
    b: ExperimentView,
    *,
    other: Store | None = None,
    tolerance: Tolerance | None = None,
    cut_short: bool = False,
    reproduced: bool = False,
    contents: bool = True,
) -> list[Output]:
    """A row for each thing that either has left behind, those that differ first.

    What was logged several times under one name is matched by its order. Files whose bytes were given back still count:
    their hashes are known.

    Args:
        store: The store that `a` is in; `other` that of `b`, if that is another one.
        tolerance: How far numbers may be apart.
        cut_short: Whether the first was ended before its time: what only the second has is no difference then.
        reproduced: Whether the second ran the recipe of the first: then parameters that differ are results.
        contents: Whether contents may be read. Without them files are compared by their recorded hashes alone.
    """
    rows = list(_files(a, b, tolerance or Tolerance(), contents))
    if contents:
        rows += _values(a, b)
        rows += _weights(store, a, other or store, b, tolerance or Tolerance())
    if reproduced:
        rows += _params(a, b)
    kept = [row for row in rows if not (cut_short and row.a is None)]
    return sorted(kept, key=lambda row: row.equal)


def _files(
    a: ExperimentView, b: ExperimentView, tolerance: Tolerance, contents: bool
) -> Iterator[Output]:
    x, y = _by_name(a), _by_name(b)
    for name in sorted({*x, *y}):
        one, other = x.get(name), y.get(name)
        values = None
        if one is not None and other is not None and one.hash != other.hash and contents:
            values = _by_value(one, other, tolerance)
        hashes = [None if file is None else file.hash for file in (one, other)]
        yield Output(name, hashes[0], hashes[1], "file", values)


def _by_value(one: FileView, other: FileView, tolerance: Tolerance) -> ValueDifference | None:
    both = (one, other)
    if not readable(one.name) or any(f.freed_at is not None or f.size > LARGEST for f in both):
        return None
    try:
        a, b = (file.read_bytes() for file in both)
    except (AnewError, OSError):
        return None
    return compare_contents(one.name, a, b, *tolerance.of(one.name))


def _by_name(view: ExperimentView) -> dict[str, FileView]:
    found: dict[str, FileView] = {}
    seen: defaultdict[str, int] = defaultdict(int)
    files = sorted((*view.files, *view.files.freed), key=lambda file: file.time)
    for file in files:
        name = f"{file.prefix}/{file.name}" if file.prefix else file.name
        number = seen[name]
        seen[name] += 1
        found[f"{name} #{number + 1}" if number else name] = file
    return found


def hashes_of(view: ExperimentView) -> dict[str, str]:
    """The BLAKE3 of each file that an experiment has logged, by name; of a name that was logged several times by its number."""
    return {name: file.hash for name, file in _by_name(view).items()}


def _values(a: ExperimentView, b: ExperimentView) -> Iterator[Output]:
    x, y = _value_hashes(a), _value_hashes(b)
    for name in sorted({*x, *y}):
        yield Output(name, x.get(name), y.get(name), "value")


def _value_hashes(view: ExperimentView) -> dict[str, str]:
    found: dict[str, str] = {}
    seen: defaultdict[str, int] = defaultdict(int)
    left = _MOST_BYTES
    for value in view.values()[:_MOST_VALUES]:
        data = _bytes_of(value)
        if data is None or len(data) > left:
            continue
        left -= len(data)
        name = f"{value.name} at step {value.step}" if value.step is not None else value.name
        seen[name] += 1
        number = seen[name]
        found[f"{name} #{number}" if number > 1 else name] = hashlib.sha256(data).hexdigest()
    return found


def _bytes_of(value: ValueView) -> bytes | None:
    if value.data is not None:
        return json.dumps(to_plain(value.data), sort_keys=True, default=str).encode()
    try:
        return value.read_bytes()
    except (AnewError, OSError):
        return None


def _weights(
    store: Store, a: ExperimentView, other: Store, b: ExperimentView, tolerance: Tolerance
) -> Iterator[Output]:
    """The versions of weights that either has committed, in their order, by the hashes of their tensors."""
    x, y = _snapshots(store, a), _snapshots(other, b)
    for number in range(max(len(x), len(y))):
        one, two = (side[number] if number < len(side) else None for side in (x, y))
        hashes = [None if side is None else side.commit.tree.hex() for side in (one, two)]
        values = None
        if one is not None and two is not None and hashes[0] != hashes[1]:
            values = _tensors(one, two, tolerance)
        yield Output(f"weights, version {number + 1}", hashes[0], hashes[1], "weights", values)


def _snapshots(store: Store, view: ExperimentView) -> list[Snapshot]:
    """The versions of one experiment, the oldest first; none where it has committed none."""
    try:
        repository = store.weights
        commits = repository.log(f"experiments/{view.id}", limit=_MOST_COMMITS, experiment=view.id)
        return [repository.open(one.commit_hash) for one in reversed(commits)]
    except (AnewError, OSError, ImportError):
        return []


def _tensors(a: Snapshot, b: Snapshot, tolerance: Tolerance) -> ValueDifference | None:
    if max(a.commit.nbytes, b.commit.nbytes) > _MOST_WEIGHTS:
        return None
    try:
        return compare_arrays(dict(a), dict(b), *tolerance.of("weights"))
    except (AnewError, OSError, ValueError, TypeError, MemoryError):
        return None


def _params(a: ExperimentView, b: ExperimentView) -> Iterator[Output]:
    """The parameters that differ: the same recipe sets the same, unless one is a result. One that is the same may be an
    argument of the program, which says nothing of its result."""
    x, y = (dict(flatten(_plain(view.params))) for view in (a, b))
    for name in sorted({*x, *y}):
        texts = [repr(one[name]) if name in one else None for one in (x, y)]
        if texts[0] != texts[1]:
            yield Output(f"parameter {name}", texts[0], texts[1], "parameter")


def _plain(params: Any) -> dict[str, Any]:
    return {k: _plain(v) if hasattr(v, "items") else v for k, v in params.items()}


def outputs_verdict(outputs: list[Output]) -> Verdict:
    """The verdict on what was left behind."""
    if all(row.equal for row in outputs):
        return Verdict.IDENTICAL
    within = all(row.equal or (row.values is not None and row.values.within) for row in outputs)
    return Verdict.WITHIN_TOLERANCE if within else Verdict.DIVERGED


def outputs_reason(outputs: list[Output]) -> str:
    """How much of it is the same, in words; "" where nothing was left behind."""
    if not outputs:
        return ""
    kinds = {row.kind for row in outputs}
    noun = kinds.pop() if len(kinds) == 1 else "output"
    nouns = noun if noun == "weights" else f"{noun}s"
    other = [_told(row) for row in outputs if not row.equal]
    by_value = sum(row.equal and not row.same for row in outputs)
    if not other:
        text = f"all {len(outputs)} {nouns} are the same" if len(outputs) > 1 else f"the {noun} is the same"  # fmt: skip
        return text + (f" ({by_value} by value, in other bytes)" if by_value else "")
    shown = ", ".join(other[:_SHOWN]) + (" …" if len(other) > _SHOWN else "")
    return f"{len(other)} of {len(outputs)} {nouns} differ{'s' if len(other) == 1 else ''}: {shown}"


def _told(row: Output) -> str:
    values = row.values
    if values is None or not values.differing:
        return row.name
    where = f" in {values.where}" if values.where else ""
    return f"{row.name} ({values.differing} of {values.compared} values, by {values.largest:.3g} at most{where})"
