"""Alerts over a group's database: several servers watch, and people are told once."""

from __future__ import annotations

import threading
from pathlib import Path

from anew import Experiment, Store
from anew.alerts.sending import Message, Sender
from anew.alerts.watching import Watch
from anew.reading.local.backend import LocalBackend
from anew.reading.local.seen import Seen
from anew.sync.push import push
from server.group.grouped import Group


class Told(Sender):
    """Remembers what was sent where, for all who watch."""

    def __init__(self, sent: list[tuple[str, str]]) -> None:
        super().__init__({"places": "ops=mailto:ops@example.org"})
        self._sent = sent

    def send(self, to: str, message: Message) -> None:
        self._sent.append((to, message.id))


def test_three_servers_of_a_group_tell_once(tmp_path: Path, url: str):
    group = Group(tmp_path / "group", url)
    stores = [group.stores() for _ in range(3)]
    folder = tmp_path / "store"
    try:
        store = Store(LocalBackend(Seen(stores[0])))
        store.alerts.add("nan", when="nan", to=["@ops"])
        for number in range(4):
            with Experiment(f"lab/v/{number}", root=folder, quiet=True, system_metrics=0) as exp:
                exp.log_metric("loss", float("nan"))
        with group.server(stores[0]) as transport:
            push(str(folder), "http://127.0.0.1:5700", transport=transport)
            stores[0].refresh()
        store.comments.add("lab/v/0", "what now, @ops?")
        sent: list[tuple[str, str]] = []
        watches = [Watch(LocalBackend(Seen(one)), Told(sent)) for one in stores]
        start = threading.Barrier(len(watches))

        def look(watch: Watch) -> None:
            start.wait()
            for _ in range(2):
                watch.step()

        threads = [threading.Thread(target=look, args=(one,)) for one in watches]
        for one in threads:
            one.start()
        for one in threads:
            one.join(120)
        assert len(sent) == 5
        assert len(set(sent)) == 5
        assert all(one.told == "sent" for one in store.alerts.fired())
    finally:
        for one in stores:
            one.close()
