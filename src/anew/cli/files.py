"""`files`: what an experiment saved."""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..commands.documents import file_document, place_of, value_document
from ..errors import InvalidName, NotFound
from .face import Face, complete_experiment, shared
from .open import values_table
from .table import Column
from .words import moment, one_line, plural, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..reading.files import FileView, ValueView

__all__ = ["files"]


@click.command()
@click.argument("experiment", shell_complete=complete_experiment)
@click.argument("patterns", nargs=-1)
@click.option(
    "--save",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Copy them into this folder, checking their hashes.",
)
@click.option("--overwrite", is_flag=True, help="With --save: replace existing files.")
@click.option(
    "--cat",
    is_flag=True,
    help="Print the content of the one file that matches; if it was saved several times, the newest.",
)
@click.option("--freed", is_flag=True, help="List those whose bytes were freed, instead.")
@shared(quiet="Print their paths alone.")  # fmt: skip
def files(
    face: Face,
    experiment: str,
    patterns: tuple[str, ...],
    save: Path | None,
    overwrite: bool,
    cat: bool,
    freed: bool,
) -> None:
    """List the files of an experiment, or save copies of them.

    Its images, tables and other logged values are listed after its files; `anew open` shows one.

    A PATTERN is a name, or has * and ? in it; it is held against the name and against prefix/name. Of a name
    that was saved several times, --save gives older copies the id of their save in their names.

    \b
    Examples:
      anew files k7f3
      anew files k7f3 'models/*' --save /tmp/models
      anew files k7f3 config.json --cat
    """
    with face.store() as store:
        view = store.get(experiment)
        if freed and (save is not None or cat):
            raise click.UsageError("The bytes of freed files are gone: --freed only lists them.")
        gone = view.files.freed
        found = [one for one in (gone if freed else view.files) if _fits(one, patterns)]
        values = [
            one
            for one in ([] if freed or save is not None or cat else view.values())
            if not patterns or any(fnmatchcase(one.name, pattern) for pattern in patterns)
        ]
        if patterns and not found and not values:
            raise NotFound(
                f"{view.id} has no file that fits {', '.join(map(repr, patterns))}; "
                f"`anew files {view.id}` lists what it has.",
                name=patterns[0],
            )
        if cat:
            _print_content(face, found)
            return
        saved = None if save is None else _save(found, save, overwrite)

    def table() -> None:
        if saved is not None:
            face.out.ids(map(str, saved))
            return
        _list(face, view.id, found, values, gone, freed=freed)

    face.out.emit(
        {
            "id": view.id,
            "values": [value_document(one) for one in values],
            "files": [
                file_document(one, None if saved is None else saved[index])
                for index, one in enumerate(found)
            ],
        },
        ids=[str(one) for one in saved or ()] or [str(one.local_path or one.name) for one in found],
        table=table,
    )


def _print_content(face: Face, found: list[FileView]) -> None:
    """The content of the one file that fits, the newest where it was saved several times."""
    if len({place_of(one) for one in found}) != 1:
        raise click.UsageError(f"--cat prints one file, and {len(found)} fit.")
    data = found[-1].read_bytes()
    if sys.stdout.isatty():  # a terminal obeys what is in it
        face.out.line(data.decode("utf-8", "replace"))
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def _list(
    face: Face,
    experiment: str,
    found: list[FileView],
    values: list[ValueView],
    gone: Sequence[FileView],
    *,
    freed: bool,
) -> None:
    """A table of files, below it one of values, and what is not shown."""
    if found:
        _table(face, found)
    elif freed:
        face.out.say(f"No file of {experiment} was freed.")
    elif not values:
        face.out.say(f"{experiment} has saved no files.")
    if values:
        if found:
            face.out.line()
        values_table(face, values)
    if gone and not freed:
        count = f"{plural(len(gone), 'older save')} of {size(sum(one.size for one in gone))}"
        face.out.say(f"{count} {'was' if len(gone) == 1 else 'were'} freed; --freed lists them.")


def _table(face: Face, found: list[FileView]) -> None:
    face.out.table(
        [
            Column("NAME", [one_line(place_of(one)) for one in found], least=16, styles="bold"),
            Column("SIZE", [size(one.size) for one in found], True),
            Column("STEP", ["" if one.step is None else str(one.step) for one in found], True, 2),
            Column("SAVED", [moment(one.time) for one in found], weight=3, styles="dim"),
            Column("HASH", [one.hash[:12] for one in found], weight=4, styles="dim"),
        ]
    )


def _fits(one: FileView, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(
        fnmatchcase(text, pattern) for pattern in patterns for text in (one.name, place_of(one))
    )


def _save(found: list[FileView], folder: Path, overwrite: bool) -> list[Path]:
    """Copy files to where they lie in the experiment; all places are checked before the first copy."""
    newest = {place_of(one): one.id for one in found}
    inside = folder.resolve()
    targets = []
    for one in found:
        target = inside / place_of(one)
        if newest[place_of(one)] != one.id:
            target = target.with_name(f"{target.stem}-{one.id}{target.suffix}")
        if not target.resolve().is_relative_to(inside):
            raise InvalidName(
                f"The file {place_of(one)!r} would lie outside {folder}; nothing was saved."
            )
        if target.exists() and not overwrite:
            raise FileExistsError(f"{target} is there already; --overwrite replaces it.")
        targets.append(target)
    return [
        one.save(target, overwrite=overwrite) for one, target in zip(found, targets, strict=True)
    ]
