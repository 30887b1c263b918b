"""What trackio's records say of values beyond numbers: each is a mapping with a `_type`, and its file lies in trackio's folder of media."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from ....errors import InvalidValue
from ....importing.folders import plain_file, read_at_most
from ....importing.foreign import open_text
from ....values import Audio, Histogram, Image, Table, Text, Video

__all__ = ["files_named", "made"]

_FILES: dict[Any, tuple[str, Any]] = {
    "trackio.image": ("image", Image),
    "trackio.audio": ("audio", Audio),
    "trackio.video": ("video", Video),
}
_MOST = 256 << 20


def made(value: Any, folder: str) -> tuple[str, Any] | None:
    """The kind that a logged value has here, and what makes it; None for what has no kind here.

    Args:
        folder: trackio's folder of media.
    """
    if isinstance(value, str):
        return "text", partial(Text, value)
    if isinstance(value, list):
        return "text", partial(Text, json.dumps(value, ensure_ascii=False))
    if not isinstance(value, Mapping):
        return None
    kind = value.get("_type")
    if kind == "trackio.histogram":
        return "histogram", partial(_histogram, value)
    if kind == "trackio.table":
        return "table", partial(_table, value)
    if kind == "trackio.markdown":
        return "text", partial(Text, str(value.get("_value", "")), "markdown")
    path = plain_file(folder, str(value.get("file_path") or ""))
    if path is None:
        return None
    given = value.get("caption")
    caption = given if isinstance(given, str) else None
    if kind in _FILES:
        form, make = _FILES[kind]
        return form, partial(make, path, caption=caption)
    if kind == "trackio.html":
        return "text", partial(_html, path, caption)
    return None


def files_named(value: Any, depth: int = 0) -> Iterator[str]:
    """The files that a logged value names, also those in the cells of a table and in a trace."""
    if depth > 20:
        return
    if isinstance(value, Mapping):
        if "_type" in value and isinstance(value.get("file_path"), str):
            yield value["file_path"]
        for one in value.values():
            yield from files_named(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            yield from files_named(one, depth + 1)


def _histogram(value: Mapping[str, Any]) -> Histogram:
    try:
        counts, edges = list(map(float, value["values"])), list(map(float, value["bins"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidValue(f"A histogram has no bins: {error}.", key="bins") from error
    return Histogram((counts, edges)) if counts else Histogram([])


def _table(value: Mapping[str, Any]) -> Table:
    rows = value.get("_value")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise InvalidValue("A table has no rows.", key="table")
    columns = list(dict.fromkeys(str(name) for row in rows for name in row))
    data = [[_cell(row.get(name)) for name in columns] for row in rows]
    return Table(columns=columns, data=data)


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (Mapping, list)) else value


def _html(path: str, caption: str | None) -> Text:
    with open_text(path) as file:
        return Text(read_at_most(file, _MOST), "html", caption)
