"""`tag`, `note`, `describe`, `rename`, `edit`, `move` and `undo`: what people say about experiments, and where they are filed."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ..errors import NotFound
from ..plots.labels import flat
from .changing import changes_options, chosen, forget, made_last, make, tell
from .face import Face, complete_experiment, shared
from .words import one_line, printable, value

if TYPE_CHECKING:
    from ..reading.changing import Change
    from ..reading.views import ExperimentView
    from ..store import Store

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
    from ..reading.changing import tagging

    with face.store() as store:
        views, tags = chosen(store, words, filter)
        missing = [one for one in remove if not any(one in view.tags for view in views)]
        if missing:
            which = views[0].id if len(views) == 1 else "None of the experiments"
            there = ", ".join(map(repr, views[0].tags)) or "none"
            raise click.UsageError(
                f"{which} has {'no' if len(views) == 1 else 'a'} tag {', '.join(map(repr, missing))}"
                + (f"; it has {there}." if len(views) == 1 else ".")
            )
        added = {
            one.partition("=")[0]: one.partition("=")[2] if "=" in one else None for one in tags
        }
        if added or remove:
            changes = [tagging(view, added, remove) for view in views]
            if _made(face, store, changes, views, filter, dry_run):
                return
        view = _one(store, views)

    def table() -> None:
        for key, its in view.tags.items():
            face.out.line(one_line(key if its is None else f"{key}={its}"))
        if not view.tags:
            face.out.say(f"{view.id} has no tags.")

    face.out.emit({"id": view.id, "tags": dict(view.tags)}, table=table)


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
    from ..reading.changing import correcting

    given = dict(map(_named, params))
    if why is not None and not (given or remove):
        raise click.UsageError("--why goes with --param or --remove.")
    with face.store() as store:
        views, _ = chosen(store, (experiment,) if experiment else (), filter)
        if given or remove:
            changes = [correcting(view, given, remove, why) for view in views]
            if _made(face, store, changes, views, filter, dry_run):
                return
        view = _one(store, views)
        values = flat(view.params)
        corrected = view.corrected

    def table() -> None:
        for key, found in values.items():
            face.out.line(one_line(f"{key}={value(found)}"))
        if not values:
            face.out.say(f"{view.id} has no parameters.")

    face.out.emit(
        {
            "id": view.id,
            "params": view.params.to_dict(),
            "corrected": {name: one.to_dict() for name, one in corrected.items()},
        },
        table=table,
    )


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
    from ..reading.changing import noting

    with face.store() as store:
        views, text = chosen(store, words, filter)
        if sum((bool(text), edit, clear)) > 1:
            raise click.UsageError("Give a text, --edit or --clear: one of them.")
        if append and not text:
            raise click.UsageError("--append needs a text.")
        if edit and len(views) > 1:
            raise click.UsageError("--edit is for one experiment.")
        new = _text(text)
        if edit:
            edited = click.edit(views[0].notes or "")
            if edited is None:
                face.out.warn("The notes were left as they are: the editor did not save.")
                raise click.exceptions.Exit(5)
            new = edited.rstrip("\n")
        if text or edit or clear:

            def becomes(view: ExperimentView) -> str | None:
                if clear or not new:
                    return None
                return f"{view.notes}\n{new}" if append and view.notes else new

            changes = [noting(view, becomes(view)) for view in views]
            if _made(face, store, changes, views, filter, dry_run):
                return
        view = _one(store, views)
    _say_text(face, view, "notes", view.notes)


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
    from ..reading.changing import describing

    with face.store() as store:
        views, text = chosen(store, words, filter)
        if text and clear:
            raise click.UsageError("Give a text or --clear: one of them.")
        if text or clear:
            changes = [describing(view, _text(text) or None) for view in views]
            if _made(face, store, changes, views, filter, dry_run):
                return
        view = _one(store, views)
    _say_text(face, view, "description", view.description)


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
    from ..reading.changing import renaming

    with face.store() as store:
        views, text = chosen(store, words, filter)
        if not text:
            raise click.UsageError("Say the new name.")
        changes = [renaming(view, " ".join(text)) for view in views]
        if _made(face, store, changes, views, filter, dry_run):
            return
        view = _one(store, views)
    face.out.emit(
        {"id": view.id, "name": view.name},
        table=lambda: face.out.say(f"{view.id} is now called {printable(view.name)}."),
    )


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
    from ..reading.changing import moving

    with face.store() as store:
        if len(words) != (1 if filter else 2):
            raise click.UsageError(
                "Say where they go: one PREFIX." if filter else "Give an EXPERIMENT and a PREFIX."
            )
        target = words[-1].strip("/")
        if filter:
            views, _ = chosen(store, (), filter)
            places = [f"{target}/{view.prefix.rsplit('/', 1)[-1]}" for view in views]
            several = True
        else:
            views, places, several = _from_place(store, words[0], target)
        if len(set(places)) < len(places):
            twice = next(one for one in places if places.count(one) > 1)
            raise click.UsageError(f"Several of them would be at {twice}: move them one by one.")
        changes = [moving(view, place) for view, place in zip(views, places, strict=True)]
        if _made(face, store, changes, views, "all" if several else None, dry_run):
            return
        view = _one(store, views)
    face.out.emit(
        {"id": view.id, "prefix": view.prefix},
        table=lambda: face.out.say(f"{view.id} is now at {printable(view.prefix)}."),
    )


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
    from ..reading.changing import hiding

    with face.store() as store:
        views, metrics = chosen(store, words, filter)
        if metrics:
            changes = [hiding(view, metrics, why, show=show) for view in views]
            if not any(changes):
                raise NotFound(
                    f"No metric like {', '.join(map(repr, metrics))} is {'hidden' if show else 'shown'} there."
                )
            if _made(face, store, changes, views, filter, dry_run):
                return
        view = _one(store, views)
        hidden = view.hidden

    def table() -> None:
        for name, one in hidden.items():
            face.out.line(one_line(f"{name}  {one.why or ''}".rstrip()))
        if not hidden:
            face.out.say(f"{view.id} has no hidden metrics.")

    face.out.emit(
        {"id": view.id, "hidden": {name: one.to_dict() for name, one in hidden.items()}},
        table=table,
    )


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
    from ..reading.changing import undo as taking_back

    with face.store() as store:
        done = made_last(store)
        ids = {one.id for one in done.changes}
        views = {one: view for one in ids if (view := _there(store, one)) is not None}
        changes = taking_back(done.changes, views)
        if not dry_run:
            make(face, store, f"undo {done.command}", changes, kept=False)
            forget(done)
    tell(face, changes, len(changes), dry_run, command=done.command, undone=True)


def _there(store: Store, id_: str) -> ExperimentView | None:
    try:
        return store.get(id_)
    except NotFound:
        return None


def _from_place(
    store: Store, place: str, target: str
) -> tuple[list[ExperimentView], list[str], bool]:
    """The experiment named, or else all that lie below a prefix, and where they go."""
    try:
        return [store.get(place)], [target], False
    except NotFound:
        above = place.strip("/") + "/"
        text = above.replace("\\", "\\\\").replace("'", "\\'")
        views = [
            view
            for view in store.list(f"'{text}' in prefix", reproductions=True)
            if view.prefix.startswith(above)
        ]
        if not views:
            raise
        return views, [f"{target}/{view.prefix[len(above) :]}" for view in views], True


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
    def table() -> None:
        if text:
            face.out.line(printable(text))
        else:
            face.out.say(f"{view.id} has no {field}.")

    face.out.emit({"id": view.id, field: text}, table=table)


def _one(store: Store, views: Sequence[ExperimentView]) -> ExperimentView:
    """The only experiment, as it is now."""
    if len(views) != 1:
        raise click.UsageError("Say what changes.")
    return store.get(views[0].id)


def _made(
    face: Face,
    store: Store,
    changes: Sequence[Change | None],
    views: Sequence[ExperimentView],
    several: str | None,
    dry_run: bool,
) -> bool:
    """Make the changes; whether it was told, as it is of several experiments and with --dry-run."""
    found = [one for one in changes if one is not None]
    if not dry_run:
        make(face, store, click.get_current_context().info_name or "", found)
    if several or dry_run:
        tell(face, found, len(views), dry_run)
    return bool(several or dry_run)
