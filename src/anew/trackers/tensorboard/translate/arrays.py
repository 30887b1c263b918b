"""Arrays and tensors as the values of Anew: pictures, videos, histograms, curves, meshes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ....errors import InvalidValue
from ....values import Histogram, Image, Table, Video
from ....values.arrays import as_array
from ..names import CURVE_COLUMNS

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

__all__ = [
    "array_of",
    "boxed",
    "counted",
    "curve_table",
    "histogram",
    "image",
    "npy",
    "picture",
    "ply",
    "pr_table",
    "sound",
    "video",
]

_MOST_BINS = 512
_COLUMNS = 8


def array_of(data: Any) -> Array:
    """An array, a tensor on any device, or a number as NumPy has it, of any type of element."""
    import numpy as np

    if callable(getattr(data, "detach", None)):
        data = data.detach().cpu()
        if "float16" in str(data.dtype) or "float8" in str(data.dtype):
            data = data.float()  # NumPy has no bfloat16
        data = data.numpy()
    array = np.asarray(data)
    if array.dtype.kind == "V" and array.dtype.names is None:
        array = array.astype(np.float32)
    return array


def _ordered(data: Any, given: str, order: str) -> Array:
    """The array with its axes in the order wanted, as far as it has them.

    Raises:
        InvalidValue: The letters do not fit the shape.
    """
    array, letters = as_array(data, "An image"), given.upper()
    if (
        len(set(letters)) != len(letters)
        or set(letters) - set(order)
        or not {"H", "W"} <= {*letters}
    ):
        raise InvalidValue(
            f"dataformats={given!r} must be an order of the axes {order}, such as 'CHW', 'HWC' or 'HW'.",
            key="dataformats",
        )
    if len(letters) != array.ndim:
        raise InvalidValue(
            f"dataformats={given!r} does not fit an array of shape {array.shape}.",
            key="dataformats",
        )
    return array.transpose([letters.index(axis) for axis in order if axis in letters])


def _grid(frames: Array, columns: int) -> Array:
    """Pictures (N × H × W …) side by side and below one another in one, the rest of it black."""
    import numpy as np

    count, height, width = frames.shape[:3]
    columns = max(1, min(count, columns))
    rows = -(-count // columns)
    canvas = np.zeros((rows * height, columns * width, *frames.shape[3:]), frames.dtype)
    for at in range(count):
        y, x = at // columns * height, at % columns * width
        canvas[y : y + height, x : x + width] = frames[at]
    return canvas


def picture(data: Any, dataformats: str) -> Array:
    """A picture as H × W or H × W × C; several (N) become one grid with eight in a row."""
    array = _ordered(data, dataformats, "NHWC")
    return _grid(array, _COLUMNS) if "N" in dataformats.upper() else array


def image(data: Any, dataformats: str) -> Image:
    """`picture` as a value. Floats are from 0 to 1 in TensorBoard, and what lies outside is cut off."""
    import numpy as np

    array = picture(data, dataformats)
    layout = "HW" if array.ndim == 2 else "HWC"
    return Image(array, layout=layout, value_range=_cut_off(np, array))


def _cut_off(np: Any, array: Array) -> tuple[float, float] | None:
    """The range that numbers are cut off to, for floats that leave it."""
    if array.dtype.kind != "f":
        return None
    finite = array[np.isfinite(array)]
    inside = not finite.size or (finite.min() >= 0 and finite.max() <= 1)
    return None if inside else (0.0, 1.0)


def sound(data: Any) -> Array:
    """Samples as `Audio` takes them: axes of length 1 in front are left out."""
    array = as_array(data, "A sound")
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    return array


def boxed(data: Any, boxes: Any, labels: Any, rescale: float, dataformats: str) -> Image:
    """A picture with boxes (xmin, ymin, xmax, ymax) and their labels drawn on it."""
    import numpy as np
    import PIL.Image
    import PIL.ImageDraw

    array = picture(data, dataformats)
    if array.dtype.kind == "f":
        array = np.rint(np.clip(np.nan_to_num(array), 0, 1) * 255)
    pixels = np.clip(array, 0, 255).astype(np.uint8)
    drawn = PIL.Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels).convert(
        "RGB"
    )
    size = (max(1, int(drawn.width * rescale)), max(1, int(drawn.height * rescale)))
    drawn = drawn.resize(size) if rescale != 1 else drawn
    draw = PIL.ImageDraw.Draw(drawn)
    names = [labels] if isinstance(labels, str) else list(labels or [])
    for at, box in enumerate(array_of(boxes).reshape(-1, 4)):
        x0, y0, x1, y1 = (float(corner) * rescale for corner in box)
        corners = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        draw.rectangle(corners, outline=(255, 0, 0), width=2)
        if at < len(names):
            draw.text((corners[0] + 3, corners[1] + 1), str(names[at]), fill=(255, 0, 0))
    return Image(drawn)


def video(data: Any, fps: float, dataformats: str) -> Video:
    """Videos (N × T × C × H × W) as one: those of a batch side by side, in a grid about as wide as it is high."""
    import numpy as np

    array = _ordered(data, dataformats, "NTHWC")
    if array.ndim != 5:
        raise InvalidValue(
            f"A video must have the axes N, T, C, H and W; this one has the shape {array.shape}.",
            key="vid_tensor",
        )
    columns = 2 ** math.ceil(math.log2(max(1, array.shape[0])) / 2)  # as PyTorch lays them out
    frames = np.stack([_grid(array[:, at], columns) for at in range(array.shape[1])])
    return Video(frames, float(fps), layout="THWC", value_range=_cut_off(np, frames))


def histogram(values: Any, bins: Any, max_bins: int | None) -> Histogram:
    """A histogram with bins as `numpy.histogram` takes them; "tensorflow" leaves the choice to Anew."""
    import numpy as np

    array = as_array(values, "A histogram").astype(np.float64).ravel()
    most = _MOST_BINS if max_bins is None else max(1, min(max_bins, _MOST_BINS))
    if isinstance(bins, str) and bins == "tensorflow":
        return Histogram(array, min(64, most))
    finite = array[np.isfinite(array)]
    if isinstance(bins, (int, np.integer)):
        return Histogram(array, min(int(bins), most))
    edges = np.histogram_bin_edges(
        finite, bins if isinstance(bins, str) else as_array(bins, "The edges of a histogram")
    )
    counts = np.histogram(finite, edges)[0]
    kept = Histogram(_fewer(counts, edges, most))
    kept.nonfinite = array.size - finite.size
    kept.outside = int(finite.size - counts.sum())
    kept.metadata["count"] = int(array.size)
    return kept


def _fewer(counts: Array, edges: Array, most: int) -> tuple[Array, Array]:
    """The same with neighbours joined until there are no more than so many."""
    import numpy as np

    step = -(-len(counts) // most)
    starts = np.arange(0, len(counts), step)
    return np.add.reduceat(counts, starts), np.append(edges[starts], edges[-1])


def counted(low: float, high: float, limits: Any, counts: Any) -> Histogram:
    """A histogram out of the upper limits of its bins and their counts; empty bins at the ends are left off.

    Raises:
        InvalidValue: There are not as many limits as counts.
    """
    import numpy as np

    edges = as_array(limits, "The limits of a histogram").astype(np.float64).ravel()
    found = as_array(counts, "The counts of a histogram").ravel()
    if len(edges) != len(found):
        raise InvalidValue(
            f"There are {len(edges)} bucket_limits and {len(found)} bucket_counts; each bucket needs one of each.",
            key="bucket_limits",
        )
    filled = np.flatnonzero(found)
    if not len(filled):
        return Histogram(([0], [low, high] if low < high else [low - 0.5, low + 0.5]))
    first, last = int(filled[0]), int(filled[-1])
    inner = edges[first:last]
    left = edges[first - 1] if first else min(low, float(np.nextafter(edges[0], -np.inf)))
    right = edges[last]
    if left < low < (inner[0] if len(inner) else right):
        left = low
    if (inner[-1] if len(inner) else left) < high < right:
        right = high  # the last limit is often the largest float there is
    return Histogram(_fewer(found[first : last + 1], np.array([left, *inner, right]), _MOST_BINS))


def pr_table(labels: Any, predictions: Any, thresholds: int, weights: Any) -> Table:
    """Precision and recall for thresholds from 0 to 1, counted as TensorBoard counts.

    A score that is at least the threshold counts as positive; precision without any positive is 0.

    Raises:
        InvalidValue: There are not as many predictions, or weights, as labels.
    """
    import numpy as np

    truth = as_array(labels, "The labels").astype(np.float64).ravel()
    scores = as_array(predictions, "The predictions").astype(np.float64).ravel()
    weight = np.ones(1) if weights is None else as_array(weights, "The weights").ravel()
    if len(scores) != len(truth) or len(weight) not in (1, len(truth)):
        raise InvalidValue(
            f"{len(truth)} labels do not fit {len(scores)} predictions and {len(weight)} weights.",
            key="predictions",
        )
    weight = np.broadcast_to(weight, truth.shape)
    at = np.clip(np.floor(scores * (thresholds - 1)), 0, thresholds - 1).astype(np.int64)

    def from_there(of: Array) -> Array:
        return np.bincount(at, of * weight, thresholds)[::-1].cumsum()[::-1]

    found, wrong = from_there(truth), from_there(1 - truth)
    missed, right = found[0] - found, wrong[0] - wrong
    precision = found / np.maximum(1e-7, found + wrong)
    recall = found / np.maximum(1e-7, found + missed)
    return curve_table([found, wrong, right, missed, precision, recall])


def curve_table(columns: list[Any]) -> Table:
    """The six columns of a curve of precision and recall, by threshold."""
    import numpy as np

    arrays = [as_array(column, "A curve").astype(np.float64).ravel() for column in columns]
    limits = np.linspace(0, 1, len(arrays[0]))
    return Table(dict(zip(CURVE_COLUMNS, [limits, *arrays], strict=True)))


def ply(vertices: Array, colors: Array | None, faces: Array | None) -> bytes:
    """A mesh or a cloud of points as a binary PLY file, which every viewer of meshes reads."""
    import numpy as np

    fields: list[Any] = [("x", "<f4"), ("y", "<f4"), ("z", "<f4")]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(vertices)}"]
    header += [f"property float {axis}" for axis in "xyz"]
    if colors is not None:
        fields += [(name, "u1") for name in ("red", "green", "blue")]
        header += [f"property uchar {name}" for name in ("red", "green", "blue")]
    points = np.zeros(len(vertices), fields)
    for at, axis in enumerate("xyz"):
        points[axis] = vertices[:, at]
    if colors is not None:
        for at, name in enumerate(("red", "green", "blue")):
            points[name] = colors[:, at]
    body = points.tobytes()
    if faces is not None:
        header += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
        corners = np.zeros(len(faces), [("count", "u1"), ("at", "<i4", (faces.shape[1],))])
        corners["count"], corners["at"] = faces.shape[1], faces
        body += corners.tobytes()
    return "\n".join([*header, "end_header\n"]).encode() + body


def npy(data: Any) -> bytes:
    """An array as an NPY file, exactly; never with objects in it."""
    import io

    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array_of(data), allow_pickle=False)
    return buffer.getvalue()
