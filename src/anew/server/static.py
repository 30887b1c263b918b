"""The page: the files that were built from `web/`, served as they are.

Every address of the page answers with the same document, and the program in it shows what the address names. The document
says where the page begins (`<base href>`) relative to the address it was asked for, so that it works below any path that a proxy puts
before it, without being told of it.
"""

from __future__ import annotations

import functools
import gzip
import os
import re

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from .callers import Role
from .replies import SECURITY, Denied, compressed
from .routes import Call, Nothing, Route

__all__ = ["BUNDLE", "PAGE", "POLICY", "is_built"]

BUNDLE = os.path.join(os.path.dirname(__file__), "bundle")
"""Where the built files lie; not there in an installation that was made with `ANEW_NO_UI=1`."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'self'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types svelte-trusted-html notes",
    )
)
"""What the page may load and run: its own files, and nothing that stands in the document or came with the data."""

_MEDIA = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}  # fmt: skip
_WITHOUT = (
    "<!doctype html><title>Anew</title><p>This installation of Anew has no page: it was built with ANEW_NO_UI=1. "
    "In a checkout, <code>make web</code> builds it. The API is described at <a href=api/v1/openapi.json>api/v1/openapi.json</a>."
)
_BASE = '<base href="./" />'


class AssetRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A file that the page loads.

    Attributes:
        name: Its name among the built files.
    """

    name: str


class PlaceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An address of the page.

    Attributes:
        place: What the page shows there.
    """

    place: str


def is_built() -> bool:
    """Whether this installation has the page."""
    return os.path.isfile(os.path.join(BUNDLE, "index.html"))


@functools.cache
def _assets() -> dict[str, tuple[str, str]]:
    """The built files by name, each with its path and media type: what is not listed here is never opened."""
    folder = os.path.join(BUNDLE, "assets")
    if not is_built() or not os.path.isdir(folder):
        return {}
    found = {}
    for name in os.listdir(folder):
        media = _MEDIA.get(os.path.splitext(name)[1])
        if media is not None:
            found[name] = (os.path.join(folder, name), media)
    return found


@functools.lru_cache(maxsize=256)
def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


@functools.lru_cache(maxsize=256)
def _packed(path: str) -> bytes:
    return gzip.compress(_content(path), 6, mtime=0)


def _depth(request: Request) -> int:
    """How many folders below the beginning of the page the address is that was asked for."""
    raw = request.scope.get("raw_path") or request.url.path.encode()
    return max(0, raw.partition(b"?")[0].count(b"/") - 1)


async def document(call: Call) -> Response:
    """The document of the page, for any of its addresses."""
    headers = {**SECURITY, "Content-Security-Policy": POLICY, "X-Frame-Options": "SAMEORIGIN"}
    if not is_built():
        return compressed(call.request, _WITHOUT.encode(), headers, "text/html; charset=utf-8")
    text = _content(os.path.join(BUNDLE, "index.html")).decode()
    base = "../" * _depth(call.request) or "./"
    text = re.sub(re.escape(_BASE), f'<base href="{base}" />', text, count=1)
    return compressed(call.request, text.encode(), headers, "text/html; charset=utf-8")


async def asset(call: Call) -> Response:
    """One of the built files. Its name changes with its content, so it may be kept for good."""
    question: AssetRequest = call.question
    found = _assets().get(question.name)
    if found is None:
        raise Denied(404, "NotFound", "The page has no such file.")
    path, media = found
    headers = {**SECURITY, "Cache-Control": "public, max-age=31536000, immutable"}
    headers["Vary"] = "Accept-Encoding"
    if "gzip" not in call.request.headers.get("accept-encoding", ""):
        return Response(_content(path), headers=headers, media_type=media)
    # Also for a browser on this machine, which may be the near end of a tunnel.
    headers["Content-Encoding"] = "gzip"
    return Response(_packed(path), headers=headers, media_type=media)


def _place(path: str, name: str, summary: str) -> Route:
    question = PlaceRequest if "{place" in path else Nothing
    return Route(
        "GET", path, name, question, str, summary, Role.ANYONE, stream=document, media="text/html", link=True,
    )  # fmt: skip


PAGE: tuple[Route, ...] = (
    _place("/", "page", "The page: the experiments."),
    _place("/x/{place:path}", "page-experiment", "The page of one experiment."),
    _place("/diff", "page-difference", "The page of where experiments differ."),
    _place("/reports", "page-reports", "The page of reports."),
    Route("GET", "/assets/{name}", "asset", AssetRequest, bytes, "A file that the page loads.", Role.ANYONE, stream=asset, media="application/octet-stream"),
)  # fmt: skip
"""What a browser opens. It says nothing about experiments; the page asks for these like any other caller."""
