"""A group's stores answer as a folder does: every promise of a backend, of experiments that were sent to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anew.index import Progress, Refreshed
from anew.reading.local.backend import LocalBackend
from anew.reading.local.seen import Seen
from anew.server.group.opened import GroupStores
from anew.stores.series.protocol import ExperimentFolder
from anew.sync.push import push
from anew.testing.backend import BackendContract
from server.group.grouped import Group
from serving import InProcess


class _Fed(GroupStores):
    """Stores to which a folder is sent before each question."""

    folder = ""
    transport: InProcess | None = None

    def refresh(self, progress: Progress | None = None) -> Refreshed:
        if self.transport is not None:
            push(self.folder, "http://127.0.0.1:5700", transport=self.transport)
        return super().refresh(progress)

    def place(self, experiment_id: str, prefix: str) -> ExperimentFolder:
        self.refresh()  # points in memory are those that were taken in; other series read the segments
        return super().place(experiment_id, prefix)


class TestGroup(BackendContract):
    @pytest.fixture
    def root(self, tmp_path: Path) -> str:
        folder = tmp_path / "store"
        folder.mkdir()
        return str(folder)

    @pytest.fixture
    def backend(
        self, root: str, tmp_path: Path, make_database: Callable[[], str]
    ) -> Iterator[LocalBackend]:
        group = Group(tmp_path / "group", make_database())
        stores = group.stores(kind=_Fed)
        assert isinstance(stores, _Fed)
        stores.folder = root
        with group.server(group.stores()) as transport:
            stores.transport = transport
            yield LocalBackend(Seen(stores), user="tester")
            stores.transport = None
        stores.close()
