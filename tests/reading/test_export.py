from __future__ import annotations

import builtins
import json
import math
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from anew import Experiment, Store
from anew.errors import Incomplete, InvalidValue

from .made import make


@pytest.fixture(params=["parquet", "csv", "jsonl"])
def format(request):
    return request.param


@pytest.fixture
def store(root):
    make(root, "a/b/one", steps=3, config={"seed": 1})
    with Experiment(
        "a/b/two", root=root, quiet=True, params={"x": "text", "big": 2**63, "nan": math.nan}
    ) as exp:
        exp.log_metric("loss", math.nan, step=0, metadata={"k": 1})
        exp.log_metric("loss", math.inf, step=1)
        exp.files("m").save(b"weights", "w.bin")
    with Store(root) as opened:
        yield opened


def test_parquet_tables_are_read_by_other_programs(store, tmp_path):
    written = store.export(None, tmp_path / "out")
    assert [path.rpartition("/")[2] for path in written] == [
        "experiments.parquet",
        "params.parquet",
        "points.parquet",
    ]
    query = f"select metric, count(*) from '{written[2]}' group by metric order by metric"
    assert duckdb.sql(query).fetchall() == [("loss", 2), ("train/loss", 3), ("val_acc", 3)]
    experiments = pd.read_parquet(written[0])
    assert experiments["name"].tolist() == ["one", "two"]
    params = pd.read_parquet(written[1]).set_index(["kind", "name"])
    assert params.loc[("config", "seed"), "number"] == 1.0
    assert params.loc[("param", "big"), "number"] == 2.0**63
    assert params.loc[("param", "model.depth"), "type"] == "int"


def test_some_experiments_as_lines_of_json_with_what_json_has_no_number_for(store, tmp_path):
    written = store.export("two", tmp_path / "out", "jsonl")
    points = [json.loads(line) for line in Path(written[2]).read_text().splitlines()]
    assert [point["value"] for point in points] == ["NaN", "Infinity"]
    assert points[0]["metadata"] == '{"k":1}'
    assert len(Path(written[0]).read_text().splitlines()) == 1


def test_csv_tables(store, tmp_path):
    written = store.export(["one"], tmp_path / "out", format="csv")
    assert pd.read_csv(written[2])["value"].tolist()[:3] == [1.0, 0.5, 1 / 3]


VALUES = {
    "layers": [64, 64], "betas": (0.9, 0.999), "mixed": [1, "a", None], "nan": [math.nan, 1.0], "nested": [[1]],
    "nothing": None, "empty": [], "group": {"a": 1, "a.b": 2}, "huge": 2**70, "text": 'a,"b"\nc', "flag": True,
}  # fmt: skip


def test_lists_and_everything_else_that_can_be_a_parameter_is_exported(root, tmp_path, format):
    with Experiment("a/b/x", root=root, quiet=True, params=VALUES) as exp:
        exp.log_metric("l", 1.0)
    with Experiment("a/b/y", root=root, quiet=True, params={"layers": "deep"}) as exp:
        exp.log_metric("l", 0.1 + 0.2)
    with Store(root) as store:
        written = store.export(None, tmp_path / "out", format)
    read = {
        "csv": "read_csv('{}', header = true, all_varchar = true, quote = '\"', new_line = '\\n')",
        "jsonl": "read_json('{}', format = 'newline_delimited')",
        "parquet": "read_parquet('{}')",
    }[format]
    rows = duckdb.sql(f'select prefix, "params.betas", "metrics.l" from {read.format(written[0])}')
    found = {prefix: (str(betas), float(last)) for prefix, betas, last in rows.fetchall()}
    assert found == {"a/b/x": ("[0.9, 0.999]", 1.0), "a/b/y": ("None", 0.1 + 0.2)}
    names = duckdb.sql(f"select name from {read.format(written[1])} order by name").fetchall()
    assert {name for (name,) in names} == {*VALUES} - {"group"} | {"group.a", "group.a.b"}


def test_tables_are_written_without_pyarrow(store, tmp_path, format):
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from anew import Store\n"
        f"print(Store({str(store.root)!r}).export(None, {str(tmp_path / 'out')!r}, {format!r}))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_zip_holds_the_folders_and_unpacked_elsewhere_is_a_store(store, tmp_path):
    make(store.root, "a/b/one/below")
    (path,) = store.export(["one", "two"], tmp_path / "some.zip")
    with zipfile.ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if "below" in name]
        archive.extractall(tmp_path / "elsewhere")
    with Store(tmp_path / "elsewhere") as other:
        assert {view.id for view in other} == {store["one"].id, store["two"].id}
        assert other["two"].files[0].read_bytes() == b"weights"
        assert other.history("one").to_pandas().equals(store.history("one").to_pandas())


def two_in_a_folder(tmp_path: Path) -> tuple[Path, list[str]]:
    """Two experiments that were synced into one folder, each with a file of its own; the root and their ids."""
    roots = [tmp_path / name for name in ("first", "second")]
    ids = []
    for number, root in enumerate(roots):
        with Experiment("p/run", root=root, quiet=True) as exp:
            exp.log_metric("loss", float(number), step=0)
            exp.files("models").save(b"weights %d" % number, "w.bin")
        ids.append(exp.id)
    shutil.copytree(roots[1] / "p", roots[0] / "p", dirs_exist_ok=True)
    return roots[0], ids


def test_of_two_experiments_in_a_folder_a_zip_holds_each_with_its_own_files(tmp_path):
    root, ids = two_in_a_folder(tmp_path)
    with Store(root) as store:
        assert {view.id for view in store} == set(ids)
        for number, one in enumerate(ids):
            store.export([one], tmp_path / f"{number}.zip")
            with zipfile.ZipFile(tmp_path / f"{number}.zip") as archive:
                archive.extractall(tmp_path / f"only-{number}")
            with Store(tmp_path / f"only-{number}") as alone:
                [view] = alone.list()
                assert (view.id, view.metrics["loss"].last) == (one, float(number))
                assert [file.read_bytes() for file in view.files] == [b"weights %d" % number]
            assert len(list((tmp_path / f"only-{number}").rglob("w.bin"))) == 1
        store.export(None, tmp_path / "both.zip")
    with zipfile.ZipFile(tmp_path / "both.zip") as archive:
        archive.extractall(tmp_path / "both")
    with Store(tmp_path / "both") as both:
        assert {view.id for view in both} == set(ids)
        assert {len(view.files) for view in both} == {1}


def test_of_two_experiments_in_a_folder_one_takes_its_files_along_when_it_moves(tmp_path):
    root, ids = two_in_a_folder(tmp_path)
    with Store(root) as store:
        for number, one in enumerate(ids):
            if "~" in store[one].prefix:
                store.move(one, "q/apart")
                assert store["q/apart"].files[0].read_bytes() == b"weights %d" % number
        assert len(list((root / "q").rglob("w.bin"))) == 1
        assert {len(view.files) for view in store} == {1}
        assert [view.files[0].read_bytes()[:7] for view in store] == [b"weights"] * 2


def test_a_file_that_cannot_be_read_is_left_out_and_named_and_all_else_is_in_the_zip(
    store, tmp_path
):
    private = store["two"].files[0].path
    real = builtins.open  # root may read everything, so that a mode does not refuse it

    def refusing(path, *rest, **more):
        if str(path) == str(private):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *rest, **more)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Incomplete) as raised:
        patch.setattr(builtins, "open", refusing)
        store.export(["one", "two"], tmp_path / "some.zip")
    inside = str(private.relative_to(store.root))
    assert list(raised.value.left_out) == [inside]
    with zipfile.ZipFile(tmp_path / "some.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert inside not in names
    assert {"a/b/one/metadata.json", "a/b/two/metadata.json"} <= set(names)


def test_a_zip_of_everything_holds_the_documents_too_and_nothing_about_this_root(store, tmp_path):
    store.set_document("view", "best", {"filter": "status == 'completed'"})
    (path,) = store.export(None, tmp_path / "all.zip")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "elsewhere")
    kinds = [
        json.loads(line)["k"]
        for file in (tmp_path / "elsewhere" / ".anew" / "root").glob("*.jsonl")
        for line in file.read_bytes().splitlines()
    ]
    assert set(kinds) == {"document", "changed"}
    (document,) = Store(tmp_path / "elsewhere").documents()
    assert (document.name, document.body) == ("best", {"filter": "status == 'completed'"})


def test_a_zip_of_some_takes_along_what_is_said_of_them(store, tmp_path):
    make(store.root, "x/y/other")
    for name in ("one", "other"):
        store.set_document(
            "group", name, {}, scope=f"project/{store[name].prefix.rpartition('/')[0]}"
        )
        number = store.claim_version("model", name)
        store.set_version("model", name, number, store[name].id)
        store.set_alias("model", name, "best", number)
    store.set_document("report", "about one", {"shows": [store["one"].id]})
    store.set_document("report", "about nothing", {})
    make(store.root, store["one"].prefix + "-beside")
    said = store.comments.add("one", "about it")
    store.comments.resolve(said.id)
    store.comments.resolve(store.comments.add(store["one"].prefix + "-beside", "not").id)
    store.stars.add("one")  # a person's own
    store.export(["one"], tmp_path / "some.zip")
    with zipfile.ZipFile(tmp_path / "some.zip") as archive:
        archive.extractall(tmp_path / "elsewhere")
    with Store(tmp_path / "elsewhere") as other:
        kinds = ("comment", "resolution", "star")
        assert [d.name for d in other.documents() if d.kind not in kinds] == ["one", "about one"]
        assert [d.kind for d in other.documents() if d.kind in kinds] == ["comment", "resolution"]
        assert [one.text for one in other.comments.list(resolved=True)] == ["about it"]
        assert [(v.name, v.target) for v in other.versions()] == [("one", store["one"].id)]
        assert [(a.name, a.number) for a in other.aliases()] == [("one", 1)]


def test_a_zip_unpacked_below_a_store_in_use_is_seen_by_the_next_look_and_merges(store, tmp_path):
    make(tmp_path / "other", "p/theirs")
    other = Store(tmp_path / "other")
    other.set_document("view", "theirs", {"n": 1})
    assert len(other) == 1
    store.set_document("view", "ours", {"n": 1})
    store.export(None, tmp_path / "all.zip")
    store.set_document("view", "ours", {"n": 2})
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        archive.extractall(tmp_path / "other")
        archive.extractall(store.root)  # what was written since stays
    assert {view.id for view in other} >= {view.id for view in store}
    assert [d.name for d in other.documents()] == ["ours", "theirs"]
    assert store.document("view", "ours").body == {"n": 2}


def test_nothing_is_overwritten_and_nothing_half_made_is_left(store, tmp_path):
    store.export(None, tmp_path / "out")
    with pytest.raises(FileExistsError):
        store.export(None, tmp_path / "out")
    store.export("one", tmp_path / "one.zip")
    with pytest.raises(FileExistsError):
        store.export("one", tmp_path / "one.zip")
    with pytest.raises(InvalidValue, match="xlsx"):
        store.export(None, tmp_path / "x", "xlsx")  # type: ignore[arg-type]
    assert sorted(p.name for p in tmp_path.glob("**/*.part")) == []


def test_a_store_without_experiments_exports_empty_tables(root, tmp_path):
    root.mkdir()
    with Store(root) as empty:
        written = empty.export(None, tmp_path / "out")
    assert [len(pd.read_parquet(path)) for path in written] == [0, 0, 0]
