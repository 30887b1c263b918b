"""Sending a root to a server: everything that is new, from where the server is."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from ..address import parse_address
from ..errors import InvalidSetting
from ..journal.documents import RootJournal
from ..journal.layout import RootLayout
from ..journal.residents import FolderJournals
from ..journal.root import name_root
from ..reading.remote.calls import Calls
from ..reading.remote.connection import Connections, Transport
from .files import FileSender
from .local import Local, find
from .memory import Memory, recall
from .passing import Looked, Pass
from .pushed import Progress, Pushed
from .server import Server
from .weights import WeightsSender
from .wire import Filed

__all__ = ["Progress", "Pushed", "Pusher", "open_pusher", "push"]

_GREETED = 60.0
"""Seconds after which a server is asked again what it is."""


def push(
    root: str | os.PathLike[str],
    address: str,
    *,
    token: str | None = None,
    ids: Collection[str] | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Progress], object] = lambda progress: None,
    transport: Transport | None = None,
) -> Pushed:
    """Send what is new in a root to a server, and fetch what was edited there. It may be broken off at any time and repeated.

    When it returns, the server's disk has what it reports as sent.

    Args:
        root: The folder of the experiments.
        address: The server, such as `https://lab.example.org`.
        token: What the server is shown.
        ids: The experiments to send; all if not given.
        stop: Asked often; when it says so, the pass ends early, and what is left is in `behind`.
        progress: Called after each request.
        transport: What carries the requests; HTTP connections of our own if not given.

    Raises:
        OSError: The server cannot be reached, or cannot write. What arrived stays, and the next pass goes on from there.
        InvalidSetting: The folder is the server's own, or the address is no server's.
        UnknownFormat: Program and server are too far apart in version.
        AnewError: The server refuses this client.
    """
    pusher = open_pusher(root, address, token=token, transport=transport)
    try:
        return pusher.run(ids=ids, stop=stop, progress=progress)
    finally:
        if transport is None:
            pusher.close()


def open_pusher(
    root: str | os.PathLike[str],
    address: str,
    *,
    token: str | None = None,
    transport: Transport | None = None,
) -> Pusher:
    """What sends a root to a server, for several passes.

    Raises:
        InvalidSetting: The address is no server's.
    """
    parsed = parse_address(address)
    if parsed.kind != "server":
        raise InvalidSetting(
            f"{address!r} is not the address of a server; write one such as 'https://lab.example.org'.", setting="root"
        )  # fmt: skip
    calls = Calls(transport or Connections(parsed.location), parsed.location, token=token)
    return Pusher(os.fspath(root), Server(calls, compress=not _is_near(parsed.location)))


def _is_near(url: str) -> bool:
    from urllib.parse import urlsplit

    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


class Pusher:
    """Sends a root to one server, pass after pass. For one thread at a time.

    Args:
        root: The folder of the experiments.
        server: Where they are sent to; it is closed with this.
    """

    def __init__(self, root: str, server: Server) -> None:
        self.layout = RootLayout(root)
        self.journals = FolderJournals(self.layout)
        self.server = server
        self._root_id = ""
        self._memory: Memory | None = None
        self._greeted_at = 0.0
        self._files = FileSender(server)
        self._weights = WeightsSender(self.layout, server)
        self._there: dict[str, str] = {}

    def run(
        self,
        *,
        ids: Collection[str] | None = None,
        prefixes: Iterable[str] | None = None,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[Progress], object] = lambda progress: None,
    ) -> Pushed:
        """One pass; see `push`.

        Args:
            prefixes: Where to look for experiments; everywhere if not given.
        """
        memory = self._greet()
        work = Pass(
            self.layout, self.server, self._root_id, memory, self._files, self._weights, self._there, stop, progress
        )  # fmt: skip
        try:
            found = find(
                self.layout,
                self.journals,
                memory.places,
                prefixes=prefixes,
                ids=ids,
                failed=work.unreadable,
            )
            work.events()
            work.begin_weights(ids)
            self._in_turn(work, found)
        finally:
            work.settle()
        return work.told()

    @staticmethod
    def _in_turn(work: Pass, found: Iterator[Local]) -> None:
        """Send experiments, some at a time; while the server is asked about some, the next ones are looked at here."""
        waiting: tuple[Looked, Future[tuple[Filed, ...]]] | None = None
        with ThreadPoolExecutor(1, "anew-sync") as asking:
            while (looked := work.look(found)) is not None:
                asked = asking.submit(work.ask, looked)
                if waiting is not None:
                    work.send(waiting[0], waiting[1].result())
                waiting = looked, asked
            if waiting is not None:
                work.send(waiting[0], waiting[1].result())

    def _greet(self) -> Memory:
        now = time.monotonic()
        if self._memory is not None and now - self._greeted_at < _GREETED:
            return self._memory
        if not self._root_id and os.path.isdir(self.layout.root):
            journal = RootJournal(self.layout)
            if journal.state().root_id() is None:
                with contextlib.suppress(OSError):
                    name_root(self.layout)
            self._root_id = journal.state().root_id() or ""
        told = self.server.welcome(self._root_id)
        if self._memory is None or self._memory.server != told.root_id:
            self._memory = recall(self.layout, told.root_id)
        if told.events < self._memory.events:  # it was restored from a backup
            self._memory.positions = {}
        self._memory.events = told.events
        self._greeted_at = now
        self._weights.forget()
        return self._memory

    def close(self) -> None:
        """Close the connections."""
        self.server.close()
