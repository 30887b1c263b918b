"""The routes of reports: which there are, what one says and shows, and one as a file."""

from __future__ import annotations

from typing import Literal

import msgspec
from starlette.responses import Response

from ..printing.writing import bytes_of
from ..reports.document import Report
from ..reports.face import Reports
from ..reports.meaning import Piece, pieces_of
from ..store import Store
from .replies import SECURITY
from .routes import Call

__all__ = [
    "PiecesRequest",
    "ReportFact",
    "ReportFileRequest",
    "ReportRequest",
    "ReportsRequest",
    "pieces",
    "report",
    "report_file",
    "reports",
]

_MEDIA = {"md": "text/markdown; charset=utf-8", "html": "text/html; charset=utf-8", "pdf": "application/pdf"}  # fmt: skip


class ReportsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Reports: all of them, or those that concern a project, or those that show an experiment.

    Attributes:
        experiment: The id of the experiment that they show or link to.
    """

    project: str | None = None
    experiment: str | None = None


class ReportFact(msgspec.Struct, frozen=True, kw_only=True):
    """A report without its text.

    Attributes:
        title: Its first heading; its name where it has none.
        user, time: Who saved it, and when.
        others: How many were saved side by side with it, where nobody had seen the other.
        how: Of an experiment: whether the report names it, or a filter of the report finds it.
    """

    name: str
    project: str | None
    title: str
    user: str
    time: float
    event: str
    others: int = 0
    how: Literal["named", "found"] | None = None


class ReportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One report.

    Attributes:
        project: The project that it is for; that for all if it is not given.
        history: Also what it said before.
    """

    name: str
    project: str | None = None
    history: bool = False


class PiecesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A text as a report would show it.

    Attributes:
        project: The project that its blocks are about, unless they say another.
    """

    text: str
    project: str | None = None


class ReportFileRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One report as a file: its Markdown, one HTML file, or a PDF."""

    name: str
    project: str | None = None
    form: Literal["md", "html", "pdf"] = "html"


def reports(call: Call) -> tuple[ReportFact, ...]:
    """The reports, without their texts."""
    asked: ReportsRequest = call.question
    face = Reports(call.place.backend(call.caller), call.place.showing)
    if asked.experiment is None:
        found = face.list(asked.project or None)
        return tuple(_fact(one) for one in found)
    how = {(one.name, one.project): one.how for one in face.showing(asked.experiment)}
    return tuple(
        _fact(one, how[one.name, one.project])
        for one in face.list()
        if (one.name, one.project) in how
    )


def _fact(one: Report, how: Literal["named", "found"] | None = None) -> ReportFact:
    return ReportFact(
        name=one.name, project=one.project, title=one.title, user=one.user, time=one.time, event=one.event,
        others=len(one.others), how=how,
    )  # fmt: skip


def report(call: Call) -> Report:
    """One report, with its text."""
    asked: ReportRequest = call.question
    face = Reports(call.place.backend(call.caller))
    return face.get(asked.name, asked.project or None, history=asked.history)


def pieces(call: Call) -> tuple[Piece, ...]:
    """What a text shows."""
    asked: PiecesRequest = call.question
    return tuple(pieces_of(call.place.backend(call.caller), asked.text, asked.project or None))


async def report_file(call: Call) -> Response:
    """A report as a file to be kept."""
    import anyio.to_thread

    asked: ReportFileRequest = call.question

    def made() -> bytes:
        store = Store(call.place.backend(call.caller))
        found = store.reports.get(asked.name, asked.project or None)
        return bytes_of(store, found, asked.form)[0]

    content = await anyio.to_thread.run_sync(made)
    # Whatever it is called, it is kept and not shown: a report is somebody's text.
    headers = {**SECURITY, "Content-Disposition": f'attachment; filename="report.{asked.form}"'}
    return Response(content, headers=headers, media_type=_MEDIA[asked.form])
