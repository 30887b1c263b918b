"""Which names a client may send: of segments and of other files, by the layout of an experiment's folder."""

from __future__ import annotations

import os
import re
import stat

__all__ = ["check_path", "is_id", "is_replaceable", "is_segment", "prepare"]

_WRITER = r"\w[\w.-]*"
_SEGMENT = re.compile(
    rf"journal/{_WRITER}\.jsonl|metrics/{_WRITER}\.jsonl|logs/logs-{_WRITER}\.jsonl|logs/train-{_WRITER}\.log"
)
_PART = re.compile(rf"metrics/{_WRITER}\.parquet")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_NAME = 255
_MOST_PATH = 2_000
_FOLDERS = frozenset({"files", "values", "environment", "openings"})
_DOCUMENTS = frozenset(
    {"metadata.json", "config.yaml", "params.json", "FAILED.txt", "reproduce.sh"}
)


def is_id(text: str) -> bool:
    """Whether a text may be an experiment's id: it becomes part of names of files."""
    return _ID.fullmatch(text) is not None


def is_segment(name: str) -> bool:
    """Whether a name may be that of a segment."""
    return _SEGMENT.fullmatch(name) is not None and _fits(name)


def check_path(path: str) -> str | None:
    """Why a path may not be that of another file of an experiment; None if it may."""
    parts = path.split("/")
    if not _fits(path) or any(
        part in ("", ".", "..") or part.endswith(".part") or not _is_plain(part) for part in parts
    ):
        return "it is no path of a file in an experiment's folder"
    if parts[0] in _FOLDERS and len(parts) > 1:
        return None
    if path in _DOCUMENTS or _PART.fullmatch(path) or is_part_text(path):
        return None
    return "it does not lie where an experiment keeps files"


def is_part_text(path: str) -> bool:
    """Whether a path is that of a part's lines."""
    return path.startswith("metrics/") and is_segment(path)


def is_replaceable(path: str) -> bool:
    """Whether a file may be replaced by a newer one: documents and captures. Files and values never change."""
    return path in _DOCUMENTS or path.startswith(("environment/", "openings/"))


def _fits(path: str) -> bool:
    try:
        sizes = [len(part.encode()) for part in path.split("/")]
    except UnicodeEncodeError:
        return False
    return max(sizes) <= _MOST_NAME and sum(sizes) <= _MOST_PATH


def _is_plain(part: str) -> bool:
    return "\\" not in part and not any(ord(char) < 32 or ord(char) == 127 for char in part)


def prepare(folder: str, path: str) -> str:
    """The path of a file in a folder, whose own folders are made if need be.

    Raises:
        OSError: One of them is a link, or no folder.
    """
    at = folder
    for part in path.split("/")[:-1]:
        at = os.path.join(at, part)
        try:
            mode = os.lstat(at).st_mode
        except FileNotFoundError:
            try:
                os.mkdir(at)
            except FileExistsError:
                pass
            mode = os.lstat(at).st_mode
        if not stat.S_ISDIR(mode):
            raise NotADirectoryError(20, "It is a link, or no folder", at)
    return os.path.join(folder, *path.split("/"))
