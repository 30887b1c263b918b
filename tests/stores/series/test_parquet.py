"""A file of points: small, exact, readable by other programs, and suspicious of its own bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from anew.errors import CorruptData, UnknownFormat
from anew.stores.series import parquet, sorted_file
from anew.stores.series.columns import Block
from anew.stores.series.parquet import PartFile, PartInfo, write_part
from later import later

pl = later("polars")

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


def test_series_are_read_alone_in_groups_or_scattered(tmp_path):
    path = str(tmp_path / "a.parquet")
    block = block_of(200_000, [f"m{i:03}" for i in range(400)])
    write_part(path, block, INFO)
    for numbers in ([50], [3, 4, 5, 390], list(range(0, 400, 3)), list(range(400))):
        with PartFile(path) as file:
            points = file.read(numbers)
        for number in numbers:
            mine = points.value[points.series == number]
            np.testing.assert_array_equal(mine, block.value[block.series == number])
        assert len(points) == 500 * len(numbers)


def test_columns_are_delta_coded_or_split_and_never_looked_up_in_a_dictionary(tmp_path):
    path = str(tmp_path / "a.parquet")
    write_part(path, block_of(100_000, ["a", "b"]), INFO)
    query = "SELECT DISTINCT path_in_schema, encodings FROM parquet_metadata(?)"
    found = dict(duckdb.execute(query, [path]).fetchall())
    assert {found[c] for c in ("step", "time", "row")} == {"DELTA_BINARY_PACKED"}
    assert found["value"] == "BYTE_STREAM_SPLIT"


def test_a_folder_whose_name_is_a_pattern_or_a_partition_is_read_as_it_is_called(tmp_path):
    folder = tmp_path / "a[b]*?" / "lr=0.1" / "it's"
    folder.mkdir(parents=True)
    path = str(folder / "a.parquet")
    write_part(path, block_of(10, ["a"]), INFO)
    with PartFile(path) as file:
        assert len(file.read([0])) == 10


def test_a_process_forked_while_the_engine_is_open_reads_with_one_of_its_own(tmp_path):
    path = str(tmp_path / "a.parquet")
    write_part(path, block_of(10, ["a"]), INFO)
    program = f"""
import os, sys
from anew.stores.series.parquet import PartFile
def read():
    with PartFile({path!r}) as file:
        return len(file.read([0]))
assert read() == 10
child = os.fork()
if child == 0:
    sys.exit(read())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert (
        subprocess.run([sys.executable, "-W", "ignore", "-c", program], timeout=600).returncode
        == 10
    )


@pytest.mark.parametrize("seed", range(3))
def test_damaged_bytes_are_corrupt_data_or_do_not_matter(tmp_path, seed):
    path = tmp_path / "a.parquet"
    block = block_of(600, ["a", "b"])
    write_part(str(path), block, INFO)
    with PartFile(str(path)) as file:
        whole = file.read([0, 1])
    data = path.read_bytes()
    random = np.random.default_rng(seed)
    for _ in range(60):
        damaged = bytearray(data)
        damaged[random.integers(len(data))] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        try:
            with PartFile(str(path)) as file:
                points = file.read([0, 1])
        except CorruptData:
            continue
        for column in ("step", "time", "value", "row"):
            np.testing.assert_array_equal(getattr(points, column), getattr(whole, column))


@pytest.mark.parametrize("times", [True, False], ids=["with times", "without times"])
def test_a_long_series_comes_in_pieces_and_damage_in_what_is_read_is_seen(tmp_path, times):
    path = str(tmp_path / "a.parquet")
    block = block_of(30_000, ["a", "b"])
    write_part(path, block, INFO)
    mine = block.series == 1
    with PartFile(path) as file:
        (whole,) = file.stretches(0, ["b"], False, False, times=times)
        np.testing.assert_array_equal(whole.step, block.step[mine])
        np.testing.assert_array_equal(whole.value, block.value[mine])
        np.testing.assert_array_equal(whole.time, block.time[mine] if times else 0)
        for column, read in enumerate((True, times, True)):
            file.file.laid.checks[1, column] ^= 1
            if read:
                with pytest.raises(CorruptData):
                    file.stretches(0, ["b"], False, False, times=times)
            else:
                assert len(file.stretches(0, ["b"], False, False, times=times)) == 1
            file.file.laid.checks[1, column] ^= 1


def test_a_series_larger_than_a_row_group_comes_back_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(sorted_file, "ROW_GROUP", 1000)
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
    with pytest.raises(CorruptData) as error:
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
    with pytest.raises(CorruptData):
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


@pytest.mark.parametrize("order", [["a", "b", "c"], ["c", "b", "a"]])
def test_parts_read_in_one_question_are_what_each_holds_by_itself(tmp_path: Path, order: list[str]):
    paths = [str(tmp_path / f"{number}.parquet") for number in range(3)]
    for number, path in enumerate(paths):
        write_part(path, block_of(600, ["a", "b", "c"], seed=number), INFO)
    files = {number: PartFile(path) for number, path in enumerate(paths)}
    together = parquet.stretches_together(files, order[:2], rows=True)
    assert sorted(together) == [0, 1, 2]
    for number, file in files.items():
        alone = file.stretches(number, order[:2], rows=True, metadata=False)
        for one, other in zip(together[number], alone, strict=True):
            assert one.name == other.name
            for ours, theirs in zip(one[2:], other[2:], strict=True):
                np.testing.assert_array_equal(ours, theirs)
        file.file.close()


def test_a_damaged_part_among_others_is_left_to_be_read_by_itself(tmp_path: Path):
    paths = [str(tmp_path / f"{number}.parquet") for number in range(2)]
    for number, path in enumerate(paths):
        write_part(path, block_of(600, ["a", "b"], seed=number), INFO)
    files = {number: PartFile(path) for number, path in enumerate(paths)}
    data = bytearray(Path(paths[1]).read_bytes())
    for at in range(200, len(data) // 2, 97):
        data[at] ^= 0xFF
    Path(paths[1]).write_bytes(bytes(data))
    assert parquet.stretches_together(files, ["a"], rows=False) == {}
    with pytest.raises(CorruptData):
        files[1].stretches(1, ["a"], rows=False, metadata=False)
