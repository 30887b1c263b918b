"""A file of points: small, exact, readable by other programs, and suspicious of its own bytes."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from anew.errors import CorruptData, UnknownFormat
from anew.stores.series import parquet
from anew.stores.series.columns import Block
from anew.stores.series.parquet import PartFile, PartInfo, write_part

INFO = PartInfo(
    experiment_id="bcdf23456789", writer="0001-main", part=1, first_line=1, lines=9, start=0, end=99
)


def block_of(points: int, names: list[str], seed: int = 0) -> Block:
    """Points of several metrics logged together, with values as a framework's float32 gives them."""
    random = np.random.default_rng(seed)
    steps = points // len(names)
    decay = 1 / np.sqrt(1.0 + np.arange(steps)).repeat(len(names))
    noise = random.normal(0, 0.01, steps * len(names))
    return Block(
        names,
        np.tile(np.arange(len(names), dtype=np.int32), steps),
        np.arange(steps).repeat(len(names)),
        None,
        np.round(1.76e9 + np.cumsum(random.gamma(4, 3e-6, steps)), 6).repeat(len(names)),
        (decay + noise).astype(np.float32).astype(np.float64),
        np.arange(1, steps + 1).repeat(len(names)),
        None,
    )


def test_a_million_points_take_less_than_six_bytes_each(tmp_path: Path):
    path = str(tmp_path / "a.parquet")
    size = write_part(path, block_of(1_000_000, ["loss"]), INFO)
    assert size / 1_000_000 < 6


def test_other_programs_read_names_steps_times_and_values(tmp_path: Path):
    path = str(tmp_path / "a.parquet")
    block = block_of(3000, ["val/loss", "loss", "acc"])
    write_part(path, block, INFO)
    loss = block.value[block.series == 1]
    by_duckdb = duckdb.sql(
        f"SELECT step, epoch_us(time) / 1e6 AS t, value FROM '{path}' WHERE name = 'loss' ORDER BY step"
    ).fetchnumpy()
    np.testing.assert_array_equal(by_duckdb["value"], loss)
    np.testing.assert_array_equal(by_duckdb["t"], block.time[block.series == 1])
    by_polars = pl.read_parquet(path).filter(pl.col("name") == "loss")
    np.testing.assert_array_equal(by_polars["value"].to_numpy(), loss)
    by_pandas = pd.read_parquet(path)
    assert list(by_pandas["name"].unique()) == ["acc", "loss", "val/loss"]
    assert str(by_pandas["time"].dt.tz) == "UTC"


def test_one_series_of_many_is_read_from_its_row_groups_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROW_GROUP", 1000)
    path = str(tmp_path / "a.parquet")
    block = block_of(20_000, [f"m{i:03}" for i in range(100)])
    write_part(path, block, INFO)
    with PartFile(path) as file:
        asked: list[list[int]] = []
        read = file._file.read_row_groups
        monkeypatch.setattr(
            file._file, "read_row_groups", lambda g, **k: asked.append(list(g)) or read(g, **k)
        )
        points = file.read(file.find(["m050"]))
    np.testing.assert_array_equal(points.value, block.value[block.series == 50])
    assert [len(groups) for groups in asked] == [1]


def test_a_series_that_fits_is_never_split_over_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROW_GROUP", 1000)
    path = str(tmp_path / "a.parquet")
    write_part(path, block_of(9_000, [f"m{i}" for i in range(15)]), INFO)  # 600 points each
    groups = pq.ParquetFile(path).metadata
    assert {groups.row_group(i).num_rows for i in range(groups.num_row_groups)} == {600}


def test_a_series_larger_than_a_row_group_comes_back_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROW_GROUP", 1000)
    path = str(tmp_path / "a.parquet")
    block = block_of(30_000, ["a", "b", "c"])
    write_part(path, block, INFO)
    with PartFile(path) as file:
        for series in range(3):
            got = file.read([series])
            np.testing.assert_array_equal(got.value, block.value[block.series == series])
            np.testing.assert_array_equal(got.time, block.time[block.series == series])


@pytest.mark.parametrize("keep", [0, 3, 100, -1, -9, -2000])
def test_a_truncated_file_is_corrupt_data_and_names_itself(tmp_path: Path, keep: int):
    path = tmp_path / "a.parquet"
    write_part(str(path), block_of(5000, ["a"]), INFO)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CorruptData, match=r"a\.parquet") as error:
        PartFile(str(path))
    assert error.value.path == str(path)


def test_a_flipped_bit_in_the_data_is_noticed(tmp_path: Path):
    path = tmp_path / "a.parquet"
    write_part(str(path), block_of(5000, ["a"]), INFO)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with PartFile(str(path)) as file, pytest.raises(CorruptData):
        file.read([0])


def test_a_parquet_file_of_somebody_else_is_refused(tmp_path: Path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"value": [1.0]}).to_parquet(path)
    with pytest.raises(CorruptData, match="does not say which points"):
        PartFile(str(path))


def test_a_file_of_a_newer_format_asks_for_an_upgrade(tmp_path: Path, monkeypatch):
    path = str(tmp_path / "a.parquet")
    info = PartInfo(
        version=99, experiment_id="b", writer="w", part=1, first_line=1, lines=1, start=0, end=1
    )
    write_info = block_of(10, ["a"])
    monkeypatch.setattr(parquet, "VERSION", 99)
    write_part(path, write_info, info)
    monkeypatch.setattr(parquet, "VERSION", 1)
    with pytest.raises(UnknownFormat, match="Upgrade"):
        PartFile(path)


def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path, monkeypatch):
    def broken(*_: object) -> None:
        raise CorruptData("no")

    monkeypatch.setattr(parquet, "_verify", broken)
    with pytest.raises(CorruptData):
        write_part(str(tmp_path / "a.parquet"), block_of(10, ["a"]), INFO)
    assert list(tmp_path.iterdir()) == []
