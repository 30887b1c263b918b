"""Finding the route of a request by its path at once, where the path has no parameters."""

from __future__ import annotations

from collections.abc import Iterable

from starlette._utils import get_route_path
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

__all__ = ["FixedPaths"]


class FixedPaths(BaseRoute):
    """Routes by method and path: one look-up instead of a regular expression for each of a hundred routes.

    Whatever it does not know, such as another method, is left to the routes behind it.

    Args:
        routes: Those with parameters in their paths are passed over.
    """

    path = ""
    methods: frozenset[str] = frozenset()

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = {
            (method, one.path): one
            for one in routes
            if "{" not in one.path
            for method in one.methods or ()
        }

    def _of(self, scope: Scope) -> Route | None:
        return self._routes.get((scope["method"], get_route_path(scope)))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request is for one of them."""
        found = self._of(scope) if scope["type"] == "http" else None
        return (Match.NONE, {}) if found is None else found.matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it."""
        found = self._of(scope)
        assert found is not None
        scope["route"] = found
        await found.handle(scope, receive, send)
