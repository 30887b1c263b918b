"""What callers and projects have had lately, held against the limits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from .limits import Limits, Rate
from .replies import Denied

__all__ = ["Meters"]

_UNITS = {
    "requests": ("ask for {0:g} requests a second", "TooManyRequests"),
    "bytes": ("send and read {0:,.0f} bytes a second", "TooManyBytes"),
    "seconds": ("have {0:g} questions answered side by side", "TooMuchWork"),
}


class Meters:
    """What is counted for each token and each project. Any thread may use it.

    Each server of a group counts for itself.

    Args:
        clock: Seconds that only go forwards.
    """

    def __init__(
        self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limits = limits or Limits()
        self._rates: dict[str, dict[str, Rate]] = {
            whose: {
                what: Rate(most, 4 * most, clock)
                for what in _UNITS
                if (most := getattr(self.limits, f"{whose}_{what}")) is not None
            }
            for whose in ("token", "project")
        }

    @property
    def by_project(self) -> bool:
        """Whether anything is counted for projects."""
        return bool(self._rates["project"])

    def admit(self, token: str, project: str = "") -> None:
        """Count a request.

        Args:
            token: Whose it is.
            project: The project that their token is for, if it is for one.

        Raises:
            Denied: They owe something, or ask too often. It says when to go on.
        """
        self._admit("token", token)
        if project:
            self._admit("project", project)

    def send(self, sizes: Mapping[str, int]) -> None:
        """Count what one request sends to projects: how many bytes to each.

        Raises:
            Denied: One of them owes something, or is asked for too often. Nothing of the others is counted then.
        """
        for project in sizes:
            self._check("project", project)
        for project, size in sizes.items():
            self._admit("project", project)
            self.charge("", size, project)

    def charge(self, token: str, size: int, project: str = "") -> None:
        """Count bytes that were sent or received."""
        self._charge("bytes", token, project, size)

    def worked(self, token: str, seconds: float, project: str = "") -> None:
        """Count the time that an answer took."""
        self._charge("seconds", token, project, seconds)

    def _charge(self, what: str, token: str, project: str, amount: float) -> None:
        for whose, name in (("token", token), ("project", project)):
            rate = self._rates[whose].get(what)
            if rate is not None and name and amount:
                rate.charge(name, amount)

    def _check(self, whose: str, name: str) -> None:
        for what in ("bytes", "seconds"):
            rate = self._rates[whose].get(what)
            if rate is not None and (wait := rate.owing(name)):
                raise self._denied(whose, name, what, wait)

    def _admit(self, whose: str, name: str) -> None:
        self._check(whose, name)
        rate = self._rates[whose].get("requests")
        if rate is not None and not rate.take(name):
            raise self._denied(whose, name, "requests", 1.0)

    def _denied(self, whose: str, name: str, what: str, wait: float) -> Denied:
        most = getattr(self.limits, f"{whose}_{what}")
        said, code = _UNITS[what]
        subject = (
            "One token or user" if whose == "token" else f"All who use the project {name} together"
        )
        return Denied(
            429,
            code,
            f"{subject} may {said.format(most)} in the long run ({whose}.{what}), and that was more. Go on in "
            f"{max(1.0, wait):.0f} seconds.",
            after=wait,
        )
