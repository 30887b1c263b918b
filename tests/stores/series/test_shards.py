"""Series over two shards of Debian's ClickHouse, behind a Distributed table.

That server is of 2018 (18.16): it knows no parameters beside a query, no codecs of columns, no deleting of rows, and no numbered texts in a Distributed table. So the tables are made here, and values are written into the text of each question here; the questions themselves are those that the product asks.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from anew.clickhouse import ClickHouseAddress, ClickHouseError
from anew.journal.layout import RootLayout
from anew.journal.storage import FolderStorage, Storage
from anew.stores.series.clickhouse import ClickHouseSeries, series
from anew.stores.series.clickhouse.table import TABLE
from anew.stores.series.folder import FolderSeries
from anew.stores.series.protocol import ExperimentFolder
from anew.testing.lines import PointFeed, point_line

pytestmark = pytest.mark.slow

_CONFIG = """<yandex>
  <logger><level>warning</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><interserver_http_port>{inter}</interserver_http_port>
  <path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path><user_files_path>{folder}/files/</user_files_path>
  <format_schema_path>{folder}/schemas/</format_schema_path>
  <mark_cache_size>67108864</mark_cache_size>
  <users_config>users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
  <remote_servers><two>{shards}</two></remote_servers>
</yandex>"""
_USERS = """<yandex>
  <profiles><default>
    <insert_distributed_sync>1</insert_distributed_sync>
    <allow_experimental_low_cardinality_type>1</allow_experimental_low_cardinality_type>
  </default></profiles>
  <users><default>
    <password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
  </default></users>
  <quotas><default/></quotas>
</yandex>"""
_COLUMNS = (
    "experiment String, metric String, step Int64, segment String, row UInt32, given UInt8, at Float64, value Float64, metadata String"
)  # fmt: skip
_LOCAL = f"CREATE TABLE points ({_COLUMNS}) ENGINE = ReplacingMergeTree PARTITION BY cityHash64(experiment) % 8 ORDER BY (experiment, metric, step, segment, row)"
_BOTH = f"CREATE TABLE {TABLE} ({_COLUMNS}) ENGINE = Distributed(two, default, points, cityHash64(experiment))"


class Shard(NamedTuple):
    """One of the servers."""

    http: int
    process: subprocess.Popen[bytes]
    folder: Path


class Literal:
    """A server of 2018 as what the product asks: each value stands in the text."""

    def __init__(self, port: int) -> None:
        self.address = ClickHouseAddress("127.0.0.1", port, "default", "", "default", False)

    def ask(self, query: str, values: Mapping[str, Any] | None = None, **_: Any) -> bytes:
        query = query.replace("AS what, segment", "AS what, toLowCardinality(segment) AS segment")
        text = re.sub(
            r"(IN )?\{(\w+):[\w()]+\}",
            lambda found: (
                f"{found[1] or ''}{_literal((values or {})[found[2]], found[1] is not None)}"
            ),
            query,
        )
        return self._send("", text.encode())

    def insert(self, statement: str, data: bytes) -> None:
        self._send(f"?{urllib.parse.urlencode({'query': statement})}", data)

    def ping(self) -> None:
        self.ask("SELECT 1")

    def close(self) -> None:
        pass

    def _send(self, path: str, body: bytes) -> bytes:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.address.port}/{path}", body, 60
            ) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            found = re.search(r"Code: (\d+)", said)
            raise ClickHouseError(said[:500], code=int(found[1]) if found else 0) from None


def _literal(value: Any, within: bool = False) -> str:
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, int):
        return str(value)
    listed = ", ".join(map(_literal, value))
    return f"({listed})" if within else f"[{listed}]"


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shard, Shard]]:
    program = shutil.which("clickhouse-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("clickhouse-server is not installed")
        pytest.skip("clickhouse-server is not installed")
    ports = [_free_ports(3) for _ in range(2)]
    listed = "".join(f"<shard><replica><host>127.0.0.1</host><port>{tcp}</port></replica></shard>" for _, tcp, _ in ports)  # fmt: skip
    started: list[Shard] = []
    try:
        for http, tcp, inter in ports:
            folder = tmp_path_factory.mktemp("shard")
            (folder / "config.xml").write_text(_CONFIG.format(folder=folder, http=http, tcp=tcp, inter=inter, shards=listed))  # fmt: skip
            (folder / "users.xml").write_text(_USERS)
            with open(folder / "said", "wb") as said:
                process = subprocess.Popen([program, f"--config-file={folder}/config.xml"], cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said)  # fmt: skip
            started.append(Shard(http, process, folder))
        for one in started:
            _wait(one)
            Literal(one.http).ask(_LOCAL)
        for one in started:
            Literal(one.http).ask(_BOTH)
        yield started[0], started[1]
    finally:
        for one in started:
            one.process.kill()
            one.process.wait()


def _wait(shard: Shard) -> None:
    for _ in range(1200):
        try:
            Literal(shard.http).ping()
            return
        except (OSError, ClickHouseError):
            assert shard.process.poll() is None, (shard.folder / "said").read_text()[-3000:]
            time.sleep(0.1)
    raise AssertionError((shard.folder / "said").read_text()[-3000:])


def _folders(places: Sequence[ExperimentFolder]) -> list[Storage]:
    return [FolderStorage(place.folder) for place in places]


def _points(store: Any, place: ExperimentFolder, **asked: Any) -> list[Any]:
    columns = store.read(place, rows=True, metadata=True, **asked)
    assert not columns.problems
    of = np.repeat(columns.names, np.diff(columns.starts)).tolist()
    return list(zip(of, columns.row.tolist(), columns.step.tolist(), columns.time.tolist(), map(repr, columns.value.tolist()), strict=True))  # fmt: skip


def test_points_on_two_shards_are_those_of_the_records(
    shards: tuple[Shard, Shard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(series, "FILLED_BYTES", 1)
    servers = [ClickHouseSeries(Literal(one.http), _folders) for one in shards]  # type: ignore[arg-type]  # what the product asks of an engine
    places = [
        ExperimentFolder(f"bcdf2345{number:0>4}", str(tmp_path / "lab" / "x" / str(number)))
        for number in range(12)
    ]
    for number, place in enumerate(places):
        feed = PointFeed(servers[number % 2], place)
        other = PointFeed(servers[1 - number % 2], place)
        for turn in range(3):
            feed.write(
                point_line(
                    {"a": i + number / 7, "b'\\": float("nan") if i == 5 else -i}, i, t=1.76e9 + i
                )
                for i in range(turn * 20, turn * 20 + 20)
            )
            for one in (
                (feed, other) if number % 3 == 0 else (feed,)
            ):  # two servers take in the same
                one.offer()
                one.store.flush(place)
    truth = FolderSeries(RootLayout(str(tmp_path)))
    for store in servers:
        assert not store.health().failing
        for place in places:
            assert _points(store, place) == _points(truth, place)
            assert _points(store, place, start=15, stop=33) == _points(
                truth, place, start=15, stop=33
            )
        many, expected = store.read_many(places, ["a"]), truth.read_many(places, ["a"])
        assert many.value.tolist() == expected.value.tolist()
        assert many.starts.tolist() == expected.starts.tolist()
    counts = [int(Literal(one.http).ask("SELECT uniqExact(experiment) FROM points")) for one in shards]  # fmt: skip
    assert sum(counts) == len(places)  # each lies on one shard
    assert all(counts)
