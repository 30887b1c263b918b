"""`tag`, `note`, `param` and `move`: what people say about an experiment, and where it is filed."""

from __future__ import annotations

import json
import sys

import click

from ..plots.labels import flat
from .face import Face, complete_experiment, shared
from .words import one_line, printable, value

__all__ = ["move", "note", "param", "tag"]


@click.command()
@click.argument("experiment", shell_complete=complete_experiment)
@click.argument("tags", nargs=-1)
@click.option("-r", "--remove", multiple=True, metavar="TAG", help="Remove this tag; may repeat.")
@shared(quiet="Print nothing but errors.")
def tag(face: Face, experiment: str, tags: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Add and remove tags of an experiment.

    A tag is a word, or a word with a value: TEAM=vision. Without tags it prints those there are.

    \b
    Examples:
      anew tag k7f3 baseline team=vision
      anew tag k7f3 --remove draft
      anew tag k7f3
    """
    with face.store() as store:
        view = store.get(experiment)
        if tags or remove:
            missing = [one for one in remove if one not in view.tags]
            if missing:
                raise click.UsageError(
                    f"{view.id} has no tag {', '.join(map(repr, missing))}; "
                    f"it has {', '.join(map(repr, view.tags)) or 'none'}."
                )
            added = {
                one.partition("=")[0]: one.partition("=")[2] if "=" in one else None for one in tags
            }
            view = store.tag(view.id, add=added, remove=list(remove))

    def table() -> None:
        for key, its in view.tags.items():
            face.out.line(one_line(key if its is None else f"{key}={its}"))
        if not view.tags:
            face.out.say(f"{view.id} has no tags.")

    face.out.emit({"id": view.id, "tags": dict(view.tags)}, table=table)


@click.command()
@click.argument("experiment", shell_complete=complete_experiment)
@click.argument("values", nargs=-1, metavar="NAME=VALUE…")
@shared(quiet="Print nothing but errors.")
def param(face: Face, experiment: str, values: tuple[str, ...]) -> None:
    """Correct parameters of an experiment.

    A value is read as JSON where it is JSON (0.1, true, null, [1, 2], "0.1"), else as a text. A dotted name is nested.
    Nothing else changes: not the status, the duration or how the experiment was run. Without values it prints the
    parameters there are.

    \b
    Examples:
      anew param k7f3 lr=3e-4 model.depth=12
      anew param k7f3 optimizer=adam
    """
    given = {}
    for one in values:
        name, equals, text = one.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{one!r} is no NAME=VALUE.")
        try:
            given[name] = json.loads(text)
        except ValueError:
            given[name] = text
    with face.store() as store:
        view = store.get(experiment)
        if given:
            view = store.set_params(view.id, given)
        params = flat(view.params)

    def table() -> None:
        for key, found in params.items():
            face.out.line(one_line(f"{key}={value(found)}"))
        if not params:
            face.out.say(f"{view.id} has no parameters.")

    face.out.emit({"id": view.id, "params": view.params.to_dict()}, table=table)


@click.command()
@click.argument("experiment", shell_complete=complete_experiment)
@click.argument("text", nargs=-1)
@click.option("-a", "--append", is_flag=True, help="Append to the existing notes.")
@click.option("-e", "--edit", is_flag=True, help="Edit them in an editor.")
@click.option("--clear", is_flag=True, help="Remove the notes.")
@shared(quiet="Print nothing but errors.")
def note(
    face: Face, experiment: str, text: tuple[str, ...], append: bool, edit: bool, clear: bool
) -> None:
    """Set the notes of an experiment.

    TEXT of "-" is read from standard input. Without a text it prints the notes there are.

    \b
    Examples:
      anew note k7f3 "diverges after warm-up"
      anew note k7f3 --append "better with clipping"
      git log -1 | anew note k7f3 -
      anew note k7f3 --edit
    """
    if sum((bool(text), edit, clear)) > 1:
        raise click.UsageError("Give a text, --edit or --clear: one of them.")
    if append and not text:
        raise click.UsageError("--append needs a text.")
    with face.store() as store:
        view = store.get(experiment)
        new = " ".join(text)
        if new == "-":
            new = sys.stdin.read().rstrip("\n")
        if edit:
            edited = click.edit(view.notes or "")
            if edited is None:
                face.out.warn("The notes were left as they are: the editor did not save.")
                raise click.exceptions.Exit(5)
            new = edited.rstrip("\n")
        if append and view.notes:
            new = f"{view.notes}\n{new}"
        if text or edit or clear:
            view = store.note(view.id, new if new and not clear else None)

    def table() -> None:
        if view.notes:
            face.out.line(printable(view.notes))
        else:
            face.out.say(f"{view.id} has no notes.")

    face.out.emit({"id": view.id, "notes": view.notes}, table=table)


@click.command()
@click.argument("experiment", shell_complete=complete_experiment)
@click.argument("prefix")
@shared(quiet="Print nothing but errors.")
def move(face: Face, experiment: str, prefix: str) -> None:
    """File an experiment under another prefix.

    Its id stays the same, and so does what links to it. Experiments that lie in folders below it stay where they are.

    \b
    Examples:
      anew move k7f3 alice/paper/baseline
    """
    with face.store() as store:
        view = store.move(experiment, prefix)
    face.out.emit(
        {"id": view.id, "prefix": view.prefix},
        table=lambda: face.out.say(f"{view.id} is now at {printable(view.prefix)}."),
    )
