"""What somebody says of a metric outweighs its name, for a project and for all."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew import Experiment, Store
from anew.errors import InvalidValue, NotFound
from anew.query.question import ask
from anew.reading.telling import telling

METRIC = "val/score_loss"  # by its name, small values are better


@pytest.fixture
def store(tmp_path: Path):
    for prefix, values in (("lab/a/one", (1.0, 3.0)), ("lab/a/two", (2.0,)), ("lab/b/one", (9.0,))):
        with Experiment(prefix, root=tmp_path, quiet=True, console="off", system_metrics=0) as exp:
            for step, value in enumerate(values):
                exp.log_metrics({METRIC: value, "val/acc": value / 10}, step=step)
    with Store(tmp_path) as opened:
        yield opened


def told(store: Store, text: str | None = None):
    return telling(store.backend, ask(text, now=0.0))


def better(store: Store, text: str | None = None):
    fields = told(store, text).fields
    return next(one.better for one in fields if one.section == "metrics" and one.name == METRIC)


def test_a_goal_is_gone_by_wherever_something_is_called_best(store):
    assert [one.value for one in store.best(METRIC)] == [1.0, 2.0, 9.0]
    said = store.set_goal(METRIC, "max")
    assert (said.better, said.main, said.project) == ("max", False, None)
    assert store.goals() == [said]
    assert [one.value for one in store.best(METRIC)] == [9.0, 3.0, 2.0]
    assert store.best(METRIC, mode="min")[0].value == 1.0
    one = store["lab/a/one"].metrics[METRIC]
    assert (one.better, one.best(), one.best_step()) == ("max", 3.0, 1)
    compared = store.compare(["lab/a/one", "lab/a/two"], METRIC)
    assert compared.modes == {METRIC: "max"}
    assert store.list(sort=METRIC)[0].prefix == "lab/b/one"
    assert better(store) == "max"
    assert store.clear_goal(METRIC) == said
    assert store.best(METRIC)[0].value == 1.0
    assert store.goals() == []
    with pytest.raises(NotFound):
        store.clear_goal(METRIC)


def test_a_goal_of_a_project_outweighs_that_for_all_and_holds_only_there(store):
    store.set_goal(METRIC, "min")
    store.set_goal(METRIC, "max", project="lab/a")
    assert store["lab/a/one"].metrics[METRIC].best() == 3.0
    assert store["lab/b/one"].metrics[METRIC].better == "min"
    assert store.best(METRIC)[0].mode == "min"  # of all, what is said for all
    with pytest.raises(InvalidValue):
        store.compare(["lab/a/one", "lab/b/one"], METRIC)
    assert store.compare(["lab/a/one", "lab/b/one"], METRIC, mode="min").modes == {METRIC: "min"}
    assert better(store, "prefix =~ '^lab/a/'") == "max"
    assert better(store, "prefix =~ '^lab/b/'") == "min"
    assert better(store) is None  # of both, neither


def test_one_metric_is_the_main_one(store):
    with pytest.raises(InvalidValue):
        store.best()
    store.set_goal("val/acc", main=True)
    assert [one.metric for one in store.best()] == ["val/acc"] * 3
    assert told(store).headline == "val/acc"
    store.set_goal(METRIC, "max", main=True)
    assert [(one.metric, one.main) for one in store.goals()] == [(METRIC, True)]
    assert store.best()[0].metric == METRIC
    assert told(store).headline == METRIC
    store.set_goal("val/acc", "max", main=True, project="lab/b")
    assert told(store, "prefix =~ '^lab/b/'").headline == "val/acc"
    assert told(store, "prefix =~ '^lab/a/'").headline == METRIC


def test_what_is_neither_is_refused(store):
    with pytest.raises(InvalidValue):
        store.set_goal(METRIC, "up")
