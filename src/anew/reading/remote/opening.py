"""From the address of a server to what answers questions about its store."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .analyst import RemoteAnalyst
from .backend import RemoteBackend
from .calls import Calls
from .connection import Connections, Transport
from .reports import RemoteReports
from .upkeep import RemoteUpkeep
from .weights import RemoteWeights

__all__ = ["Opened", "open_server"]


class Opened(NamedTuple):
    """A server that can be asked: its backend, its upkeep, what closes both, its repository of weights, and what it reckons and tells of reports."""

    backend: RemoteBackend
    upkeep: RemoteUpkeep
    close: Callable[[], None]
    weights: RemoteWeights
    analyst: RemoteAnalyst
    reports: RemoteReports


def open_server(
    url: str, transport: Transport | None = None, *, token: str | None = None
) -> Opened:
    """What a server answers; nothing is sent before the first question.

    Args:
        url: Its address, such as `http://127.0.0.1:5700`.
        transport: What carries the requests; HTTP connections of our own if not given.
        token: What shows the server who asks. It is sent to this server alone, and only where nobody else can read it.
    """
    calls = Calls(transport or Connections(url), url, token=token)
    backend = RemoteBackend(calls)
    return Opened(
        backend, RemoteUpkeep(calls, backend), calls.close, RemoteWeights(calls), RemoteAnalyst(calls),
        RemoteReports(calls),
    )  # fmt: skip
