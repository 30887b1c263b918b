"""Experiments written out: as tables for other programs, or whole as a zip file."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, get_args

from ..errors import InvalidValue
from ..journal.layout import OWN_FOLDERS, RootLayout, is_experiment
from ..journal.root import journal_files
from .views import ExperimentView

if TYPE_CHECKING:
    from .reader import Reader

__all__ = ["Format", "export"]

Format = Literal["parquet", "csv", "jsonl", "zip"]
_FORMATS = get_args(Format)


_OF_ONE_ROOT = frozenset({"opened", "ended", "changed", "root", "sink"})


def export(
    reader: Reader,
    views: Sequence[ExperimentView],
    target: str,
    format: Format | None,
    *,
    whole: bool = False,
) -> list[str]:
    """See `Store.export`.

    Args:
        whole: Whether these are all experiments: a zip file then also holds what belongs to none of them.

    Raises:
        InvalidValue: There is no such format.
        FileExistsError: Something is there already.
        MissingDependency: pyarrow, which writes tables, is not installed.
    """
    chosen = format or ("zip" if target.lower().endswith(".zip") else "parquet")
    if chosen not in _FORMATS:
        raise InvalidValue(
            f"The format is one of {', '.join(_FORMATS)}, not {format!r}.", key="format"
        )
    if chosen == "zip":
        return [_zip(views, target, reader.layout if whole else None)]
    from .export_tables import export_tables

    return export_tables(reader, views, target, chosen)


def _zip(views: Sequence[ExperimentView], target: str, root: RootLayout | None) -> str:
    """The folders as they are, each under its prefix: unpacked into another root they are experiments there.

    Args:
        root: The root whose documents, versions and aliases to add; none if None.
    """
    if os.path.exists(target):
        raise FileExistsError(f"{target} is there already; export to another file.")
    if os.path.dirname(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
    part = f"{target}.part"
    try:
        # Times before 1980, which zip cannot say, become 1980.
        with zipfile.ZipFile(part, "x", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            written: set[str] = set()
            for view in views:
                for path, name in _files(str(view.path), view.prefix):
                    if name not in written:
                        written.add(name)
                        archive.write(path, name)
            for name, data in () if root is None else _root_journal(root):
                archive.writestr(name, data)
        os.replace(part, target)
    except BaseException:
        if os.path.exists(part):
            os.remove(part)
        raise
    return target


def _root_journal(root: RootLayout) -> Iterator[tuple[str, bytes]]:
    """The files of a root's journal, without the lines about this root itself: its id, its sinks, hints for its index."""
    for name in journal_files(root):
        path = os.path.join(root.journal, name)
        with open(path, "rb") as file:
            kept = b"".join(line for line in file if _travels(line))
        if kept:
            yield os.path.relpath(path, root.root).replace(os.sep, "/"), kept


def _travels(line: bytes) -> bool:
    try:
        kind = json.loads(line)["k"]
    except (ValueError, KeyError, TypeError):
        return False
    return line.endswith(b"\n") and kind not in _OF_ONE_ROOT


def _files(folder: str, prefix: str) -> Iterator[tuple[str, str]]:
    for at, folders, names in os.walk(folder):
        inside = os.path.relpath(at, folder)
        if inside.split(os.sep)[0] not in OWN_FOLDERS and inside != "." and is_experiment(at):
            folders.clear()  # another experiment, whose prefix goes on from this one's
            continue
        folders.sort()
        for name in sorted(names):
            path = os.path.join(at, name)
            if os.path.isfile(path) and not os.path.islink(path):
                relative = name if inside == "." else f"{inside.replace(os.sep, '/')}/{name}"
                yield path, f"{prefix}/{relative}"
