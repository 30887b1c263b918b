import json
import math
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from anew import Experiment, Store
from anew.errors import AnewError

SEEDS = {
    "within 64 bits": [2**60, 2**60 + 1, -(2**62) - 1],
    "unsigned": [2**63 + 5, 2**64 - 1, 2**60 + 1],
    "of 128 bits": [2**127 + 1, 2**127 + 3, -(2**100) - 1],
    "of 200 bits": [2**200 + 1, 2**200 + 3, -1],
    "of 1000 bits": [2**1000 + 1, 2**1000 + 3, 5],
    "beside a fraction": [2**60 + 1, 0.5, 2**60],
    "missing in one": [2**60 + 1, None, 2**60],
    "all missing but one": [2**64 + 1, None, None],
}


@pytest.fixture(params=SEEDS)
def seeds(request, tmp_path):
    values = SEEDS[request.param]
    for at, seed in enumerate(values):
        params = {} if seed is None else {"seed": seed}
        with Experiment(f"a/s{at}", root=tmp_path, quiet=True, params=params) as exp:
            exp.log_metric("loss", 1.0)
    with Store(tmp_path) as store:
        yield store, values


def number(value):
    """A value of a frame as the number that it stands for."""
    return json.loads(value) if isinstance(value, str) else value


def exact(cells):
    return [None if c is None or c is pd.NA or c != c else number(c) for c in cells]


def test_an_integer_is_exact_in_every_frame(seeds):
    store, values = seeds
    found = store.list(sort="created_at")
    assert [view.params.get("seed") for view in found] == values
    assert exact(found.to_pandas()["params.seed"].tolist()) == values
    assert exact(found.to_arrow().column("params.seed").to_pylist()) == values
    assert exact(found.to_polars()["params.seed"].to_list()) == values


def test_a_filter_tells_integers_apart_at_any_size(seeds):
    store, values = seeds
    for at, seed in enumerate(values):
        if isinstance(seed, int):
            assert [e.name for e in store.search(f"params.seed == {seed}")] == [f"s{at}"]
            below = {f"s{i}" for i, v in enumerate(values) if v is not None and v < seed}
            assert {e.name for e in store.search(f"params.seed < {seed}")} == below
    known = [v for v in values if v is not None]
    assert [e.params["seed"] for e in store.search("params.seed > -inf", sort="params.seed")] == (
        sorted(known)
    )


@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl"])
def test_an_integer_is_exact_in_every_export(seeds, tmp_path, format):
    store, values = seeds
    written = store.export(None, tmp_path / "out", format)
    if format == "parquet":
        rows = pq.read_table(written[1]).to_pylist()
    elif format == "jsonl":
        rows = [json.loads(line) for line in Path(written[1]).read_text().splitlines()]
    else:
        rows = pd.read_csv(written[1], dtype={"text": str}).to_dict("records")
    found = [row["number"] if pd.isna(row["text"]) else int(row["text"]) for row in rows]
    assert sorted(found) == sorted(v for v in values if v is not None)


def test_lists_and_mappings_are_json_in_a_csv(tmp_path):
    params = {"layers": [64, 64], "betas": (0.9, math.nan), "empty": {}, "huge": [2**70]}
    with Experiment("a/x", root=tmp_path / "root", quiet=True, params=params) as exp:
        exp.log_metric("l", 1.0)
    written = Store(tmp_path / "root").export(None, tmp_path / "csv", "csv")
    (row,) = pd.read_csv(written[0]).to_dict("records")
    assert json.loads(row["params.layers"]) == [64, 64]
    assert json.loads(row["params.betas"])[0] == 0.9
    assert json.loads(row["params.huge"]) == [2**70]


def test_an_export_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    from anew.reading import export_tables

    with Experiment("a/x", root=tmp_path / "root", quiet=True) as exp:
        exp.log_metric("l", 1.0)

    def refuses(path, schema, rows):
        Path(path).touch()
        raise AnewError("no")

    monkeypatch.setitem(export_tables._WRITERS, "csv", refuses)
    with pytest.raises(AnewError):
        Store(tmp_path / "root").export(None, tmp_path / "csv", "csv")
    assert list((tmp_path / "csv").iterdir()) == []
