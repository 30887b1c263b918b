"""What differs between two versions, tensor by tensor; reads only the blocks that differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from anew.weights.dtypes import is_float, numpy_dtype, width
from anew.weights.records import Commit, TensorEntry, Tree
from anew.weights.snapshot import Snapshot

__all__ = ["Diff", "Status", "TensorChange", "compare", "staged_changes"]


@dataclass(frozen=True, slots=True)
class TensorChange:
    """A tensor that two versions both have and that is not the same in them.

    `norm` is the Euclidean norm of the difference and `relative` that norm over the norm of the
    older tensor's changed part; None where the two cannot be subtracted or it was not asked for.
    """

    name: str
    old_dtype: str
    new_dtype: str
    old_shape: tuple[int, ...]
    new_shape: tuple[int, ...]
    norm: float | None = None
    relative: float | None = None
    changed_elements: int | None = None

    @property
    def same_form(self) -> bool:
        """Whether only values changed, not the shape or element type."""
        return self.old_dtype == self.new_dtype and self.old_shape == self.new_shape


@dataclass(frozen=True, slots=True)
class Diff:
    """Names of tensors added and removed, and the changes of those in both."""

    old: str
    new: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[TensorChange, ...]
    unchanged: int
    structure_changed: bool = False

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.structure_changed)


@dataclass(frozen=True, slots=True)
class Status:
    """Where a repository stands: its branch and newest commit, and what is staged against that.

    `staged` has the names of tensors under added, changed and removed, and is empty when nothing is
    staged; `branch` is None when a commit itself is checked out.
    """

    branch: str | None
    commit: Commit | None
    staged: dict[str, tuple[str, ...]]


def staged_changes(
    before: Mapping[str, TensorEntry], after: Mapping[str, TensorEntry]
) -> dict[str, tuple[str, ...]]:
    """The names of tensors that a commit of `after` would add, change and remove."""
    old = {name: entry for name, entry in before.items() if not entry.hidden}
    new = {name: entry for name, entry in after.items() if not entry.hidden}
    both = set(old) & set(new)
    return {
        "added": tuple(sorted(set(new) - set(old))),
        "removed": tuple(sorted(set(old) - set(new))),
        "changed": tuple(sorted(name for name in both if not new[name].same_content(old[name]))),
    }


def compare(old: Snapshot, new: Snapshot, *, norms: bool = True) -> Diff:
    """The difference from `old` to `new`; without `norms` no tensor is read."""
    before, after = old.tree.by_name(), new.tree.by_name()
    changed = []
    unchanged = 0
    for name, entry in after.items():
        if name not in before:
            continue
        if _same(old.tree, before[name], new.tree, entry):
            unchanged += 1
            continue
        changed.append(_change(old, before[name], new, entry, norms=norms))
    return Diff(
        old.commit.commit_hash,
        new.commit.commit_hash,
        tuple(sorted(set(after) - set(before))),
        tuple(sorted(set(before) - set(after))),
        tuple(sorted(changed, key=lambda change: change.name)),
        unchanged,
        old.tree.structure != new.tree.structure,
    )


def _same(old: Tree, before: TensorEntry, new: Tree, after: TensorEntry) -> bool:
    if not before.same_content(after):
        return False
    if after.view is None:
        return True
    # A view is the same when the memory it shows is.
    roots = [
        {entry.name: entry for entry in tree.tensors}.get(after.view.root) for tree in (old, new)
    ]
    return roots[0] is not None and roots[1] is not None and roots[0].same_content(roots[1])


def _change(
    old: Snapshot, before: TensorEntry, new: Snapshot, after: TensorEntry, *, norms: bool
) -> TensorChange:
    form = (before.dtype, after.dtype, before.shape, after.shape)
    plain = numpy_dtype(after.dtype)
    number = is_float(after.dtype) or plain.kind in "iu"
    if not norms or form[0] != form[1] or form[2] != form[3] or not number:
        return TensorChange(after.name, *form)
    squares = reference = 0.0
    count = 0
    for left, right in old.differing(before, new, after):
        a, b = left.view(plain), right.view(plain)
        lanes = left.view(f"u{width(after.dtype)}") != right.view(f"u{width(after.dtype)}")
        count += int(np.count_nonzero(lanes.reshape(len(a), -1).any(axis=1)))
        squares += _square(_wide(b) - _wide(a))
        reference += _square(_wide(a))
    norm = math.sqrt(squares) if squares == squares else math.nan
    relative = norm / math.sqrt(reference) if reference > 0 else None
    return TensorChange(after.name, *form, norm, relative, count)


def _wide(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _square(array: np.ndarray[Any, Any]) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        flat = array.reshape(-1)
        return float(np.vdot(flat, flat).real)
