"""An application that finds the route of a request by its path at once, where the path has no parameters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

__all__ = ["Endpoint", "FixedPaths"]

Endpoint = Callable[[Request], Awaitable[Response]]


class FixedPaths(Starlette):
    """An application whose fixed paths cost one look-up, instead of a regular expression for each of two hundred routes and what the framework wraps around them.

    Whatever is not known by its method and path alone, such as another method, goes the way of the framework.

    Args:
        routes: All of them. Those with parameters in their paths are only the framework's.
        endpoints: What answers each of them. It raises nothing: an error is an answer, too.
        more: As for the framework's application.
    """

    def __init__(self, routes: Sequence[Route], endpoints: Sequence[Endpoint], **more: Any) -> None:
        super().__init__(routes=routes, **more)
        self._fixed: dict[tuple[str, str], Endpoint] = {}
        for one, endpoint in zip(routes, endpoints, strict=True):
            if "{" not in one.path:
                for method in one.methods or ():
                    self._fixed.setdefault((method, one.path), endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        known = scope["type"] == "http" and not scope.get("root_path")
        endpoint = self._fixed.get((scope["method"], scope["path"])) if known else None
        if endpoint is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        answer = await endpoint(Request(scope, receive, send))
        await answer(scope, receive, send)
