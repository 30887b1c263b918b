"""Real trainings with scikit-learn and PyTorch come back bit for bit; without a seed they do not, and the seed is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew.reproduce.verdict import Verdict

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PROGRAMS = {"sklearn": ["--epochs", "4"], "torch": ["--epochs", "2"]}


# Importing PyTorch is most of what a start of the program takes.
TIMES = {"sklearn": 10, "torch": 5}


@pytest.fixture(params=["sklearn", "torch"])
def framework(request, project) -> str:
    name: str = request.param
    project.commit(train=(EXAMPLES / f"reproduce_{name}.py").read_text())
    # One thread each: the machine of a test has other things to do.
    project.environ |= {"OMP_NUM_THREADS": "1"}
    return name


@pytest.mark.slow
def test_a_training_comes_back_bit_for_bit_every_time(framework, project, monkeypatch):
    project.run("train.py", *PROGRAMS[framework])
    times = TIMES[framework]
    results = project.reproduce(monkeypatch, f"examples/digits/{framework}", times=times)
    assert [r.judgement.verdict for r in results] == [Verdict.IDENTICAL] * times
    assert all(m.matched >= 2 for m in results[0].judgement.metrics)
    seeds = project.view(f"examples/digits/{framework}").captured["seeds"]
    assert seeds["seed"] == 0
    assert {"sklearn": "numpy", "torch": "torch"}[framework] in seeds["libraries"]


@pytest.mark.slow
def test_the_same_without_a_seed_is_proven_not_to_be_deterministic(framework, project, monkeypatch):
    project.run("train.py", "--no-seed", *PROGRAMS[framework])
    (result,) = project.reproduce(monkeypatch, f"examples/digits/{framework}", explained=True)
    assert result.judgement.verdict is Verdict.DIVERGED
    assert result.judgement.explanation.cause == "not deterministic"


@pytest.mark.slow
def test_worker_processes_are_seeded_too(project, monkeypatch):
    project.commit(train=(EXAMPLES / "reproduce_torch.py").read_text())
    project.run("train.py", "--workers", "2", "--epochs", "1")
    (result,) = project.reproduce(monkeypatch, "examples/digits/torch")
    assert result.judgement.verdict is Verdict.IDENTICAL


@pytest.mark.slow
def test_a_changed_line_of_code_is_named_between_two_runs(framework, project):
    project.run("train.py", *PROGRAMS[framework])
    with_change = (
        (EXAMPLES / f"reproduce_{framework}.py")
        .read_text()
        .replace("0.003", "0.0030001")
        .replace("3e-3", "3.0001e-3")
    )
    with_change = with_change.replace(f"digits/{framework}", "digits/changed")
    project.commit(train=with_change)
    project.run("train.py", *PROGRAMS[framework])
    done = project.anew("diff", f"examples/digits/{framework}", "examples/digits/changed")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "DIVERGED" in done.stdout
    assert "which changed train.py" in done.stdout


@pytest.mark.slow
def test_ranks_started_by_torchrun_are_started_by_it_again(project, monkeypatch):
    program = (
        "import os, random\nfrom anew import Experiment, seed_everything\n"
        "rank = int(os.environ['RANK'])\nseed_everything(rank)\n"
        "with Experiment('lab/ranks', system_metrics=0) as exp:\n"
        "    for step in range(5):\n        exp.log_metric(f'rank{rank}/loss', random.random(), step)\n"
    )
    project.commit(train=program)
    project.run("-m", "torch.distributed.run", "--nproc-per-node", "2", "train.py")
    (result,) = project.reproduce(monkeypatch, "lab/ranks")
    assert result.judgement.verdict is Verdict.IDENTICAL
    assert [m.metric for m in result.judgement.metrics] == ["rank0/loss", "rank1/loss"]
    assert not [d for d in result.judgement.differences if d.kind == "command"]
