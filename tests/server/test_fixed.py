"""Routes whose paths have no parameters are found by their path, and behave as they would one after the other."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router

from anew.server.fixed import FixedPaths
from serving import InProcess


async def said(request: Request) -> Response:
    return PlainTextResponse(f"{request.scope['route'].name} {dict(request.path_params)}")


ROUTES = [
    Route("/a", said, methods=["GET"], name="get-a"),
    Route("/a", said, methods=["POST"], name="post-a"),
    Route("/a/{rest:path}", said, methods=["GET"], name="below-a"),
    Route("/b", said, methods=["GET"], name="get-b"),
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/a", "/a/", "/a/x/y", "/b", "/A", "/", "/{rest:path}", "//a"])
def test_a_request_is_answered_as_without_the_look_up(method: str, path: str):
    def answered(routes: list[Route | FixedPaths]) -> tuple[int, bytes]:
        server = InProcess(Router(routes))
        try:
            answer = server.send(method, path)
            return answer.status, answer.body.replace(b"None", b"")
        finally:
            server.close()

    assert answered([FixedPaths(ROUTES), *ROUTES]) == answered([*ROUTES])
