"""Series in ClickHouse: every promise of the seam over the engine, and what goes wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from anew.clickhouse import ClickHouse, ClickHouseAddress
from anew.journal.storage import FolderStorage, Storage
from anew.stores.series.clickhouse import ClickHouseSeries, series
from anew.stores.series.protocol import ExperimentFolder
from anew.testing.lines import PointFeed
from anew.testing.series import SeriesContract


def folders(places: Sequence[ExperimentFolder]) -> list[Storage]:
    """The segments of experiments that lie in folders."""
    return [FolderStorage(place.folder) for place in places]


@pytest.fixture
def engine(make_clickhouse: Callable[[], str]) -> Iterator[ClickHouse]:
    found = ClickHouse(ClickHouseAddress.of(make_clickhouse()))
    yield found
    found.close()


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line becomes rows at once."""
    monkeypatch.setattr(series, "FILLED_BYTES", 1)


@pytest.mark.usefixtures("eager")
class TestRows(SeriesContract):
    """Every flush makes rows of what is new."""

    @pytest.fixture
    def store(self, engine: ClickHouse) -> ClickHouseSeries:
        return ClickHouseSeries(engine, folders)

    def settle(self, feed: PointFeed) -> None:
        feed.store.flush(feed.place)
        assert isinstance(feed.store, ClickHouseSeries)
        assert not feed.store.health().failing


@pytest.mark.slow
class TestRowsAndLines(SeriesContract):
    """Writers still write: small segments are lines."""

    @pytest.fixture
    def store(self, engine: ClickHouse) -> ClickHouseSeries:
        return ClickHouseSeries(engine, folders)


@pytest.mark.slow
class TestFinished(SeriesContract):
    """The writers have ended."""

    @pytest.fixture
    def store(self, engine: ClickHouse) -> ClickHouseSeries:
        return ClickHouseSeries(engine, folders)

    def settle(self, feed: PointFeed) -> None:
        feed.store.flush(feed.place, ["0001-main", "0002-rank1"])
        if any(Path(feed.place.folder, "metrics").iterdir()):
            assert feed.store.derived()[feed.place.experiment_id] > 0
