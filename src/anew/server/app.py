"""The application: every route of the table, and the one road that each request takes."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from typing import Any, get_args, get_origin

import anyio.to_thread
import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as Path

from ..errors import InvalidValue
from ..reading.wire import decode
from ..stores.deadline import within
from . import health
from .access import Access
from .callers import Caller, Role
from .fixed import Endpoint, FixedPaths
from .observing import Asked
from .openapi import openapi
from .place import Place
from .rationing import MOST_FILE, announced
from .replies import MSGPACK, Denied, refused, replied
from .routes import Call, Misread, Nothing, Route
from .static import PAGE
from .table import API, ROUTES

__all__ = ["MOST_BODY", "document", "make_app"]

MOST_BODY = 16 << 20
"""Bytes of a body; what is longer is refused before it was read."""
_GONE = 499
"""The status that is counted where the client went away before its answer."""
_MOST_THREADS = 40
"""Questions that are answered at the same time."""
_PATIENCE = 60.0
"""Seconds that a body may take to arrive."""


def document(routes: Sequence[Route] = ROUTES) -> dict[str, Any]:
    """The OpenAPI document of an application with these routes."""
    own = [one for one in _every(routes, lambda _: None) if not one.foreign]
    return openapi(own, version("anew"))


def _every(routes: Sequence[Route], described: Callable[[Call], Any]) -> tuple[Route, ...]:
    return (
        *routes,
        Route("GET", f"{API}/openapi.json", "openapi", Nothing, dict[str, Any], "This document.", Role.ANYONE, reply=described),
        Route("GET", "/healthz", "healthz", Nothing, str, "Whether the process answers.", Role.ANYONE, reply=lambda _: "ok"),
        Route("GET", "/readyz", "readyz", Nothing, str, "Whether the store answers.", Role.ANYONE, stream=health.ready, media="text/plain"),
        *PAGE,
    )  # fmt: skip


def make_app(place: Place, access: Access, routes: Sequence[Route] = ROUTES) -> Starlette:
    """The application that serves a store.

    Args:
        place: The store; it is closed with the application.
        access: What is asked of every request.
        routes: The table. The OpenAPI document, the status of the process and the page are added to it.
    """

    @functools.cache
    def described() -> dict[str, Any]:
        return document(routes)

    every = _every(routes, lambda _: described())
    threads = ThreadPoolExecutor(_MOST_THREADS, "answering")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            await anyio.to_thread.run_sync(place.close)

    async def failed(_: Request, error: Exception) -> Response:
        status = getattr(error, "status_code", 500)
        words = {404: "NoSuchRoute", 405: "MethodNotAllowed"}
        said = "There is no such route, or it does not take this method. The API is described at "
        return refused(Denied(status, words.get(status, "Refused"), f"{said}{API}/openapi.json."))

    endpoints = [_endpoint(one, place, access, threads) for one in every]
    paths = [
        Path(one.path, endpoint, methods=[one.method])
        for one, endpoint in zip(every, endpoints, strict=True)
    ]
    return FixedPaths(
        paths, endpoints, exception_handlers={404: failed, 405: failed}, lifespan=lifespan
    )


def _endpoint(route: Route, place: Place, access: Access, threads: Executor) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        began = time.perf_counter()
        observer = place.observer
        caller: Caller | None = None
        status = _GONE
        observer.under_way += 1
        try:
            caller = access.admit(request, route)
            size = announced(request, MOST_FILE if route.raw or route.form else MOST_BODY)
            access.charge(
                request, caller, size
            )  # before it is read: bodies may arrive side by side
            try:
                question = await _question(request, route)
            finally:
                received: int = getattr(request.state, "received", 0)
                access.charge(request, caller, max(0, received - size))
            call = Call(
                caller,
                place,
                question,
                request,
                access.identities,
                access.sign_on,
                partial(access.admit, request, route),
                partial(access.note, caller),
                access.meters,
            )
            if route.stream is not None:
                answer = await route.stream(call)
            else:
                loop = asyncio.get_running_loop()
                answer = await loop.run_in_executor(threads, _answered, route, call, access)
            status = answer.status_code
            access.charge(request, caller, len(getattr(answer, "body", b"")))
            return answer
        except ClientDisconnect:
            # Nobody reads an answer; networks break, and a traceback would say no more.
            return Response(status_code=400)
        except Exception as error:  # noqa: BLE001  (every error becomes an answer)
            answer = (route.refused or refused)(error)
            status = answer.status_code
            return answer
        finally:
            observer.under_way -= 1
            client = request.client.host if request.client else ""
            name = "" if caller is None else caller.name
            asked = Asked(route.name, request.method, request.scope["path"], client, name)
            observer.saw(asked, status, time.perf_counter() - began)

    return endpoint


def _answered(route: Route, call: Call, access: Access) -> Response:
    assert route.reply is not None
    began = time.perf_counter()
    try:
        # What changes something is not left half done.
        with contextlib.nullcontext() if route.changes else within(call.place.seconds):
            answer = route.reply(call)
        return replied(call.request, answer, arrays=route.arrays)
    finally:
        access.worked(call.request, call.caller, time.perf_counter() - began)


async def _question(request: Request, route: Route) -> Any:
    """What is asked, from the path and from the query or the body.

    Raises:
        InvalidValue: It is not what the route takes.
        Denied: The body is too long, or takes too long.
    """
    kind = route.question
    if route.foreign:
        return await _foreign(request, route)
    body = b"" if route.method == "GET" else await _body(request)
    if kind is Nothing:
        return Nothing()
    try:
        if route.method == "GET":
            return msgspec.convert(_given(request, kind, route.link), kind, strict=False)
        if request.headers.get("content-type", "").startswith(MSGPACK):
            return decode(body, kind)
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidValue(f"The question cannot be read: {error}", key=None) from None


async def _foreign(request: Request, route: Route) -> Any:
    """What the client of another tracker asks: whatever it says, wherever it says it."""
    given: dict[str, Any] = _several(request, route.question)
    kind = request.headers.get("content-type", "")
    if route.method != "GET" and not (route.raw or (route.form and kind.startswith("multipart/"))):
        body = await _body(request)
        try:
            found = msgspec.json.decode(body) if body else {}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidValue(f"The body is no JSON: {error}", key=None) from None
        if not isinstance(found, dict):
            raise InvalidValue("The body is no object of JSON.", key=None)
        given |= found
    given |= request.path_params
    strict = route.strict and route.method != "GET"
    try:
        return msgspec.convert(given, route.question, strict=strict)
    except msgspec.ValidationError as error:
        raise Misread(error, given) from None


def _several(request: Request, kind: type[Any]) -> dict[str, Any]:
    """The fields of a query; those that may have several values as lists of them."""
    if not request.scope["query_string"]:
        return {}
    hints = {field.name: field.type for field in msgspec.structs.fields(kind)}
    given: dict[str, Any] = {}
    for name in request.query_params:
        several = any(
            get_origin(one) is tuple for one in (hints.get(name), *get_args(hints.get(name)))
        )
        values = request.query_params.getlist(name)
        given[name] = values if several else values[-1]
    return given


def _given(request: Request, kind: type[Any], link: bool) -> dict[str, Any]:
    """The fields of a GET; one that may have several values is given several times."""
    hints = {field.name for field in msgspec.structs.fields(kind)}
    given = _several(request, kind)
    given.pop("precision", None)
    unknown = set(given) - hints
    if unknown and not link:
        raise InvalidValue(f"There is no parameter {min(unknown)!r} here.", key=min(unknown))
    return {**given, **request.path_params}


async def _body(request: Request) -> bytes:
    too_long = Denied(413, "TooLarge", f"The body is longer than {MOST_BODY} bytes.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Denied(415, "UnsupportedMediaType", "Send the body without compression.")
    if announced(request) > MOST_BODY:
        raise too_long
    pieces: list[bytes] = []
    length = 0
    try:
        async with asyncio.timeout(_PATIENCE):
            async for piece in request.stream():
                pieces.append(piece)
                length += len(piece)
                request.state.received = length
                if length > MOST_BODY:
                    raise too_long
    except TimeoutError:
        raise Denied(408, "Timeout", "The body took too long to arrive.") from None
    return b"".join(pieces)
