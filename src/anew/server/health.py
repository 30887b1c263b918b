"""Whether a server can answer, and how much it is asked."""

from __future__ import annotations

import anyio
import anyio.to_thread
from starlette.responses import Response

from ..errors import NotAllowed
from .replies import SECURITY, Denied
from .routes import Call

__all__ = ["metrics", "ready"]

_READY = 2.0
"""Seconds in which a store that is ready answers."""


async def metrics(call: Call) -> Response:
    """The counters, for Prometheus: what everybody asks, so only for who may see everything."""
    if call.caller.scope() is not None:
        raise NotAllowed("The counters are about all projects: that needs a role in every one.")
    intake = call.place.intake
    standing = None if intake is None else await anyio.to_thread.run_sync(intake.standing)
    text = call.place.observer.text(call.place.live.streams, standing)
    return Response(text, headers=SECURITY, media_type="text/plain; version=0.0.4")


async def ready(call: Call) -> Response:
    """Whether the store answers soon. Many may ask at once: one of them looks, and the others are told to come back."""
    observer = call.place.observer
    if call.place.live.closed:
        raise Denied(503, "NotReady", "The server is stopping.")
    if observer.checking:
        raise Denied(503, "NotReady", "The store is being asked already.")
    observer.checking = True

    def look() -> str:
        try:
            call.place.look()
            return call.place.lacking()
        finally:
            observer.checking = False

    lacking = None
    with anyio.move_on_after(_READY):
        lacking = await anyio.to_thread.run_sync(look, abandon_on_cancel=True)
    if lacking is None:
        raise Denied(
            503, "NotReady", "The store takes long to answer: its index may be being made."
        )
    text = f"ok, {lacking}" if lacking else "ok"
    return Response(text, headers=SECURITY, media_type="text/plain")
