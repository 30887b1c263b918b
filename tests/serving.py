"""A server for tests: its application asked in this process, or over a socket of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import uvicorn

from anew.journal.author import login_name
from anew.reading.local.opening import open_folder
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.connections import Connection
from anew.server.intake.folder import FolderIntake
from anew.server.place import Place
from anew.server.running import Served, listening

HOST = "127.0.0.1:5700"
PATIENCE = 500.0
"""Seconds that an answer may take: an overloaded machine needs minutes for ten thousand runs. A test has 600."""


class Answer(io.BytesIO):
    """An answer of an application: `reading.remote.connection.Reply`."""

    status: int
    headers: dict[str, str]

    @property
    def body(self) -> bytes:
        return self.getvalue()


class InProcess:
    """A transport that calls an application on an event loop of its own: `reading.remote.connection.Transport`."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] = {},
        body: bytes = b"",
        *,
        timeout: float = PATIENCE,
        afresh: bool = False,
        client: str = "127.0.0.1",
    ) -> Answer:
        given = {"host": HOST, **{name.lower(): value for name, value in headers.items()}}
        before, _, query = path.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": unquote(before), "raw_path": before.encode(), "query_string": query.encode(),
            "root_path": "", "client": (client, 1), "server": ("127.0.0.1", 5700),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
        }  # fmt: skip
        future = asyncio.run_coroutine_threadsafe(self._call(scope, body), self._loop)
        return future.result(timeout)

    async def _call(self, scope: Any, body: bytes) -> Answer:
        answer = Answer()
        asked = [{"type": "http.request", "body": body, "more_body": False}]
        done = asyncio.Event()

        async def receive() -> Any:
            if asked:
                return asked.pop()
            await done.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            else:
                answer.write(message.get("body", b""))
                if not message.get("more_body"):
                    done.set()

        await self.app(scope, receive, send)
        answer.seek(0)
        return answer

    def close(self) -> None:
        if self._loop.is_running():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()


def place_of(root: str, user: str = "") -> Place:
    """A folder as a server has it open, which somebody has started."""
    opened = open_folder(root, user=user)
    return Place(
        opened.backend, opened.upkeep, opened.close, FolderIntake(opened.root), opened.within,
        cache=f"{os.fspath(root).rstrip(os.sep)}-cache",
    )  # fmt: skip


@contextlib.contextmanager
def in_process(root: str) -> Iterator[InProcess]:
    """A folder's application, to be asked in this process."""
    place = place_of(root, login_name())
    transport = InProcess(make_app(place, Access("tester")))
    try:
        yield transport
    finally:
        transport.close()
        place.close()


@contextlib.contextmanager
def over_a_socket(root: str) -> Iterator[str]:
    """A folder served on a free port of this machine; the URL."""
    with place_over_a_socket(place_of(root, login_name())) as url:
        yield url


@contextlib.contextmanager
def place_over_a_socket(place: Place, access: Access | None = None) -> Iterator[str]:
    """A place served on a free port of this machine, to everybody or to whom `access` knows; the URL."""
    made = listening("127.0.0.1", 0)
    config = uvicorn.Config(
        make_app(place, access or Access("tester")), log_config=None, access_log=False, lifespan="on",
        timeout_graceful_shutdown=5, ws="none", loop="asyncio", http=Connection,
    )  # fmt: skip
    ready = threading.Event()
    server = Served(config, place, ready.set)
    thread = threading.Thread(target=server.run, args=([made],), daemon=True)
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield f"http://127.0.0.1:{made.getsockname()[1]}"
    finally:
        server.stop()
        thread.join(60)
        made.close()
