"""What DuckDB answers arrives as numpy columns, unchanged and without anybody else's library."""

from __future__ import annotations

import gc
import math
import subprocess
import sys
from typing import Any

import duckdb
import numpy as np
import pytest

from anew.stores.series.arrow import batches_of


def answer(query: str) -> dict[str, np.ndarray[Any, Any]]:
    batches = batches_of(duckdb.sql(query))
    return {name: np.concatenate([each[name] for each in batches]) for name in batches[0]}


def test_numbers_of_all_widths_come_back_exactly():
    found = answer(
        "SELECT i::BIGINT AS a, i::INTEGER AS b, i::UTINYINT::UBIGINT AS c, i / 3 AS d, (i / 3)::FLOAT AS e, "
        "i::TINYINT AS f FROM range(100) AS t(i)"
    )
    numbers = np.arange(100)
    assert [found[name].dtype for name in "abcdef"] == ["i8", "i4", "u8", "f8", "f4", "i1"]
    for name in "abcf":
        np.testing.assert_array_equal(found[name], numbers)
    np.testing.assert_array_equal(found["d"], numbers / 3)
    np.testing.assert_array_equal(found["e"], (numbers / 3).astype(np.float32))


def test_the_largest_integers_and_the_odd_floats_come_back_exactly():
    found = answer(
        "SELECT unnest([-9223372036854775808, 9223372036854775807, 0, 1]) AS i, "
        "unnest(['NaN'::DOUBLE, 'inf'::DOUBLE, '-0.0'::DOUBLE, 5e-324]) AS f"
    )
    assert found["i"].tolist() == [-(2**63), 2**63 - 1, 0, 1]
    wanted = np.array([math.nan, math.inf, -0.0, 5e-324])
    assert found["f"].view(np.int64).tolist() == wanted.view(np.int64).tolist()


def test_truth_values_and_texts_with_gaps_come_back_in_every_batch():
    found = answer(
        "SELECT i % 3 = 0 AS yes, CASE WHEN i % 7 != 0 THEN 'ü' || i END AS text, "
        "CASE WHEN i % 2 = 0 THEN encode('b' || i) END AS bytes FROM range(300000) AS t(i)"
    )
    assert found["yes"].tolist() == [i % 3 == 0 for i in range(300_000)]
    assert found["text"].tolist() == [f"ü{i}" if i % 7 else None for i in range(300_000)]
    assert found["bytes"].tolist() == [None if i % 2 else b"b%d" % i for i in range(300_000)]


def test_an_answer_without_rows_has_its_columns():
    (batch,) = batches_of(duckdb.sql("SELECT 1 AS a, 'x' AS b, true AS c WHERE false"))
    assert {name: len(column) for name, column in batch.items()} == {"a": 0, "b": 0, "c": 0}


def test_columns_outlive_the_answer_and_its_connection():
    with duckdb.connect() as connection:
        columns = [batch["i"] for batch in batches_of(connection.sql("FROM range(400000) AS t(i)"))]
    gc.collect()
    assert len(columns) > 1
    np.testing.assert_array_equal(np.concatenate(columns), np.arange(400_000))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT CASE WHEN i != 5 THEN i END AS i FROM range(10) AS t(i)",
        "SELECT [1, 2] AS list",
        "SELECT error('on the way') FROM range(10)",
    ],
)
def test_gaps_in_numbers_other_types_and_broken_answers_are_errors(query: str):
    with pytest.raises((ValueError, duckdb.Error)):
        batches_of(duckdb.sql(query))


def test_no_other_library_is_loaded():
    code = (
        "import sys, duckdb\nfrom anew.stores.series.arrow import batches_of\n"
        "batches_of(duckdb.sql('SELECT 1 AS a'))\nprint('pyarrow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
