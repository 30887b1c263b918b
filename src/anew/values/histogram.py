"""Distributions: weights, gradients, lengths, scores."""

from __future__ import annotations

from ..errors import CorruptData, InvalidValue
from .arrays import as_array
from .value import Saved, check_caption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

__all__ = ["MAX_BINS", "Histogram"]

_LARGEST = 1.7976931348623157e308
MAX_BINS = 512  # its counts and edges stay small enough for the record


class Histogram:
    """How often values fall into bins of equal width; only the counts are kept.

    `counts` has one number a bin, `edges` one more; a bin holds its left edge, the last one both.
    Values that are no finite number are counted apart, in `nonfinite`.

    Args:
        values: An array or tensor of any shape; or `(counts, edges)`, as `numpy.histogram` returns.
        bins: How many bins, 1 to 512.
        range: The smallest and largest value of the bins, those of the values if not given. What lies
            outside is counted apart, in `outside`.
        caption: A line to show with it.

    Raises:
        InvalidValue: It is no array of numbers, or counts and edges that do not fit each other.
    """

    kind: ClassVar[str] = "histogram"

    def __init__(
        self,
        values: Any,
        bins: int = 64,
        *,
        range: tuple[float, float] | None = None,
        caption: str | None = None,
    ) -> None:
        self.metadata: dict[str, Any] = check_caption(caption)
        self.nonfinite = 0
        self.outside = 0
        self.counts: npt.NDArray[Any]
        self.edges: npt.NDArray[np.float64]
        if _is_counted(values):
            self._take(*values)
        else:
            self._count(values, bins, range)

    def _count(self, values: Any, bins: int, limits: tuple[float, float] | None) -> None:
        import numpy as np

        if isinstance(bins, bool) or not isinstance(bins, int) or not 1 <= bins <= MAX_BINS:
            raise InvalidValue(f"bins must be from 1 to {MAX_BINS}, not {bins!r}.", key="bins")
        flat = as_array(values, "A Histogram").astype(np.float64).ravel()
        finite = flat[np.isfinite(flat)]
        self.nonfinite = int(flat.size - finite.size)
        low, high = _limits(finite, limits)
        edges = _edges(low, high, bins)
        if limits is None and not (edges[1:] > edges[:-1]).all():
            # All the same, or nearly: room around it that the floats can resolve.
            room = max(0.5, max(abs(low), abs(high)) * 1e-6)
            low, high = max(low - room, -_LARGEST), min(high + room, _LARGEST)
            edges = _edges(low, high, bins)
        inside = finite[(finite >= low) & (finite <= high)]
        self.outside = int(finite.size - inside.size)
        self.edges = edges
        where = np.clip(np.searchsorted(edges, inside, side="right") - 1, 0, bins - 1)
        self.counts = np.bincount(where, minlength=bins)
        if finite.size:
            with np.errstate(over="ignore", invalid="ignore"):
                mean, std = float(finite.mean()), float(finite.std())
            self.metadata |= {"min": float(finite.min()), "max": float(finite.max())}
            self.metadata |= {k: v for k, v in (("mean", mean), ("std", std)) if abs(v) < np.inf}
        self.metadata["count"] = int(flat.size)

    def _take(self, counts: Any, edges: Any) -> None:
        import numpy as np

        self.counts = as_array(counts, "The counts of a Histogram")
        self.edges = as_array(edges, "The edges of a Histogram").astype(np.float64)
        if self.counts.ndim != 1 or not 1 <= self.counts.size <= MAX_BINS:
            raise InvalidValue(
                f"The counts of a Histogram must be 1 to {MAX_BINS} numbers; these have the shape {self.counts.shape}."
            )
        if not (np.isfinite(self.edges).all() and (self.edges[1:] > self.edges[:-1]).all()):
            raise InvalidValue("The edges of a Histogram must be finite and strictly increasing.")
        if not np.isfinite(self.counts).all() or (self.counts < 0).any():
            raise InvalidValue("The counts of a Histogram must be finite and not negative.")
        self.metadata["count"] = _number(self.counts.sum())

    def save(self, folder: str, stem: str) -> Saved:
        """Keep it in the record; it needs no file (see `Value.save`)."""
        data = {
            "counts": [_number(count) for count in self.counts],
            "edges": [float(edge) for edge in self.edges],
        }
        if self.nonfinite:
            data["nonfinite"] = self.nonfinite  # type: ignore[assignment]
        if self.outside:
            data["outside"] = self.outside  # type: ignore[assignment]
        return Saved(None, data, self.metadata)

    @classmethod
    def load(cls, data: Any, path: str | None) -> Histogram:
        """The histogram as it was saved.

        Raises:
            CorruptData: `data` is not what `save` gives.
        """
        try:
            histogram = cls((data["counts"], data["edges"]))
            histogram.nonfinite = int(data.get("nonfinite", 0))
            histogram.outside = int(data.get("outside", 0))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorruptData(f"This is not a saved histogram: {error}") from error
        return histogram

    def to_pandas(self) -> pd.DataFrame:
        """A row a bin: left, right, count."""
        import pandas as pd

        return pd.DataFrame(
            {"left": self.edges[:-1], "right": self.edges[1:], "count": self.counts}
        )

    def __repr__(self) -> str:
        return f"Histogram({len(self.counts)} bins, {self.edges[0]:g} to {self.edges[-1]:g})"


def _is_counted(values: Any) -> bool:
    """Whether these are counts and edges: a pair of sequences, the second longer by one."""
    if not isinstance(values, tuple) or len(values) != 2:
        return False
    try:
        return len(values[1]) == len(values[0]) + 1
    except TypeError:
        return False


def _limits(
    finite: npt.NDArray[np.float64], limits: tuple[float, float] | None
) -> tuple[float, float]:
    import math

    if limits is not None:
        low, high = (float(v) for v in limits)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InvalidValue(
                f"range must be a smaller and a larger number, not {limits!r}.", key="range"
            )
        return low, high
    if not finite.size:
        return 0.0, 1.0
    return float(finite.min()), float(finite.max())


def _edges(low: float, high: float, bins: int) -> npt.NDArray[np.float64]:
    import numpy as np

    # A quarter, so that the width of a range as large as float64 itself does not overflow, nor a step of it that is rounded up.
    edges = np.linspace(low / 4, high / 4, bins + 1) * 4
    edges[0], edges[-1] = low, high  # what is as small as float64 goes loses digits in a quarter
    return edges


def _number(value: Any) -> float | int:
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
