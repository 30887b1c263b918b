"""A report as it is kept: a document of the store."""

from __future__ import annotations

import msgspec

from ..errors import InvalidValue, NotFound
from ..reading.saved_views import project_in
from ..record.documents import Document
from ..record.edits import DocumentEdit
from ..record.names import check_label
from .markdown import title_of

__all__ = ["REPORT", "Report", "check_report", "report_of", "version_of"]

REPORT = "report"
"""The kind of document that a report is."""
_MOST = 1 << 20
"""Characters of a report."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report as somebody saved it.

    Attributes:
        name: What it is called.
        project: The project that it is for; None for all.
        text: Markdown, with views in fenced `anew` blocks; empty for one that was removed (only among `earlier`).
        user, time: Who saved it, and when (seconds since 1970).
        event: The id of what was written, for who saves it again.
        others: What was saved side by side with it, where nobody had seen the other, newest first.
        earlier: What it said before, newest first, where that was asked for.
    """

    name: str
    project: str | None
    text: str
    user: str
    time: float
    event: str
    others: tuple[Report, ...] = ()
    earlier: tuple[Report, ...] = ()

    @property
    def title(self) -> str:
        """Its first heading; its name where it has none."""
        return title_of(self.text) or self.name

    @property
    def seen(self) -> tuple[str, ...]:
        """The events that whoever read this has seen."""
        return (self.event, *(one.event for one in self.others))


def check_report(edit: DocumentEdit) -> None:
    """Check a report that somebody wants to write.

    Raises:
        InvalidName: Its name cannot be kept.
        InvalidValue: It is no text, or too long.
    """
    if edit.body is None:
        return
    check_label(edit.name, "name")
    text = edit.body.get("text")
    if not isinstance(text, str):
        raise InvalidValue("A report has a `text`, in Markdown.", key="text")
    if len(text) > _MOST:
        raise InvalidValue(
            f"A report has at most {_MOST:,} characters; this one has {len(text):,}.", key="text"
        )


def version_of(report: Report, number: int | None) -> Report:
    """A version of a report that was asked for with its history.

    Args:
        number: Counted from 1, the first that was saved; None for the newest.

    Raises:
        NotFound: It has no such version.
    """
    if number is None:
        return report
    every = (report, *report.others, *report.earlier)[::-1]
    if not 1 <= number <= len(every):
        raise NotFound(
            f"{report.name!r} has {len(every)} version{'' if len(every) == 1 else 's'}; there is no version {number}.",
            name=str(number),
        )
    return every[number - 1]


def report_of(one: Document) -> Report:
    """What a document says."""
    text = (one.body or {}).get("text")
    return Report(
        name=one.name,
        project=project_in(one.scope),
        text=text if isinstance(text, str) else "",
        user=one.user,
        time=one.time,
        event=one.event,
        others=tuple(map(report_of, one.others)),
        earlier=tuple(map(report_of, one.earlier)),
    )
