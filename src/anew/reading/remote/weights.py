"""The repository of weights of a server: `weights.elsewhere.Elsewhere`."""

from __future__ import annotations

from collections.abc import Sequence

from ...weights.elsewhere import Given, Shown
from .calls import Calls

__all__ = ["RemoteWeights"]


class RemoteWeights:
    """See `Elsewhere`.

    Attributes:
        where: The server's address.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.where = calls.where

    def shown(self) -> Shown:
        """See `Elsewhere.shown`."""
        found: Shown = self._calls.call("GET", "/weights", None, Shown)
        return found

    def objects(self, keys: Sequence[bytes]) -> Sequence[Given]:
        """See `Elsewhere.objects`."""
        found: tuple[Given, ...]
        found = self._calls.call("POST", "/weights/objects", {"keys": keys}, tuple[Given, ...])
        return found

    def starting(self, digits: str) -> Sequence[str]:
        """See `Elsewhere.starting`."""
        found: tuple[str, ...]
        found = self._calls.call("POST", "/weights/commits", {"digits": digits}, tuple[str, ...])
        return found
