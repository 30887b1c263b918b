"""Records as what Aim keeps: its objects, its plain data, the hash of a run. Nothing is sent from here."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from ...record.events import ValueLogged
from ...record.plain import from_plain
from ...values import load

__all__ = ["NotShown", "as_object", "as_plain", "run_hash"]

_MOST_ROWS = 200
_HEARD = {"wav": "wav", "mp3": "mp3", "flac": "flac"}
_MOVING = ("gif", "webp", "png")


class NotShown(Exception):
    """Aim cannot show a value; the text says why, as a sentence."""


def run_hash(experiment_id: str) -> str:
    """The hash of the Aim run that mirrors the experiment with that id: always the same, so there is never another."""
    return hashlib.sha256(f"anew:{experiment_id}".encode()).hexdigest()[:24]


def as_object(value: ValueLogged, folder: str) -> Any:
    """What is given to `aim.Run.track` for a value of an experiment with that folder.

    Raises:
        NotShown: Aim cannot show it.
    """
    path = None if value.path is None else os.path.join(folder, *value.path.split("/"))
    if path is not None and not os.path.isfile(path):
        raise NotShown(f"The file {value.path} of this {value.kind} is no longer there.")
    make = _MAKERS.get(value.kind)
    if make is None:
        raise NotShown(f"Aim cannot show values of the kind {value.kind!r}.")
    try:
        return make(value, path)
    except NotShown:
        raise
    except Exception as error:  # whatever libraries raise for files that are broken
        raise NotShown(
            f"This {value.kind} cannot be read: {str(error)[:200].rstrip('.')}."
        ) from error


def _image(value: ValueLogged, path: str | None) -> Any:
    import aim
    import PIL.Image
    from aim.storage.types import BLOB

    with PIL.Image.open(_needed(path)) as picture:
        image = aim.Image(picture.copy(), caption=str(value.metadata.get("caption") or ""))
        image.storage["format"] = picture.format
    with open(_needed(path), "rb") as file:
        image.storage["data"] = BLOB(data=file.read())  # as it is: Aim would encode it again
    return image


def _video(value: ValueLogged, path: str | None) -> Any:
    form = str(value.metadata.get("format") or os.path.splitext(_needed(path))[1][1:])
    if form not in _MOVING:
        raise NotShown(
            f"Aim does not support videos. It shows animations in {', '.join(_MOVING)}, not {form}."
        )
    return _image(value, path)


def _audio(value: ValueLogged, path: str | None) -> Any:
    import aim

    form = str(value.metadata.get("format") or os.path.splitext(_needed(path))[1][1:])
    if form not in _HEARD:
        raise NotShown(f"Aim plays {', '.join(_HEARD)} sounds, not {form}.")
    caption = str(value.metadata.get("caption") or "")
    rate = value.metadata.get("sample_rate")
    return aim.Audio(_needed(path), format=form, caption=caption, rate=rate)


def _text(value: ValueLogged, path: str | None) -> Any:
    import aim

    return aim.Text(str(load("text", value.data, path)))


def _table(value: ValueLogged, path: str | None) -> Any:
    import aim

    table = load("table", value.data, path)
    if len(table) > _MOST_ROWS:
        raise NotShown(
            f"Aim does not support tables. Tables of at most {_MOST_ROWS} rows are sent as text; this one has {len(table):,}."
        )
    rows = table.rows or table.to_arrow().to_pylist()
    lines = [table.columns, ["---"] * len(table.columns)]
    lines += [list(row.values()) if isinstance(row, dict) else row for row in rows]
    return aim.Text("\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines))


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>")


def _histogram(value: ValueLogged, path: str | None) -> Any:
    import aim
    import numpy as np

    histogram = load("histogram", value.data, path)
    widths = np.diff(histogram.edges)
    if not np.allclose(widths, widths[0], rtol=1e-6):
        raise NotShown("Aim needs histogram bins of equal width, and the bins of this one differ.")
    return aim.Distribution(
        hist=histogram.counts, bin_range=(histogram.edges[0], histogram.edges[-1])
    )


def _figure(value: ValueLogged, path: str | None) -> Any:
    import aim

    figure = load("figure", value.data, path)
    return _image(value, path) if isinstance(figure, bytes) else aim.Figure(figure)


_MAKERS = {
    "audio": _audio,
    "figure": _figure,
    "histogram": _histogram,
    "image": _image,
    "table": _table,
    "text": _text,
    "video": _video,
}


def _needed(path: str | None) -> str:
    """The file of a value that must have one."""
    if path is None:
        raise NotShown("Its record does not name a file.")
    return path


def as_plain(value: Any) -> Any:
    """A value as Aim keeps it: numbers that are not finite as such, integers of more than 64 bits as texts."""
    if isinstance(value, dict):
        plain = from_plain(value)
        return {k: as_plain(v) for k, v in plain.items()} if isinstance(plain, dict) else plain
    if isinstance(value, list):
        return [as_plain(v) for v in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value
