"""Converting arrays of any library to NumPy arrays and to pixels."""

from __future__ import annotations

from ..errors import InvalidValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    import numpy.typing as npt

__all__ = ["as_array", "as_pixels", "is_array", "with_channels_last"]

_CHANNELS = (1, 2, 3, 4)


def is_array(data: object) -> bool:
    """Whether `data` is an array, a tensor, or (nested) lists of numbers."""
    return hasattr(data, "__array__") or hasattr(data, "detach") or isinstance(data, (list, tuple))


def as_array(data: Any, what: str) -> npt.NDArray[Any]:
    """Numbers or booleans as a NumPy array; the reduced floats of machine learning become float32.

    Takes NumPy, PyTorch (on any device, with or without gradient), JAX and TensorFlow arrays, and lists.

    Raises:
        InvalidValue: It is no array of real numbers; the error tells its type, shape and dtype.
    """
    import numpy as np

    if callable(getattr(data, "detach", None)):  # torch
        data = data.detach().cpu()
        if str(data.dtype) in ("torch.bfloat16", "torch.float16") or "float8" in str(data.dtype):
            data = data.float()
        data = data.resolve_conj().resolve_neg().numpy()
    elif callable(getattr(data, "numpy", None)) and not hasattr(data, "__array_interface__"):
        data = data.numpy()
    try:
        array = np.asarray(data)
    except (ValueError, TypeError) as error:
        raise InvalidValue(
            f"{what} must be an array of numbers, not {_told(data)}: {error}", key=what
        ) from error
    if array.dtype.kind == "V" and array.dtype.names is None:  # bfloat16 and the float8 kinds
        try:
            array = array.astype(np.float32)
        except (ValueError, TypeError):
            pass
    if array.dtype.kind not in "biuf":
        raise InvalidValue(
            f"{what} must be an array of numbers, not {_told(data)} (shape {array.shape}, dtype {array.dtype}).",
            key=what,
        )
    return array


def _told(data: object) -> str:
    kind = type(data)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def with_channels_last(
    array: npt.NDArray[Any], layout: str | None, what: str, *, frames: bool = False
) -> npt.NDArray[Any]:
    """An image as height × width × channels, or frames of one with time in front.

    Without a layout, 1 to 4 in the last place are channels, else 1, 3 or 4 in the first; a picture
    without channels is grey.

    Raises:
        InvalidValue: The shape is not that of a picture, or not of the layout given.
    """
    import numpy as np

    letters = "T" * frames
    known = [f"{letters}HW", f"{letters}HWC", f"{letters}CHW"]
    if layout is not None and layout not in known:
        raise InvalidValue(
            f"layout must be one of {', '.join(known)}, not {layout!r}.", key="layout"
        )
    shape = array.shape[1:] if frames else array.shape
    found = layout[len(letters) :] if layout else _guess(shape)
    if array.size and found and len(found) == len(shape):
        if found == "HW":
            return array[..., None]
        channels_last = np.moveaxis(array, -3, -1) if found == "CHW" else array
        if channels_last.shape[-1] in _CHANNELS:
            return channels_last
    several = (
        "Log the images of a batch one by one, or tile them into one image." if not frames else ""
    )
    raise InvalidValue(
        f"{what} has the shape {array.shape} (dtype {array.dtype}); it needs one of "
        f"{', '.join(known)}, with 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha) channels and no "
        f"side of length 0. {several}",
        key=what,
    )


def _guess(shape: tuple[int, ...]) -> str | None:
    if len(shape) == 2:
        return "HW"
    if len(shape) != 3:
        return None
    if shape[2] in _CHANNELS:
        return "HWC"
    return "CHW" if shape[0] in (1, 3, 4) else None


def as_pixels(
    array: npt.NDArray[Any], value_range: tuple[float, float] | None
) -> tuple[npt.NDArray[np.uint8], dict[str, Any]]:
    """Numbers as pixels from 0 to 255, and how they were scaled.

    Booleans are black and white; integers from 0 to 255 stay; floats from 0 to 1 (with a slack of 1 %
    for rounding) are multiplied by 255 and rounded. Any other range is stretched from its smallest to
    its largest number, which the metadata then name as `value_range`. Given a range, numbers outside of it
    are cut off. NaN becomes black and is counted as `nonfinite`, as are the infinities, which become
    the ends of the range.
    """
    import numpy as np

    if value_range is None:
        if array.dtype.kind == "b":
            return array.astype(np.uint8) * np.uint8(255), {}
        if array.dtype == np.uint8:
            return array, {}
    facts: dict[str, Any] = {}
    numbers = array.astype(np.float64)
    finite = np.isfinite(numbers)
    if not finite.all():
        facts["nonfinite"] = int(numbers.size - np.count_nonzero(finite))
    low, high = _range(array, numbers[finite], value_range)
    if value_range is not None or (low, high) not in ((0.0, 1.0), (0.0, 255.0)):
        facts["value_range"] = [low, high]
    # Each term on its own, so that a range as wide as float64 does not overflow.
    span = high / 2 - low / 2
    scaled = (numbers / 2 - low / 2) / span if span > 0 else np.zeros_like(numbers)
    scaled = np.nan_to_num(scaled, nan=0.0, posinf=1.0, neginf=0.0)
    return np.rint(np.clip(scaled, 0.0, 1.0) * 255.0).astype(np.uint8), facts


def _range(
    array: npt.NDArray[Any],
    finite: npt.NDArray[np.float64],
    value_range: tuple[float, float] | None,
) -> tuple[float, float]:
    import math

    if value_range is not None:
        low, high = (float(v) for v in value_range)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InvalidValue(
                f"value_range must be a smaller and a larger number, not {value_range!r}.",
                key="value_range",
            )
        return low, high
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if array.dtype.kind in "iu":
        return (0.0, 255.0) if low >= 0 and high <= 255 else (low, high)
    return (0.0, 1.0) if low >= -0.01 and high <= 1.01 else (low, high)
