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
from ..names import FACTS

__all__ = ["Find", "file_of", "labels_in", "made", "paths_of"]

_FILES: dict[Any, tuple[str, Any]] = {
    "audio-file": ("audio", Audio),
    "video-file": ("video", Video),
}
_MOST = 256 << 20
_BETWEEN = "_wandb_delimeter_"  # W&B's own spelling


Find = Callable[[str], str | None]
"""The path on this machine of a file of the run, by its relative name; None where there is none."""


Labels = Mapping[tuple[str, str, str], Mapping[str, str]]
"""The names of classes by their numbers, of "mask" or "bounding_box", the name that was logged and the layer over it."""

Tell = Callable[[str, str], None]
"""Takes what is missing here: which file of the run it would be in, and a sentence."""

Made = tuple[str, str, Any]
"""The name of a value, its kind, and what makes it."""


def labels_in(config: Any) -> Labels:
    """What W&B's own part of a configuration says of the classes of layers over images."""
    found = {}
    for kind in ("mask", "bounding_box"):
        layers = config.get(f"{kind}/class_labels") if isinstance(config, Mapping) else None
        for key, one in layers.items() if isinstance(layers, Mapping) else ():
            name, _, layer = str(key).rpartition(_BETWEEN)
            names = one.get("value") if isinstance(one, Mapping) else None
            if name and isinstance(names, Mapping):
                found[kind, name, layer] = _named(names)
    return found


def _named(labels: Any) -> dict[str, str]:
    """Names of classes, without those that W&B made up of the numbers."""
    if not isinstance(labels, Mapping):
        return {}
    return {str(at): str(name) for at, name in labels.items() if str(name) != f"class_{at}"}


def made(name: str, value: Any, find: Find, labels: Labels, tell: Tell) -> list[Made]:
    """The values that something logged is here; none for what has no kind here.

    What makes a value of files is a partial whose first arguments are the files' paths. Masks come after the image that they lie over, as
    images named after it.
    """
    if isinstance(value, str):
        return [(name, "text", partial(Text, value))]
    if isinstance(value, list):
        return [(name, "text", partial(Text, json.dumps(value, ensure_ascii=False)))]
    if not isinstance(value, Mapping):
        return []
    kind = value.get("_type")
    if kind == "histogram" and "values" in value:
        return [(name, "histogram", partial(_histogram, value))]
    if kind == "images/separated":
        found: list[Made] = []
        for at, file in enumerate(_listed(value.get("filenames"))):
            caption, boxes, masks = (
                _at(value.get(key), at) for key in ("captions", "all_boxes", "all_masks")
            )
            found += _pictures(name, str(file), caption, boxes, masks, find, labels, tell)
        return found
    if kind == "image-file":
        return _pictures(
            name, str(value.get("path") or ""), value.get("caption"), value.get("boxes"), value.get("masks"), find, labels, tell
        )  # fmt: skip
    path = file_of(value, find)
    if path is None:
        return []
    if kind in _FILES:
        form, make = _FILES[kind]
        caption = value.get("caption") if isinstance(value.get("caption"), str) else None
        return [(name, form, partial(make, path, caption=caption))]
    if kind == "html-file":
        return [(name, "text", partial(_html, path))]
    if kind == "table-file":
        return [(name, "table", partial(_table, path))]
    return []


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _at(value: Any, at: int) -> Any:
    return value[at] if isinstance(value, list) and at < len(value) else None


def _pictures(
    name: str, file: str, caption: Any, boxes: Any, masks: Any, find: Find, labels: Labels, tell: Tell
) -> list[Made]:  # fmt: skip
    """An image with the boxes in it, and the masks over it."""
    path = find(file)
    if path is None:
        return []
    inside, over = (_layers(given, find, tell) for given in (boxes, masks))
    layers = {
        layer: (file, labels.get(("bounding_box", name, layer), {}))
        for layer, (file, _) in inside.items()
    }
    said = caption if isinstance(caption, str) else None
    paths = [where for _, where in inside.values()]
    make = partial(_image, path, *paths, caption=said, layers=layers, masks=list(over), tell=tell)
    found: list[Made] = [(name, "image", make)]
    for layer, (_, where) in over.items():
        names = labels.get(("mask", name, layer), {})
        found.append((f"{name}/masks/{layer}", "image", partial(_mask, where, labels=names)))
    return found


def _layers(given: Any, find: Find, tell: Tell) -> dict[str, tuple[str, str]]:
    """Layers over an image: the name and the path of the file of each."""
    found = {}
    for layer, one in given.items() if isinstance(given, Mapping) else ():
        file = str(one.get("path") or "") if isinstance(one, Mapping) else ""
        where = find(file)
        if where is None:
            tell(file or str(layer), "It belongs over an image, and is not there.")
        else:
            found[str(layer)] = (file, where)
    return found


def _image(
    path: str, *paths: str, caption: str | None, layers: Mapping[str, tuple[str, Mapping[str, str]]], masks: list[str], tell: Tell
) -> Image:  # fmt: skip
    """An image with what W&B says of it besides, as code that was written for W&B records it here."""
    image = Image(path, caption=caption)
    boxes = {}
    for (layer, (name, labels)), file in zip(layers.items(), paths, strict=True):
        try:
            with open_text(file) as reading:
                boxes[layer] = _boxes(json.loads(read_at_most(reading, _MOST)), labels)
        except (OSError, ValueError, RecursionError) as error:
            tell(name, f"These are no boxes: {str(error)[:200].rstrip('.')}.")
    facts = {name: one for name, one in (("boxes", boxes), ("masks", masks)) if one}
    if facts:
        image.metadata[FACTS] = {"_type": "image-file", **facts}
    return image


def _boxes(found: Any, labels: Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(found, dict) or not isinstance(found.get("box_data"), list):
        raise ValueError("there is no box_data")
    return found | {"class_labels": {**labels, **_named(found.get("class_labels"))}}


def _mask(path: str, *, labels: Mapping[str, str]) -> Image:
    """A mask: an image whose pixels are numbers of classes."""
    image = Image(path)
    image.metadata[FACTS] = {"_type": "mask", "class_labels": dict(labels)}
    return image


def file_of(value: Any, find: Find) -> str | None:
    """The file of something logged, if it lies among the run's files."""
    return find(str(value.get("path") or "")) if isinstance(value, Mapping) else None


def paths_of(make: Any) -> tuple[str, ...]:
    """The paths of the files that a value is made from; none for one that is made from its record."""
    paths = make.args if isinstance(make, partial) else ()
    return tuple(path for path in paths if isinstance(path, str) and os.path.isabs(path))


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
