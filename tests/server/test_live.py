"""Changes as they happen: a stream of server-sent events, and one watcher however many wait."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from pathlib import Path

import pytest

from anew import Experiment, Store
from anew.query.changes import Changes, ChangesQuestion
from anew.server.live import Live
from serving import over_a_socket


class Counted:
    """A backend of nothing that counts who waits at it."""

    def __init__(self) -> None:
        self.asked = 0
        self.waited = 0
        self.version = 0
        self._lock = threading.Lock()

    def changes(self, question: ChangesQuestion) -> Changes:
        with self._lock:  # many threads ask
            self.asked += 1
            self.waited += question.wait > 0
        if question.since == str(self.version) and question.wait:
            import time

            time.sleep(0.02)
        moved = question.since not in (None, str(self.version))
        return Changes(str(self.version), ("x",) if moved else ())


def test_one_watcher_asks_for_all_who_wait_and_nobody_asks_while_nobody_waits():
    backend = Counted()

    async def story() -> tuple[list[Changes], int, int]:
        live = Live(backend)
        tasks = [
            asyncio.create_task(live.wait(backend, ChangesQuestion("0", wait=60.0)))
            for _ in range(50)
        ]
        while backend.waited < 3 or backend.asked - backend.waited < 50:
            await asyncio.sleep(0.01)
        alone = backend.asked - backend.waited  # each looked once when it came
        backend.version = 1
        found = await asyncio.gather(*tasks)
        while live.watching:
            await asyncio.sleep(0.01)
        quiet = backend.asked
        await asyncio.sleep(0.1)
        assert backend.asked == quiet
        return found, alone, backend.waited

    found, alone, _ = asyncio.run(story())
    assert found == [Changes("1", ("x",))] * 50
    assert alone == 50


def test_who_waits_is_let_go_when_the_server_stops():
    backend = Counted()

    async def story() -> Changes:
        live = Live(backend)
        task = asyncio.create_task(live.wait(backend, ChangesQuestion("0", wait=600.0)))
        while not backend.waited:
            await asyncio.sleep(0.01)
        live.close()
        return await asyncio.wait_for(task, 60)

    assert asyncio.run(story()) == Changes("0")


def test_an_error_of_the_watcher_reaches_who_waits():
    class Failing(Counted):
        def changes(self, question: ChangesQuestion) -> Changes:
            if self.asked:
                raise OSError(5, "the disk is gone")
            return super().changes(question)

    backend = Failing()

    async def story() -> None:
        with pytest.raises(OSError):
            await Live(backend).wait(backend, ChangesQuestion("0", wait=600.0))

    asyncio.run(story())


def read_event(stream) -> dict[str, str]:
    """The next event of a stream; what keeps it open is passed over."""
    event: dict[str, str] = {}
    while True:
        line = stream.readline().decode().rstrip("\n")
        assert line or event or not stream.closed
        if not line and "data" in event:
            return event
        name, _, value = line.partition(": ")
        if name in ("id", "event", "data"):
            event[name] = value


def test_a_page_hears_of_changes_and_goes_on_where_it_stopped(tmp_path: Path):
    root = str(tmp_path / "store")
    (tmp_path / "store").mkdir()
    with over_a_socket(root) as url, Store(url) as store:
        with urllib.request.urlopen(f"{url}/api/v1/events", timeout=120) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert stream.headers["cache-control"] == "no-store"
            begin = read_event(stream)
            assert json.loads(begin["data"]).keys() == {"cursor"}  # nothing that says nothing
            with Experiment(prefix="a/b/c", root=root, quiet=True, system_metrics=0) as exp:
                exp.log_metrics({"loss": 1.0}, step=0)
            told = read_event(stream)
            assert json.loads(told["data"]).keys() == {"cursor", "ids"}
            assert json.loads(told["data"])["ids"] == [exp.id]
            assert told["id"] != begin["id"]
        # The connection broke: the browser comes back with the last id it saw.
        again = urllib.request.Request(
            f"{url}/api/v1/events", headers={"Last-Event-ID": begin["id"]}
        )
        with urllib.request.urlopen(again, timeout=120) as stream:
            assert json.loads(read_event(stream)["data"])["ids"] == [exp.id]
        other = urllib.request.Request(f"{url}/api/v1/events?since=elsewhere.4")
        with urllib.request.urlopen(other, timeout=120) as stream:
            assert json.loads(read_event(stream)["data"])["everything"] is True
        assert store.get("c").metrics["loss"].last == 1.0


def test_following_an_experiment_over_the_network_ends_with_it(tmp_path: Path):
    root = str(tmp_path / "store")
    (tmp_path / "store").mkdir()
    with over_a_socket(root) as url, Store(url) as store:
        with Experiment(prefix="a/b/c", root=root, quiet=True, system_metrics=0) as exp:
            exp.log("first")
            lines = store.get(exp.id).follow(interval=0.05)
            assert next(lines).message == "first"
            exp.log("second")
            assert next(lines).message == "second"
        assert list(lines) == []
