"""Where the runs of a source will be here, or are already."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Literal

from ..journal.layout import RootLayout
from ..query.question import FactsQuestion
from ..reading.local.opening import open_folder
from ..record.names import numbered, split_number
from ..tracking.identity import named
from .arriving import experiment_id_of
from .names import wanted_prefix
from .source import Run, Source

__all__ = ["batches", "planned"]

_TOGETHER = 200


def planned(
    source: Source, root: str | None, into: str, since: float | None
) -> Iterator[tuple[Run, str, Literal["new", "here", "deleted"]]]:
    """The runs of a source, each with the prefix that it has in a root, or is to have."""
    runs = (run for run in source.runs() if since is None or run.started >= since)
    numbers: dict[str, int] = {}  # the newest of each prefix that this import would make
    layout = RootLayout(root or os.devnull)
    if not os.path.isdir(layout.private):
        for run in runs:
            yield run, _next(layout, wanted_prefix(run, _id(source, run), into), numbers), "new"
        return
    opened = open_folder(layout.root)
    try:
        opened.upkeep.refresh()
        gone = {one.id for one in opened.upkeep.trash()}
        for batch in batches(runs):
            ids = tuple(_id(source, run) for run in batch)
            known = opened.backend.facts(FactsQuestion(ids=ids, now=time.time()))
            lies = {one.id: one.prefix for one in known}
            for run, id_ in zip(batch, ids, strict=True):
                if id_ in gone:
                    yield run, "", "deleted"
                elif id_ in lies:
                    yield run, lies[id_], "here"
                else:
                    yield run, _next(layout, wanted_prefix(run, id_, into), numbers), "new"
    finally:
        opened.close()


def _next(layout: RootLayout, wanted: str, numbers: dict[str, int]) -> str:
    """The prefix that a new experiment gets; see `Named.place`."""
    if wanted not in numbers:
        known = named(layout, wanted, project=None, is_prefix=True).known()
        numbers[wanted] = max(split_number(known[0].prefix)[1], 1) if known else 0
    numbers[wanted] += 1
    return numbered(wanted, numbers[wanted])


def _id(source: Source, run: Run) -> str:
    return experiment_id_of(source.kind, run.key)


def batches(runs: Iterator[Run]) -> Iterator[list[Run]]:
    """Runs, some together, so that one question tells where all of them lie."""
    batch: list[Run] = []
    for run in runs:
        batch.append(run)
        if len(batch) == _TOGETHER:
            yield batch
            batch = []
    if batch:
        yield batch
