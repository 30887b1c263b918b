"""Arrays as TensorBoard is given them, as values of ours: order of axes, batches, ready-made counts."""

from __future__ import annotations

import math

from ..errors import InvalidValue
from ..values.arrays import as_array
from ..values.audio import Audio
from ..values.histogram import MAX_BINS, Histogram
from ..values.image import Image
from ..values.table import Table
from ..values.video import Video

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

__all__ = ["counted", "curve", "film", "histogram", "picture", "precision_recall", "sound"]

_COLUMNS = 8  # pictures of a batch in a row


def picture(data: Any, formats: str) -> Image:
    """An image whose axes are named by `formats`, such as "CHW"; a batch (N) becomes one picture of rows."""
    array = _ordered(as_array(data, "An image"), formats, "NHWC")
    return Image(_tiled(array, _COLUMNS), layout="HWC", value_range=_range(array))


def film(data: Any, fps: float, formats: str) -> Video:
    """A video whose axes are named by `formats`, such as "NTCHW"; a batch becomes one film of rows."""
    array = _ordered(as_array(data, "A video"), formats, "NTHWC")
    columns = 2 ** math.ceil(math.log2(max(1, array.shape[0])) / 2)
    return Video(_tiled(array, columns), fps, layout="THWC", value_range=_range(array))


def sound(data: Any, rate: int) -> Audio:
    """A sound, with any axes of length 1 in front."""
    array = as_array(data, "A sound")
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    return Audio(array, rate)


def _range(array: npt.NDArray[Any]) -> tuple[float, float] | None:
    # Floats are from 0 to 1 there, and what lies outside is cut off.
    return (0.0, 1.0) if array.dtype.kind == "f" else None


def _ordered(array: npt.NDArray[Any], formats: str, wanted: str) -> npt.NDArray[Any]:
    """The array with its axes in the order wanted, those that it lacks with a length of 1."""
    formats = formats.upper()
    if len(formats) != array.ndim or len(set(formats)) != len(formats) or not set(formats) <= set(wanted):  # fmt: skip
        raise InvalidValue(
            f"dataformats={formats!r} does not name the axes of an array of shape {array.shape}.",
            key="dataformats",
        )
    moved = array.transpose([formats.index(axis) for axis in wanted if axis in formats])
    shape = iter(moved.shape)
    return moved.reshape([next(shape) if axis in formats else 1 for axis in wanted])


def _tiled(array: npt.NDArray[Any], columns: int) -> npt.NDArray[Any]:
    """The pictures along the first axis as one picture of rows and columns; the axes before H, W, C stay."""
    import numpy as np

    count = array.shape[0]
    if count == 1:
        return np.asarray(array[0])
    columns = min(columns, count)
    rows = -(-count // columns)
    blank = np.zeros((rows * columns - count, *array.shape[1:]), array.dtype)
    padded = np.concatenate([array, blank]).reshape(rows, columns, *array.shape[1:])
    lines = [np.concatenate(list(row), axis=-2) for row in padded]
    return np.concatenate(lines, axis=-3)


def histogram(values: Any, bins: Any) -> Histogram:
    """A histogram of values; `bins` is a number or edges, or the name of a rule, which is ours then."""
    if isinstance(bins, str):
        return Histogram(values)
    if isinstance(bins, int):
        return Histogram(values, min(max(1, bins), MAX_BINS))
    import numpy as np

    array = as_array(values, "A histogram").astype(np.float64).ravel()
    edges = as_array(bins, "The edges of a histogram").astype(np.float64)
    if len(edges) - 1 > MAX_BINS:
        return Histogram(array)
    counts, edges = np.histogram(array[np.isfinite(array)], bins=edges)
    return Histogram((counts, edges))


def counted(low: float, high: float, limits: Any, counts: Any) -> Histogram:
    """A histogram of ready-made counts, given as the right edges of its bins; empty bins at the ends are left out."""
    import numpy as np

    right = as_array(limits, "The limits of a histogram").astype(np.float64).ravel()
    count = as_array(counts, "The counts of a histogram").astype(np.float64).ravel()
    if len(right) != len(count):
        raise InvalidValue(f"{len(right)} limits do not fit {len(count)} counts.")
    filled = np.flatnonzero(count)
    first, last = (int(filled[0]), int(filled[-1])) if len(filled) else (0, len(count) - 1)
    right, count, left = right[first : last + 1], count[first : last + 1], right[:first]
    # The first bin begins where the one before it ended, or at the smallest value; the last may have no end.
    start = max(float(left[-1]), low) if len(left) else low
    right[-1] = min(right[-1], high) if high > (right[-2] if len(right) > 1 else start) else right[-1]  # fmt: skip
    if not start < right[0]:
        start = float(np.nextafter(right[0], -np.inf))
    edges = np.concatenate([[start], right])
    if len(count) > MAX_BINS:  # neighbours together
        group = -(-len(count) // MAX_BINS)
        ends = [*range(0, len(count), group), len(count)]
        count, edges = np.add.reduceat(count, ends[:-1]), edges[ends]
    return Histogram((count, edges))


def precision_recall(labels: Any, predictions: Any, thresholds: int, weights: Any) -> Table:
    """Counts, precision and recall of a classifier of two classes at evenly spaced thresholds from 0 to 1.

    A prediction counts as positive from the threshold on. Precision without any positive is 1, as in
    scikit-learn's curves; recall without any example of the class is 0.
    """
    import numpy as np

    truth = as_array(labels, "The labels").ravel().astype(bool)
    scores = as_array(predictions, "The predictions").ravel().astype(np.float64)
    given = np.ones(len(scores)) if weights is None else as_array(weights, "The weights").ravel()
    if not len(truth) == len(scores) == len(given):
        raise InvalidValue(f"{len(truth)} labels do not fit {len(scores)} predictions.")
    columns = []
    for threshold in np.linspace(0.0, 1.0, thresholds):
        positive = scores >= threshold
        tp, fp = given[positive & truth].sum(), given[positive & ~truth].sum()
        tn, fn = given[~positive & ~truth].sum(), given[~positive & truth].sum()
        precision = tp / (tp + fp) if tp + fp else 1.0
        recall = tp / (tp + fn) if tp + fn else 0.0
        columns.append((tp, fp, tn, fn, precision, recall))
    return curve(*zip(*columns, strict=True))


def curve(*columns: Any) -> Table:
    """A table of counts (true and false positives, true and false negatives), precision and recall at thresholds."""
    import numpy as np

    series = [np.asarray(as_array(column, "A curve"), np.float64).ravel() for column in columns]
    thresholds = np.linspace(0.0, 1.0, len(series[0]))
    names = ["threshold", "tp", "fp", "tn", "fn", "precision", "recall"]
    return Table(names, np.column_stack([thresholds, *series]).tolist())
