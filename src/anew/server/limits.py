"""How much callers may ask for and send in a time, and how much projects may hold."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ..errors import InvalidSetting

__all__ = ["Limits", "Rate"]

_MOST_CALLERS = 10_000
_NUMBER = re.compile(r"(\d+(?:\.\d*)?)\s*([kMGTP]?)B?", re.ASCII)
_TIMES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be had. None is as much as somebody likes.

    What begins with `token` is counted for each token and each user who is logged in; `project` for a project, by all who use it together. On
    the command line `token_requests` is written `token.requests`.

    Attributes:
        answer_points: Points of one answer.
        answer_seconds: Seconds of answering one question.
        token_requests: Requests in a second; like everything counted by the second, four times as many at once.
        token_bytes: Bytes sent and received in a second.
        token_seconds: Seconds of answering in a second: how many questions may be answered side by side in the long run.
        token_streams: Streams of changes that are open at once.
        project_stored: Bytes that the experiments of a project hold.
        project_experiments: How many experiments a project has.
    """

    answer_points: int = 20_000_000
    answer_seconds: float = 30.0
    token_requests: float | None = 1000.0
    token_bytes: float | None = 200e6
    token_seconds: float | None = None
    token_streams: int | None = 8
    project_requests: float | None = None
    project_bytes: float | None = None
    project_seconds: float | None = None
    project_streams: int | None = None
    project_stored: int | None = None
    project_experiments: int | None = None

    @classmethod
    def of(cls, texts: Iterable[str]) -> Limits:
        """The limits that texts such as `project.stored=100GB` set; a later one counts before an earlier one.

        Raises:
            InvalidSetting: There is no such limit, or it has no such value.
        """
        known = {
            field.name.replace("_", ".", 1): field.name for field in msgspec.structs.fields(cls)
        }
        found: dict[str, Any] = {}
        for text in texts:
            name, _, value = (part.strip() for part in text.partition("="))
            if name not in known:
                raise InvalidSetting(
                    f"There is no limit {name!r}. These can be set: {', '.join(known)}.",
                    setting="limit",
                )
            found[known[name]] = _amount(value, text)
        try:
            return msgspec.convert(found, cls)
        except msgspec.ValidationError as error:
            raise InvalidSetting(f"The limits cannot be used: {error}.", setting="limit") from None


def _amount(text: str, whole: str) -> int | float | None:
    if text == "none":
        return None
    found = _NUMBER.fullmatch(text)
    if found is None or not float(found[1]):
        raise InvalidSetting(
            f"{whole!r} is no limit: write a number such as 500, 20M or 100GB after the `=`, or none.", setting="limit"
        )  # fmt: skip
    amount = float(found[1]) * _TIMES[found[2]]
    return int(amount) if amount.is_integer() else amount


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
