"""Experiments in a zip file: their folders, as they are."""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping

from ...errors import Incomplete
from ...journal.belongings import files_of
from ...journal.excerpt import excerpt
from ...journal.layout import OWN_FOLDERS, RootLayout, is_experiment
from ...journal.reserve import NO_ROOM
from ...journal.storage import Lies, Share
from ...record.ids import new_id

__all__ = ["write_archive"]


def write_archive(
    root: RootLayout,
    experiments: Mapping[str, tuple[str, Lies]],
    target: str,
    *,
    whole: bool,
    shows: Callable[[str], bool] = lambda scope: True,
) -> None:
    """Write experiments' folders as they are, each under its prefix, into a zip file.

    Of several experiments in one folder each gets a folder of its own, with its own files; what names none of them (documents,
    captures) goes with the first.

    What the root's journal says of them goes along, in a file of its own name, so that it is merged wherever it is
    unpacked, with a hint for each, so that a reader there looks at them.

    Args:
        experiments: By id, the prefix that each is shown at, and where it lies.
        whole: Also write what the journal says of no experiment.
        shows: Whether who gets it may see what is in a scope.

    Raises:
        FileExistsError: There is a file already.
        Incomplete: It was written, without some files that could not be read.
    """
    if os.path.exists(target):
        raise FileExistsError(f"{target} already exists. Export to another file.")
    if os.path.dirname(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
    part = f"{target}.part"
    left_out: dict[str, str] = {}
    try:
        # Times before 1980, which zip cannot say, become 1980.
        with zipfile.ZipFile(part, "x", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            written: set[str] = set()
            for prefix, lies in experiments.values():
                for path, name in _own_files(root, prefix, lies, left_out):
                    if name not in written:
                        written.add(name)
                        _write(archive, path, name, left_out)
            prefixes = {one: prefix for one, (prefix, _) in experiments.items()}
            said = excerpt(root, prefixes, whole=whole, shows=shows)
            if said:
                name = os.path.join(root.journal, f"export-{new_id()}.jsonl")
                archive.writestr(root.prefix_of(name), said)
        os.replace(part, target)
    except BaseException:
        if os.path.exists(part):
            os.remove(part)
        raise
    if left_out:
        shown = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:5])
        more = f"; and {len(left_out) - 5} more" if len(left_out) > 5 else ""
        raise Incomplete(
            f"{target} was written without what could not be read: {shown}{more}. Everything else is in it.",
            left_out=left_out,
        )


def _write(archive: zipfile.ZipFile, path: str, name: str, left_out: dict[str, str]) -> None:
    """Write one file; one that cannot be read, or not to its end, is noted with the reason."""
    try:
        source = open(path, "rb")  # noqa: SIM115  (a file that cannot be opened must not get an entry)
    except OSError as error:
        left_out[name] = error.strerror or str(error)
        return
    with source:
        about = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
        about.compress_type = archive.compression
        with archive.open(about, "w") as target:
            try:
                shutil.copyfileobj(source, target, 1 << 20)
            except OSError as error:
                if error.errno in NO_ROOM:
                    raise  # of the target's disk
                left_out[name] = f"it could not be read to its end: {error.strerror or error}"


def _own_files(
    root: RootLayout, prefix: str, lies: Lies, left_out: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """The files of an experiment and their names in the archive."""
    folder = root.experiment(lies.folder).folder
    if lies.share is None:
        yield from _files(folder, prefix, left_out)
        return
    if lies.share.all_but:
        others = set(files_of(folder, Share(lies.share.writers)))
        for path, name in _files(folder, prefix, left_out):
            if path not in others:
                yield path, name
        return
    for path in files_of(folder, lies.share):
        relative = os.path.relpath(path, folder).replace(os.sep, "/")
        yield path, _as_text(f"{prefix}/{relative}")


def _files(folder: str, prefix: str, left_out: dict[str, str]) -> Iterator[tuple[str, str]]:
    def unread(error: OSError) -> None:
        at = os.path.relpath(error.filename or folder, folder).replace(os.sep, "/")
        left_out[_as_text(f"{prefix}/{at}")] = error.strerror or str(error)

    for at, folders, names in os.walk(folder, onerror=unread):
        inside = os.path.relpath(at, folder)
        if inside.split(os.sep)[0] not in OWN_FOLDERS and inside != "." and is_experiment(at):
            folders.clear()  # another experiment, whose prefix goes on from this one's
            continue
        folders.sort()
        for name in sorted(names):
            path = os.path.join(at, name)
            if os.path.isfile(path) and not os.path.islink(path):
                relative = name if inside == "." else f"{inside.replace(os.sep, '/')}/{name}"
                yield path, _as_text(f"{prefix}/{relative}")


def _as_text(name: str) -> str:
    """A name for a zip file, which takes text alone: bytes that are none are written as in a URL."""
    return re.sub("[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", name)
