"""What is marked in images: boxes, and masks whose pixels are numbers of classes."""

from __future__ import annotations

from ..errors import InvalidValue
from .arrays import as_array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import numpy.typing as npt

__all__ = ["as_mask", "checked_boxes", "checked_classes"]

_SHAPE = "(left, top, right, bottom) in pixels"


def checked_boxes(boxes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Boxes as they are recorded.

    Raises:
        InvalidValue: One of them has no four finite numbers.
    """
    found = []
    for one in boxes:
        if not hasattr(one, "keys"):
            raise InvalidValue(
                f"A box is a mapping with 'box': {_SHAPE}, not {type(one).__name__}.", key="boxes"
            )
        edges = _edges(one.get("box"))
        kept: dict[str, Any] = {"box": edges}
        for key in ("class", "caption"):
            if one.get(key) is not None:
                kept[key] = str(one[key])
        if one.get("score") is not None:
            kept["score"] = _finite(one["score"], "score")
        found.append(kept)
    return found


def _edges(given: Any) -> list[float]:
    try:
        edges = [_finite(one, "box") for one in given]
    except TypeError:
        edges = []
    if len(edges) != 4:
        raise InvalidValue(f"A box needs 'box': {_SHAPE}, not {given!r}.", key="boxes")
    return edges


def _finite(given: Any, what: str) -> float:
    import math

    try:
        number = float(given)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InvalidValue(f"The {what} of a box must be finite numbers, not {given!r}.", key=what)
    return number


def checked_classes(classes: Mapping[int, str]) -> dict[str, str]:
    """Names of classes as they are recorded: JSON has texts as keys alone.

    Raises:
        InvalidValue: A number is none that a pixel can have.
    """
    import operator

    found = {}
    for number, name in classes.items():
        try:
            place = operator.index(number)
        except TypeError:
            place = -1
        if not 0 <= place <= 255:
            raise InvalidValue(
                f"The classes of a mask are numbers from 0 to 255, and {number!r} is none.", key="classes"
            )  # fmt: skip
        found[str(place)] = str(name)
    return found


def as_mask(data: Any) -> npt.NDArray[Any]:
    """Numbers of classes as the pixels of an image.

    Raises:
        InvalidValue: They are no whole numbers from 0 to 255.
    """
    import numpy as np

    array = as_array(data, "A mask")
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    whole = array.dtype.kind in "iu" or bool((array == np.floor(array)).all())
    if not whole or (array.size and (array.min() < 0 or array.max() > 255)):
        raise InvalidValue(
            f"A mask has the numbers of its classes as pixels, whole numbers from 0 to 255; this array (dtype {array.dtype}) has others.",
            key="classes",
        )
    return array.astype(np.uint8)
