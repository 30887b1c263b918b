"""The experiments that no other one beats in two fields at once: along time the best so far, of two results Pareto's front."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from ..errors import InvalidValue

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["BETTER", "Better", "check_front", "front_of"]

Better = Literal["low-low", "low-high", "high-low", "high-high"]
"""Which ends of two axes are the better ones, the one across first."""
BETTER: tuple[Better, ...] = get_args(Better)


def check_front(front: str, *kinds: str) -> None:
    """Raise an error unless there is such a front of axes of these kinds.

    Raises:
        InvalidValue: It names no two ends, or an axis is one of texts, of which none is better.
    """
    if front not in BETTER:
        raise InvalidValue(f"front must be one of {', '.join(BETTER)}, not {front!r}.", key="front")
    if "text" in kinds:
        raise InvalidValue("A front is of numbers: of texts, none is better.", key="front")


def front_of(xs: ArrayLike, ys: ArrayLike, better: Better) -> tuple[int, ...]:
    """The places of the points that no other one beats, from the better end of x: each further one is better in y.

    A point beats another one if it is better in x or y and not worse in the other, so that equal ones are there together; one
    without two finite values takes no part. The method is that of H. T. Kung, F. Luccio and F. P. Preparata, "On finding the maxima of a set of
    vectors", 1975, for two dimensions.
    """
    import numpy as np  # the words above are also those of a command, which must not wait for it

    x, y = np.asarray(xs, dtype=float), np.asarray(ys, dtype=float)
    (among,) = np.nonzero(np.isfinite(x) & np.isfinite(y))
    across = x[among] if better.startswith("low") else -x[among]
    up = y[among] if better.endswith("low") else -y[among]
    order = np.lexsort((up, across))
    found: list[int] = []
    last: tuple[float, float] | None = None
    # Only what is better than all before it can be in the front.
    low = np.minimum.accumulate(up[order]) if len(order) else up
    for at in order[up[order] == low]:
        here = (float(across[at]), float(up[at]))
        if last is None or here == last or here[1] < last[1]:
            found.append(int(among[at]))
            last = here
    return tuple(found)
