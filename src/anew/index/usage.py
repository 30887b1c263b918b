"""Disk usage."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from ..journal.layout import RootLayout
from .footprint import Weighing, own_entries

__all__ = ["Usage", "experiments_usage", "store_usage"]

# What an experiment's folders are called in an answer; the rest of its files are "other".
_KINDS = {
    "journal": "journal",
    "metrics": "points",
    "logs": "logs",
    "files": "files",
    "values": "values",
    "environment": "environment",
    "checkpoints": "checkpoints",
    "outputs": "outputs",
    "forwarded": "forwarded",
}


class Usage(NamedTuple):
    """Bytes of disk: in all, by kind, and by experiment id."""

    total: int
    by_kind: dict[str, int]
    by_experiment: dict[str, int]


def experiments_usage(root: RootLayout, experiments: Mapping[str, str]) -> Usage:
    """The bytes of experiments, given as id → prefix; files that several share are counted once."""
    weighing = Weighing()
    by_kind: dict[str, int] = {}
    by_experiment: dict[str, int] = {}
    for experiment_id, prefix in experiments.items():
        folder = root.experiment(prefix).folder
        by_experiment[experiment_id] = 0
        try:
            entries = own_entries(folder)[0]
        except FileNotFoundError:
            continue
        for path in entries:
            size = weighing.add([path]).on_disk
            kind = _KINDS.get(os.path.basename(path), "other")
            by_kind[kind] = by_kind.get(kind, 0) + size
            by_experiment[experiment_id] += size
    return Usage(sum(by_kind.values()), by_kind, by_experiment)


def store_usage(root: RootLayout, experiments: Mapping[str, str]) -> Usage:
    """The bytes of a whole root: its experiments, the trash, the index, weights and shared captures."""
    usage = experiments_usage(root, experiments)
    by_kind = dict(usage.by_kind)
    weighing = Weighing()
    for kind, paths in (
        ("trash", [root.trash]),
        (
            "index",
            [root.catalog + suffix for suffix in ("", "-wal", "-shm")] + [root.series, root.packs],
        ),
        ("journal of the root", [root.journal]),
        ("weights", [root.weights]),
    ):
        size = weighing.add(paths).on_disk
        if size:
            by_kind[kind] = size
    unlinked = _unlinked(root.shared)
    if unlinked:
        by_kind["shared"] = unlinked
    return Usage(sum(by_kind.values()), by_kind, usage.by_experiment)


def _unlinked(folder: str) -> int:
    """Bytes of shared captures that no experiment has by another name."""
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                stat = os.lstat(os.path.join(at, name))
            except FileNotFoundError:  # a file that was on its way
                continue
            if stat.st_nlink == 1:
                total += stat.st_blocks * 512
    return total
