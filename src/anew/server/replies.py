"""How answers and errors leave: the encodings, their compression, and the headers that all have."""

from __future__ import annotations

import gzip
import math
import sys
import traceback
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from .. import errors
from ..reading.columns import MEDIA_TYPE as COLUMNS
from ..reading.columns import encode_columns
from ..reading.plain_answers import as_json
from ..reading.problems import Problem, Refusal, problem_of
from ..reading.wire import encode

__all__ = ["COLUMNS", "JSON", "MSGPACK", "SECURITY", "Denied", "compressed", "refused", "replied"]

JSON = "application/json"
MSGPACK = "application/msgpack"
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "private, no-cache",
}
_WORTH = 1400
"""Bytes from which compressing an answer is worth its time: one packet holds less."""
# The first class that fits decides.
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (errors.NotFound, 404),
    (errors.NotAllowed, 403),
    (errors.TookTooLong, 422),
    (errors.Ambiguous, 409),
    (errors.StillRunning, 409),
    (errors.Conflict, 409),
    (errors.NotVerified, 409),
    (errors.CorruptData, 422),
    (errors.UnknownFormat, 422),
    (errors.MissingDependency, 501),
    (errors.WriteFailed, 503),
    (errors.AnewError, 400),
    (ValueError, 400),
)


class Denied(Exception):
    """A request that is refused before anything is asked.

    Args:
        status: The status of the answer.
        code: What was wrong, as a word.
        after: Seconds after which the same request may be made, where it may be made again at all.
    """

    def __init__(self, status: int, code: str, message: str, *, after: float = 1.0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.after = after


def replied(request: Request, answer: Any, *, arrays: bool = False) -> Response:
    """An answer in the encoding that was asked for; a GET is answered 304 where the asker has it already."""
    accepted = request.headers.get("accept", "")
    if MSGPACK in accepted:
        media, body = MSGPACK, encode(answer)
    elif arrays and COLUMNS in accepted:
        exact = request.query_params.get("precision") == "64"
        media, body = COLUMNS, encode_columns(answer, exact=exact)
    else:
        media, body = JSON, as_json(answer)
    headers = {**SECURITY, "Vary": "Accept, Accept-Encoding"}
    if request.method == "GET":
        import blake3

        tag = f'W/"{blake3.blake3(body).hexdigest()[:32]}"'
        headers["ETag"] = tag
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
    return compressed(request, body, headers, media)


def refused(error: BaseException) -> Response:
    """The answer that reports an error."""
    if isinstance(error, Denied):
        return _problem(
            error.status, Problem(code=error.code, message=str(error)), after=error.after
        )
    problem = problem_of(error)
    if problem is not None:
        status = next(status for kind, status in _STATUS if isinstance(error, kind))
        return _problem(status, problem)
    if isinstance(error, RecursionError):
        return _problem(
            400, Problem(code="InvalidValue", message="The question is nested too deeply.")
        )
    traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, OSError):
        # Which path it was about concerns this machine alone.
        said = f"The server could not read its store: {error.strerror or type(error).__name__}."
        return _problem(503, Problem(code="OSError", message=said))
    said = "The server made a mistake. What went wrong is in its log."
    return _problem(500, Problem(code="AnewError", message=said))


def _problem(status: int, problem: Problem, *, after: float = 1.0) -> Response:
    headers: Mapping[str, str] = SECURITY
    if status in (429, 503):
        headers = {**SECURITY, "Retry-After": str(max(1, math.ceil(after)))}
    elif status == 401:
        headers = {**SECURITY, "WWW-Authenticate": "Bearer"}
    body = msgspec.json.encode(Refusal(problem))
    return Response(body, status, headers=headers, media_type=JSON)


def compressed(request: Request, body: bytes, headers: dict[str, str], media: str) -> Response:
    """A body as a response, compressed where that is worth its time."""
    near = request.client is None or request.client.host in ("127.0.0.1", "::1")
    accepted = request.headers.get("accept-encoding", "")
    if len(body) >= _WORTH and not near:
        if "zstd" in accepted and (short := _zstd(body)) is not None:
            body, headers["Content-Encoding"] = short, "zstd"
        elif "gzip" in accepted:
            body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
    return Response(body, headers=headers, media_type=media)


def _zstd(body: bytes) -> bytes | None:
    try:
        import zstandard
    except ImportError:
        return None
    return zstandard.ZstdCompressor(level=1).compress(body)
