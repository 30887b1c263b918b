"""A group's stores answer as a folder does: every promise of a backend, of experiments that were sent to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from anew.index import Progress, Refreshed
from anew.reading.local.backend import LocalBackend
from anew.reading.local.seen import Seen
from anew.server.group.opened import GroupStores
from anew.stores.series.clickhouse import series
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
        self._push()
        return super().refresh(progress)

    def place(self, experiment_id: str, prefix: str) -> ExperimentFolder:
        self._push()  # points are decoded from what was accepted, whether it was taken in or not
        return super().place(experiment_id, prefix)

    def _push(self) -> None:
        if self.transport is not None:
            push(self.folder, "http://127.0.0.1:5700", transport=self.transport)


class TestGroup(BackendContract):
    @pytest.fixture
    def root(self, tmp_path: Path) -> str:
        folder = tmp_path / "store"
        folder.mkdir()
        return str(folder)

    @pytest.fixture
    def bucket(self, tmp_path: Path) -> str:
        return str(tmp_path / "bucket")

    @pytest.fixture
    def series(self) -> str:
        return ""

    @pytest.fixture
    def backend(
        self,
        root: str,
        bucket: str,
        series: str,
        tmp_path: Path,
        make_group_database: Callable[[], str],
    ) -> Iterator[LocalBackend]:
        group = Group(tmp_path / "group", make_group_database(), bucket, series)
        stores = group.stores(kind=_Fed)
        assert isinstance(stores, _Fed)
        stores.folder = root
        with closing(group.stores()) as taking, group.server(taking) as transport:
            stores.transport = transport
            yield LocalBackend(Seen(stores), user="tester")
            stores.transport = None
        stores.close()


@pytest.mark.slow
class TestGroupInABucket(TestGroup):
    @pytest.fixture
    def bucket(self, make_real_bucket: Callable[[], str]) -> str:
        return make_real_bucket()


@pytest.mark.slow
class TestGroupInClickHouse(TestGroup):
    """The points are rows as soon as they are taken in."""

    @pytest.fixture(autouse=True)
    def eager(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(series, "FILLED_BYTES", 1)

    @pytest.fixture
    def series(self, make_clickhouse: Callable[[], str]) -> str:
        return make_clickhouse()
