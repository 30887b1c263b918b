"""How much one caller may ask for in a time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Rate"]

_MOST_CALLERS = 10_000


class Rate:
    """Requests that each caller may make: `per_second` in the long run, and `burst` at once. Any thread may ask.

    Args:
        clock: Seconds that only go forwards.
    """

    def __init__(
        self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._guard = threading.Lock()

    def take(self, key: str) -> bool:
        """Count a request of a caller; whether they may make it."""
        now = self._clock()
        with self._guard:
            left, at = self._left.pop(key, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._per_second)
            allowed = left >= 1.0
            self._left[key] = (left - 1.0 if allowed else left, now)
            if len(self._left) > _MOST_CALLERS:
                self._left.popitem(last=False)
            return allowed
