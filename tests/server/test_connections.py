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
    """Answers with more than a socket holds, or tells which headers came with which body."""
    if scope["path"] == "/told":
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message.get("body", b"")
        told = repr((sorted(name for name, _ in scope["headers"]), body)).encode()
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", str(len(told)).encode())],
            }
        )
        await send({"type": "http.response.body", "body": told})
        return
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
        thread.join(300)


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


TOLD = b"POST /told HTTP/1.1\r\nHost: here\r\n"
GOT = TOLD.replace(b"POST", b"GET")
CHUNKED = TOLD + b"Transfer-Encoding: chunked\r\n"
END = b"2\r\n{}\r\n0\r\n\r\n"
UNCLEAR = {
    "both lengths": CHUNKED + b"Content-Length: 2\r\n\r\n" + END,
    "both lengths, turned": TOLD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n" + END,
    "two lengths": TOLD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    "a list of lengths": TOLD + b"Content-Length: 2, 2\r\n\r\n{}",
    "a length with a sign": TOLD + b"Content-Length: +2\r\n\r\n{}",
    "a length in hexadecimal": TOLD + b"Content-Length: 0x2\r\n\r\n{}",
    "a length without end": TOLD + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    "another coding": TOLD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + END,
    "an unknown coding": TOLD + b"Transfer-Encoding: xchunked\r\n\r\n" + END,
    "two codings": CHUNKED + b"Transfer-Encoding: identity\r\n\r\n" + END,
    "a coding twice": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n" + END,
    "a hidden coding": TOLD + b"Transfer-Encoding:\x0bchunked\r\n\r\n" + END,
    "chunks before 1.1": CHUNKED.replace(b"1.1", b"1.0") + b"\r\n" + END,
    "a space before the colon": TOLD + b"Transfer-Encoding : chunked\r\n\r\n" + END,
    "bare line feeds": b"GET /told HTTP/1.1\nHost: here\n\n",
    "one bare line feed": GOT + b"X: y\nZ: a\r\n\r\n",
    "a bare carriage return": GOT + b"X: a\rb\r\n\r\n",
    "a folded header": GOT + b"X: a\r\n b\r\n\r\n",
    "a header before the first": b"GET /told HTTP/1.1\r\n X: y\r\nHost: here\r\n\r\n",
    "a zero byte": GOT + b"X: a\0b\r\n\r\n",
    "no host": b"GET /told HTTP/1.1\r\n\r\n",
    "two hosts": GOT + b"Host: there\r\n\r\n",
    "no version": b"GET /told\r\n\r\n",
    "version 2": b"GET /told HTTP/2.0\r\nHost: here\r\n\r\n",
    "another version": b"GET /told HTTP/1.2\r\nHost: here\r\n\r\n",
    "no address": b"GET told HTTP/1.1\r\nHost: here\r\n\r\n",
    "an address in no encoding": b"GET /told\xff HTTP/1.1\r\nHost: here\r\n\r\n",
    "a tunnel": b"CONNECT there:443 HTTP/1.1\r\nHost: here\r\n\r\n",
    "a chunk with a line feed": CHUNKED + b"\r\n2\n{}\n0\n\n",
    "a chunk with a space": CHUNKED + b"\r\n2 \r\n{}\r\n0\r\n\r\n",
    "a chunk of another length": CHUNKED + b"\r\n2\r\n{}xx\r\n0\r\n\r\n",
    "a chunk in C": CHUNKED + b"\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk beyond numbers": CHUNKED + b"\r\nfffffffffffffffff2\r\n{}\r\n0\r\n\r\n",
    "a long address": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n",
    "a long header": GOT + b"X: " + b"a" * 500_000,
    "a long name": GOT + b"x" * 500_000,
    "many headers": GOT + b"".join(b"x%d: y\r\n" % n for n in range(20_000)),
    "empty lines": b"\r\n" * 200_000,
    "a chunk that says more and more": CHUNKED + b"\r\n2;" + b"a" * 500_000,
    "a long header behind the body": CHUNKED + b"\r\n2\r\n{}\r\n0\r\nX: " + b"a" * 500_000,
    "too many at once": (TOLD + b"Content-Length: 0\r\n\r\n") * 200,
}  # fmt: skip


def exchanged(address: tuple[str, int], sent: bytes) -> bytes:
    """What comes back until the server closes the connection."""
    got = b""
    with socket.create_connection(address, 60) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(sent)
        with contextlib.suppress(ConnectionResetError):
            while piece := client.recv(1 << 16):
                got += piece
    return got


def test_what_can_be_read_in_two_ways_or_has_no_end_is_refused() -> None:
    """And the connection with it, so that nothing behind it is taken for a request."""
    with serving() as address:
        behind = TOLD + b"Content-Length: 6\r\nConnection: close\r\n\r\nbehind"
        answered = {what: exchanged(address, sent + behind) for what, sent in UNCLEAR.items()}
        unclear = {
            what: got
            for what, got in answered.items()
            if b"behind" in got or b" 200 " in got or got.count(b"HTTP/1.1 ") > 1
        }
        assert unclear == {}
        assert all(not got or got.startswith(b"HTTP/1.1 400 ") for got in answered.values())


def test_what_is_clear_is_answered_also_in_pieces() -> None:
    last = TOLD + b"Content-Length: 4\r\nConnection: close\r\n\r\nlast"
    whole = CHUNKED + b"\r\n2;said=x\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n" + last
    upgrade = TOLD + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}"
    long = TOLD + b"X: " + b"a" * 60_000 + b"\r\nContent-Length: 2\r\n\r\n{}" + last
    with serving() as address:
        got = exchanged(address, whole)
        assert got.count(b"HTTP/1.1 200 ") == 2
        assert b"b'{}'" in got
        assert b"b'last'" in got
        assert b"authorization" not in got  # it stood behind the body
        assert exchanged(address, long).count(b"HTTP/1.1 200 ") == 2
        assert exchanged(address, upgrade + last).count(b"HTTP/1.1 200 ") == 1
        with socket.create_connection(address, 60) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(len(whole)):
                client.sendall(whole[at : at + 1])
            pieces = b""
            while piece := client.recv(1 << 16):
                pieces += piece
        assert pieces.count(b"b'{}'") == pieces.count(b"b'last'") == 1
