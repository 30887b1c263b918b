"""Tables."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew.errors import CorruptData, InvalidValue
from anew.record.encode import encode
from anew.values import Table
from later import later

pl = later("polars")

CELLS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=5)


def again(table: Table, folder: Path) -> Table:
    """The table, saved, its record written and read, and loaded."""
    saved = table.save(str(folder), "table")
    data = None if saved.data is None else json.loads(encode(saved.data))
    return Table.load(data, None if saved.path is None else str(folder / saved.path))


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
def test_a_small_table_comes_back_cell_for_cell(rows: list[tuple[Any, Any]]) -> None:
    table = Table(["a", "b"], rows)
    saved = table.save("", "")
    assert saved.path is None
    loaded = Table.load(json.loads(encode(saved.data)), None)
    assert loaded.columns == ["a", "b"]
    for row, back in zip(rows, loaded.rows, strict=True):
        for cell, there in zip(row, back, strict=True):
            assert type(there) is type(cell)
            assert there == cell or (isinstance(cell, float) and math.isnan(cell))


def test_rows_may_be_added_in_order_or_by_name() -> None:
    table = Table(["epoch", "loss"])
    table.add_row(1, np.float32(0.5))
    table.add_row(loss=0.25, epoch=2)
    table.add_row(epoch=3)
    assert table.rows == [[1, 0.5], [2, 0.25], [3, None]]
    assert len(table) == 3
    assert type(table.rows[0][1]) is float


@pytest.mark.parametrize(
    "data",
    [
        [[1, "x"], [2, "y"]],
        np.array([[1, "x"], [2, "y"]], dtype=object),
        iter([(1, "x"), (2, "y")]),
    ],
)
def test_rows_of_every_form_are_taken(data: Any) -> None:
    assert Table(["n", "s"], data).rows == [[1, "x"], [2, "y"]]


@pytest.mark.parametrize(
    "make",
    [
        lambda: [{"n": 1, "s": "x"}, {"s": "y", "n": 2}],
        lambda: {"n": [1, 2], "s": ["x", "y"]},
        lambda: {"n": np.array([1, 2]), "s": ("x", "y")},
        lambda: pd.DataFrame({"n": [1, 2], "s": ["x", "y"]}),
        lambda: pl.DataFrame({"n": [1, 2], "s": ["x", "y"]}),
        lambda: pa.table({"n": [1, 2], "s": ["x", "y"]}),
    ],
)
def test_data_that_brings_its_columns_needs_none(tmp_path: Path, make: Callable[[], Any]) -> None:
    data = make()
    for table in (Table(data), Table(data=data)):
        assert table.columns == ["n", "s"]
        assert len(table) == 2
        for form in (table, again(table, tmp_path)):
            assert form.to_pandas().to_dict("list") == {"n": [1, 2], "s": ["x", "y"]}
            assert form.to_polars().to_dict(as_series=False) == {"n": [1, 2], "s": ["x", "y"]}
            assert form.to_arrow().to_pydict() == {"n": [1, 2], "s": ["x", "y"]}


def test_columns_choose_among_those_of_a_data_frame() -> None:
    frame = pd.DataFrame({"a": [1], "b": [2], "c": [3]})
    assert Table(["c", "a"], frame).to_arrow().to_pydict() == {"c": [3], "a": [1]}
    with pytest.raises(InvalidValue):
        Table(["d"], frame)


def test_a_large_table_is_a_parquet_file(tmp_path: Path) -> None:
    table = Table(["n", "text", "at"], [[i, f"row {i}", None] for i in range(3000)])
    saved = table.save(str(tmp_path), "big")
    assert saved.path == "big.parquet"
    assert saved.metadata == {"columns": ["n", "text", "at"], "rows": 3000}
    assert pd.read_parquet(tmp_path / "big.parquet")["n"].sum() == sum(range(3000))
    assert again(table, tmp_path).to_pandas()["text"][2999] == "row 2999"


def test_types_that_json_does_not_have_are_kept(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "when": pd.to_datetime(["2024-01-01", "2024-01-02"]),
            "kind": pd.Categorical(["a", "b"]),
            "small": np.array([1, 2], np.int8),
        }
    )
    loaded = again(Table(frame), tmp_path)
    types = loaded.to_arrow().schema
    assert pa.types.is_timestamp(types.field("when").type)
    assert pa.types.is_int8(types.field("small").type)
    assert loaded.to_pandas()["kind"].tolist() == ["a", "b"]


def test_dates_in_rows_are_kept_readable() -> None:
    saved = Table(["when"], [[datetime.date(2024, 1, 2)]]).save("", "")
    assert saved.data == {"columns": ["when"], "rows": [["2024-01-02"]]}


def test_an_index_with_something_to_say_becomes_a_column() -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.Index(["x", "y"], name="who"))
    assert Table(frame).columns == ["who", "n"]
    assert Table(pd.DataFrame({0: [1], 1: [2]})).columns == ["0", "1"]


def test_a_large_table_of_mixed_cells_is_kept_as_json(tmp_path: Path) -> None:
    table = Table(["mixed"], [[i if i % 2 else f"text {i}"] for i in range(5000)])
    saved = table.save(str(tmp_path), "mixed")
    assert saved.path == "mixed.json"
    loaded = again(table, tmp_path)
    assert loaded.rows[:2] == [["text 0"], [1]]
    assert len(loaded.to_pandas()) == 5000


def test_empty_tables_are_tables(tmp_path: Path) -> None:
    assert again(Table(["a"]), tmp_path).columns == ["a"]
    assert len(again(Table(pd.DataFrame({"a": []})), tmp_path)) == 0


def test_a_row_can_be_added_to_a_data_frame() -> None:
    table = Table(pd.DataFrame({"a": [1]}))
    table.add_row(2)
    assert table.rows == [[1], [2]]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (["a", "a"],),
        ("a",),
        ([1, 2],),
        (["a"], [[1, 2]]),
        (["a"], [{"b": 1}]),
        (["a"], 3),
        (["a"], ["text"]),
        ({"a": [1], "b": [1, 2]},),
        ([[1, 2]],),
        (["a"], np.zeros((2, 2, 2))),
    ],
)
def test_what_is_no_table_is_refused(arguments: Any) -> None:
    with pytest.raises(InvalidValue):
        Table(*arguments)


def test_a_row_that_does_not_fit_is_named() -> None:
    table = Table(["a"], [[1]])
    with pytest.raises(InvalidValue):
        table.add_row(1, 2)
    assert len(table) == 1


def test_what_was_not_saved_by_a_table_is_corrupt(tmp_path: Path) -> None:
    with pytest.raises(CorruptData):
        Table.load({"rows": []}, None)
    (tmp_path / "x.parquet").write_bytes(b"PAR1 truncated")
    with pytest.raises(CorruptData):
        Table.load(None, str(tmp_path / "x.parquet"))
