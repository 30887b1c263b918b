"""What Aim wrote is read by Aim and by us, and is the same."""

from __future__ import annotations

import shutil

import pytest

from anew import Store
from anew.trackers.importers import kind_of
from tests.trackers.aim.repository import made_by_aim
from tests.trackers.environments import Made
from tests.trackers.holding import bring, contents, same

pytest.importorskip("aimrocks")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Made:
    return made_by_aim(tmp_path_factory.mktemp("aim"))


def test_the_tracker_s_own_answers_are_ours_and_the_repository_is_not_changed(made, tmp_path):
    store, answers = made
    before = contents(store)
    found = bring(store, tmp_path / "root")
    assert found.is_whole, found
    assert {run.state for run in bring(store / ".aim", tmp_path / "root").runs} == {"same"}
    assert contents(store) == before
    with Store(tmp_path / "root") as opened:
        views = {view.captured["imported"]["key"]: view for view in opened.list()}
        assert set(views) == set(answers)
        for key, metrics in answers.items():
            assert set(views[key].metrics) == set(metrics)
            for name, points in metrics.items():
                read = views[key].metrics[name].read(order="written")
                ours = sorted(
                    zip(read.steps.tolist(), read.times.tolist(), read.values.tolist(), strict=True)
                )
                assert [(step, at) for step, at, _ in ours] == [
                    (step, at) for step, _, at in points
                ]
                assert same([value for *_, value in ours], [value for _, value, _ in points])
        (view,) = [one for one in views.values() if one.name == "all of it"]
        assert view.params == {
            "hparams": {
                "lr": 1e-05,
                "layers": [1, 2, {"size": 3}],
                "none": None,
                "flag": True,
                "a/b": "é",
            }
        }
        assert (view.description, view.tags, view.status) == (
            "a note",
            {"a tag": None},
            "completed",
        )
        assert sorted((one.name, one.kind, one.step) for one in view.values()) == [
            ("pictures", "image", 2), ("pictures", "image", 2), ("said", "text", 1), ("weights", "histogram", 1),
        ]  # fmt: skip
        assert [(line.level, line.message) for line in view.logs()] == [("warning", "careful")]


def test_a_repository_is_recognised(made):
    assert kind_of(str(made[0])) == kind_of(str(made[0] / ".aim")) == "aim"


def test_damage_is_named_and_the_rest_is_read(made, tmp_path):
    shutil.copytree(made[0], tmp_path / "store")
    key, other = sorted(made[1])
    for file in (tmp_path / "store" / ".aim" / "seqs" / "chunks" / key).glob("*.sst"):
        file.write_bytes(b"\xff" * file.stat().st_size)
    shutil.rmtree(tmp_path / "store" / ".aim" / "meta" / "chunks" / other)
    found = bring(tmp_path / "store", tmp_path / "root")
    assert not found.is_whole
    assert {one.run for one in found.findings if one.lost} == {key, other}
    assert [run.key for run in found.runs] == [key]
