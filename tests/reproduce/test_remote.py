"""An experiment on a server is run again on this machine, and held against what the server has."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew import Store
from anew.errors import InvalidSetting
from anew.reproduce.plan import make_plan
from anew.reproduce.replay import replay
from anew.reproduce.verdict import Verdict
from projects import TRAIN
from serving import over_a_socket

from ..cli.conftest import call

READS = TRAIN.replace("    x = 1.0\n", '    exp.inputs.add("data.txt")\n    x = 1.0\n')


@pytest.fixture
def here(project, monkeypatch, tmp_path) -> Path:
    """A dirty tree whose experiment is on a server; the folder that programs record into on this machine."""
    project.write("data.txt", "1\n")
    project.commit(train=TRAIN)
    project.write("train.py", READS.replace("range(20)", "range(25)"))
    project.run()
    project.enter(monkeypatch)
    local = tmp_path / "local"
    monkeypatch.setenv("ANEW_ROOT", str(local))
    return local


def test_the_rerun_is_kept_here_with_its_verdict_and_the_server_stays_as_it_was(project, here):
    before = sorted(str(path) for path in project.root.rglob("*.jsonl"))
    with over_a_socket(str(project.root)) as url, Store(url) as store:
        plan = make_plan(store, store.get("lab/toy"))
        assert plan.root == str(here)
        assert [state.state for state in plan.inputs] == ["same"]
        assert not here.exists()
        results = list(replay(store, plan, figure=False, times=2, confirmed=True))
        assert [one.id for one in store.list()] == [plan.recipe.experiment_id]
    assert [one.judgement.verdict for one in results] == [Verdict.IDENTICAL] * 2
    assert results[0].judgement.metrics[0].matched == 25
    assert results[0].judgement.differences == []
    assert sorted(str(path) for path in project.root.rglob("*.jsonl")) == before
    assert "reproduction" not in project.view().captured
    with Store(here) as store:
        for result in results:
            child = store.get(result.experiment_id)
            assert child.parent == plan.recipe.experiment_id
            assert child.captured["verdict"]["verdict"] == Verdict.IDENTICAL.value
    assert not [path for path in project.path.iterdir() if path.name.startswith("http")]


def test_what_a_server_says_is_confirmed_before_it_runs_here(project, here):
    with over_a_socket(str(project.root)) as url:
        refused = call("--root", url, "reproduce", "lab/toy")
    assert refused.code == 5
    assert not here.exists()


def test_the_commands_compare_what_is_on_a_server(project, here, tmp_path):
    project.run()
    into = tmp_path / "checks"
    figure = tmp_path / "curves.png"
    with over_a_socket(str(project.root)) as url:
        again = call("--root", url, "reproduce", "lab/toy", "-y", "--into", into, "--json")
        assert (again.code, again.json["verdict"]) == (0, "IDENTICAL")
        assert Path(again.json["figure"]).is_relative_to(into)
        diff = call("--root", url, "diff", "lab/toy", "lab/toy~2", "-o", figure, "--json")
        assert (diff.code, diff.json["verdict"]) == (0, "IDENTICAL")
        assert figure.stat().st_size > 0
        assert call("--root", url, "check", "lab/toy~2", "--baseline", "lab/toy").code == 0
        assert call("--root", url, "weights", "log").code == 3  # nobody has committed any
    assert not here.exists()


def test_a_server_is_no_place_to_record_a_rerun_in(project, here):
    with Store(project.root) as store, pytest.raises(InvalidSetting):
        make_plan(store, store.get("lab/toy"), into="http://127.0.0.1:5700")
