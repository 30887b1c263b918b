"""What neptune-exporter writes, in the schema of its source (`neptune_exporter/model.py`), is read without it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from anew import Store
from anew.importing.importer import bring_in
from anew.trackers.importers import kind_of, open_source

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

AT = datetime(2023, 11, 14, 22, 13, 20, 125_000, UTC)
SCHEMA = pa.schema([
    ("project_id", pa.string()), ("run_id", pa.string()), ("attribute_path", pa.string()), ("attribute_type", pa.string()),
    ("step", pa.decimal128(18, 6)), ("timestamp", pa.timestamp("ms", tz="UTC")), ("int_value", pa.int64()), ("float_value", pa.float64()),
    ("string_value", pa.string()), ("bool_value", pa.bool_()), ("datetime_value", pa.timestamp("ms", tz="UTC")),
    ("string_set_value", pa.list_(pa.string())), ("file_value", pa.struct([("path", pa.string())])),
    ("histogram_value", pa.struct([("type", pa.string()), ("edges", pa.list_(pa.float64())), ("values", pa.list_(pa.float64()))])),
])  # fmt: skip


def one(path: str, kind: str, value: Any, step: Any = None) -> dict[str, Any]:
    column = kind.removesuffix("_series") if kind != "string_set" else kind
    at = AT if kind.endswith("_series") else None
    return {
        "project_id": "lab/vision", "run_id": "VIS-1", "attribute_path": path, "attribute_type": kind, "timestamp": at,
        "step": None if step is None else Decimal(str(step)), f"{column}_value": value,
    }  # fmt: skip


def put(base: Path, rows: list[dict[str, Any]], part: int = 0) -> Path:
    folder = base / "data" / "lab_vision-0123456789abcdef"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"VIS-1-fedcba9876543210_part_{part}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path)
    return path


def test_a_run_comes_with_everything_that_was_exported(tmp_path):
    base = tmp_path / "exports"
    (base / "files" / "r").mkdir(parents=True)
    (base / "files" / "r" / "best.pt").write_bytes(b"weights")
    put(base, [
        one("sys/custom_run_id", "string", "net ü/1"), one("sys/creation_time", "datetime", AT), one("sys/tags", "string_set", ["a", "b c"]),
        one("sys/owner", "string", "alice"), one("config/lr", "float", 0.1), one("config/layers", "int", 3), one("on", "bool", True),
        one("model/best", "file", {"path": "r/best.pt"}), one("secret", "file", {"path": "../../secret"}),
        one("monitoring/stdout", "string_series", "printed ü\n", 0), one("said", "string_series", "hello", 1),
        one("h", "histogram_series", {"type": "COUNTING", "edges": [0.0, 1.0, 2.0], "values": [1.0, 2.0]}, 2),
    ])  # fmt: skip
    points = [(0.5, 3), (float("nan"), 1), (float("inf"), 1), (0.25, 0.5)]
    put(base, [one("loss/train ü", "float_series", value, step) for value, step in points], 1)
    (tmp_path / "secret").write_text("secret")
    assert kind_of(str(base)) == kind_of(str(base / "data")) == "neptune"
    imported = bring_in(open_source(str(base)), str(tmp_path / "root"))
    assert [finding.where for finding in imported.findings if finding.lost] == ["attribute secret"]
    with Store(tmp_path / "root") as store:
        (view,) = store.list()
        series = view.metrics["loss/train ü"].read(order="written")
        assert list(map(repr, series.values.tolist())) == ["0.5", "nan", "inf", "0.25"]
        assert series.steps.tolist()[:3] == [3, 1, 1]
        assert series.times.tolist() == [AT.timestamp()] * 4
        assert (view.name, view.user, set(view.tags)) == ("net ü/1", "alice", {"a", "b c"})
        assert view.params == {"config": {"lr": 0.1, "layers": 3}, "on": True}
        assert [(file.prefix, file.name) for file in view.files] == [("model", "best.pt")]
        assert {(value.name, value.kind) for value in view.values()} == {
            ("said", "text"),
            ("h", "histogram"),
        }
        assert view.console() == "printed ü\n"
    again = bring_in(open_source(str(base / "data")), str(tmp_path / "root"))
    assert [run.state for run in again.runs] == ["same"]


def test_a_part_that_is_damaged_is_named_and_the_others_come(tmp_path):
    put(tmp_path, [one("loss", "float_series", 0.5, 1)])
    broken = put(tmp_path, [one("loss", "float_series", 0.25, 2)] * 100, 1)
    broken.write_bytes(broken.read_bytes()[:-40])
    imported = bring_in(open_source(str(tmp_path)), str(tmp_path / "root"))
    assert {finding.where for finding in imported.findings if finding.lost} == {str(broken)}
    with Store(tmp_path / "root") as store:
        assert [view.metrics["loss"].count for view in store.list()] == [1]
