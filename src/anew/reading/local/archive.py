"""Experiments in a zip file: their folders, as they are."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator, Mapping

from ...journal.excerpt import excerpt
from ...journal.layout import OWN_FOLDERS, RootLayout, is_experiment
from ...record.ids import new_id

__all__ = ["write_archive"]


def write_archive(
    root: RootLayout, experiments: Mapping[str, str], target: str, *, whole: bool
) -> None:
    """Write experiments' folders as they are, each under its prefix, into a zip file.

    What the root's journal says of them goes along, in a file of its own name, so that it is merged wherever it is
    unpacked, with a hint for each, so that a reader there looks at them.

    Args:
        experiments: Their prefixes by id.
        whole: Also write what the journal says of no experiment.

    Raises:
        FileExistsError: There is a file already.
    """
    if os.path.exists(target):
        raise FileExistsError(f"{target} already exists. Export to another file.")
    if os.path.dirname(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
    part = f"{target}.part"
    try:
        # Times before 1980, which zip cannot say, become 1980.
        with zipfile.ZipFile(part, "x", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            written: set[str] = set()
            for prefix in experiments.values():
                for path, name in _files(root.experiment(prefix).folder, prefix):
                    if name not in written:
                        written.add(name)
                        archive.write(path, name)
            said = excerpt(root, experiments, whole=whole)
            if said:
                name = os.path.join(root.journal, f"export-{new_id()}.jsonl")
                archive.writestr(root.prefix_of(name), said)
        os.replace(part, target)
    except BaseException:
        if os.path.exists(part):
            os.remove(part)
        raise


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
                yield path, _as_text(f"{prefix}/{relative}")


def _as_text(name: str) -> str:
    """A name for a zip file, which takes text alone: bytes that are none are written as in a URL."""
    return re.sub("[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", name)
