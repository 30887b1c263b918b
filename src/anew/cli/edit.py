"""`tag`, `note`, `describe`, `rename`, `edit`, `move` and `undo`: what people say about experiments, and where they are filed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..commands import changes as asked
from ..commands.planning import KINDS, taking_back
from ..plots.labels import flat
from .changing import changes_options, forget, made_last, make, parted, tell
from .face import Face, complete_experiment, several, shared
from .words import one_line, printable, value

if TYPE_CHECKING:
    from ..reading.views import ExperimentView

__all__ = ["describe", "edit", "hide", "move", "note", "rename", "tag", "undo"]

_QUIET = "Print nothing but errors."


@click.command()
@click.argument("words", nargs=-1, metavar="EXPERIMENT [TAGS]…", shell_complete=complete_experiment)
@click.option("-r", "--remove", multiple=True, metavar="TAG", help="Remove this tag; may repeat.")
@changes_options
@shared(quiet=_QUIET)
def tag(
    face: Face, words: tuple[str, ...], remove: tuple[str, ...], filter: str | None, dry_run: bool
) -> None:
    """Add and remove tags of experiments.

    A tag is a word, or a word with a value: TEAM=vision. Without tags it prints those there are.

    \b
    Examples:
      anew tag k7f3 baseline team=vision
      anew tag k7f3 --remove draft
      anew tag --filter "params.lr > 0.1" too-fast --dry-run
      anew tag k7f3
    """
    experiment, tags = parted(words, filter)
    question = asked.TagChange(
        experiment=experiment, filter=filter, dry_run=dry_run, tags=tags, remove=remove
    )

    def table(view: ExperimentView) -> None:
        for key, its in view.tags.items():
            face.out.line(one_line(key if its is None else f"{key}={its}"))
        if not view.tags:
            face.out.say(f"{view.id} has no tags.")

    _run(face, "tag", question, table)


@click.command()
@click.argument("experiment", required=False, shell_complete=complete_experiment)
@click.option(
    "-p",
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="Give a parameter this value; may repeat.",
)
@click.option(
    "-r",
    "--remove",
    multiple=True,
    metavar="NAME",
    help="Take a parameter away; may repeat.",
)
@click.option("-w", "--why", metavar="TEXT", help="Why, to be read beside the correction.")
@changes_options
@shared(quiet=_QUIET)
def edit(
    face: Face,
    experiment: str | None,
    params: tuple[str, ...],
    remove: tuple[str, ...],
    why: str | None,
    filter: str | None,
    dry_run: bool,
) -> None:
    """Correct parameters of experiments.

    A value is read as JSON where it is JSON (0.1, true, null, [1, 2], "0.1"), else as a text. A dotted name is nested.
    What the program had set stays in the record and is shown beside the correction. Nothing else changes: not the status,
    the duration or how the experiment was run. Without values it prints the parameters there are.

    \b
    Examples:
      anew edit k7f3 --param lr=3e-4 --why "a typo in the script"
      anew edit k7f3 --param optimizer=adam --remove momentum
      anew edit --filter "'v2' in tags" --param data.version=2 --dry-run
    """
    given = dict(map(_named, params))
    if why is not None and not (given or remove):
        raise click.UsageError("--why goes with --param or --remove.")
    question = asked.EditChange(
        experiment=parted((experiment,) if experiment else (), filter)[0], filter=filter, dry_run=dry_run,
        param=given, remove=remove, why=why,
    )  # fmt: skip

    def table(view: ExperimentView) -> None:
        values = flat(view.params)
        for key, found in values.items():
            face.out.line(one_line(f"{key}={value(found)}"))
        if not values:
            face.out.say(f"{view.id} has no parameters.")

    _run(face, "edit", question, table)


@click.command()
@click.argument("words", nargs=-1, metavar="EXPERIMENT [TEXT]", shell_complete=complete_experiment)
@click.option("-a", "--append", is_flag=True, help="Append to the existing notes.")
@click.option("-e", "--edit", is_flag=True, help="Edit them in an editor.")
@click.option("--clear", is_flag=True, help="Remove the notes.")
@changes_options
@shared(quiet=_QUIET)
def note(
    face: Face,
    words: tuple[str, ...],
    append: bool,
    edit: bool,
    clear: bool,
    filter: str | None,
    dry_run: bool,
) -> None:
    """Set the notes of experiments.

    TEXT of "-" is read from standard input. Without a text it prints the notes there are.

    \b
    Examples:
      anew note k7f3 "diverges after warm-up"
      anew note k7f3 --append "better with clipping"
      anew note --filter "status == 'failed'" --append "the disk was full"
      git log -1 | anew note k7f3 -
      anew note k7f3 --edit
    """
    experiment, text = parted(words, filter)
    if sum((bool(text), edit, clear)) > 1:
        raise click.UsageError("Give a text, --edit or --clear: one of them.")
    if append and not text:
        raise click.UsageError("--append needs a text.")
    new = _text(text)
    if edit:
        with face.store() as store:
            views = [store.get(experiment)] if experiment else several(store, (), filter)
        if len(views) > 1:
            raise click.UsageError("--edit is for one experiment.")
        edited = click.edit(views[0].notes or "")
        if edited is None:
            face.out.warn("The notes were left as they are: the editor did not save.")
            raise click.exceptions.Exit(5)
        new = edited.rstrip("\n")
    question = asked.NoteChange(
        experiment=experiment, filter=filter, dry_run=dry_run,
        text=new if text or edit else None, append=append, clear=clear,
    )  # fmt: skip
    _run(face, "note", question, lambda view: _say_text(face, view, "notes", view.notes))


@click.command()
@click.argument("words", nargs=-1, metavar="EXPERIMENT [TEXT]", shell_complete=complete_experiment)
@click.option("--clear", is_flag=True, help="Remove the description.")
@changes_options
@shared(quiet=_QUIET)
def describe(
    face: Face, words: tuple[str, ...], clear: bool, filter: str | None, dry_run: bool
) -> None:
    """Set the description of experiments: what they are about, in a line or two.

    TEXT of "-" is read from standard input. Without a text it prints the description there is.

    \b
    Examples:
      anew describe k7f3 "the baseline of the paper"
      anew describe --filter "'ablation' in tags" "without augmentation"
      anew describe k7f3 --clear
    """
    experiment, text = parted(words, filter)
    if text and clear:
        raise click.UsageError("Give a text or --clear: one of them.")
    question = asked.DescribeChange(
        experiment=experiment, filter=filter, dry_run=dry_run, text=_text(text) if text else None, clear=clear
    )  # fmt: skip
    _run(
        face,
        "describe",
        question,
        lambda view: _say_text(face, view, "description", view.description),
    )


@click.command()
@click.argument("words", nargs=-1, metavar="EXPERIMENT NAME", shell_complete=complete_experiment)
@changes_options
@shared(quiet=_QUIET)
def rename(face: Face, words: tuple[str, ...], filter: str | None, dry_run: bool) -> None:
    """Change the name of experiments, which is a label: their prefixes and folders stay.

    \b
    Examples:
      anew rename k7f3 baseline
      anew rename --filter "'paper' in tags" "paper run"
    """
    experiment, text = parted(words, filter)
    if not text:
        raise click.UsageError("Say the new name.")
    question = asked.RenameChange(
        experiment=experiment, filter=filter, dry_run=dry_run, name=" ".join(text)
    )
    _run(
        face, "rename", question, lambda view: face.out.say(f"{view.id} is now called {printable(view.name)}.")
    )  # fmt: skip


@click.command()
@click.argument("words", nargs=-1, metavar="EXPERIMENT PREFIX", shell_complete=complete_experiment)
@changes_options
@shared(quiet=_QUIET)
def move(face: Face, words: tuple[str, ...], filter: str | None, dry_run: bool) -> None:
    """File experiments under another prefix.

    Their ids stay the same, and so does what links to them. A prefix that is no experiment's, such as that of a project,
    moves all that lie below it. Experiments that match a --filter go below PREFIX, each under the last part of its prefix.
    Of an experiment that is moved alone, those that lie in folders below it stay where they are.

    \b
    Examples:
      anew move k7f3 alice/paper/baseline
      anew move alice/vision alice/old-vision --dry-run
      anew move --filter "'draft' in tags" alice/drafts
    """
    if len(words) != (1 if filter else 2):
        raise click.UsageError(
            "Say where they go: one PREFIX." if filter else "Give an EXPERIMENT and a PREFIX."
        )
    question = asked.MoveChange(
        experiment=None if filter else words[0], filter=filter, dry_run=dry_run, prefix=words[-1]
    )
    _run(
        face, "move", question, lambda view: face.out.say(f"{view.id} is now at {printable(view.prefix)}.")
    )  # fmt: skip


@click.command()
@click.argument(
    "words", nargs=-1, metavar="EXPERIMENT [METRICS]…", shell_complete=complete_experiment
)
@click.option("--show", is_flag=True, help="Show them again.")
@click.option("-w", "--why", metavar="TEXT", help="Why, to be read by who looks for them.")
@changes_options
@shared(quiet=_QUIET)
def hide(
    face: Face,
    words: tuple[str, ...],
    show: bool,
    why: str | None,
    filter: str | None,
    dry_run: bool,
) -> None:
    """Hide metrics of experiments: lists, filters, charts, frames and exports are without them.

    A metric is given by its name or a pattern. The record keeps the points, which lie among those of other metrics: no space is freed.
    Without metrics it prints those that are hidden.

    \b
    Examples:
      anew hide k7f3 grad_norm --why "logged with the wrong scale"
      anew hide --filter "project == 'vision'" 'debug/*' --dry-run
      anew hide k7f3 grad_norm --show
      anew hide k7f3
    """
    experiment, metrics = parted(words, filter)
    question = asked.HideChange(
        experiment=experiment, filter=filter, dry_run=dry_run, metrics=metrics, show=show, why=why
    )

    def table(view: ExperimentView) -> None:
        for name, one in view.hidden.items():
            face.out.line(one_line(f"{name}  {one.why or ''}".rstrip()))
        if not view.hidden:
            face.out.say(f"{view.id} has no hidden metrics.")

    _run(face, "hide", question, table)


@click.command()
@click.option("-n", "--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@shared(quiet=_QUIET)
def undo(face: Face, dry_run: bool) -> None:
    """Take back what the last command changed that was run here on this store.

    It takes back `tag`, `note`, `describe`, `rename`, `edit`, `hide`, `move`, `delete` (not --permanently) and `restore`, newest first, the last
    twenty of them. Where something was changed again since, nothing is taken back.

    \b
    Examples:
      anew undo --dry-run
      anew undo
    """
    with face.store() as store:
        done = made_last(store)
        changes = taking_back(store, done.changes)
        if not dry_run:
            make(face, store, f"undo {done.command}", changes, kept=False)
            forget(done)
    tell(face, changes, len(changes), dry_run, command=done.command, undone=True)


def _named(given: str) -> tuple[str, Any]:
    name, equals, text = given.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{given!r} is no NAME=VALUE.")
    try:
        return name, json.loads(text)
    except ValueError:
        return name, text


def _text(words: Sequence[str]) -> str:
    text = " ".join(words)
    return sys.stdin.read().rstrip("\n") if text == "-" else text


def _say_text(face: Face, view: ExperimentView, field: str, text: str | None) -> None:
    if text:
        face.out.line(printable(text))
    else:
        face.out.say(f"{view.id} has no {field}.")


def _run(
    face: Face, name: str, question: asked.WhichChange, table: Callable[[ExperimentView], None]
) -> None:
    """Make the changes that a command is asked for, and tell of them; of one experiment, tell how it is then."""
    kind = KINDS[name]
    with face.store() as store:
        plan = kind.plan(store, question)
        if plan.changes is not None:
            if not question.dry_run:
                make(face, store, name, plan.found)
            if plan.several or question.dry_run:
                tell(face, plan.found, len(plan.views), question.dry_run)
                return
        view = store.get(plan.one().id)
    face.out.emit(kind.document(view), table=lambda: table(view))
