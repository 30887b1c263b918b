"""Connections that wait for nothing: closed in time, while those that work go on."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from anew.server import connections

HEAD = b"GET / HTTP/1.1\r\nHost: here\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with more than a socket holds."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(200):
        await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@contextlib.contextmanager
def serving() -> Iterator[tuple[str, int]]:
    config = uvicorn.Config(
        app, log_config=None, lifespan="off", http=connections.Connection, ws="none"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        yield listener.getsockname()
        server.should_exit = server.force_exit = True
        thread.join(60)


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD + b"\r\n"], ids=["nothing", "half", "unread"])
def test_a_connection_that_neither_asks_nor_reads_is_closed(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connections, "_PATIENCE", 0.1)
    monkeypatch.setattr(connections, "_UNREAD", 0.3)
    with serving() as address, socket.create_connection(address, 60) as client:
        client.sendall(sent)
        if sent.endswith(b"\r\n\r\n"):
            watch = threading.Event()
            watch.wait(1.0)  # nothing is read meanwhile
        got = 0
        with contextlib.suppress(ConnectionResetError):
            while piece := client.recv(1 << 20):
                got += len(piece)
        assert got < 200 << 20


def test_a_connection_that_reads_slowly_gets_all_of_its_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_UNREAD", 30.0)
    with serving() as address, socket.create_connection(address, 60) as client:
        client.sendall(HEAD + b"Connection: close\r\n\r\n")
        got = 0
        while piece := client.recv(1 << 20):
            got += len(piece)
        assert got > 200 << 20


def test_one_connection_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_room", 2)
    with serving() as address, contextlib.ExitStack() as held:
        for _ in range(2):
            held.enter_context(socket.create_connection(address, 60))
        third = held.enter_context(socket.create_connection(address, 60))
        with contextlib.suppress(ConnectionResetError):
            assert third.recv(1) == b""
