"""Every series store keeps every promise of the seam, in whatever form the points are."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew.journal.layout import RootLayout
from anew.stores.series import folder, many
from anew.stores.series.folder import FolderSeries
from anew.stores.series.memory import MemorySeries
from anew.testing.lines import PointFeed
from anew.testing.series import SeriesContract


class TestMemory(SeriesContract):
    @pytest.fixture
    def store(self) -> MemorySeries:
        return MemorySeries()


class TestLines(SeriesContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> FolderSeries:
        return FolderSeries(RootLayout(str(tmp_path)))


class TestDerived(SeriesContract):
    """Every flush of a live segment makes a Parquet file of what is new."""

    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderSeries:
        monkeypatch.setattr(folder, "DERIVE_BYTES", 1)
        return FolderSeries(RootLayout(str(tmp_path)))

    def settle(self, feed: PointFeed) -> None:
        feed.store.flush(feed.place)
        if any(Path(feed.place.folder, "metrics").iterdir()):
            assert feed.store.derived()[feed.place.experiment_id] > 0


class TestSealed(SeriesContract):
    """The writers have ended and their segments are sealed, derived files or not."""

    @pytest.fixture(params=[1, 1 << 20])
    def store(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> FolderSeries:
        monkeypatch.setattr(folder, "DERIVE_BYTES", request.param)
        return FolderSeries(RootLayout(str(tmp_path)))

    def settle(self, feed: PointFeed) -> None:
        feed.store.flush(feed.place, ["0001-main", "0002-rank1"], small=True)
        metrics = Path(feed.place.folder, "metrics")
        assert not list(metrics.glob("*.jsonl"))
        assert feed.place.experiment_id not in feed.store.derived()


class TestPacked(SeriesContract):
    """Every question over experiments makes packs, and the next one reads them."""

    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderSeries:
        monkeypatch.setattr(folder, "MANY", 1)
        monkeypatch.setattr(many, "IDLE_SECONDS", 0.0)
        return FolderSeries(RootLayout(str(tmp_path)))

    def settle(self, feed: PointFeed) -> None:
        feed.store.read_many([feed.place], ["a"])
