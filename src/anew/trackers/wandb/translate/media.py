"""Values beyond numbers as W&B's media: also those that the dialect recorded, with what W&B says of them besides."""

from __future__ import annotations

import html
import io
import json
import os
from typing import Any

from ....record.events import ValueLogged
from ....values import load
from ..names import FACTS

__all__ = ["NotShown", "as_media"]

_LONG = 16 * 1024
_PLAYED = ("gif", "mp4", "webm", "ogg")


class NotShown(Exception):
    """W&B cannot show a value; the text says why, as a sentence."""


def as_media(value: ValueLogged, folder: str) -> Any:
    """What is given to `wandb.Run.log` for a value of an experiment with that folder.

    Raises:
        NotShown: W&B cannot show it.
    """
    path = None if value.path is None else os.path.join(folder, *value.path.split("/"))
    if path is not None and not os.path.isfile(path):
        raise NotShown(f"The file {value.path} of this {value.kind} is no longer there.")
    said = value.metadata.get(FACTS) or {}
    if said.get("_type") in _BODIES:
        return _body(said, folder)
    make = _MAKERS.get(value.kind)
    if make is None:
        raise NotShown(f"W&B cannot show values of the kind {value.kind!r}.")
    try:
        return make(value, path, value.metadata.get("caption"))
    except NotShown:
        raise
    except Exception as error:  # whatever libraries raise for files that are broken
        raise NotShown(
            f"This {value.kind} cannot be read: {str(error)[:200].rstrip('.')}."
        ) from error


def _image(value: ValueLogged, path: str | None, caption: str | None) -> Any:
    import wandb

    said = value.metadata.get(FACTS) or {}
    boxes = {name: _numbered(layer) for name, layer in (said.get("boxes") or {}).items()}
    if ours := value.metadata.get("boxes"):
        boxes["boxes"] = _layer(ours)
    return wandb.Image(
        _needed(path), caption=caption, boxes=boxes or None, classes=said.get("classes")
    )


def _numbered(layer: dict[str, Any]) -> dict[str, Any]:
    """A layer of boxes with the numbers of its classes as numbers, which are texts in a record."""
    labels = layer.get("class_labels") or {}
    return layer | {"class_labels": {int(number): label for number, label in labels.items()}}


def _layer(boxes: list[dict[str, Any]]) -> dict[str, Any]:
    """Boxes of an `anew.Image` as a layer of W&B's, which has numbers for classes."""
    names = list(dict.fromkeys(str(one.get("class", "box")) for one in boxes))
    data = []
    for one in boxes:
        left, top, right, bottom = one["box"]
        name = str(one.get("class", "box"))
        box: dict[str, Any] = {
            "position": {"minX": left, "minY": top, "maxX": right, "maxY": bottom},
            "domain": "pixel", "class_id": names.index(name), "box_caption": one.get("caption", name),
        }  # fmt: skip
        data.append(box | ({"scores": {"score": one["score"]}} if "score" in one else {}))
    return {"box_data": data, "class_labels": dict(enumerate(names))}


_BODIES = {"object3D-file": "Object3D", "molecule-file": "Molecule"}


def _body(said: dict[str, Any], folder: str) -> Any:
    """What Anew has no kind of value for: a text that names a file of the experiment."""
    import wandb

    *parts, name = str(said.get("path")).split("/")
    places = [*parts, str(said.get("file")), name]
    path = os.path.join(folder, "files", *places)
    # What a record says is data: it leads to no file but the experiment's own.
    if any(one in ("", ".", "..") or os.sep in one for one in places) or not os.path.isfile(path):
        raise NotShown(f"The file {said.get('path')} is no longer there.")
    make = getattr(wandb, _BODIES[said["_type"]])
    try:
        return make(path, caption=said.get("caption"))
    except Exception as error:  # whatever the library raises for files that are broken
        raise NotShown(f"This {said['_type']} cannot be read: {str(error)[:200]}.") from error


def _audio(value: ValueLogged, path: str | None, caption: str | None) -> Any:
    import wandb

    return wandb.Audio(_needed(path), caption=caption)


def _video(value: ValueLogged, path: str | None, caption: str | None) -> Any:
    import wandb

    form = str(value.metadata.get("format") or os.path.splitext(_needed(path))[1][1:])
    if form in _PLAYED:
        return wandb.Video(_needed(path), caption=caption, format=form)
    if form not in ("webp", "png"):
        raise NotShown(f"W&B plays {', '.join(_PLAYED)} videos, not {form}.")
    return wandb.Video(_as_gif(_needed(path)), caption=caption, format="gif")


def _as_gif(path: str) -> io.BytesIO:
    """An animation that W&B does not know as one that it does."""
    import PIL.Image
    import PIL.ImageSequence

    gif = io.BytesIO()
    with PIL.Image.open(path) as animation:
        frames = [frame.copy() for frame in PIL.ImageSequence.Iterator(animation)]
        durations = [frame.info.get("duration", 100) for frame in frames]
    frames[0].save(
        gif, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, disposal=2
    )
    gif.seek(0)
    return gif


def _text(value: ValueLogged, path: str | None, caption: str | None) -> Any:
    import wandb

    text = str(load("text", value.data, path))
    if (value.metadata.get(FACTS) or {}).get("_type") == "json":
        return json.loads(text)
    if value.metadata.get("format") == "html":
        return wandb.Html(text, inject=False)
    if len(text) > _LONG:  # too much for a cell of the history
        return wandb.Html(f"<pre>{html.escape(text)}</pre>", inject=False)
    return text


def _table(value: ValueLogged, path: str | None, caption: str | None) -> Any:
    import wandb

    table = load("table", value.data, path)
    most = wandb.Table.MAX_ROWS
    if len(table) > most:
        raise NotShown(f"W&B shows tables of at most {most:,} rows; this one has {len(table):,}.")
    rows = table.rows or table.to_arrow().to_pylist()
    data = [list(row.values()) if isinstance(row, dict) else row for row in rows]
    return wandb.Table(columns=table.columns, data=data, allow_mixed_types=True)


def _histogram(value: ValueLogged, path: str | None, caption: str | None) -> Any:
    import wandb

    histogram = load("histogram", value.data, path)
    counts, edges = histogram.counts.tolist(), histogram.edges.tolist()
    return wandb.Histogram(np_histogram=(counts, edges))


def _figure(value: ValueLogged, path: str | None, caption: str | None) -> Any:
    import wandb

    figure = load("figure", value.data, path)
    if isinstance(figure, bytes):
        return wandb.Image(_needed(path), caption=caption)
    return wandb.Plotly(figure)


def _needed(path: str | None) -> str:
    """The file of a value that must have one."""
    if path is None:
        raise NotShown("Its record does not name a file.")
    return path


_MAKERS = {
    "audio": _audio,
    "figure": _figure,
    "histogram": _histogram,
    "image": _image,
    "table": _table,
    "text": _text,
    "video": _video,
}
