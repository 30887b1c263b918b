"""Sending to a server: segments beside a route that only appends, points with the index running, an offline week, and memory.

The server is a process of its own on this machine; the writers are threads of this one, each with a connection.
"""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from anew import Store
from anew.errors import TookTooLong
from anew.reading.remote.calls import Calls
from anew.reading.remote.connection import Connections
from anew.reading.wire import encode
from anew.record.encode import encode_line
from anew.record.ids import new_id
from anew.sync.push import open_pusher
from anew.sync.server import Server
from anew.sync.wire import Filing, FramesRequest

from .harness import (
    Bench,
    Row,
    duration,
    medians,
    most_memory_of,
    processor_time_of,
    result_of,
    seconds_of,
    start_child,
)
from .server import served

WRITERS = 16
PACE = 165_000
"""Points a second that the writers send together, as long as the server takes them."""
_LOGS = "logs/logs-0001-main-aaaa.jsonl"
MOST_MEMORY = 300e6
SHOWN = 150.0
"""Seconds that a server may take until it shows all of a large experiment."""


def run(bench: Bench) -> Iterator[Row]:
    """Segments, then points, then many small experiments, then large ones."""
    yield _segments(bench)
    yield from _points(bench)
    yield from _week(bench)
    yield from _large(bench)


def _server(url: str) -> Server:
    return Server(Calls(Connections(url), url), compress=False)


def _opened(experiment_id: str, prefix: str) -> bytes:
    return encode_line({
        "k": "opened", "t": time.time(), "version": 1, "experiment_id": experiment_id, "name": prefix,
        "role": "lead", "host": "elsewhere", "prefix": prefix,
    })  # fmt: skip


def _lines(count: int, first: int = 0, names: tuple[str, ...] = ("loss",)) -> bytes:
    return b"".join(
        encode_line({"s": n, "t": 1e9 + n, "m": dict.fromkeys(names, 1 / (n + 1))})
        for n in range(first, first + count)
    )


def _together(work: Callable[[int], object]) -> float:
    """Seconds until every writer has done its work."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(WRITERS)]

    def all_of_them() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return seconds_of(all_of_them)


# -- accepting segments -----------------------------------------------------------------------------


def bare(folder: str) -> None:
    """A server with one route, which appends the body to the file that the query names; its port is printed."""
    import socket

    import anyio.to_thread
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    def write(name: str, body: bytes) -> None:
        with open(os.path.join(folder, name), "ab") as file:
            file.write(body)

    async def append(request: Request) -> Response:
        body = await request.body()
        await anyio.to_thread.run_sync(write, request.query_params["name"], body)
        return Response(status_code=204)

    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(Starlette(routes=[Route("/", append, methods=["POST"])]), log_config=None, access_log=False, http="h11")  # fmt: skip
    uvicorn.Server(config).run([listening])


@contextmanager
def _bare(folder: Path) -> Iterator[int]:
    child = start_child(bare, str(folder))
    try:
        assert child.stdout is not None
        yield int(child.stdout.readline())
    finally:
        child.terminate()
        child.communicate(timeout=60)


def _segments(bench: Bench) -> Row:
    body = _lines(1200)[: 64 << 10]
    requests = bench.size(60, 3)
    with (
        bench.folder("uploads") as root,
        bench.folder("bare") as folder,
        served(root) as (url, _, _),
        _bare(folder) as port,
    ):
        clients = [_server(url) for _ in range(WRITERS)]
        ids = [new_id() for _ in range(WRITERS)]
        filings = [Filing(id=one, prefix=f"lab/x/{one}") for one in ids]
        clients[0].file("", filings)
        for one in ids:
            opened = _opened(one, one)
            clients[0].append([clients[0].frame(one, "journal/0001-main-aaaa.jsonl", 0, opened, b"", beside=False)])  # fmt: skip
        requests_of: list[list[bytes]] = []

        def posted(port: int, path: str, kind: str, bodies: Sequence[bytes], status: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            for each in bodies:
                connection.request("POST", path, each, {"Content-Type": kind, "Accept": kind})
                answer = connection.getresponse()
                answer.read()
                assert answer.status == status
            connection.close()

        def ours(number: int) -> None:
            there = urlsplit(url).port or 0
            posted(
                there, "/api/v1/upload/segments", "application/msgpack", requests_of[number], 200
            )

        def other(number: int) -> None:
            posted(port, f"/?name={number}", "application/octet-stream", [body] * requests, 204)

        taken = []
        for nth in range(bench.size(5, 1)):
            # What is sent is made before: both sides cost the client the same.
            first = nth * requests
            requests_of[:] = [
                [
                    encode(FramesRequest((clients[0].frame(one, _LOGS, at * len(body), body, b"", beside=False),)))
                    for at in range(first, first + requests)
                ]
                for one in ids
            ]  # fmt: skip
            pair = [0.0, 0.0]
            for which in (0, 1) if nth % 2 else (1, 0):
                pair[which] = _together((ours, other)[which])
            taken.append((pair[0], pair[1]))
        assert all((root / "lab/x" / one / _LOGS).stat().st_size == bench.size(5, 1) * requests * len(body) for one in ids)  # fmt: skip
        for client in clients:
            client.close()
    mine, theirs, ratio = medians(taken)
    total = WRITERS * requests * len(body) / 1e6
    return Row(
        f"accepting segments, {WRITERS} writers, 64 KiB a request",
        f"{total / mine:.0f} MB/s", f"{total / theirs:.0f} MB/s (a Starlette route that appends)",
        f"{1 / ratio:.2f}", "≥ 0.5", 1 / ratio >= 0.5,
    )  # fmt: skip


# -- points, with the index running -----------------------------------------------------------------


def _points(bench: Bench) -> Iterator[Row]:
    rounds, lines = bench.size(50, 3), bench.size(1_000, 50)
    names = ("loss", "acc", "lr", "time")
    pause = WRITERS * lines * len(names) / PACE
    with bench.folder("uploads") as root, served(root) as (url, _, _):
        ids = [new_id() for _ in range(WRITERS)]
        first = _server(url)
        first.file("", [Filing(id=one, prefix=f"lab/x/{one}") for one in ids])

        def write(number: int) -> None:
            client, one, at = _server(url), ids[number], 0
            opened = _opened(one, one)
            client.append([client.frame(one, "journal/0001-main-aaaa.jsonl", 0, opened, b"", beside=False)])  # fmt: skip
            block = _lines(lines, 0, names)
            began = time.monotonic()
            for nth in range(rounds):
                time.sleep(max(0.0, began + nth * pause - time.monotonic()))
                frame = client.frame(one, "metrics/0001-main-aaaa.jsonl", at, block, b"", beside=False)  # fmt: skip
                at = client.append([frame])[0].size
            client.close()

        took = _together(write)
        count = WRITERS * rounds * lines * len(names)
        began = time.perf_counter()
        with Store(url) as there:
            until = time.monotonic() + SHOWN
            while _shown(there) < count and time.monotonic() < until:
                time.sleep(0.05)
        lag = time.perf_counter() - began
        first.close()
    yield Row(
        f"points accepted with the index running, {WRITERS} writers",
        f"{count / took:,.0f} a second", "", "", "≥ 150,000 a second", count / took >= 150_000,
    )  # fmt: skip
    yield Row("until all of them are shown", duration(lag), "", "", "≤ 2 s", lag <= 2)


# -- an offline week --------------------------------------------------------------------------------


def _recorded(root: Path, prefix: str, metrics: bytes) -> str:
    """An experiment as a program leaves it, without the program."""
    one, folder = new_id(), root / prefix
    for name in ("journal", "metrics", "environment"):
        (folder / name).mkdir(parents=True)
    closed = encode_line({"k": "closed", "t": time.time(), "status": "completed"})
    params = encode_line({"k": "params", "t": time.time(), "params": {"lr": 0.1}})
    (folder / "journal/0001-main-aaaa.jsonl").write_bytes(_opened(one, prefix) + params + closed)
    (folder / "metrics/0001-main-aaaa.jsonl").write_bytes(metrics)
    (folder / "environment/requirements.txt").write_bytes(b"numpy==2.0.0\n" * 200)
    (folder / "params.json").write_bytes(b'{"lr": 0.1}\n')
    (folder / "metadata.json").write_bytes(b'{"format": 1, "experiment_id": "%s"}\n' % one.encode())
    return one


def _week(bench: Bench) -> Iterator[Row]:
    count = bench.size(10_000, 20)
    with (
        bench.folder("here") as here,
        bench.folder("uploads") as root,
        served(root) as (url, process, _),
    ):
        lines = _lines(50)
        for number in range(count):
            _recorded(here, f"lab/week{number % 7}/run{number}", lines)
        pusher = open_pusher(here, url)
        client, server = -time.process_time(), -processor_time_of(process)
        first = seconds_of(lambda: _whole(pusher.run().complete))
        client, server = client + time.process_time(), server + processor_time_of(process)
        pusher.close()
        pusher = open_pusher(here, url)
        second = seconds_of(lambda: _whole(pusher.run().sent == 0))
        pusher.close()
    yield Row(
        f"{count:,} small experiments sent",
        f"{count / first:,.0f} a second; processor time of client and server {duration(client / count)} and {duration(server / count)} each",
        "", "", "≥ 500 a second", count / first >= 500,
    )  # fmt: skip
    yield Row("a second pass over them", duration(second), "", "", "≤ 2 s", second <= 2)


def _whole(well: bool) -> None:
    assert well


# -- large experiments ------------------------------------------------------------------------------


def push_alone(here: str, url: str) -> float:
    """Send a root; the most memory that the process had, in bytes."""
    pusher = open_pusher(here, url)
    _whole(pusher.run().complete)
    pusher.close()
    return float(
        most_memory_of("self")
    )  # the system's own figure counts what the process before `exec` had


def _large(bench: Bench) -> Iterator[Row]:
    """One experiment of very many metrics and one of very many points: memory of both sides, and the time until all is shown."""
    names = tuple(f"layer{n}/grad" for n in range(bench.size(10_000, 100)))
    yield from _one_large(bench, f"{len(names):,} metrics", [_lines(20, 0, names)], 20 * len(names))
    points = bench.size(50_000_000 if bench.all else 10_000_000, 5_000)
    each = bench.size(500_000, 1_000)  # about what a writer puts into one part
    part = b"".join(_lines(min(50_000, each - at), at) for at in range(0, each, 50_000))
    yield from _one_large(bench, f"{points:,} points", [part] * (points // each), points)


def _one_large(bench: Bench, what: str, parts: Sequence[bytes], count: int) -> Iterator[Row]:
    with bench.folder("here") as here, bench.folder("uploads") as root:
        _recorded(here, "lab/x/large", parts[0])
        for number, part in enumerate(parts[1:], 2):
            (here / f"lab/x/large/metrics/0001-main-aaaa.{number}.jsonl").write_bytes(part)
        with served(root) as (url, process, _):
            began = time.perf_counter()
            client = float(result_of(start_child(push_alone, str(here), url)))
            sent = time.perf_counter() - began
            with Store(url) as there:
                until = time.monotonic() + SHOWN
                while (found := _shown(there)) != count and time.monotonic() < until:
                    time.sleep(0.2)
            shown = time.perf_counter() - began
            server = float(most_memory_of(process))
    yield Row(
        f"memory, one experiment of {what}: client and server", f"{client / 1e6:.0f} and {server / 1e6:.0f} MB", "", "",
        "≤ 300 MB each", max(client, server) <= MOST_MEMORY,
    )  # fmt: skip
    yield Row(
        f"one experiment of {what} sent; all of it shown", f"{duration(sent)}; {duration(shown)}", "", "",
        "all of it", found == count,
    )  # fmt: skip


def _shown(there: Store) -> int:
    """How many points a reader is shown."""
    try:
        return sum(len(view.metrics[m]) for view in there.list() for m in view.metrics)
    except (OSError, TookTooLong):  # the server still takes them in
        return 0
