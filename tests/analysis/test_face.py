"""Experiments of a store, compared and explained."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from anew import Experiment, Store
from anew.analysis.comparing import compare, compare_pairs
from anew.analysis.values import values_of
from anew.errors import InvalidValue, QueryError


def accuracy(lr: float, seed: int) -> float:
    return 0.9 + (0.02 if lr == 0.1 else 0.0) + 0.03 * math.sin(seed)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[Store]:
    root = tmp_path_factory.mktemp("root")
    for lr in (0.1, 0.01):
        for seed in range(5):
            params = {
                "lr": lr,
                "seed": seed,
                "opt": "adam" if seed % 2 else "sgd",
                "fast": seed > 2,
            }
            with Experiment(f"lab/lr{lr}-{seed}", root=str(root), quiet=True, system_metrics=0, params=params) as exp:  # fmt: skip
                exp.log_metrics({"acc": accuracy(lr, seed)}, step=0)
    with Experiment("lab/broken", root=str(root), quiet=True, system_metrics=0, params={"lr": 0.1}) as exp:  # fmt: skip
        exp.log_metrics({"acc": math.nan}, step=0)
    with Store(root) as opened:
        yield opened


def test_two_groups_are_compared_over_all_their_experiments(store):
    found = store.analysis.compare("metrics.acc.last", "params.lr == 0.01", "params.lr == 0.1")
    low, high = ([accuracy(lr, seed) for seed in range(5)] for lr in (0.01, 0.1))
    expected = compare(low, high)
    assert found.missing == (0, 1)
    assert found.result.difference == pytest.approx(expected.difference)
    assert found.result.p == expected.p


def test_seeds_pair_experiments(store):
    found = store.analysis.compare(
        "metrics.acc.last", "params.lr == 0.01", "params.lr == 0.1", pair="params.seed"
    )
    low, high = ([accuracy(lr, seed) for seed in range(5)] for lr in (0.01, 0.1))
    assert found.result.pairs == 5
    assert found.result.difference == pytest.approx(compare_pairs(low, high).difference)
    assert found.alone == (0, 0)
    none = store.analysis.compare(
        "metrics.acc.last", "params.seed == 0", "params.seed == 1", pair="params.seed"
    )
    assert none.result is None
    assert none.alone == (2, 2)
    words = store.analysis.compare(
        "metrics.acc.last", "params.seed == 0", "params.seed == 2", pair="params.lr"
    )
    assert words.result.pairs == 2
    both = store.analysis.compare(
        "metrics.acc.last", "params.lr == 0.01", "params.lr == 0.1", pair=["params.seed", "params.opt"]
    )  # fmt: skip
    assert both.result.pairs == 5


def test_experiments_in_both_groups_and_fields_without_numbers_are_said(store):
    assert store.analysis.compare("metrics.acc.last", "", "params.lr == 0.1").both == 6
    with pytest.raises(InvalidValue):
        store.analysis.compare("params.opt", "params.lr == 0.1", "params.lr == 0.01")
    with pytest.raises(QueryError):
        store.analysis.compare("metrics.acc.last", "params.lr ===", "")


def test_settings_are_explained_by_filter(store):
    found = store.analysis.importance(
        "metrics.acc.last", ["params.lr", "params.opt", "params.seed"], filter="params.seed exists"
    )
    assert {one.field: one.n for one in found} == {"params.seed": 10, "params.lr": 10, "params.opt": 10}  # fmt: skip
    assert found[0].field == "params.seed"


def test_fields_come_as_numbers_texts_as_their_places(store):
    fields = ["params.lr", "params.opt", "params.fast", "metrics.acc.last"]
    found = values_of(store.backend, fields, sort=("name",), ids=100)
    assert found.count == len(found.ids) == 11
    lr, opt, fast, acc = found.columns
    assert sorted(set(lr.values.tolist())) == [0.01, 0.1]
    assert (opt.labels, opt.missing) == (("adam", "sgd"), 1)
    assert fast.labels == ("false", "true")
    assert (acc.missing, acc.nonfinite) == (0, 1)
    assert np.isnan(lr.values).sum() == lr.missing == 0
    assert np.isnan(opt.values).sum() == 1
    assert values_of(store.backend, fields, ids=5).ids == ()


def test_one_experiment_is_told_by_its_place(store):
    order, filter = (), "params.lr == 0.1"
    every = values_of(store.backend, ["name"], filter, order, ids=100)
    assert every.count == 6
    for place, id_ in enumerate(every.ids):
        found = values_of(store.backend, ["name", "params.seed"], filter, order, place=place)
        assert (found.count, found.ids) == (1, (id_,))
        assert found.columns[0].labels == (store.get(id_).name,)
    assert values_of(store.backend, ["name"], filter, order, place=6).count == 0


def test_places_stay_where_they_are_when_experiments_are_added(tmp_path):
    def written(name: str) -> None:
        with Experiment(f"lab/{name}", root=str(tmp_path), quiet=True, system_metrics=0):
            pass

    written("z")
    with Store(tmp_path) as store:
        first = values_of(store.backend, ["name"], "", (), ids=9)
        written("a")
        both = values_of(store.backend, ["name"], "", (), ids=9)
        assert both.ids[:1] == first.ids
        assert values_of(store.backend, ["name"], "", (), place=0).ids == first.ids
