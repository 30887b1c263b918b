"""A server in a process of its own that can be killed, and a network between it and its clients that can break."""

from __future__ import annotations

import contextlib
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from anew.sync.push import Pushed, push


@contextlib.contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder whose file system is in memory, where there is one: to flush a disk takes seconds on a busy machine."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    made = Path(tempfile.mkdtemp(prefix="anew-faults-", dir=memory))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


class Serving:
    """`anew server` on a folder, always on the same port."""

    def __init__(self, root: Path, *command: str) -> None:
        self.root = root
        self.options: tuple[str, ...] = (str(root),)
        self._command = command or (sys.executable,)
        self._port = 0
        self._process: subprocess.Popen[str] | None = None
        root.mkdir(parents=True, exist_ok=True)

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self._port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Start it, and wait until it answers."""
        process = subprocess.Popen(
            [*self._command, "-m", "anew", "server", *self.options, "--port", str(self._port), "--quiet"],
            env={**os.environ, "ANEW_CAPTURE": "off"}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("http://"), line
        self._port = int(line.rsplit(":", 1)[1])

    def kill(self) -> None:
        """End it as a loss of power would, as far as a process can be ended so."""
        if self._process is not None:
            self._process.kill()
            self.gone()

    def stop(self) -> None:
        """End it as its owner would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self.gone()

    def gone(self) -> None:
        """Wait for its end."""
        process = self.process
        process.wait(300)
        if process.stdout is not None:
            process.stdout.close()
        self._process = None


@contextlib.contextmanager
def serving(root: Path, *command: str) -> Iterator[Serving]:
    """A server, until the block is left."""
    made = Serving(root, *command)
    made.start()
    try:
        yield made
    finally:
        made.kill()


Fault = Callable[["Link"], None]


class Link:
    """One connection through the network: what goes each way, and how it is broken.

    Attributes:
        cut_after: Bytes of requests after which the connection breaks.
        mute_after: Bytes of answers after which it breaks: 0 loses the first answer whole.
        silent: Whether answers never arrive, and the connection stays.
        spoil: Where in the requests one bit arrives changed; less than 0 for nowhere.
    """

    def __init__(self) -> None:
        self.cut_after = -1
        self.mute_after = -1
        self.silent = False
        self.spoil = -1


class Network:
    """Carries connections to a server, and breaks some of them.

    Args:
        to: Where the server listens.
        fault: Told of each connection, and may break it.
    """

    def __init__(self, to: tuple[str, int], fault: Fault = lambda link: None) -> None:
        self.to = to
        self.fault = fault
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while not self._closed.is_set():
            ready, _, _ = select.select([self._listener], [], [], 0.1)
            if ready:
                client, _ = self._listener.accept()
                link = Link()
                self.fault(link)
                threading.Thread(target=self._carry, args=(client, link), daemon=True).start()

    def _carry(self, client: socket.socket, link: Link) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(self.to, 10) as server:
            sent = answered = 0
            while not self._closed.is_set():
                heard = [client] if link.silent else [client, server]
                ready, _, _ = select.select(heard, [], [], 0.2)
                if client in ready:
                    data = bytearray(client.recv(1 << 16))
                    if not data:
                        return
                    if sent <= link.spoil < sent + len(data):
                        data[link.spoil - sent] ^= 1
                    if 0 <= link.cut_after < sent + len(data):
                        server.sendall(data[: link.cut_after - sent])
                        return
                    server.sendall(data)
                    sent += len(data)
                if server in ready:
                    data = bytearray(server.recv(1 << 16))
                    if not data:
                        return
                    if 0 <= link.mute_after < answered + len(data):
                        client.sendall(data[: link.mute_after - answered])
                        return
                    client.sendall(data)
                    answered += len(data)

    def close(self) -> None:
        self._closed.set()
        self._thread.join(300)
        self._listener.close()


@contextlib.contextmanager
def network(to: tuple[str, int], fault: Fault = lambda link: None) -> Iterator[Network]:
    """A network, until the block is left."""
    made = Network(to, fault)
    try:
        yield made
    finally:
        made.close()


def unreliable(chance: random.Random) -> Fault:
    """A network on which three of four connections break: in the middle of a request, or before the answer."""

    def fault(link: Link) -> None:
        fate = chance.random()
        if fate < 0.35:
            link.cut_after = int(10 ** chance.uniform(1, 6))
        elif fate < 0.55:
            link.mute_after = chance.randrange(2_000)
        elif fate < 0.75:
            link.spoil = int(10 ** chance.uniform(2.8, 6))

    return fault


def pushed(root: Path, url: str, *, tries: int = 60) -> Pushed:
    """What a client does that is told to send everything: it tries again until all has arrived."""
    for _ in range(tries):
        try:
            done = push(root, url)
        except OSError:
            time.sleep(0.05)
            continue
        if done.complete:
            return done
    raise AssertionError(f"not everything has arrived after {tries} tries")
