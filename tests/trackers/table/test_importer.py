"""Tables come as runs: every cell has its place, and what cannot be read is named by its line."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anew import Store
from anew.errors import InvalidValue
from anew.importing.importer import Imported, bring_in, look_through
from anew.trackers.importers import kind_of, open_source

Points = dict[str, list[tuple[int, float, str]]]


def old(path: Path) -> Path:
    """A file that nobody writes to any more."""
    then = time.time() - 3600
    os.utime(path, (then, then))
    return path


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return old(path)


def brought(source: Path, root: Path, *mapping: str) -> Imported:
    opened = open_source(str(source), "table" if mapping else None, mapping)
    try:
        return bring_in(opened, str(root))
    finally:
        opened.close()


def undated(root: Path, prefix: str) -> dict[str, list[tuple[int, str]]]:
    """The points of a table without times."""
    return {
        name: [(step, value) for step, _, value in found]
        for name, found in points_of(root, prefix).items()
    }


def points_of(root: Path, prefix: str) -> Points:
    with Store(root) as store:
        found = {}
        for name, metric in store[prefix].metrics.items():
            series = metric.read(order="written")
            values = [repr(value) for value in series.values.tolist()]
            found[name] = list(
                zip(series.steps.tolist(), series.times.tolist(), values, strict=True)
            )
        return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def test_a_wide_table_with_a_column_of_runs(tmp_path, root):
    table = put(
        tmp_path / "all runs.csv",
        "Run,Epoch,Timestamp,train/loss,acc é,phase,optimizer,params.lr\n"
        "a/b ü,0,1700000000,0.5,,warm,adam,0.1\n"
        "c,0,1700000001,nan,1,cold,sgd,1e-3\n"
        "a/b ü,1,1700000002,-inf,0.25,cold,adam,0.1\n"
        "a/b ü,0,1700000003.5,inf,0.5,cold,adam,0.1\n",
    )
    assert kind_of(str(table)) == "table"
    imported = brought(table, root)
    assert imported.is_whole, imported
    assert [run.prefix.startswith("all runs/") for run in imported.runs] == [True, True]
    assert points_of(root, imported.runs[0].prefix) == {
        "train/loss": [(0, 1700000000.0, "0.5"), (1, 1700000002.0, "-inf"), (0, 1700000003.5, "inf")],
        "acc é": [(1, 1700000002.0, "0.25"), (0, 1700000003.5, "0.5")],
    }  # fmt: skip
    with Store(root) as store:
        first, second = (store[run.id] for run in imported.runs)
        assert (first.name, first.params) == ("a/b ü", {"lr": 0.1, "optimizer": "adam"})
        assert second.params == {"lr": 0.001, "optimizer": "sgd", "phase": "cold"}
        rows = first.metrics["train/loss"].read(order="written", metadata=True).metadata
        assert [
            json.loads(one)["phase"] if isinstance(one, str) else one["phase"] for one in rows
        ] == ["warm", "cold", "cold"]
        assert (first.started_at, first.status) == (1700000000.0, "completed")
    assert [run.state for run in brought(table, root).runs] == ["same", "same"]


def test_a_long_table_with_texts_among_the_values(tmp_path, root):
    rows = [
        ("loss", 3, 1e3, "0.5"),
        ("loss", 1, 2e3, "NaN"),
        ("note", 1, 3e3, "said"),
        ("loss", 1, 4e3, ""),
    ]
    lines = [
        json.dumps({"experiment_id": "x", "metric": n, "step": s, "time": t, "value": v})
        for n, s, t, v in rows
    ]
    table = put(tmp_path / "points.jsonl", "\n".join(lines) + "\n")
    imported = brought(table, root)
    assert imported.is_whole, imported
    assert points_of(root, "points/x") == {"loss": [(3, 1e3, "0.5"), (1, 2e3, "nan")]}
    with Store(root) as store:
        assert [(one.name, one.kind, one.step) for one in store["points/x"].values()] == [
            ("note", "text", 1)
        ]


def test_lines_of_json_with_types_nesting_and_lists(tmp_path, root):
    lines = [
        {"params": {"lr": 0.1, "layers": [1, 2], "deep": {"on": True}}, "tags": ["a", "b"]},
        {
            "step": 0,
            "_timestamp": 1700000000.25,
            "train": {"loss": 0.5},
            "flag": True,
            "big": 2**63 + 1,
        },
        {
            "step": 1,
            "_timestamp": 1700000001,
            "train": {"loss": float("nan")},
            "top": [1, 2],
            "flag": False,
        },
    ]
    table = put(tmp_path / "run 1.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    imported = brought(table, root)
    assert imported.is_whole, imported
    assert points_of(root, "run 1")["train.loss"] == [
        (0, 1700000000.25, "0.5"),
        (1, 1700000001.0, "nan"),
    ]
    with Store(root) as store:
        view = store["run 1"]
        assert view.params == {"lr": 0.1, "layers": [1, 2], "deep": {"on": True}, "top": [1, 2]}
        assert set(view.tags) == {"a", "b"}


def test_a_mapping_says_what_the_names_do_not(tmp_path, root):
    table = put(
        tmp_path / "t.csv",
        "who;wann;n;wert;extra;mode\nx;2023-11-14T22:13:20;7;0,5;1;a\nx;2023-11-14 22:13:21+00:00;8;1,25e3;2;a\n",
    )
    (tmp_path / "m.yaml").write_text("run: who\ntime: wann\nskip: [extra]\n")
    imported = brought(
        table, root, str(tmp_path / "m.yaml"), "step=n", "tags=mode", "status=failed"
    )
    assert imported.is_whole, imported
    assert points_of(root, "t/x") == {
        "wert": [(7, 1700000000.0, "0.5"), (8, 1700000001.0, "1250.0")]
    }
    with Store(root) as store:
        assert (store["t/x"].tags, store["t/x"].status, store["t/x"].params) == (
            {"mode": "a"},
            "failed",
            {},
        )


@pytest.mark.parametrize(
    "wrong", ["step=nothing", "stepp=n", "nowhere.yaml", "value=", "time_unit=h"]
)
def test_a_mapping_that_fits_nothing_is_refused(wrong, tmp_path, root):
    table = put(tmp_path / "t.csv", "run,n\nx,1\n")
    with pytest.raises(InvalidValue):
        brought(table, root, wrong)
    assert not root.exists()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_packed_table_in_another_encoding(pack, encoding, tmp_path, root):
    path = tmp_path / f"é.csv.{pack.__module__}"
    path = path.with_suffix({"gzip": ".gz", "bz2": ".bz2", "lzma": ".xz"}[pack.__module__])
    path.write_bytes(pack("step\tlöss\n0\t1.5\n1\t2.5\n".encode(encoding)))
    imported = brought(old(path), root)
    assert imported.is_whole, imported
    assert undated(root, "é") == {"löss": [(0, "1.5"), (1, "2.5")]}


def test_a_folder_of_lightnings_tables(tmp_path, root):
    for version in (0, 1):
        put(
            tmp_path / f"lightning_logs/version_{version}/metrics.csv",
            "epoch,step,train_loss,val_loss\n0,9,0.5,\n0,9,,0.25\n",
        )
        put(
            tmp_path / f"lightning_logs/version_{version}/hparams.yaml",
            f"lr: 0.{version}\nnet: {{width: 8}}\n",
        )
    imported = brought(tmp_path / "lightning_logs", root)
    assert [run.prefix for run in imported.runs] == [
        "lightning_logs/version_0",
        "lightning_logs/version_1",
    ]
    with Store(root) as store:
        assert store["lightning_logs/version_1"].params == {"lr": 0.1, "net": {"width": 8}}
    assert undated(root, "lightning_logs/version_0")["val_loss"] == [(9, "0.25")]
    alone = brought(tmp_path / "lightning_logs" / "version_1" / "metrics.csv", root)
    assert [run.state for run in alone.runs] == ["same"]


def test_what_cannot_be_read_is_named_by_its_line_and_the_rest_comes(tmp_path, root):
    table = put(
        tmp_path / "t.csv", 'step,loss,note\n0,0.5,"two\nlines"\n1,0.25,a,b\n2\n3,x,y\n2.5,1,z\n'
    )
    imported = brought(table, root)
    assert [finding.where.rpartition(":")[2] for finding in imported.findings if finding.lost] == [
        "4"
    ]
    assert not imported.is_whole
    assert undated(root, "t") == {"loss": [(0, "0.5"), (1, "1.0")]}
    with Store(root) as store:
        assert [line.fields["loss"] for line in store["t"].logs()] == ["x"]
    lines = put(tmp_path / "l.jsonl", '{"step": 0, "a": 1}\nnonsense\n[1]\n{"step": 1, "a": 2}\n')
    found = brought(lines, root)
    assert [one.where.rpartition(":")[2] for one in found.findings if one.lost] == ["2", "3"]
    assert len(points_of(root, "l")["a"]) == 2


def test_a_table_that_is_being_written_is_followed(tmp_path, root):
    table = tmp_path / "t.csv"
    table.write_text("step,time,loss\n0,1,0.5\n1,2,0.2")
    source = open_source(str(table))
    counts = []
    for more in ("", "5\n2,3,0.125\n"):
        with table.open("a") as file:
            file.write(more)
        assert bring_in(source, str(root)).is_whole
        counts.append([value for _, _, value in points_of(root, "t")["loss"]])
    source.close()
    assert counts == [["0.5"], ["0.5", "0.25", "0.125"]]
    old(table)
    brought(table, root)
    with Store(root) as store:
        assert store["t"].status == "completed"


def test_a_table_of_runs_as_mlflow_and_wandb_export_it(tmp_path, root):
    put(
        tmp_path / "runs.csv",
        "run_id,status,metrics.loss,params.lr,tags.team\nabc,FINISHED,0.5,0.1,x\ndef,KILLED,0.25,0.2,y\n",
    )
    brought(tmp_path / "runs.csv", root)
    with Store(root) as store:
        view = store["runs/def"]
        assert (view.status, view.params, view.tags, view.metrics["loss"].last) == (
            "cancelled",
            {"lr": 0.2},
            {"team": "y"},
            0.25,
        )


def test_what_anew_exported_as_tables_comes_back(tmp_path, root):
    put(tmp_path / "t.csv", "step,time,loss\n5,1700000000.125,0.1\n1,1700000001,nan\n")
    brought(tmp_path / "t.csv", tmp_path / "first")
    for form in ("csv", "jsonl"):
        with Store(tmp_path / "first") as store:
            store.export(None, str(tmp_path / form), form)
        again = brought(old(tmp_path / form / f"points.{form}"), tmp_path / f"root {form}")
        assert points_of(tmp_path / f"root {form}", again.runs[0].prefix) == points_of(
            tmp_path / "first", "t"
        )


def test_a_dry_run_says_what_each_column_is_taken_for(tmp_path):
    table = put(tmp_path / "t.csv", "run,epoch,loss,lr\nx,0,0.5,1\n")
    source = open_source(str(table), None, ("params=lr",))
    found = look_through(source)
    source.close()
    (columns,) = found.findings
    assert all(repr(name) in columns.what for name in ("run", "epoch"))
    assert (found.counts["points"], found.counts["params"], columns.lost) == (1, 1, False)


CELL = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(repr), st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), min_size=1, max_size=8), st.just(""),
)  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), CELL, CELL), max_size=12),
    st.sampled_from(",;\t|"),
)
def test_any_cells_are_read_as_they_were_written(tmp_path_factory, rows, delimiter):
    path = tmp_path_factory.mktemp("any") / "t.csv"
    with path.open("w", newline="", encoding="utf-8", errors="surrogatepass") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(["step", "a", "b"])
        for row in rows:
            writer.writerow([str(row[0]), *row[1:]])
    old(path)
    source = open_source(str(path), None, (f"delimiter={delimiter}",))
    assert_read(source, rows)


def assert_read(source: Any, rows: list[tuple[int, str, str]]) -> None:
    found: list[Any] = []
    for run in source.runs():
        found += source.rows(run)
    source.close()
    numbers = [
        (step, name, float(cell))
        for step, *cells in rows
        for name, cell in zip("ab", cells, strict=True)
        if is_float(cell)
    ]
    read = [(row.step, name, value) for row in found for name, value in row.values.items()]
    assert list(map(repr, read)) == list(map(repr, numbers))


def is_float(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


# -- hostile ones -----------------------------------------------------------------------------------


def test_a_bomb_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("anew.importing.foreign._FREE", 1 << 20)
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"step,a\n" + b"0" * (16 << 20)))
    with pytest.raises(InvalidValue):
        list(open_source(str(path)).runs())


@pytest.mark.parametrize("seed", range(20))
def test_bytes_that_are_no_table_end_nothing(seed, tmp_path):
    rng = random.Random(seed)
    whole = b'run,step,loss\n"a",0,0.5\n"b",1,0.25\n' * 20
    data = bytearray(whole)
    for _ in range(rng.randrange(1, 40)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    for name in ("t.csv", "t.jsonl", "t.csv.gz"):
        (tmp_path / name).write_bytes(bytes(data))
        old(tmp_path / name)
        source = open_source(str(tmp_path / name))
        try:
            for run in source.runs():
                things: list[Any] = [*source.rows(run), *source.messages(run), *source.values(run)]
                assert things is not None
        except InvalidValue:
            continue  # it has no columns
        finally:
            source.close()
