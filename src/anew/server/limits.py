"""How much one caller may ask for, and send, in a time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

__all__ = ["Rate"]

_MOST_CALLERS = 10_000


class Rate:
    """What each caller may have, be it requests or bytes: `per_second` in the long run, and `burst` at once. Any thread may ask.

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
        with self._guard:
            now, left = self._now(key)
            allowed = left >= 1.0
            self._keep(key, left - 1.0 if allowed else left, now)
            return allowed

    def charge(self, key: str, amount: float) -> None:
        """Count what a caller has had, whose amount was not known before. They may owe some of it for a time."""
        with self._guard:
            now, left = self._now(key)
            self._keep(key, left - amount, now)

    def owing(self, key: str) -> float:
        """Seconds until a caller owes nothing; 0 if that is so now."""
        with self._guard:
            left = self._now(key)[1]
        return 0.0 if left >= 0.0 else -left / self._per_second

    def _now(self, key: str) -> tuple[float, float]:
        now = self._clock()
        left, at = self._left.get(key, (self._burst, now))
        return now, min(self._burst, left + (now - at) * self._per_second)

    def _keep(self, key: str, left: float, now: float) -> None:
        self._left[key] = (left, now)
        self._left.move_to_end(key)
        if len(self._left) > _MOST_CALLERS:
            self._left.popitem(last=False)
