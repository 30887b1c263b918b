"""`lineage`: where a model, an experiment or data comes from, and what came of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from ..commands.documents import lineage_document
from .face import Face, shared
from .output import Column
from .words import ago, one_line, size

if TYPE_CHECKING:
    from ..models.lineage import LineageExperiment, LineageFacts, LineageVersion
    from ..record.inputs import InputFact

__all__ = ["lineage"]


@click.command()
@click.argument("what")
@shared(quiet="Print the ids of all experiments in it, one per line.")
def lineage(face: Face, what: str) -> None:
    """Show where something comes from, and what came of it.

    WHAT is a version of a model (vit:3, vit@production), an experiment, a file or folder on this machine, or the
    name or hash of data that experiments read or logged; eight digits of a hash are enough. Of a model and an experiment:
    its code, what it read, and its parents; of data: the experiments that read or logged it. And, of either, what
    read its files, what comes from it, and the models of all of these.

    \b
    Examples:
      anew lineage vit@production
      anew lineage k7f3
      anew lineage data/train.csv
      anew lineage 9f86d081 --json
    """
    with face.store() as store:
        found = store.lineage(what)
    every = [
        *filter(None, [found.experiment]), *found.parents, *found.writers, *found.readers, *found.descendants,
    ]  # fmt: skip
    face.out.emit(
        lambda: lineage_document(found),
        ids=dict.fromkeys(one.id for one in every),
        table=lambda: _show(face, found),
    )


def _show(face: Face, found: LineageFacts) -> None:
    one, code = found.experiment, found.code
    if found.version is not None:
        face.out.line(one_line(_version(found.version)), "bold")
    if one is not None:
        face.out.line(f"experiment: {one.id} {one_line(one.prefix)} ({one.status})")
    elif found.experiment_gone is not None and found.version is not None:
        how = "is in the trash" if found.experiment_gone == "deleted" else "was deleted for good"
        face.out.line(f"experiment: {found.version.experiment}, which {how}")
    if code is not None:
        dirty = " with uncommitted changes" if code.dirty else ""
        patch = f" (patch {code.patch[:12]})" if code.patch else ""
        branch = f" on {code.branch}" if code.branch else ""
        face.out.line(f"code: {one_line((code.commit or 'no commit') + branch + dirty + patch)}")
    if found.inputs:
        _section(face, "It read")
        face.out.table(_inputs(found.inputs))
    below = "Read it" if found.kind == "content" else "Read its files"
    above = "Logged it" if found.kind == "content" else "Logged what it read"
    for title, rows, count in (
        ("Comes from", found.parents, len(found.parents)),
        (above, found.writers, found.writer_count),
        (below, found.readers, found.reader_count),
        ("Came of it", found.descendants, found.descendant_count),
    ):
        if rows:
            more = f" ({count:,}; the newest {len(rows):,} are shown)" if count > len(rows) else ""
            _section(face, title + more)
            face.out.table(_experiments(rows))
    if found.models:
        _section(face, "Models")
        face.out.table(
            [
                Column("VERSION", [one_line(_version(one)) for one in found.models], least=16),
                Column("EXPERIMENT", [one_line(one.experiment or "") for one in found.models], weight=1),
                Column("POINTS TO", [one_line(one.ref) for one in found.models], weight=2, least=16),
            ]
        )  # fmt: skip


def _section(face: Face, title: str) -> None:
    face.out.line()
    face.out.line(title, "bold")


def _version(one: LineageVersion) -> str:
    names = "".join(f" @{alias}" for alias in one.aliases)
    return f"{one.model}:{one.number}{names}"


def _inputs(inputs: tuple[InputFact, ...]) -> list[Column]:
    return [
        Column("NAME", [one_line(one.name) for one in inputs], least=16, path=True),
        Column("HASH", [one_line(one.hash[:12]) for one in inputs], styles="yellow"),
        Column("SIZE", ["" if one.size is None else size(one.size) for one in inputs], right=True, weight=1),
        Column("HOW", [one.how for one in inputs], weight=2),
    ]  # fmt: skip


def _experiments(rows: tuple[LineageExperiment, ...]) -> list[Column]:
    now = time.time()
    return [
        Column("ID", [one.id for one in rows], styles="cyan"),
        Column("PREFIX", [one_line(one.prefix) for one in rows], least=16, path=True),
        Column("STATUS", [one.status for one in rows], weight=2),
        Column("HOW", [one_line(one.relation or "") for one in rows], weight=1),
        Column("MADE", [ago(one.created_at, now) for one in rows], weight=3),
    ]
