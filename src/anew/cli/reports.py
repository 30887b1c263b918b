"""`reports`: Markdown documents with views inside."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from ..commands.answers import report_version
from ..commands.documents import report_document
from ..commands.questions import ReportsShowOptions
from .face import Face, shared
from .output import Column
from .words import ago, moment, one_line, plural, size

if TYPE_CHECKING:
    from ..reports.document import Report

__all__ = ["reports"]

_project = click.option(
    "-p", "--project", metavar="PREFIX", help="The project that it is for; all if not given."
)
_version = click.option(
    "--version", type=click.IntRange(1), metavar="N", help="An earlier version, as --history numbers them."
)  # fmt: skip


@click.group(invoke_without_command=True)
@shared(quiet="Print names alone, one per line.")
def reports(face: Face) -> None:
    """Reports: Markdown documents with curves, tables and verdicts of experiments in them.

    What a fenced `anew` block in the text shows is asked for whenever the report is looked at. A report can be kept in git as a
    file, and saved from it. Without a command, the reports are listed.

    \b
    Examples:
      anew reports
      anew reports save paper paper.md --project lab/vision
      anew reports show paper > paper.md
      anew reports export paper paper.pdf
    """
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        context.invoke(list_, project=None)


@reports.command("list")
@click.option("-p", "--project", metavar="PREFIX", help="Only those that concern this project.")
@shared(quiet="Print names alone, one per line.")
def list_(face: Face, project: str | None) -> None:
    """List reports, with who saved them and when.

    \b
    Examples:
      anew reports list
      anew reports list --project lab/vision --json
    """
    with face.store(refresh=False) as store:
        found = store.reports.list(project)

    def table() -> None:
        if not found:
            face.out.say(
                "There are no reports. `anew reports save NAME FILE` saves one, and the page writes them."
            )
            return
        now = time.time()
        face.out.table(
            [
                Column("REPORT", [one_line(one.name) for one in found], least=12),
                Column("PROJECT", [one_line(one.project or "all") for one in found], weight=2),
                Column("TITLE", [one_line(one.title) for one in found], weight=3),
                Column("SAVED", [ago(one.time, now) for one in found], weight=4),
                Column("BY", [one_line(one.user) for one in found], weight=5),
                Column("", ["also saved by somebody else" if one.others else "" for one in found], weight=1),
            ]
        )  # fmt: skip

    face.out.emit(
        {"reports": [report_document(one) for one in found]},
        ids=(one.name for one in found),
        table=table,
    )


@reports.command()
@click.argument("name")
@_project
@_version
@click.option("--history", is_flag=True, help="List who saved it, and when, instead.")
@shared(quiet="Print the Markdown alone.")
def show(face: Face, name: str, project: str | None, version: int | None, history: bool) -> None:
    """Print the text of a report, as Markdown.

    \b
    Examples:
      anew reports show paper > paper.md
      anew reports show paper --history
      anew reports show paper --version 2
    """
    asked = ReportsShowOptions(name=name, project=project, history=history, version=version)
    with face.store(refresh=False) as store:
        one = report_version(store, asked)

    def table() -> None:
        if not history:
            face.out.line(one.text.rstrip("\n"))
            return
        every = (one, *one.others, *one.earlier)
        face.out.table(
            [
                Column("VERSION", [str(len(every) - at) for at in range(len(every))]),
                Column("SAVED", [moment(each.time) for each in every]),
                Column("BY", [one_line(each.user) for each in every]),
                Column("TEXT", [_about(each) for each in every], weight=1),
            ]
        )  # fmt: skip

    face.out.emit({"report": report_document(one, history=history)}, table=table)


def _about(one: Report) -> str:
    return plural(len(one.text.splitlines()), "line") if one.text else "removed"


@reports.command()
@click.argument("name")
@click.argument("file", type=click.File(encoding="utf-8"))
@_project
@shared(quiet="Print nothing but errors.")
def save(face: Face, name: str, file: TextIO, project: str | None) -> None:
    """Save a report from a FILE of Markdown; `-` for the standard input.

    A report of this name is replaced, and stays in its history.

    \b
    Examples:
      anew reports save paper paper.md
      anew reports save paper paper.md --project lab/vision
    """
    text = file.read()
    with face.store(refresh=False) as store:
        _done(face, store.reports.save(name, text, project), "saved")


@reports.command()
@click.argument("name")
@_project
@shared(quiet="Print nothing but errors.")
def remove(face: Face, name: str, project: str | None) -> None:
    """Remove a report.

    \b
    Examples:
      anew reports remove paper
    """
    with face.store(refresh=False) as store:
        _done(face, store.reports.remove(name, project), "removed")


@reports.command()
@click.argument("name")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_project
@_version
@shared(quiet="Print the path alone.")
def export(face: Face, name: str, file: Path, project: str | None, version: int | None) -> None:
    """Write a report to a FILE: .md, .html or .pdf.

    An HTML file has everything in it, and runs and loads nothing: attach it to a message, or put it on a web server. What the report
    shows is drawn now.

    \b
    Examples:
      anew reports export paper paper.html
      anew reports export paper paper.pdf --project lab/vision
    """
    from ..printing.writing import form_of, write_report

    form_of(file.name)
    asked = ReportsShowOptions(name=name, project=project, version=version)
    with face.store() as store:
        one = report_version(store, asked)
        with face.out.progress("Writing"):
            written = write_report(store, one, file)

    def table() -> None:
        face.out.line(f"{written.path}  {size(written.size)}")
        for problem in written.problems:
            face.out.line(problem, "dim")

    face.out.emit(
        {"written": str(written.path), "bytes": written.size, "problems": list(written.problems)},
        ids=[str(written.path)],
        table=table,
    )


def _done(face: Face, one: Report, what: str) -> None:
    of = f" for {one_line(one.project)}" if one.project else ""
    said = f"The report {one_line(one.name)}{of} is {what}."
    face.out.emit({"report": report_document(one)}, table=lambda: face.out.say(said))
