from ..tracking.reading import segment
from .conftest import call

REF = "alice/vision/sweep/run-0"


def test_space_is_told_by_kind_and_experiment(run):
    document = run("du", "--json").json
    assert document["total"] >= sum(document["by_experiment"].values()) > 0
    out = run("du").out
    assert "total" in out
    assert REF in out


def test_space_of_some_experiments_alone(run):
    document = run("du", REF, "--json").json
    assert len(document["by_experiment"]) == 1
    assert int(run("du", REF, "-q").out) == document["total"]


def test_a_sound_store_has_nothing_damaged(run):
    outcome = run("doctor")
    assert (outcome.code, outcome.out) == (0, "Nothing is damaged.\n")


def test_a_broken_line_is_found_and_told_by_the_exit_code(change, store_root):
    points = segment(store_root / REF)
    lines = points.read_bytes().splitlines(keepends=True)
    points.write_bytes(b"".join([*lines[:3], b"{broken\n", *lines[3:]]))
    outcome = change("doctor", "--json")
    assert outcome.code == 6
    assert outcome.json["damaged"] == 1
    (finding,) = outcome.json["findings"]
    assert finding["path"].endswith(points.name)
    assert finding["line"] == 4
    assert change("doctor").code == 6


def test_the_index_is_made_again_from_the_folders(change, store_root):
    before = change("list", "--json").json
    outcome = change("rebuild", "--json")
    assert outcome.code == 0
    assert outcome.json["experiments"] == 6
    after = change("list", "--json").json
    assert [one["id"] for one in after["experiments"]] == [
        one["id"] for one in before["experiments"]
    ]


def test_a_folder_that_is_not_there_is_not_found(tmp_path):
    outcome = call("--root", tmp_path / "nowhere", "list")
    assert outcome.code == 3
    assert "nowhere" in outcome.err
    assert not (tmp_path / "nowhere").exists()


def test_an_empty_folder_is_an_empty_store(tmp_path):
    (tmp_path / "empty").mkdir()
    outcome = call("--root", tmp_path / "empty", "list")
    assert (outcome.code, outcome.out) == (0, "")
    assert f"no experiments in {tmp_path}/empty yet" in outcome.err


def test_finished_points_are_sealed_when_asked_for(change, store_root):
    assert change("seal", REF, "--json").json == {"files": 1}
    assert [path.suffix for path in (store_root / REF / "metrics").iterdir()] == [".parquet"]
    assert change("seal", REF, "--json").json == {"files": 0}
    assert change("show", REF, "--json").json["metrics"]["train/loss"]["count"] == 20
    assert change("seal", "nope-nope").code == 3
