"""What a run logged beyond numbers, out of the folder of its files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ....errors import InvalidValue
from ....importing.folders import read_at_most
from ....importing.foreign import open_plain, open_text
from ....values import Audio, Histogram, Image, Table, Text, Video

__all__ = ["Find", "file_of", "made", "path_of"]

_FILES: dict[Any, tuple[str, Any]] = {
    "image-file": ("image", Image),
    "audio-file": ("audio", Audio),
    "video-file": ("video", Video),
}
_MOST = 256 << 20


Find = Callable[[str], str | None]
"""The path on this machine of a file of the run, by its relative name; None where there is none."""


def made(value: Any, find: Find) -> list[tuple[str, Any]]:
    """The values that something logged is here: each one's kind, and what makes it; none for what has no kind here.

    What makes a value of a file is a partial whose first argument is the file's path.
    """
    if isinstance(value, str):
        return [("text", partial(Text, value))]
    if isinstance(value, list):
        return [("text", partial(Text, json.dumps(value, ensure_ascii=False)))]
    if not isinstance(value, Mapping):
        return []
    kind = value.get("_type")
    caption = value.get("caption") if isinstance(value.get("caption"), str) else None
    if kind == "histogram" and "values" in value:
        return [("histogram", partial(_histogram, value))]
    if kind == "images/separated":
        captions = value.get("captions") or []
        names = value.get("filenames") or []
        pairs = [
            (str(name), captions[at] if at < len(captions) else None)
            for at, name in enumerate(names)
        ]
        return [
            ("image", partial(Image, path, caption=text))
            for name, text in pairs
            if (path := find(name))
        ]
    path = file_of(value, find)
    if path is None:
        return []
    if kind in _FILES:
        form, make = _FILES[kind]
        return [(form, partial(make, path, caption=caption))]
    if kind == "html-file":
        return [("text", partial(_html, path))]
    if kind == "table-file":
        return [("table", partial(_table, path))]
    return []


def file_of(value: Any, find: Find) -> str | None:
    """The file of something logged, if it lies among the run's files."""
    return find(str(value.get("path") or "")) if isinstance(value, Mapping) else None


def path_of(make: Any) -> str | None:
    """The path of the file that a value is made from; None for one that is made from its record."""
    path = make.args[0] if isinstance(make, partial) and make.args else None
    return path if isinstance(path, str) and os.path.isabs(path) else None


def _histogram(value: Mapping[str, Any]) -> Histogram:
    if "bins" in value:
        return Histogram((value["values"], value["bins"]))
    packed: Any = value.get("packedBins")
    try:
        low, size, count = (float(packed[key]) for key in ("min", "size", "count"))
    except (TypeError, KeyError, ValueError):
        raise InvalidValue("A histogram has no bins.", key="bins") from None
    return Histogram((value["values"], [low + size * at for at in range(int(count) + 1)]))


def _html(path: str) -> Text:
    with open_text(path) as file:
        return Text(read_at_most(file, _MOST), "html")


def _table(path: str) -> Table:
    with open_plain(path) as file:
        try:
            found = json.loads(read_at_most(file, _MOST))
            return Table(columns=[str(name) for name in found["columns"]], data=found["data"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InvalidValue(f"{path} is no table: {error}.", key="table") from error
