"""What tells most about some experiments is said of these, and not of others in the same store."""

from __future__ import annotations

from pathlib import Path

import pytest

import anew.reading.telling as module
from anew import Experiment, Store
from anew.query.question import ask
from anew.query.telling import Telling
from anew.reading.local.opening import open_folder
from anew.reading.telling import telling
from anew.stores.catalog.relational import among


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory):
    root = str(tmp_path_factory.mktemp("store"))
    for prefix, metrics in (
        ("lab/seen/one", {"val/loss": 1.0, 'odd."name"': 2.0}),
        ("lab/seen/two", {"val/loss": float("nan")}),
        ("lab/other/three", {"val/acc": 0.5, "train/loss": 1.0}),
    ):
        with Experiment(prefix, root=root, quiet=True, console="off", system_metrics=0) as exp:
            exp.log_metrics(metrics, step=0)
    opened = open_folder(root)
    yield opened.backend
    opened.close()


def told(backend, text: str | None) -> Telling:
    return telling(backend, ask(text, now=0.0))


def metrics(found: Telling) -> dict[str, int]:
    return {one.name: one.experiments for one in found.fields if one.section == "metrics"}


def test_metrics_are_those_of_the_experiments_that_are_asked_about(backend):
    found = told(backend, "prefix =~ '^lab/seen/'")
    assert metrics(found) == {"val/loss": 2, 'odd."name"': 1}
    assert found.headline == "val/loss"
    assert told(backend, "prefix =~ '^lab/other/'").headline == "val/acc"
    assert metrics(told(backend, "prefix == 'nowhere'")) == {}


def test_of_so_many_that_each_cannot_be_looked_at_they_are_those_of_the_whole_store_and_that_is_said(
    backend, monkeypatch
):
    every = told(backend, None)
    monkeypatch.setattr(module, "_MOST_LOOKED_UP", 1)
    assert told(backend, None) == every
    assert not every.whole
    some = told(backend, "prefix =~ '^lab/seen/'")
    assert some.whole
    assert metrics(some) == metrics(every)


def test_of_more_than_few_they_are_still_those_of_the_filter(backend, monkeypatch):
    monkeypatch.setattr(module, "_FEW", 0)
    monkeypatch.setattr(among, "FEW", 0)
    assert metrics(told(backend, "prefix =~ '^lab/seen/'")) == {"val/loss": 2, 'odd."name"': 1}
    monkeypatch.setattr(module, "_MOST_CELLS", 1)
    assert told(backend, "prefix =~ '^lab/seen/'").whole


def test_of_very_many_metrics_those_that_tell_most_are_told_and_all_are_counted(
    tmp_path: Path,
) -> None:
    names = [f"layer{n}/weight" for n in range(500)]
    with Experiment("lab/x/a", root=str(tmp_path), quiet=True, system_metrics=0) as exp:
        exp.log_metrics(dict.fromkeys(names, 1.0), step=0)
        exp.log_metrics({"val/loss": 0.5}, step=0)
    with Store(tmp_path) as store:
        told = telling(store.backend, ask(now=0.0))
    assert told.metrics == 501
    metrics = [one.name for one in told.fields if one.section == "metrics"]
    assert metrics[0] == told.headline == "val/loss"
    assert len(metrics) == 200
    assert set(metrics) <= {*names, "val/loss"}
    with Store(tmp_path) as store:
        told = telling(store.backend, ask(now=0.0), metrics=1000)
    assert len([one for one in told.fields if one.section == "metrics"]) == 501
