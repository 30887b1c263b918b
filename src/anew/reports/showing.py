"""Which reports show an experiment."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

import msgspec

from ..errors import AnewError, InvalidValue, NotFound
from ..query.question import FactsQuestion, ask
from ..query.references import ResolveQuestion
from ..reading.backend import Backend
from .blocks import Asked, read_block
from .document import Report
from .markdown import experiments_linked, runs_of
from .meaning import MOST_BLOCKS, condition_of, parts_of, quoted

__all__ = ["Showing", "reports_showing"]


class Showing(msgspec.Struct, frozen=True, kw_only=True):
    """A report that shows an experiment.

    Attributes:
        how: "named" where a block or a link names it, "found" where a block's filter finds it.
    """

    name: str
    project: str | None
    title: str
    how: Literal["named", "found"]


def reports_showing(backend: Backend, reports: Sequence[Report], id_: str) -> list[Showing]:
    """Those of some reports that show an experiment or link to it.

    Raises:
        NotFound: There is no such experiment.
    """
    if not backend.facts(FactsQuestion(ids=(id_,), now=time.time())):
        raise NotFound(f"There is no experiment {id_!r}.", name=id_)
    found = []
    for report in reports:
        how = _shows(backend, report, id_)
        if how is not None:
            found.append(
                Showing(name=report.name, project=report.project, title=report.title, how=how)
            )
    return found


def _shows(backend: Backend, report: Report, id_: str) -> Literal["named", "found"] | None:
    refs = experiments_linked(report.text)
    blocks: list[Asked] = []
    for run in runs_of(report.text):
        if run.block is None or len(blocks) == MOST_BLOCKS:
            continue
        try:
            blocks.append(read_block(run.block))
        except InvalidValue:  # the report says what is wrong with it
            continue
    for one in blocks:
        refs += one.named if one.kind == "verdict" else one.experiments
    if any(one.id == id_ for one in backend.resolve(ResolveQuestion(tuple(refs)))):
        return "named"
    for one in blocks:
        if one.kind != "verdict" and not one.experiments and _finds(backend, one, report, id_):
            return "found"
    return None


def _finds(backend: Backend, asked: Asked, report: Report, id_: str) -> bool:
    try:
        condition = condition_of(parts_of(backend, asked, report.project), report.project)
        wanted = f"{condition} and id == {quoted(id_)}" if condition else f"id == {quoted(id_)}"
        return bool(backend.select(ask(wanted, limit=1, now=time.time())).ids)
    except (AnewError, ValueError):  # the report says what is wrong with it
        return False
