"""Three-way merge of versions, tensor by tensor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anew.errors import InvalidSetting, WeightsError
from anew.weights.dtypes import is_float, numpy_dtype
from anew.weights.records import TensorEntry, Tree
from anew.weights.snapshot import Snapshot
from anew.weights.source import Source

__all__ = ["STRATEGIES", "MergeConflict", "MergePlan", "plan_merge"]

STRATEGIES = ("ours", "theirs", "average")


class MergeConflict(WeightsError):
    """Both sides changed the same tensors; `conflicts` are their names."""

    def __init__(self, message: str, *, conflicts: tuple[str, ...]) -> None:
        super().__init__(message)
        self.conflicts = conflicts


@dataclass(slots=True)
class MergePlan:
    """The merged version: entries taken over, tensors to compute, and what was in conflict."""

    entries: dict[str, TensorEntry] = field(default_factory=dict)
    averaged: dict[str, Source] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    structure: dict[str, Any] = field(default_factory=dict)


def plan_merge(
    base: Snapshot | None, ours: Snapshot, theirs: Snapshot, strategy: str | None
) -> MergePlan:
    """What the merge of `theirs` into `ours` holds.

    A tensor changed on one side is taken from it. One changed on both sides differently is a
    conflict, decided by the strategy; `average` is of floating-point tensors of one shape, and
    keeps ours for counters and other integers, which have no meaningful mean.

    Raises:
        MergeConflict: conflicts and no strategy, or tensors that cannot be averaged.
        InvalidSetting: there is no such strategy.
    """
    if strategy is not None and strategy not in STRATEGIES:
        raise InvalidSetting(
            f"{strategy!r} is not a merge strategy. Choose one of {', '.join(STRATEGIES)}."
        )
    sides = [{} if side is None else _units(side.tree) for side in (base, ours, theirs)]
    groups = _groups(side.tree for side in (base, ours, theirs) if side is not None)
    plan = MergePlan()
    unresolved: list[str] = []
    for group in groups:
        old, mine, yours = (tuple(side[name] for name in group if name in side) for side in sides)
        chosen: tuple[TensorEntry, ...]
        if mine == yours or yours == old:
            chosen = mine
        elif mine == old:
            chosen = yours
        else:
            plan.conflicts += group
            if strategy == "average" and mine and yours:
                if not _average(plan, ours, theirs, mine, yours):
                    unresolved += group
                continue
            chosen = yours if strategy == "theirs" else mine
            if strategy is None or (strategy == "average" and not (mine and yours)):
                unresolved += group
        plan.entries.update((entry.name, entry) for entry in chosen)
    plan.structure = _merge_structure(base, ours, theirs, strategy, unresolved)
    if unresolved:
        names = ", ".join(unresolved[:8]) + (" …" if len(unresolved) > 8 else "")
        advice = (
            "They cannot be averaged: choose ours or theirs."
            if strategy == "average"
            else "Choose a strategy: ours, theirs or average."
        )
        raise MergeConflict(
            f"Both sides changed {len(unresolved)} tensors: {names}. {advice}",
            conflicts=tuple(unresolved),
        )
    return plan


def _units(tree: Tree) -> dict[str, TensorEntry]:
    return {entry.name: entry for entry in tree.tensors}


def _groups(trees: Iterable[Tree]) -> list[list[str]]:
    """Tensors that share memory on any side go together, so no view loses what it shows."""
    parent: dict[str, str] = {}

    def find(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for tree in trees:
        for entry in tree.tensors:
            find(entry.name)
            if entry.view is not None:
                parent[find(entry.name)] = find(entry.view.root)
    groups: dict[str, list[str]] = {}
    for name in parent:
        groups.setdefault(find(name), []).append(name)
    return list(groups.values())


def _average(
    plan: MergePlan,
    ours: Snapshot,
    theirs: Snapshot,
    mine: tuple[TensorEntry, ...],
    yours: tuple[TensorEntry, ...],
) -> bool:
    """Add the mean of a group to the plan; False when the two sides have different forms."""
    forms = [[(e.name, e.dtype, e.shape, e.view, e.hidden) for e in side] for side in (mine, yours)]
    if forms[0] != forms[1] or any(entry.hidden for entry in mine):
        return False
    for entry in mine:
        if entry.view is not None or not is_float(entry.dtype):
            plan.entries[entry.name] = entry
        else:
            plan.averaged[entry.name] = Source(entry.dtype, entry.shape, _mean(ours, theirs, entry))
    return True


def _mean(ours: Snapshot, theirs: Snapshot, entry: TensorEntry) -> Any:
    dtype = numpy_dtype(entry.dtype)
    wide: Any = np.complex128 if dtype.kind == "c" else np.float64

    def read(start: int, stop: int) -> Any:
        left = ours.range(entry.name, start, stop).view(dtype).astype(wide)
        left *= 0.5
        left += theirs.range(entry.name, start, stop).view(dtype).astype(wide) * 0.5
        with np.errstate(over="ignore", invalid="ignore"):
            return left.astype(dtype).view(np.uint8)

    return read


def _merge_structure(
    base: Snapshot | None,
    ours: Snapshot,
    theirs: Snapshot,
    strategy: str | None,
    unresolved: list[str],
) -> dict[str, Any]:
    old, mine, yours = ({} if side is None else side.structure for side in (base, ours, theirs))
    merged = {}
    for root in {**mine, **yours}:
        sides = [side.get(root) for side in (old, mine, yours)]
        if sides[1] == sides[2] or sides[2] == sides[0]:
            chosen = sides[1]
        elif sides[1] == sides[0]:
            chosen = sides[2]
        else:
            chosen = sides[2] if strategy == "theirs" else sides[1]
            if strategy is None:
                unresolved.append(f"(the structure of {root!r})")
        if chosen is not None:
            merged[root] = chosen
    return merged
