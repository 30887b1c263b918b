"""What was marked in pictures, drawn over them: boxes, and masks whose pixels are the numbers of classes. The page draws the same."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import AnewError
from .colours import Colour, colour_in, slots_of
from .parts import Key
from .stills import content_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from ..reading.files import ValueView

__all__ = ["Marks", "classes", "drawn_over", "keys_of", "marks_of"]

_MOST_BOXES = 2000
_EDGE = 512
"""Pixels of the longer side of a mask that is kept."""
_STRENGTH = 128
_LINE = 2


@dataclass
class Marks:
    """What lies over one picture.

    Attributes:
        boxes: Of each its class, and its left, top, right and bottom as shares of the picture.
        masks: Of each its pixels, and the names of its classes by their numbers.
    """

    boxes: list[tuple[str, tuple[float, float, float, float]]] = field(default_factory=list)
    masks: list[tuple[NDArray[np.uint8], dict[int, str]]] = field(default_factory=list)

    @property
    def labels(self) -> set[str]:
        """The classes that it marks."""
        found = {label for label, _ in self.boxes}
        for pixels, names in self.masks:
            found |= {label for one in np.unique(pixels) if (label := _label(int(one), names))}
        return found


def marks_of(value: ValueView, masks: Iterable[ValueView]) -> Marks:
    """What was marked in a picture.

    Args:
        masks: Those that lie over it.
    """
    found = Marks(_boxes(value.metadata))
    for mask in masks:
        pixels = _pixels(mask)
        if pixels is not None:
            found.masks.append((pixels, _names(mask.metadata)))
    return found


def classes(marks: Iterable[Marks], natural: Any) -> dict[str, Colour]:
    """The colours of all classes, the same in all pictures.

    Args:
        natural: The order of their names.
    """
    labels = sorted(set().union(*(one.labels for one in marks)), key=natural)
    return {label: colour_in(slot) for label, slot in slots_of(labels).items()}


def keys_of(found: Mapping[str, Colour]) -> tuple[Key, ...]:
    """What the colours of marks mean."""
    return tuple(Key(Colour(one.shade), label) for label, one in found.items())


def drawn_over(picture: Image, marks: Marks, colours: Mapping[str, Colour]) -> Image:
    """A picture with what was marked in it."""
    from PIL import Image, ImageDraw

    if not marks.boxes and not marks.masks:
        return picture
    whole = picture.convert("RGBA")
    for pixels, names in marks.masks:
        table = np.zeros((256, 4), np.uint8)
        for one in np.unique(pixels):
            label = _label(int(one), names)
            if label:
                table[one] = (*_rgb(colours[label].shade), _STRENGTH)
        over = Image.fromarray(table[pixels], "RGBA").resize(whole.size, Image.Resampling.NEAREST)
        whole = Image.alpha_composite(whole, over)
    pen = ImageDraw.Draw(whole)
    for label, (left, top, right, bottom) in marks.boxes:
        ends = (left * whole.width, top * whole.height, right * whole.width, bottom * whole.height)
        pen.rectangle(ends, outline=colours[label].shade, width=_LINE)
    return whole if picture.mode == "RGBA" else whole.convert("RGB")


def _rgb(shade: str) -> tuple[int, int, int]:
    return int(shade[1:3], 16), int(shade[3:5], 16), int(shade[5:7], 16)


def _label(value: int, names: Mapping[int, str]) -> str | None:
    """What a pixel of a mask is of; None for what is of no class: 0 without a name is what was not marked."""
    return names.get(value) or (f"class {value}" if value else None)


def _pixels(mask: ValueView) -> NDArray[np.uint8] | None:
    try:
        from PIL import Image
    except ImportError:
        return None
    if mask.stored is None:
        return None
    try:
        with Image.open(io.BytesIO(content_of(mask.stored))) as picture:
            first = picture if picture.mode in ("L", "P") else picture.convert("RGB").getchannel(0)
            first.thumbnail((_EDGE, _EDGE), Image.Resampling.NEAREST)
            return np.asarray(first, np.uint8)
    except (AnewError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _map(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, dict) else {}


def _names(metadata: Any) -> dict[int, str]:
    """The names of classes by their numbers: ours, or as code written for W&B logs them."""
    theirs = _map(_map(_map(metadata).get("wandb")).get("class_labels"))
    found = {**theirs, **_map(_map(metadata).get("classes"))}
    return {int(one): str(name) for one, name in found.items() if str(one).isdecimal()}


def _boxes(metadata: Any) -> list[tuple[str, tuple[float, float, float, float]]]:
    given = _map(metadata)
    size = (float(given.get("width") or 1), float(given.get("height") or 1))
    found = []
    for one in given.get("boxes") or ():
        edges = _numbers(_map(one).get("box"))
        if edges:
            found.append((str(_map(one).get("class", "box")), _shares(edges, size)))
    for layer in _map(_map(given.get("wandb")).get("boxes")).values():
        labels = _map(_map(layer).get("class_labels"))
        for one in _map(layer).get("box_data") or ():
            edges = _theirs(_map(_map(one).get("position")))
            if edges:
                number = str(_map(one).get("class_id", ""))
                label = str(labels.get(number) or (number and f"class {number}") or "box")
                found.append((label, _shares(edges, size if _map(one).get("domain") == "pixel" else (1.0, 1.0))))  # fmt: skip
    return found[:_MOST_BOXES]


def _theirs(position: Mapping[str, Any]) -> tuple[float, ...] | None:
    """Left, top, right and bottom, of either way in which W&B has them."""
    edges = _numbers([position.get(one) for one in ("minX", "minY", "maxX", "maxY")])
    middle = _numbers([*(position.get("middle") or ()), position.get("width"), position.get("height")])  # fmt: skip
    if edges or not middle:
        return edges
    x, y, wide, high = middle
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def _numbers(given: Any) -> tuple[float, ...] | None:
    if not isinstance(given, list | tuple) or len(given) != 4:
        return None
    if not all(isinstance(one, int | float) and math.isfinite(one) for one in given):
        return None
    return tuple(map(float, given))


def _shares(edges: Sequence[float], size: tuple[float, float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = edges
    return left / size[0], top / size[1], max(left, right) / size[0], max(top, bottom) / size[1]
