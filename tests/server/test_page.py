"""The routes behind the page of one experiment."""

from __future__ import annotations

import json
import time
from urllib.parse import quote

import numpy as np
import pytest

from anew import Experiment, Image, Text
from anew.server.table import API
from serving import InProcess, in_process


class Told:
    """The ids of the experiments that were written."""

    root = ""
    first = ""
    forks: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Told:
    root = tmp_path_factory.mktemp("pages")
    table = root / "table.csv"
    table.write_text("name,score\na,1\nb,2\n")
    exp = Experiment(
        prefix="lab/p/e", root=str(root), quiet=True, system_metrics=0,
        config={"model": {"depth": 3}, "odd": float("nan")}, params={"lr": 0.1}, tags={"kind": "test"},
    )  # fmt: skip
    with exp:
        exp.log_metrics({"loss": 1.0}, step=2**60)
        for step in (2, 0, 1):
            exp.log_value("drawn", Image(np.full((2, 2), step * 50, np.uint8)), step=step)
        exp.files("tables").save(table)
    told = Told()
    told.root, told.first = str(root), exp.id
    for _ in range(2):
        with Experiment(
            prefix="lab/p/e", root=str(root), quiet=True, system_metrics=0, parent=exp.id, relation="forked"
        ) as fork:  # fmt: skip
            told.forks += (fork.id,)
    with pytest.raises(RuntimeError), Experiment(
        prefix="lab/p/failed", root=str(root), quiet=True, system_metrics=0
    ):  # fmt: skip
        raise RuntimeError("<b>out of memory</b>")
    return told


@pytest.fixture(scope="module")
def server(store: Told, tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))  # thumbnails are kept below it
        with in_process(store.root) as transport:
            yield transport


def get(server: InProcess, path: str) -> dict:
    answer = server.send("GET", API + path)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def test_an_overview_has_what_was_set_and_how_it_was_run(server, store: Told):
    found = get(server, f"/experiments/{store.first}/overview")
    assert found["facts"]["prefix"] == "lab/p/e"
    assert found["facts"]["metrics"]["loss"]["last_step"] == 2**60
    assert found["params"] == {"lr": 0.1}
    assert found["config"] == {"model": {"depth": 3}, "odd": {"$float": "NaN"}}
    assert found["tags"] == {"kind": "test"}
    assert len(found["openings"]) == 1
    assert found["duration"] >= 0
    assert found["recipe"]["packages"]["numpy"] == np.__version__
    assert found["recipe"]["environment"]["python"]
    assert found["recipe"]["run_again"].split()[-1] == found["facts"]["id"][:8]


def test_the_overview_of_one_that_failed_has_its_traceback(server, store: Told):
    found = get(server, "/experiments/failed/overview")
    assert found["facts"]["status"] == "failed"
    assert "<b>out of memory</b>" in found["error"]


def test_lineage_has_what_came_from_an_experiment_and_what_it_came_from(server, store: Told):
    first = store.first
    found = get(server, f"/experiments/{first}/lineage")
    assert [one["prefix"] for one in found["children"]] == ["lab/p/e~2", "lab/p/e~3"]
    assert [one["prefix"] for one in found["attempts"]] == ["lab/p/e", "lab/p/e~2", "lab/p/e~3"]
    child = get(server, f"/experiments/{store.forks[0]}/lineage")
    assert [(one["id"]) for one in child["ancestors"]] == [first]
    assert child["missing"] is None


def test_media_are_listed_by_name_and_given_step_by_step(server, store: Told):
    ref = store.first
    (drawn,) = get(server, f"/experiments/{ref}/media")
    assert (drawn["name"], drawn["kind"], drawn["count"], drawn["steps"]) == (
        "drawn", "image", 3, [2]
    )  # fmt: skip
    (whole,) = get(server, f"/experiments/{ref}/media?name=drawn")
    assert whole["steps"] == [0, 1, 2]
    path = quote(whole["paths"][0])
    picture = server.send("GET", f"{API}/experiments/{ref}/content/value/{path}")
    assert picture.headers["content-type"] == "image/png"
    assert picture.body.startswith(b"\x89PNG")


def ask(server: InProcess, path: str, body: dict, status: int = 200) -> list:
    answer = server.send(
        "POST", API + path, {"content-type": "application/json"}, json.dumps(body).encode()
    )
    assert answer.status == status, answer.body
    return json.loads(answer.body)


def test_media_of_many_are_told_at_once_on_an_x_of_their_own(server, store: Told):
    ids = [store.first, *store.forks]
    first, *forks = ask(server, "/media", {"ids": ids})
    assert [one["id"] for one in (first, *forks)] == ids
    assert [one["series"] for one in forks] == [[], []]
    assert (first["series"][0]["count"], first["series"][0]["steps"]) == (3, [2])
    (whole,) = ask(server, "/media", {"ids": [store.first], "names": ["drawn"]})[0]["series"]
    assert (whole["steps"], whole["x"], whole["cut"]) == ([0, 1, 2], None, None)
    # They were logged in another order than that of their steps.
    (timed,) = ask(server, "/media", {"ids": ids, "names": ["drawn"], "x": "relative"})[0]["series"]
    assert timed["steps"] == [2, 0, 1]
    assert timed["x"] == sorted(timed["x"])
    assert 0 <= timed["x"][0] < 60
    # The last value by the step of each: there is none before step 2**60.
    (epochs,) = ask(server, "/media", {"ids": ids, "names": ["drawn"], "x": "loss"})[0]["series"]
    assert epochs["x"] == [None, None, None]
    ask(server, "/media", {"ids": ["x"] * 1001}, 400)


def test_a_metric_places_media_by_its_last_value(server, store: Told):
    exp = Experiment(prefix="lab/p/epochs", root=store.root, quiet=True, system_metrics=0)
    with exp:
        for step, epoch in ((0, 3.0), (10, 2.0), (20, 1.0)):
            exp.log_metrics({"epoch": epoch}, step=step)
        for step in (5, 10, 25):
            exp.log_value("drawn", Image(np.full((2, 2), step, np.uint8)), step=step)
    get(server, "/experiments")
    ((found,),) = [
        one["series"]
        for one in ask(server, "/media", {"ids": [exp.id], "names": ["drawn"], "x": "epoch"})
    ]
    assert (found["x"], found["steps"]) == ([1.0, 2.0, 3.0], [25, 10, 5])


def test_what_would_make_an_answer_large_is_left_out_and_told_value_by_value(
    server, store: Told, monkeypatch: pytest.MonkeyPatch
):
    boxes = [{"class": "cat", "box": [0, 0, 1, 1]}] * 20
    exp = Experiment(prefix="lab/p/boxes", root=store.root, quiet=True, system_metrics=0)
    with exp:
        for step in range(2):
            picture = Image(
                np.zeros((2, 2), np.uint8), caption="seen", boxes=boxes if step else None
            )
            exp.log_value("drawn", picture, step=step)
            time.sleep(
                0.005
            )  # below, the second is asked for by its time, which is kept in milliseconds
    get(server, "/experiments")
    asked = {"ids": [exp.id], "names": ["drawn"]}
    ((whole,),) = [one["series"] for one in ask(server, "/media", asked)]
    assert len(whole["metadata"][1]["boxes"]) == 20
    monkeypatch.setattr("anew.server.media._MOST_BYTES", 500)
    ((cut,),) = [one["series"] for one in ask(server, "/media", asked)]
    assert cut["cut"] == [False, True]
    assert cut["metadata"][1] == {"caption": "seen", "format": "png", "width": 2, "height": 2}
    (one,) = get(server, f"/experiments/{exp.id}/media?name=drawn&time={cut['times'][1]!r}")
    assert len(one["metadata"][0]["boxes"]) == 20


def test_a_thumbnail_may_be_kept_for_good(server, store: Told):
    exp = Experiment(prefix="lab/p/large", root=store.root, quiet=True, system_metrics=0)
    with exp:
        exp.log_value("drawn", Image(np.zeros((300, 600, 3), np.uint8)))
        exp.log_value("said", Text("x" * 20_000))
    get(server, "/experiments")
    paths = {one["name"]: one["paths"][0] for one in get(server, f"/experiments/{exp.id}/media")}
    path = f"{API}/experiments/{exp.id}/thumbnail/{quote(paths['drawn'])}"
    found = server.send("GET", path)
    assert found.status == 200, found.body
    assert found.headers["content-type"] == "image/webp"
    assert found.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert found.body[:4] == b"RIFF"
    again = server.send("GET", path, headers={"if-none-match": found.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    for none in (
        paths["said"],
        "values/none.png",
        "../../../etc/passwd",
        "%2e%2e/%2e%2e/etc/passwd",
    ):
        answer = server.send("GET", f"{API}/experiments/{exp.id}/thumbnail/{none}")
        assert answer.status in (404, 422), none


def test_a_file_is_previewed_and_one_that_is_not_there_is_not_found(server, store: Told):
    ref = store.first
    (file,) = get(server, f"/experiments/{ref}?parts=files")["files"]
    found = get(server, f"/experiments/{ref}/preview/file/{quote(file['path'])}")
    assert (found["kind"], found["columns"], found["rows"]) == (
        "table", ["name", "score"], [["a", "1"], ["b", "2"]]
    )  # fmt: skip
    for name in ("files/none.txt", "../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd"):
        answer = server.send("GET", f"{API}/experiments/{ref}/preview/file/{name}")
        assert answer.status in (404, 422), name


def test_lines_that_are_found_come_with_their_neighbours(server, store: Told):
    exp = Experiment(prefix="lab/p/said", root=store.root, quiet=True, system_metrics=0)
    with exp:
        for n in range(9):
            exp.log(f"line {n}")
    get(server, "/experiments")
    found = get(server, f"/experiments/{exp.id}/lines?contains=line%204&context=1&places=true")
    assert found["messages"] == ["line 3", "line 4", "line 5"]
    assert found["matched"] == [False, True, False]
    place = quote(found["places"][1])
    assert get(server, f"/experiments/{exp.id}/lines?cursor={place}&limit=1")["messages"] == [
        "line 4"
    ]
