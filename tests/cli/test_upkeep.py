from ..tracking.reading import segment
from .conftest import call, recorded

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


def test_checkpoints_are_freed_after_a_look_and_a_yes(tmp_path):
    for name in ("a/b/one", "a/b/two"):
        with recorded(tmp_path / "root", name) as exp:
            for step, acc in enumerate((0.5, 0.9, 0.2, 0.3)):
                exp.log_metric("val/acc", acc, step=step)
                exp.files("ck").save(
                    f"{name} {step}".encode(), f"e{step}.pt", step=step,
                    keep_last=4, keep_best="val/acc",
                )  # fmt: skip

    def run(*words):
        return call("--root", tmp_path / "root", *words)

    free = ("gc", "--files", "ck/*", "--keep", "last,best")
    look = run(*free, "--dry-run", "--json").json
    assert (look["files"], look["experiments"], look["dry_run"]) == (4, 2, True)
    assert run(*free).code != 0, "without a terminal, a yes is needed"
    one = run(*free, "--filter", "name == 'one'", "--yes", "--json").json
    assert (one["files"], one["experiments"]) == (2, 1)
    assert one["bytes"] > 0
    shown = run("files", "a/b/one", "--json").json
    assert [file["step"] for file in shown["files"]] == [1, 3]
    assert int(run(*free, "--yes", "-q").out) > 0
    assert (
        run("gc", "--files", "ck/*", "--keep", "last:2,best:val/acc", "--yes", "--json").json[
            "files"
        ]
        == 0
    )


def test_what_gc_is_to_keep_must_be_said_and_make_sense(run):
    for words in (
        ("--files", "*"),
        ("--files", "*", "--keep", "newest"),
        ("--files", "*", "--keep", "last:0"),
        ("--files", "*", "--keep", "none,last"),
        ("--keep", "last"),
        ("--files", "*", "--keep", "last", "--older-than", "7d"),
    ):
        assert run("gc", *words).code == 2, words
