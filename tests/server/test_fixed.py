"""Routes whose paths have no parameters are found by their path, and behave as they would one after the other."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from anew.server.fixed import Endpoint, FixedPaths
from serving import InProcess


def saying(name: str) -> Endpoint:
    async def said(request: Request) -> Response:
        body = (await request.body()).decode()
        return PlainTextResponse(
            f"{name} {dict(request.path_params)} {request.query_params} {body}"
        )

    return said


ENDPOINTS = [saying(name) for name in ("get-a", "post-a", "below-a", "get-b")]
ROUTES = [
    Route("/a", ENDPOINTS[0], methods=["GET"]),
    Route("/a", ENDPOINTS[1], methods=["POST"]),
    Route("/a/{rest:path}", ENDPOINTS[2], methods=["GET"]),
    Route("/b", ENDPOINTS[3], methods=["GET"]),
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/a?x=1", "/a/", "/a/x/y", "/b", "/A", "/", "/{rest:path}", "//a"]
)
def test_a_request_is_answered_as_without_the_look_up(method: str, path: str):
    def answered(app: Starlette) -> tuple[int, bytes]:
        server = InProcess(app)
        try:
            answer = server.send(method, path, body=b"body")
            return answer.status, answer.body
        finally:
            server.close()

    assert answered(FixedPaths(ROUTES, ENDPOINTS)) == answered(Starlette(routes=ROUTES))
