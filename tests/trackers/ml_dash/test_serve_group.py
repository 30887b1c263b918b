"""What clients of ml-dash send to the stores of a group, each request to another of its servers, is there once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anew import Store
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.group.address import GroupAddress
from anew.server.group.opening import OpenedGroup, open_group
from anew.server.place import Place
from serving import InProcess

from .test_serve import Server, replay


class TwoServers(Server):
    """Two servers of a group that are asked in turn."""

    def __init__(self, root: Path, url: str) -> None:
        self._address = GroupAddress(url, str(root / "bucket"), str(root / "cache"))
        self._turn = 0
        super().__init__(root)

    def start(self) -> None:
        self.groups: list[OpenedGroup] = []
        self._all: list[tuple[InProcess, Place]] = []
        for _ in range(2):
            group = open_group(self._address, user="tester", works=False)
            place = Place(
                group.backend, group.upkeep, group.close, group.intake, group.within, records=group.records
            )  # fmt: skip
            self.groups.append(group)
            self._all.append((InProcess(make_app(place, Access("tester"))), place))

    def stop(self) -> None:
        for transport, place in self._all:
            transport.close()
            place.close()

    def send(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        self._turn += 1
        self._transport = self._all[self._turn % 2][0]
        return super().send(method, path, body, kind)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
def test_what_the_real_client_sent_to_two_servers_is_there_once(
    root: Path, make_database: Callable[[], str], times: int
) -> None:
    server = TwoServers(root, make_database())
    try:
        replay(server, times)
        rows = [{"loss": 1 / (step + 1), "_ts": 1_700_000_000.0 + step} for step in range(5)]
        id_ = server.open("lab", "p", "run")
        for _ in range(3):
            assert server.log(id_, "train", *rows)["startIndex"] == 0
        server.end(id_, "COMPLETED")
        with Store(server.groups[0].backend, upkeep=server.groups[0].upkeep) as store:
            assert len(list(store[id_].metrics["train/loss"].rows())) == 5
    finally:
        server.stop()
