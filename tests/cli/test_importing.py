"""`anew import` from its arguments to its exit code."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from anew import Store

from ..serving import over_a_socket
from .conftest import call


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files as MLflow leaves them; what is recorded goes below the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANEW_ROOT", str(tmp_path / "here"))
    run = tmp_path / "mlruns" / "7" / "a" / "metrics"
    run.mkdir(parents=True)
    (run.parent.parent / "meta.yaml").write_text("name: vision\n")
    (run.parent / "meta.yaml").write_text(
        "run_id: abc\nrun_name: net\nstatus: 3\nstart_time: 1700000000000\nend_time: 1700000001000\n"
    )
    (run / "loss").write_text("1700000000100 0.5 0\n1700000000200 0.25 1\n")
    return tmp_path / "mlruns"


def test_what_was_imported_is_in_the_document_and_shown(source):
    done = call("import", source, "--into", "old", "--json")
    assert (done.code, done.json["whole"], done.json["pushed"]) == (0, True, None)
    assert done.json["counts"] == {"runs": 1, "points": 2, "new": 1}
    (run,) = done.json["runs"]
    assert (run["state"], run["prefix"]) == ("new", "old/vision/net")
    assert call("show", run["id"]).code == 0


def test_a_dry_run_writes_nothing_and_shows_where_it_would_be(source, tmp_path):
    (source / "7" / "meta.yaml").write_text("name: vision/a\n")
    planned = call("import", source, "--dry-run", "--into", "old", "--json").json
    assert planned["counts"]["points"] == 2
    assert not (tmp_path / "here").exists()
    done = call("import", source, "--into", "old", "--json").json
    assert planned["runs"][0]["prefix"] == done["runs"][0]["prefix"] != "old/vision/a/net"
    (again,) = call("import", source, "--dry-run", "--json").json["runs"]
    assert (again["prefix"], again["state"]) == (done["runs"][0]["prefix"], "here")


def test_what_came_of_imports_is_shown(source):
    assert call("import", "--list", "--json").json == []
    with (source / "7" / "a" / "metrics" / "loss").open("a") as file:
        file.write("no number\n")
    (run,) = call("import", f"file://{source}", "--json").json["runs"]
    (listed,) = call("import", "--list", "--json").json
    assert (listed["whole"], listed["counts"]["points"]) == (False, 2)
    shown = call("show", run["id"], "--json").json["import"]
    assert (shown["source"], shown["missing"]) == (listed["source"], [])
    (left,) = shown["left"]
    assert (left["where"].endswith("metrics/loss"), left["lost"]) == (True, True)
    assert left["where"] in call("show", run["id"]).out
    assert listed["source"] in call("import", "--list").out
    assert call("import", "--list", source).code == call("import").code == 2


def test_what_could_not_be_read_is_in_the_exit_code(source):
    with (source / "7" / "a" / "metrics" / "loss").open("a") as file:
        file.write("no number\n")
    done = call("import", source, "--json")
    assert (done.code, done.json["whole"]) == (1, False)
    assert done.json["findings"]
    assert call("import", source, "--json").code == 1
    assert len(call("import", "--list", "--json").json) == 1  # it lacks what it lacked before


@pytest.mark.parametrize(
    "arguments", [["nowhere"], ["mlruns", "--as", "nothing"], ["mlruns", "--since", "soon"]]
)
def test_what_is_no_source_is_refused(source, arguments):
    assert call("import", *arguments).code in (2, 3)


def test_what_is_imported_to_a_server_is_there(source, tmp_path):
    (tmp_path / "there").mkdir()
    with over_a_socket(str(tmp_path / "there")) as url, Store(url) as store:
        done = call("import", source, "--to", url, "--json")
        assert (done.code, done.json["pushed"]["pending"]) == (0, [])
        assert store["vision/net"].metrics["loss"].read().values.tolist() == [0.5, 0.25]


def test_a_server_that_does_not_answer_is_in_the_exit_code_and_the_import_stays(source):
    with socket.socket() as none:
        none.bind(("127.0.0.1", 0))  # and not listening: it refuses
        done = call("import", source, "--to", f"http://127.0.0.1:{none.getsockname()[1]}", "--json")
    assert (done.code, done.json["whole"]) == (1, True)
    assert done.json["pushed"]["error"] or done.json["pushed"]["pending"]
    with Store("here") as store:
        assert len(store) == 1
