"""From the addresses of a group's database and bucket to what a server of the group answers from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from ...address import Address, parse_address
from ...blobs.bucket import PATIENCE
from ...blobs.opening import open_blobs
from ...clickhouse import ClickHouse, ClickHouseAddress, ClickHouseError
from ...errors import InvalidSetting
from ...journal.storage import Storage
from ...postgres import is_postgres
from ...query.scope import Scope
from ...reading.local.backend import LocalBackend
from ...reading.local.seen import Seen
from ...stores.catalog.postgres import PostgresCatalog
from ...stores.open import open_object_series
from ...stores.series.clickhouse import ClickHouseSeries, Table
from ...stores.series.protocol import ExperimentFolder, Health, SeriesStore
from ..intake.weights import ServedWeights
from .address import GroupAddress
from .database import Database
from .intake import GroupIntake
from .keeping import Keeper
from .opened import GroupStores
from .records import GroupRecords
from .sent import GroupSent
from .truth import Truth
from .upkeep import GroupUpkeep

__all__ = [
    "OpenedGroup",
    "open_group",
    "open_series",
    "open_truth",
    "remove_series",
    "weights_place",
]

SERIES = "series"
"""What is derived from points lies below it; see `stores.open.open_object_series`."""
_REFUSED = frozenset({192, 193, 194, 497, 516})
"""Codes of errors about who asks: unknown users, wrong passwords, rights that they lack."""


class OpenedGroup(NamedTuple):
    """A group's stores as one server has them open; see `reading.local.opening.Opened`.

    `weights` are those in the bucket, `health` is that of ClickHouse, where it has the points, and `close` stops what works in the background.
    """

    backend: LocalBackend
    upkeep: GroupUpkeep
    close: Callable[[], None]
    stores: GroupStores
    within: Callable[[Scope | None, str], tuple[LocalBackend, GroupUpkeep]]
    intake: GroupIntake
    keeper: Keeper
    weights: ServedWeights
    records: GroupRecords
    health: Callable[[], Health] | None = None

    def lacking(self) -> str:
        """What is away that answers can do without, for who watches servers; "" if nothing is."""
        away = self.health is not None and self.health().failing
        return "without ClickHouse: points are read from the records" if away else ""


def open_truth(group: GroupAddress, *, most: int = 12) -> Truth:
    """Open what was accepted.

    Raises:
        InvalidSetting: One of the addresses is none of a database, or of a bucket or a folder.
        MissingDependency: What one of them needs is not installed.
        UnknownFormat: A newer version of Anew made the tables.
        OSError: The database cannot be reached.
    """
    if not is_postgres(group.catalog):
        raise InvalidSetting(
            "The catalog of a group is an address that begins with postgresql://.",
            setting="catalog",
        )
    return Truth(
        Database(group.catalog, most=most), open_blobs(_place(group.blobs), options=PATIENCE)
    )


def _place(text: str) -> Address:
    place = parse_address(text, setting="blobs")
    if place.kind not in ("folder", "bucket"):
        raise InvalidSetting(
            f"The contents of a group cannot lie at {place}: give a bucket such as s3://lab/anew, or a folder that all "
            "its servers reach.",
            setting="blobs",
        )
    return place


def weights_place(group: GroupAddress) -> str:
    """The address of a group's repository of weights.

    Raises:
        InvalidSetting: See `open_truth`.
    """
    return f"{_place(group.blobs).location.rstrip('/')}/weights"


def open_series(group: GroupAddress, truth: Truth) -> SeriesStore:
    """Open the series that are derived from what was accepted.

    Raises:
        InvalidSetting: The address of the series is none of a ClickHouse server, or see `open_truth`.
        MissingDependency: See `open_truth`.
    """

    def files(places: Sequence[ExperimentFolder]) -> Sequence[Storage]:
        found = truth.files.storages({one.experiment_id for one in places})
        return [found[one.experiment_id] for one in places]

    if group.series:
        return ClickHouseSeries(_engine(group), files, _told_of_points)
    return open_object_series(_place(group.blobs), files, cache=group.cache)


def remove_series(group: GroupAddress, truth: Truth) -> None:
    """Remove what is derived from points, so that it is made again.

    Raises:
        InvalidSetting: See `open_truth`.
        OSError: Something could not be removed.
    """
    for key in truth.blobs.keys(SERIES):
        truth.blobs.delete(key)
    if group.series:
        engine = _engine(group)
        try:
            Table(engine).remove()
        finally:
            engine.close()


def _engine(group: GroupAddress) -> ClickHouse:
    return ClickHouse(ClickHouseAddress.of(group.series))


def open_group(
    group: GroupAddress, *, user: str = "", seconds: float | None = None, works: bool = True
) -> OpenedGroup:
    """Open the stores of a group as one of its servers.

    Args:
        user: Who writes what is changed where nobody else is known.
        seconds: How long one question to the catalog may take.
        works: Whether threads take in what arrives and make objects of it.

    Raises:
        InvalidSetting: The bucket has experiments that the database does not know, or see `open_truth`.
        MissingDependency, UnknownFormat, OSError: See `open_truth`.
    """
    place = _place(group.blobs)
    with ExitStack() as opened:
        truth = open_truth(group)
        opened.callback(truth.database.close)
        if truth.is_lost():
            raise InvalidSetting(
                f"The database of the group is empty, but there are experiments at {place}. If the database was lost, run "
                "`anew server rebuild` with the same --catalog and --blobs: it makes the tables again from the objects. Otherwise give "
                "another place for the contents.",
                setting="catalog",
            )
        source = truth.moving_from()
        if source is not None:
            raise InvalidSetting(
                f"A store is being moved from {source} to {group.shown}. Wait for that, or run the same `anew server migrate` again if it "
                "was cut short: it goes on from there.",
                setting="catalog",
            )
        series = open_series(group, truth)
        opened.callback(series.close)
        if isinstance(series, ClickHouseSeries):
            _check(series)
        catalog = PostgresCatalog(group.catalog)
        opened.callback(catalog.close)
        stores = GroupStores(truth, catalog, series, where=group.shown, user=user)
        opened.pop_all()
    keeper = Keeper(truth)
    seen = Seen(stores, seconds=seconds)

    def within(scope: Scope | None, name: str) -> tuple[LocalBackend, GroupUpkeep]:
        theirs = Seen(stores, scope, name, seconds)
        return LocalBackend(theirs, user=name), GroupUpkeep(stores, theirs, user=name)

    def close() -> None:
        keeper.close()
        stores.close()

    weights = ServedWeights(weights_place(group), GroupSent(truth))
    health = series.health if isinstance(series, ClickHouseSeries) else None
    intake = GroupIntake(truth, stores.journal, lag=stores.worker.leases.lag, health=health)
    if works:
        stores.start()
        keeper.start(_told)
    return OpenedGroup(
        LocalBackend(seen, user=user), GroupUpkeep(stores, seen, user=user), close, stores, within, intake, keeper, weights, GroupRecords(stores, group.links), health
    )  # fmt: skip


def _check(series: ClickHouseSeries) -> None:
    """See that ClickHouse knows who asks. One that is away is waited for by nobody.

    Raises:
        InvalidSetting: It refuses user or password.
    """
    try:
        series.check()
    except ClickHouseError as error:
        if error.code in _REFUSED:
            raise InvalidSetting(f"{error}", setting="series") from None


def _told_of_points(reason: str) -> None:
    """Say on standard error that ClickHouse cannot be used, or that it can again."""
    said = (
        f"{reason}. Points are read from the records meanwhile, which takes longer."
        if reason
        else "ClickHouse can be used again."
    )
    print(f"anew: {said}", file=sys.stderr, flush=True)


def _told(reason: str) -> None:
    """Say on standard error that objects cannot be made, or that they can again."""
    said = (
        f"The bucket does not take objects: {reason}. What arrives waits in the database."
        if reason
        else "The bucket takes objects again."
    )
    print(f"anew: {said}", file=sys.stderr, flush=True)
