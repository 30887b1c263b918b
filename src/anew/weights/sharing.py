"""Which tensors of a version share memory, so that they share it again when restored.

Tied weights are one allocation under several names. Tensors whose addresses overlap become views:
of the one that covers them all, or of a hidden run of memory when none does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from anew.weights.dtypes import itemsize
from anew.weights.records import View
from anew.weights.source import Source

__all__ = ["Plan", "share"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to store: sources by name, tensors that are views of those, and which are hidden."""

    stored: dict[str, Source]
    views: dict[str, View]
    hidden: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Extent:
    name: str
    source: Source
    start: int
    stop: int


def share(sources: Mapping[str, Source]) -> Plan:
    """Find shared memory among tensors that are all alive now."""
    stored = dict(sources)
    views: dict[str, View] = {}
    hidden: set[str] = set()
    for cluster in _clusters(sources):
        size = itemsize(cluster[0].source.dtype)
        if len({extent.source.dtype for extent in cluster}) > 1:
            continue  # The same bytes read as two types: each is kept, the sharing is not.
        start, stop = cluster[0].start, max(extent.stop for extent in cluster)
        if any((extent.start - start) % size for extent in cluster):
            continue
        root = _covering(cluster, start, stop)
        if root is None:
            needed = sum(extent.source.nbytes for extent in cluster)
            span = cluster[0].source.span
            if span is None or stop - start > 2 * needed:
                continue  # Far apart in a large allocation: keeping that would cost more.
            root = f"memory of {cluster[0].name}"
            while root in stored:
                root += "'"
            stored[root] = span((stop - start) // size)
            hidden.add(root)
        for extent in cluster:
            if extent.name != root:
                memory = extent.source.memory
                assert memory is not None
                strides = tuple(stride // size for stride in memory.strides)
                views[extent.name] = View(root, (extent.start - start) // size, strides)
                del stored[extent.name]
    return Plan(stored, views, frozenset(hidden))


def _clusters(sources: Mapping[str, Source]) -> list[list[_Extent]]:
    by_device: dict[str, list[_Extent]] = {}
    for name, source in sources.items():
        memory = source.memory
        if memory is None:
            continue
        size = itemsize(source.dtype)
        if any(stride % size for stride in memory.strides):
            continue
        reach = sum((n - 1) * s for n, s in zip(source.shape, memory.strides, strict=True)) + size
        extent = _Extent(name, source, memory.start, memory.start + reach)
        by_device.setdefault(memory.device, []).append(extent)
    clusters: list[list[_Extent]] = []
    for extents in by_device.values():
        extents.sort(key=lambda extent: (extent.start, -extent.stop))
        current: list[_Extent] = []
        end = -1
        for extent in extents:
            if current and extent.start >= end:
                clusters.append(current)
                current = []
            current.append(extent)
            end = max(end, extent.stop) if len(current) > 1 else extent.stop
        clusters.append(current)
    return [cluster for cluster in clusters if len(cluster) > 1]


def _covering(cluster: list[_Extent], start: int, stop: int) -> str | None:
    for extent in cluster:
        if extent.start == start and extent.stop == stop and extent.source.in_place:
            return extent.name
    return None
