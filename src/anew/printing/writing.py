"""Writing a report to a file, in the form that the file's name says."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import InvalidValue
from ..reports.document import Report
from ..reports.meaning import linked_ids
from . import page, pdf
from .parts import Figure, Problem
from .sheet import parts_of_report
from .words import moment

if TYPE_CHECKING:
    from ..store import Store

__all__ = ["FORMS", "Form", "WrittenReport", "bytes_of", "form_of", "write_report"]

Form = Literal["md", "html", "pdf"]
FORMS: tuple[Form, ...] = ("md", "html", "pdf")


@dataclass(frozen=True)
class WrittenReport:
    """A report that was written to a file.

    Attributes:
        path: The file.
        size: How many bytes it has.
        problems: What could not be shown, in sentences; the file says so too.
    """

    path: Path
    size: int
    problems: tuple[str, ...]


def write_report(
    store: Store, report: str | Report, to: str | os.PathLike[str], *, project: str | None = None
) -> WrittenReport:
    """Write a report to a file: its Markdown (.md), one HTML file (.html), or a PDF (.pdf).

    What the blocks show is drawn now. An HTML file runs and loads nothing.

    Args:
        report: Its name, or a version of it, such as one of `earlier`.
        to: The file; one that is there is replaced.
        project: The project that a report of that name is for.

    Raises:
        NotFound: There is no such report.
        InvalidValue: The name of the file ends in something else.
        MissingDependency: The form needs a package that is not installed.
    """
    form = form_of(os.fspath(to))
    found = store.reports.get(report, project) if isinstance(report, str) else report
    content, problems = bytes_of(store, found, form)
    target = Path(to)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part-{os.getpid()}")
    try:
        part.write_bytes(content)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return WrittenReport(target, len(content), problems)


def form_of(name: str) -> Form:
    """The form of a file by its name.

    Raises:
        InvalidValue: It is none of ours.
    """
    ending = os.path.splitext(name)[1].lower()
    for form in FORMS:
        if ending == f".{form}":
            return form
    raise InvalidValue(
        f"A report is written as .md, .html or .pdf; {os.path.basename(name)!r} ends in {ending or 'nothing'!r}.", key="to"
    )  # fmt: skip


def bytes_of(store: Store, report: Report, form: Form) -> tuple[bytes, tuple[str, ...]]:
    """A report as a file, and what could not be shown of it, in sentences.

    Raises:
        MissingDependency: The form needs a package that is not installed.
    """
    if form == "md":
        return report.text.encode("utf-8", "replace"), ()
    if form == "pdf":
        pdf.check()
    parts = parts_of_report(store, report.text, report.project, "svg" if form == "html" else "png")
    problems = tuple(one.text for one in parts if isinstance(one, Problem))
    where = store.backend.about().where
    base = where.rstrip("/") if where.startswith(("http://", "https://")) else None

    charts = [chart for one in parts if isinstance(one, Figure) for chart in one.charts]
    named = {key.id: key.id for chart in charts for key in chart.keys if key.id}
    ids = {**named, **linked_ids(store.backend, report.text)} if base else {}

    def address(ref: str) -> str | None:
        return f"{base}/x/{ids[ref]}" if ref in ids else None

    about = f"{report.name} · {report.user} · {moment(report.time)}"
    if form == "html":
        text = page.render(parts, report.title, about, address)
        return text.encode("utf-8", "replace"), problems
    return pdf.render(parts, report.title, about, address), problems
