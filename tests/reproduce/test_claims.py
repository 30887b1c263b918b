"""Trainings of one script, pool or sweep below `anew run`: one is the experiment outside, the others have their own."""

from __future__ import annotations

import multiprocessing
import os

import pytest

from anew import Store
from anew.reproduce.verdict import Verdict
from anew.tracking.claims import claim
from anew.tracking.launches import Launch
from projects import TRAIN

BY_NAME = (
    TRAIN.replace("import random", "import random, sys")
    .replace('"lab/toy", config={"lr": 0.5}', 'f"lab/lr{sys.argv[1]}", config={"lr": sys.argv[1]}')
    .replace("x = 1.0", "x = float(sys.argv[1])")
)
POOL = """\
import multiprocessing, time
from anew import Experiment

def work(lr):
    with Experiment(f"lab/lr{lr}", system_metrics=0, quiet=True) as exp:
        for step in range(5):
            exp.log_metric("loss", float(lr), step=step)
            time.sleep(0.01)

if __name__ == "__main__":
    with multiprocessing.get_context(METHOD).Pool(2) as pool:
        pool.map(work, [1, 2, 3], chunksize=1)
"""


def curves(project, prefix):
    """The values of each experiment below a prefix, by the name that the program gave it."""
    with Store(project.root) as store:
        found = [one for one in store.list(reproductions=True) if one.prefix.startswith(prefix)]
        return sorted(
            (one.prefix.removeprefix(prefix), one.metrics["loss"].count, one.metrics["loss"].first)
            for one in found
        )


def test_the_trainings_of_a_shell_script_are_experiments_of_their_own(project, monkeypatch):
    project.write("sweep.sh", "python train.py 1\npython train.py 1000\n")
    project.commit(train=BY_NAME)
    done = project.anew("run", "-q", "--prefix", "lab/sweep", "--", "bash", "sweep.sh", check=True)
    assert "configuration" not in done.stderr
    assert [(name, count) for name, count, _ in curves(project, "lab/sweep")] == [
        ("", 20), ("/others/lab/lr1000", 20),
    ]  # fmt: skip
    assert project.view("lab/sweep").captured["program"]["opened_as"] == "lab/lr1"
    for ref in ("lab/sweep", "lab/sweep/others/lab/lr1000"):
        (result,) = project.reproduce(monkeypatch, ref)
        assert result.judgement.verdict is Verdict.IDENTICAL
        assert result.judgement.metrics[0].matched == 20
    assert not os.path.exists(project.root / ".anew" / "claims")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_trainings_of_a_pool_are_and_the_same_one_is_compared(project, monkeypatch, method):
    project.commit(train=f"METHOD = {method!r}\n{POOL}")
    project.anew("run", "-q", "--prefix", "lab/pool", "--", "python", "train.py", check=True)
    found = curves(project, "lab/pool")
    assert [count for _, count, _ in found] == [5, 5, 5]
    assert sorted(first for *_, first in found) == [1.0, 2.0, 3.0]
    (result,) = project.reproduce(monkeypatch, "lab/pool")
    assert result.judgement.verdict is Verdict.IDENTICAL


def _claims(path, name, results):
    results.put(claim(path, Launch(), name))


def test_of_several_that_claim_at_once_one_has_it(tmp_path):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    path = str(tmp_path / "claims" / "one")
    processes = [context.Process(target=_claims, args=(path, f"n{n}", results)) for n in range(6)]
    for process in processes:
        process.start()
    assert sorted(results.get(timeout=60) for _ in processes) == [False] * 5 + [True]
    for process in processes:
        process.join()
    assert os.listdir(tmp_path / "claims") == ["one"]


def test_a_claim_is_shared_by_a_launch_and_by_what_opens_the_same(tmp_path):
    path = str(tmp_path / "one")
    assert claim(path, Launch("torchrun:7", distinct=True), "a")
    assert claim(path, Launch("torchrun:7", distinct=True), "b")
    assert not claim(path, Launch("torchrun:8", distinct=True), "b")
    other = str(tmp_path / "other")
    assert claim(other, Launch("parent:1.2"), "a")
    assert claim(other, Launch("parent:1.2"), "a")
    assert not claim(other, Launch("parent:1.2"), "b")
    alone = str(tmp_path / "alone")
    assert claim(alone, Launch(), "a")
    assert claim(alone, Launch(), "a")
    assert not claim(alone, Launch(), "b")
