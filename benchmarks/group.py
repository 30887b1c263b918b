"""The stores of a group: what arrives beside plain `COPY` and `PUT`, panels beside a folder, making everything again, and a second server.

PostgreSQL and an S3 service run on this machine, as processes of their own, like the servers; all of them share its cores.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from statistics import median
from unittest.mock import patch

import numpy as np
import psycopg
from blake3 import blake3

from anew.clickhouse import ClickHouse, ClickHouseAddress
from anew.journal.storage import MemoryStorage
from anew.query.lines import LinesQuestion
from anew.query.panel import PanelQuestion
from anew.query.question import Question
from anew.reading.local.lines import read_lines
from anew.reading.local.opening import open_folder
from anew.record.encode import encode_line
from anew.record.ids import new_id
from anew.server.callers import Caller, Role
from anew.server.group.address import GroupAddress
from anew.server.group.keeping import Keeper
from anew.server.group.opening import open_group
from anew.server.group.rebuilding import rebuild_group
from anew.store import Store
from anew.stores.series.clickhouse import ClickHouseSeries
from anew.stores.series.clickhouse.table import TABLE
from anew.stores.series.points import decode_block
from anew.stores.series.protocol import ExperimentFolder, Source
from anew.sync.push import push
from anew.sync.wire import Filing, FilingRequest, Frame
from anew.testing.clickhouse import ClickHouseServer
from anew.testing.postgres import PostgresServer
from tests.seaweed import shared

from .harness import Bench, Row, at_most, duration, paired_seconds, seconds_of
from .many_experiments import BUCKETS, METRIC, written

SENDERS = 4
_LOGS = "logs/logs-0001-main-aaaa.jsonl"


def run(bench: Bench) -> Iterator[Row]:
    """Ingest, then panels, then making again, then a second server."""
    with _engines() as (folder, postgres, bucket):

        def group(name: str) -> GroupAddress:
            return GroupAddress(
                postgres.make_database(), f"{bucket}/{name}", str(folder / f"cache-{name}")
            )

        yield _ingest(bench, group("ingest"))
        yield from _panel(bench, group("panel"))
        with _clickhouse(folder) as server:
            yield from _rows(bench, server.make_database())
            yield _search(bench, server.make_database())
            yield from _panel(bench, group("rows")._replace(series=server.make_database()))
        yield _again(bench, group("again"))
        yield _two(bench, [group("one"), group("two")])


@contextmanager
def _engines() -> Iterator[tuple[Path, PostgresServer, str]]:
    """A folder that also the user of PostgreSQL can reach, a database server, and a bucket."""
    with tempfile.TemporaryDirectory(prefix="anew-bench-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o711)
        # What is accepted must be on the disk, here as in earnest.
        postgres = PostgresServer(folder / "postgres", {"fsync": "on", "full_page_writes": "on"})
        postgres.start()
        try:
            with shared(folder / "s3") as s3, patch.dict(os.environ, s3.environment()):
                yield folder, postgres, f"s3://{s3.bucket('bench')}"
        finally:
            postgres.remove()


@contextmanager
def _clickhouse(folder: Path) -> Iterator[ClickHouseServer]:
    server = ClickHouseServer(folder / "clickhouse")
    server.start()
    try:
        yield server
    finally:
        server.remove()


# -- what arrives ---------------------------------------------------------------------------------------


def _ingest(bench: Bench, address: GroupAddress) -> Row:
    body = encode_line({"t": 1e9, "text": "x" * 90}) * 10_000
    body = body[: 1 << 20]
    pieces = bench.size(8, 2)
    opened = open_group(address, works=False)
    caller = Caller("bench", Role.OWNER)
    check = blake3(body).hexdigest()[:32]
    keeper = Keeper(opened.stores.truth)
    blobs = opened.stores.truth.blobs
    with psycopg.connect(address.catalog, autocommit=True) as connection:
        connection.execute("CREATE TABLE bench (at bigint, data bytea)")
        connection.execute("ALTER TABLE bench ALTER COLUMN data SET STORAGE EXTERNAL")

    def ours() -> None:
        ids = [new_id() for _ in range(SENDERS)]
        filings = tuple(Filing(id=one, prefix=f"lab/x/{one}") for one in ids)
        opened.intake.file(caller, FilingRequest(root_id="", filings=filings))

        def send(id: str) -> None:
            for at in range(pieces):
                before = body[-20:] if at else b""
                frame = Frame(
                    id=id,
                    name=_LOGS,
                    offset=at * len(body),
                    data=body,
                    coding="",
                    check=check,
                    before=before,
                )
                (told,) = opened.intake.append(caller, (frame,))
                assert told.status == "ok", told

        _together([lambda one=one: send(one) for one in ids])  # type: ignore[misc]
        keeper.drain()

    def plain() -> None:
        def send() -> None:
            with psycopg.connect(address.catalog) as connection:
                for at in range(pieces):
                    with connection.cursor().copy("COPY bench FROM STDIN (FORMAT binary)") as copy:
                        copy.set_types(["int8", "bytea"])
                        copy.write_row((at, body))
                    connection.commit()
            blobs.create(f"bench/{new_id()}", body * pieces)

        _together([send] * SENDERS)

    took, other, ratio = paired_seconds(ours, plain, rounds=bench.size(5, 1))
    opened.close()
    total = SENDERS * pieces * len(body) / 1e6
    return Row(
        f"accepting segments into PostgreSQL and then the bucket, {SENDERS} senders, 1 MiB a frame",
        f"{total / took:.0f} MB/s", f"{total / other:.0f} MB/s (COPY and PUT of the same bytes)",
        f"{1 / ratio:.2f}", "≥ 0.5", 1 / ratio >= 0.5,
    )  # fmt: skip


def _rows(bench: Bench, url: str) -> Iterator[Row]:
    """Points that the index offers, and lines with their decoding, beside the insert of rows that are ready."""
    count = bench.size(500_000, 5_000)
    steps, values = np.arange(count), np.random.default_rng(1).standard_normal(count)
    lines = b"".join(
        encode_line({"s": step, "t": 1.76e9 + step / 8, "m": {"loss": value}})
        for step, value in zip(steps.tolist(), values.tolist(), strict=True)
    )
    engine = ClickHouse(ClickHouseAddress.of(url))
    table = np.dtype([("key", "V18"), ("step", "<i8"), ("part", "V10"), ("row", "<u4"), ("given", "u1"), ("at", "<f8"), ("value", "<f8"), ("end", "u1")])  # fmt: skip
    ready = np.zeros(count, table)
    for name, column in (("key", np.void(b"\x0cbcdf23456789\x04loss")), ("step", steps), ("part", np.void(b"\x090001-main")), ("row", steps + 1), ("given", 1), ("at", 1.76e9 + steps / 8), ("value", values)):  # fmt: skip
        ready[name] = column
    body = ready.tobytes()
    statement = f"INSERT INTO {TABLE} (experiment, metric, step, segment, row, given, at, value, metadata) FORMAT RowBinary"

    block, _ = decode_block(lines)

    def ours(taken: bool) -> None:
        storage = MemoryStorage()
        storage.append("metrics/0001-main.jsonl", lines)
        store = ClickHouseSeries(engine, lambda places: [storage for _ in places])
        place = ExperimentFolder(new_id(), "/lab/x/run")
        if taken:
            store.take(place, Source("0001-main", 1, 0, len(lines), 1, count), block)
        store.flush(place, ["0001-main"])
        assert not store.health().failing

    ours(True)  # makes the table
    for what, taken in (("points that the index has decoded", True), ("lines, decoding included,", False)):  # fmt: skip
        took, other, ratio = paired_seconds(
            lambda taken=taken: ours(taken),  # type: ignore[misc]
            lambda: engine.insert(statement, body),
            rounds=bench.size(5, 1),
            warm=1,
        )
        yield Row(
            f"{what} that become rows of ClickHouse, {count / 1e6:g} M points",
            f"{count / took / 1e6:.2f} M points/s", f"{count / other / 1e6:.2f} M points/s (RowBinary insert of the same rows)",
            f"{1 / ratio:.2f}", "≥ 0.5", 1 / ratio >= 0.5,
        )  # fmt: skip
    engine.close()


def _search(bench: Bench, url: str) -> Row:
    """A rare word in the messages of one experiment, beside a table of the same messages in ClickHouse."""
    count = bench.size(1_000_000, 5_000)
    chance = Random(1)
    words = [f"w{chance.randrange(1 << 20):x}" for _ in range(5_000)]
    texts = [" ".join(chance.choices(words, k=12)) for _ in range(count)]
    for at in range(77, count, 100_000):
        texts[at] += " Needle"
    storage = MemoryStorage()
    for at in range(0, count, 50_000):
        some = enumerate(texts[at : at + 50_000], at)
        lines = (encode_line({"t": 1.76e9 + n, "level": "info", "message": t}) for n, t in some)
        storage.append(_LOGS, b"".join(lines))
    engine = ClickHouse(ClickHouseAddress.of(url))
    engine.ask("CREATE TABLE messages (row UInt64, message String CODEC(ZSTD(1))) ENGINE = MergeTree ORDER BY row")  # fmt: skip
    for at in range(0, count, 200_000):
        rows = "".join(f"{n}\t{text}\n" for n, text in enumerate(texts[at : at + 200_000], at))
        engine.insert("INSERT INTO messages FORMAT TabSeparated", rows.encode())
    wanted = len(range(77, count, 100_000))

    def ours() -> None:
        cursor, found = None, 0
        while True:
            asked = LinesQuestion(id="", contains="needle", cursor=cursor)
            answer = read_lines(storage, asked)
            cursor, found = answer.after, found + len(answer.messages)
            if not answer.more:
                break
        assert found == wanted

    def table() -> None:
        query = "SELECT count() FROM messages WHERE positionCaseInsensitive(message, 'needle') > 0"
        assert int(engine.ask(query)) == wanted

    took, other, ratio = paired_seconds(ours, table, rounds=bench.size(5, 1), warm=1)
    engine.close()
    size = sum(len(text) for text in texts) / 1e6
    return Row(
        f"a word sought in {size:,.0f} MB of messages of one experiment, to the end", duration(took),
        f"{duration(other)} (a table of ClickHouse)", f"{ratio:.1f}", "told", None,
    )  # fmt: skip


def _together(work: list) -> None:  # type: ignore[type-arg]
    threads = [threading.Thread(target=one) for one in work]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


# -- reading --------------------------------------------------------------------------------------------


def _panel(bench: Bench, address: GroupAddress) -> Iterator[Row]:
    count, points = bench.size(1_000, 20), bench.size(1_000, 50)
    with bench.folder("folder") as root:
        ids = written(root, count, points)
        question = PanelQuestion(
            ids=ids, metrics=(METRIC,), start=0, stop=points - 1, buckets=BUCKETS
        )
        with _served(address) as url:
            assert push(root, url).complete
        folder = open_folder(str(root))
        opened = open_group(address, works=False)
        # Points that have just arrived are not packed yet, here as in a folder.
        opened.stores.truth.database.do("UPDATE segment SET changed_at = '2020-01-01'")
        opened.stores.refresh()
        where = "rows of ClickHouse" if address.series else "packs in the bucket"
        what = f"panel from {where}, {count:,} × {points:,} points → {BUCKETS} buckets"
        try:
            for one in (folder.backend, opened.backend):
                one.panel(question)  # makes the packs
            took, other, ratio = paired_seconds(
                lambda: opened.backend.panel(question),
                lambda: folder.backend.panel(question),
                rounds=bench.size(7, 1),
            )
            beside = f"{duration(other)} (packs of a folder)"
            yield Row(f"{what}, warm cache", duration(took), beside, *at_most(ratio, 2.0 if address.series else 1.5))  # fmt: skip
            if not address.series:
                cold = [_cold(address, question, n) for n in range(bench.size(5, 1))]
                took = median(cold)
                yield Row(f"{what}, a server without a cache", duration(took), beside, *at_most(took / other, 5.0))  # fmt: skip
        finally:
            opened.close()
            folder.close()


def _cold(address: GroupAddress, question: PanelQuestion, number: int) -> float:
    """Seconds of the first panel of a server that has nothing of the bucket."""
    opened = open_group(address._replace(cache=f"{address.cache}-cold-{number}"), works=False)
    try:
        opened.backend.select(
            Question(limit=0, now=0.0)
        )  # it is connected to the database, as a server that runs
        return seconds_of(lambda: opened.backend.panel(question))
    finally:
        opened.close()


def _again(bench: Bench, address: GroupAddress) -> Row:
    count, points = bench.size(20, 4), bench.size(500_000, 500)
    with bench.folder("folder") as root:
        written(root, count, points)
        with _served(address) as url:
            assert push(root, url).complete
        with Store(root) as store:
            first = seconds_of(store.rebuild)
        again = seconds_of(lambda: rebuild_group(address))
    return Row(
        f"everything derived made again from objects, {count * points / 1e6:g} M points",
        duration(again), f"{duration(first)} (index of the same folder)", *at_most(again / first, 2.0),
    )  # fmt: skip


# -- two servers ----------------------------------------------------------------------------------------


@contextmanager
def _served(address: GroupAddress, name: str = "") -> Iterator[str]:
    command = [
        sys.executable, "-m", "anew", "server", "--port", "0", "--quiet", "--cache", f"{address.cache}{name}",
        "--catalog", address.catalog, "--blobs", address.blobs, *(("--series", address.series) if address.series else ()),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _two(bench: Bench, groups: list[GroupAddress]) -> Row:
    count, points = bench.size(40, 4), bench.size(20_000, 100)
    taken = []
    for number, address in enumerate(groups, 1):
        with ExitStack() as held:
            roots = [held.enter_context(bench.folder("client")) for _ in range(SENDERS)]
            for root in roots:
                written(root, count // SENDERS, points)
            urls = [held.enter_context(_served(address, str(n))) for n in range(number)]
            clients = [
                subprocess.Popen([sys.executable, "-m", "anew", "sync", str(root), "--to", urls[n % number], "--quiet"])
                for n, root in enumerate(roots)
            ]  # fmt: skip
            taken.append(seconds_of(lambda all=clients: [one.wait() for one in all]))  # type: ignore[misc]
            assert all(one.returncode == 0 for one in clients)
    ratio = taken[0] / taken[1]
    cores = os.cpu_count() or 1
    return Row(
        f"{count} experiments × {points:,} points from {SENDERS} clients, two servers, {cores} cores for everything",
        duration(taken[1]), f"{duration(taken[0])} (one server)", f"{ratio:.2f}", "≥ 1.5 where the cores allow",
        ratio >= 1.5 if cores >= 8 else None,
    )  # fmt: skip
