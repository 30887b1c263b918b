"""What trackio wrote is read by trackio and by us, and is the same."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from anew import Store
from anew.importing.logged import seconds_of
from anew.trackers.importers import kind_of
from tests.trackers.conftest import REAL
from tests.trackers.environments import Made, environment
from tests.trackers.holding import bring, contents, same


@pytest.fixture(scope="module", params=REAL)
def made(request: pytest.FixtureRequest, store_of) -> Made:
    return store_of("trackio", request.param)


@pytest.fixture(scope="module")
def imported(made, tmp_path_factory) -> Store:
    root = tmp_path_factory.mktemp("root")
    before = contents(made.folder)
    found = bring(made.folder, root)
    assert found.is_whole, found
    assert {run.state for run in bring(made.folder, root).runs} == {"same"}
    assert contents(made.folder) == before
    with Store(root) as store:
        yield store


def _views(store):
    return {view.captured["imported"]["key"]: view for view in store.list()}


def _numbers(log, above=""):
    for name, value in log.items():
        if isinstance(value, (int, float)):
            yield f"{above}{name}", float(value)
        elif isinstance(value, dict) and "_type" not in value:
            yield from _numbers(value, f"{above}{name}.")


def test_the_tracker_s_own_answers_are_ours(made, imported):
    views = _views(imported)
    assert len(views) == len(made.answers) + 1  # and what belongs to the whole project
    for run in made.answers:
        view = views[f"{run['project']}/{run['id']}"]
        assert view.name == run["name"]
        theirs = {}
        for log in run["logs"]:
            for name, value in _numbers(
                {k: v for k, v in log.items() if k not in ("step", "timestamp")}
            ):
                point = (log["step"], seconds_of(log["timestamp"]), repr(value))
                theirs.setdefault(name, []).append(point)
        system = {
            f"system/{name}"
            for log in run["system"]
            for name, _ in _numbers({k: v for k, v in log.items() if k != "timestamp"})
        }
        assert set(view.metrics) == set(theirs) | system
        for name, points in theirs.items():
            read = view.metrics[name].read(order="written")
            ours = list(
                zip(
                    read.steps.tolist(),
                    read.times.tolist(),
                    map(repr, read.values.tolist()),
                    strict=True,
                )
            )
            assert sorted(ours) == sorted(points)
            if "run ü" not in run["name"]:  # trackio gives those by their steps, which go back
                assert ours == points
    (run,) = [one for one in made.answers if one["system"]]
    view = views[f"{run['project']}/{run['id']}"]
    assert view.metrics["loss"].read(order="written").steps.tolist() == [
        5,
        5,
        2,
        7,
        5,
        5,
        2,
        7,
        5,
        5,
    ]
    assert view.metrics["system/gpu.memory"].read().values.tolist() == [1024.0]
    assert view.metrics["system/gpu.memory"].read().times.tolist() == [
        seconds_of(run["system"][0]["timestamp"])
    ]


def test_parameters_keep_their_types_and_what_has_no_place_is_kept(made, imported):
    views = _views(imported)
    (run,) = [one for one in made.answers if one["config"].get("lr")]
    view = views[f"{run['project']}/{run['id']}"]
    theirs = {name: value for name, value in run["config"].items() if name[0] != "_"}
    assert view.params == theirs
    assert view.params["odd"] == float("inf")
    assert view.captured["imported"]["kept"]["group"] == "a group"
    assert view.started_at == seconds_of(run["config"]["_Created"])
    again = next(one for one in made.answers if one["artifacts"]["input"])
    view = views[f"{again['project']}/{again['id']}"]
    assert view.captured["imported"]["kept"]["inputs"] == [{"name": "model:v0"}]


def test_media_alerts_and_artifacts_come_along(made, imported):
    (run,) = [one for one in made.answers if one["config"].get("lr")]
    view = _views(imported)[f"{run['project']}/{run['id']}"]
    kinds = {one.name: one.kind for one in view.values()}
    assert kinds == {
        "deep.said": "text", "said": "text", "listed": "text", "picture": "image", "sound": "audio", "weights": "histogram", "table": "table",
        "page": "text", "report": "text", "film": "video",
    }  # fmt: skip
    (picture,) = [one for one in view.values() if one.name == "picture"]
    assert picture.metadata["caption"] == "black"
    files = {(one.prefix, one.name): one for one in view.files}
    assert {prefix for prefix, _ in files} == {"media", "trackio", "artifacts/model/v0"}
    assert (
        len([name for prefix, name in files if prefix == "media"]) == 2
    )  # a solid, and a picture in a cell
    model = files["artifacts/model/v0", "weights/model.bin"]
    assert Path(model.path).read_bytes() == b"m" * 1000
    assert (model.metadata["aliases"], model.metadata["metadata"]) == (
        ["best", "latest"],
        {"epochs": 3},
    )
    trace = json.loads(Path(files["trackio", "traces.jsonl"].path).read_text())
    assert trace["messages"] == [{"role": "user", "content": "hi"}]
    assert [(line.level, line.message) for line in view.logs()] == [
        ("error", "careful: it is hot"),
        ("info", "fine"),
    ]
    (whole,) = [one for key, one in _views(imported).items() if key.endswith("/")]
    assert [Path(one.path).read_text() for one in whole.files] == ["of the project"]


def test_what_lies_there_is_recognised(made, tmp_path):
    (database,) = made.folder.glob("*.db")
    assert kind_of(str(made.folder)) == kind_of(str(database)) == "trackio"
    sqlite3.connect(tmp_path / "x.db").execute("CREATE TABLE metrics (a)")
    with pytest.raises(ValueError):
        kind_of(str(tmp_path))


def test_what_is_logged_later_comes_with_the_next_import_also_from_a_log_that_a_kill_left(
    made, tmp_path
):
    shutil.copytree(made.folder, tmp_path / "store")
    (database,) = (tmp_path / "store").glob("*.db")
    bring(tmp_path / "store", tmp_path / "root")
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        (id_,) = connection.execute(
            "SELECT run_id FROM metrics WHERE run_name = 'first'"
        ).fetchone()
        connection.execute(
            "INSERT INTO metrics (run_id, run_name, timestamp, step, metrics) VALUES (?, 'first', '2099-01-01T00:00:00', 7, '{\"loss\": 0.25}')",
            (id_,),
        )
        connection.commit()
        shutil.copytree(
            tmp_path / "store", tmp_path / "killed", ignore=shutil.ignore_patterns("*-shm")
        )
        before = contents(tmp_path / "killed")
        assert any(name.endswith("-wal") and data for name, data in before.items())
        # The project's own program runs, and one that was killed left its log behind.
        for store in ("killed", "store"):
            again = bring(tmp_path / store, tmp_path / "root")
            assert again.is_whole, again
            states = sorted(run.state for run in again.runs)
            assert states.count("grown") == (1 if store == "killed" else 0)
        assert contents(tmp_path / "killed") == before
    connection.close()
    with Store(tmp_path / "root") as store:
        view = _views(store)[f"{database.stem}/{id_}"]
        read = view.metrics["loss"].read(order="written")
        assert (read.steps.tolist()[-1], read.values.tolist()[-1]) == (7, 0.25)


def test_damage_is_named_and_the_rest_is_read(made, tmp_path):
    shutil.copytree(made.folder, tmp_path / "store")
    (database,) = (tmp_path / "store").glob("*.db")
    with sqlite3.connect(database) as connection:
        connection.execute(
            "UPDATE metrics SET metrics = '{\"loss\": 1' WHERE run_name = 'first' AND step = 3"
        )
        connection.execute(
            "UPDATE metrics SET metrics = ? WHERE run_name = 'first' AND step = 4", ("[" * 100_000,)
        )
        connection.execute(
            "UPDATE metrics SET timestamp = 'soon' WHERE run_name = 'killed' AND step = 5"
        )
    connection.close()
    next((tmp_path / "store" / "artifacts").rglob("2084*")).write_bytes(b"m")
    found = bring(tmp_path / "store", tmp_path / "root")
    assert not found.is_whole
    lost = [one for one in found.findings if one.lost]
    assert len(lost) == 4
    assert all(one.run for one in lost)
    assert len([one for one in lost if "table metrics, row" in one.where]) == 3
    with Store(tmp_path / "root") as store:
        views = {view.name: view for view in store.list()}
        assert views["first"].metrics["loss"].count == 18
        assert views["killed"].metrics["loss"].count == 20


def test_a_damaged_database_is_named_and_what_can_be_read_of_it_comes(made, tmp_path):
    shutil.copytree(made.folder, tmp_path / "store")
    (database,) = (tmp_path / "store").glob("*.db")
    with sqlite3.connect(database) as connection:
        number, size = (
            connection.execute(f"PRAGMA {what}").fetchone()[0]
            for what in ("page_count", "page_size")
        )
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'system_metrics'"
        ).fetchone()
    connection.close()
    assert page < number
    data = bytearray(database.read_bytes())
    data[(page - 1) * size : page * size] = b"\xff" * size
    database.write_bytes(data)
    found = bring(database, tmp_path / "root")
    assert not found.is_whole
    assert [one.where for one in found.findings if one.lost] == [str(database)]


def test_a_record_names_no_file_outside_of_the_folder(made, tmp_path):
    shutil.copytree(made.folder, tmp_path / "store")
    (tmp_path / "secret.png").write_text("nobody's matter")
    (tmp_path / "store" / "media" / "link.png").symlink_to(tmp_path / "secret.png")
    (database,) = (tmp_path / "store").glob("*.db")
    names = ["../../secret.png", str(tmp_path / "secret.png"), "link.png", "a\0b", "x" * 5000, ""]
    with sqlite3.connect(database) as connection:
        for name in names:
            value = {
                "p": {"_type": "trackio.image", "file_path": name},
                "t": {"_type": "trackio.object3d", "file_path": name},
            }
            connection.execute(
                "INSERT INTO metrics (run_id, run_name, timestamp, step, metrics) SELECT run_id, run_name, timestamp, 99, ? FROM metrics WHERE run_name = 'first' AND step = 0",
                (json.dumps(value),),
            )
        (real,) = connection.execute("SELECT manifest FROM artifact_versions").fetchone()
        entries = [
            {"path": "x", "digest": "../" * 5 + "secret.png", "size": 15},
            {**json.loads(real)[0], "path": "../../up"},
        ]
        connection.execute("UPDATE artifact_versions SET manifest = ?", (json.dumps(entries),))
    connection.close()
    found = bring(tmp_path / "store", tmp_path / "root")
    assert len([one for one in found.findings if one.lost]) == 3
    copied = b"".join(data or b"" for data in contents(tmp_path / "root").values())
    assert b"nobody's matter" not in copied
    with Store(tmp_path / "root") as store:
        names = {file.name for view in store.list() for file in view.files}
    assert "up" in names


@pytest.mark.slow
def test_a_hundred_thousand_points_are_read_as_trackio_reads_them(tmp_path):
    answers = environment("trackio").run(
        Path(__file__).with_name("making.py"), tmp_path / "store", "100000"
    )
    found = bring(tmp_path / "store", tmp_path / "root")
    assert (found.is_whole, found.counts["points"]) == (True, 100_000)
    (run,) = answers
    with Store(tmp_path / "root") as store:
        (view,) = store.list()
        for name in view.metrics:
            read = view.metrics[name].read(order="written")
            assert read.steps.tolist() == [log["step"] for log in run["logs"]]
            assert read.times.tolist() == [seconds_of(log["timestamp"]) for log in run["logs"]]
            assert same(read.values.tolist(), [log[name] for log in run["logs"]])
