"""A bucket that is slow and refuses, and servers whose clocks are days apart: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import http.client
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from anew import Store
from anew.server.group.address import GroupAddress
from anew.server.group.keeping import Keeper
from anew.server.group.opening import open_truth
from faults.site import Link, network, pushed
from sync.recorded import Root
from tests.seaweed import S3

from .test_faults import OfGroup, alike, recorded, shown

pytestmark = pytest.mark.slow

_CLOCK = """
import os, time
_off, _real = float(os.environ.get("OFF_BY", "0")), time.time
time.time = lambda: _real() + _off
"""


@contextmanager
def sluggish(to: str, chance: random.Random) -> Iterator[str]:
    """An address at which a service takes a while, and answers 503 to some requests, to half of these after it has done them."""
    host = to.removeprefix("http://")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            draw = chance.random()
            if draw < 0.1:
                self._answer(503, {}, b"<Error><Code>SlowDown</Code></Error>")
                return
            time.sleep(draw * 0.3)
            upstream = http.client.HTTPConnection(host, timeout=300)
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("connection", "keep-alive"):
                    upstream.putheader(name, value)
            upstream.endheaders(body)
            found = upstream.getresponse()
            data, headers = found.read(), dict(found.getheaders())
            upstream.close()
            if draw < 0.2:
                self._answer(503, {}, b"<Error><Code>SlowDown</Code></Error>")
            else:
                self._answer(found.status, headers, data)

        def _answer(self, status: int, headers: dict[str, str], data: bytes) -> None:
            self.send_response_only(status)
            size = headers.get("Content-Length") if self.command == "HEAD" else None
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", size or str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_bucket_that_is_slow_and_answers_503_loses_and_doubles_nothing(
    tmp_path: Path, make_database: Callable[[], str], seaweed: S3, monkeypatch: pytest.MonkeyPatch, make_real_bucket: Callable[[], str]
):  # fmt: skip
    bucket = make_real_bucket()
    with sluggish(seaweed.url, random.Random(2)) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        address = GroupAddress(make_database(), bucket, str(tmp_path / "cache"))
        server, chance, root = (
            OfGroup(tmp_path / "server", address),
            random.Random(3),
            Root(tmp_path / "here"),
        )
        server.start()
        try:
            writers = [root.open(f"lab/x/e{n}") for n in range(4)]
            for _ in range(3):
                recorded(root, chance, writers)
                pushed(root.path, server.url)
            for id, writer in writers:
                root.close(id, writer)
            pushed(root.path, server.url)
            shown(root.path, server.url)
        finally:
            server.kill()
        monkeypatch.setenv("AWS_ENDPOINT_URL", seaweed.url)
        truth = open_truth(address)
        Keeper(truth).drain()
        assert truth.tail().bytes == 0
        truth.database.close()
        alike(root.path, address)


def test_servers_whose_clocks_are_days_apart_lose_and_double_nothing(
    tmp_path: Path, make_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(_CLOCK)
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'clock'}{os.pathsep}{before}")
    address = GroupAddress(make_database(), str(tmp_path / "bucket"), str(tmp_path / "cache"))
    servers = [
        OfGroup(tmp_path / f"server{n}", address, "env", f"OFF_BY={off}", sys.executable)
        for n, off in enumerate((-172_800, 172_800))
    ]
    for one in servers:
        one.start()
    turn = iter(range(1_000_000))

    def next_one(link: Link) -> None:
        between.to = servers[next(turn) % 2].address

    chance, root = random.Random(3), Root(tmp_path / "here")
    try:
        with network(servers[0].address, next_one) as between:
            writers = [root.open(f"lab/x/e{n}") for n in range(4)]
            for number in range(2):
                recorded(root, chance, writers)
                pushed(root.path, between.url)
                servers[number % 2].kill()
                servers[number % 2].start()
            for id, writer in writers:
                root.close(id, writer)
            pushed(root.path, between.url)
            shown(root.path, between.url)
            for number, (id, _) in enumerate(writers):
                with Store(servers[number % 2].url) as store:
                    store.tag(id, "seen")
                with Store(servers[(number + 1) % 2].url) as store:
                    assert "seen" in store.get(id).tags
                    store.tag(id, remove="seen")
                with Store(servers[number % 2].url) as store:
                    assert "seen" not in store.get(id).tags
    finally:
        for one in servers:
            one.kill()
    alike(root.path, address)
