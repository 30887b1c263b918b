"""`views`: saved views of the page."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

import click

from ..commands.documents import view_document
from .face import Face, shared
from .output import Column
from .words import ago, moment, one_line

if TYPE_CHECKING:
    from ..reading.saved_views import SavedView

__all__ = ["views"]

_project = click.option(
    "-p", "--project", metavar="PREFIX", help="The project that it is for; all if not given."
)
_mine = click.option("--mine", is_flag=True, help="A view of one's own, which others do not see.")


@click.group(invoke_without_command=True)
@shared(quiet="Print names alone, one per line.")
def views(face: Face) -> None:
    """Saved views of the page: filters, columns and panels, kept under a name.

    A view is a readable YAML document, which can be kept in git and saved from a file. Without a command, the views are
    listed.

    \b
    Examples:
      anew views
      anew views show overview > overview.yaml
      anew views save overview overview.yaml --project lab/vision
      anew views default overview --project lab/vision
    """
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        context.invoke(list_, project=None)


@views.command("list")
@click.option("-p", "--project", metavar="PREFIX", help="Only those that concern this project.")
@shared(quiet="Print names alone, one per line.")
def list_(face: Face, project: str | None) -> None:
    """List saved views, with who saved them and when.

    \b
    Examples:
      anew views list
      anew views list --project lab/vision --json
    """
    with face.store(refresh=False) as store:
        found = store.saved_views.list(project)

    def table() -> None:
        if not found:
            face.out.say("There are no saved views. The page saves what it shows: Views, Save as.")
            return
        now = time.time()
        face.out.table(
            [
                Column("VIEW", [one_line(one.name) for one in found], least=12),
                Column("PROJECT", [one_line("mine" if one.mine else one.project or "all") for one in found], weight=2),
                Column("", ["default" if one.default else "" for one in found], weight=1),
                Column("SAVED", [ago(one.time, now) for one in found], weight=3),
                Column("BY", [one_line(one.user) for one in found], weight=4),
                Column("", ["also saved by somebody else" if one.others else "" for one in found], weight=1),
            ]
        )  # fmt: skip

    face.out.emit(
        {"views": [view_document(one) for one in found]},
        ids=(one.name for one in found),
        table=table,
    )


@views.command()
@click.argument("name")
@_project
@_mine
@click.option("--history", is_flag=True, help="List who saved it, and when, instead.")
@shared(quiet="Print the YAML alone.")
def show(face: Face, name: str, project: str | None, mine: bool, history: bool) -> None:
    """Print what a saved view shows, as YAML.

    \b
    Examples:
      anew views show overview > overview.yaml
      anew views show overview --history
    """
    from ..reading.saved_views import to_yaml

    with face.store(refresh=False) as store:
        one = store.saved_views.get(name, project, mine=mine, history=history)

    def table() -> None:
        if not history:
            face.out.line(to_yaml(one).rstrip("\n"))
            return
        every = (one, *one.others, *one.earlier)
        face.out.table(
            [
                Column("SAVED", [moment(each.time) for each in every]),
                Column("BY", [one_line(each.user) for each in every]),
                Column("PARTS", [one_line(", ".join(each.shows)) or "removed" for each in every], weight=1),
            ]
        )  # fmt: skip

    face.out.emit({"view": view_document(one, history=history)}, table=table)


@views.command()
@click.argument("name")
@click.argument("file", type=click.File(encoding="utf-8"), required=False)
@click.option(
    "-f",
    "--filter",
    metavar="FILTER",
    help="In place of a file: a view that is this filter, and nothing else.",
)
@_project
@_mine
@shared(quiet="Print nothing but errors.")
def save(
    face: Face, name: str, file: TextIO | None, filter: str | None, project: str | None, mine: bool
) -> None:
    """Save a view from a FILE of YAML; `-` for the standard input.

    A view of this name is replaced, and stays in its history. A saved filter is a view that is nothing but a filter: `anew list --view`
    lists what matches it, and the page changes nothing else when it is opened.

    \b
    Examples:
      anew views save overview overview.yaml
      echo "filter: status == 'failed'" | anew views save failures -
      anew views save failures --filter "status == 'failed'" --mine
    """
    if (file is None) == (filter is None):
        raise click.UsageError("Give a FILE or --filter: one of them.")
    text: str | dict[str, str] = {"filter": filter or ""} if file is None else file.read()
    with face.store(refresh=False) as store:
        _done(face, store.saved_views.save(name, text, project, mine=mine), "saved")


@views.command()
@click.argument("name")
@_project
@_mine
@shared(quiet="Print nothing but errors.")
def remove(face: Face, name: str, project: str | None, mine: bool) -> None:
    """Remove a saved view.

    \b
    Examples:
      anew views remove overview
    """
    with face.store(refresh=False) as store:
        _done(face, store.saved_views.remove(name, project, mine=mine), "removed")


@views.command()
@click.argument("name", required=False)
@_project
@_mine
@click.option("--none", "none", is_flag=True, help="Open on what the page chooses by itself again.")
@shared(quiet="Print nothing but errors.")
def default(face: Face, name: str | None, project: str | None, mine: bool, none: bool) -> None:
    """Have the page of a project, or of all, open on a saved view.

    \b
    Examples:
      anew views default overview --project lab/vision
      anew views default --none
    """
    if (name is None) != none:
        raise click.UsageError("Give the name of a view, or --none.")
    with face.store(refresh=False) as store:
        found = store.saved_views.set_default(name, project, mine=mine)
    if found is not None:
        _done(face, found, "opened by default")
    else:
        face.out.emit({"view": None}, table=lambda: face.out.say("There is no default view now."))


def _done(face: Face, one: SavedView, what: str) -> None:
    of = f" for {one_line(one.project)}" if one.project else ""
    said = f"The view {one_line(one.name)}{of} is {what}."
    face.out.emit({"view": view_document(one)}, table=lambda: face.out.say(said))
