"""Fields of experiments at hand, and configuration and parameters as one thing for who reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from anew import Experiment, Store
from anew.errors import Ambiguous, InvalidValue, QueryError
from anew.query.fields import Param
from anew.reading.fields import field_of, settings_of, values_of


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two experiments with a configuration, two with parameters, one with both."""
    root = tmp_path_factory.mktemp("fields") / "experiments"
    options = {"root": root, "quiet": True, "console": "off", "system_metrics": 0}
    for lr in (0.1, 0.01):
        with Experiment(f"a/cfg/lr{lr}", config={"opt": {"lr": lr}, "name": "x"}, **options) as exp:
            exp.log({"val/acc": lr, "loss": -lr}, step=1)
        with Experiment(f"a/par/lr{lr}", params={"opt": {"lr": lr}}, **options) as exp:
            exp.log({"val/acc": lr, "train/acc": lr}, step=1)
    with Experiment(
        "a/both/x", config={"opt": {"lr": 1}, "depth": 2}, params={"opt.lr": 2}, **options
    ) as exp:
        exp.log({"loss": 0.5}, step=1)
    return root


@pytest.fixture
def store(root: Path) -> Iterator[Store]:
    with Store(root) as store:
        yield store


def names(found: object) -> set[str]:
    return {one.prefix for one in found}  # type: ignore[attr-defined]


def test_a_filter_takes_a_key_wherever_it_is_kept(store: Store) -> None:
    assert names(store.list("lr == 0.1")) == {"a/cfg/lr0.1", "a/par/lr0.1"}
    assert names(store.list("lr == 2 or lr == 1")) == {"a/both/x"}
    assert not names(store.list("lr == 1"))
    assert names(store.list("opt.lr < 0.05")) == {"a/cfg/lr0.01", "a/par/lr0.01"}
    assert names(store.list("config.opt.lr exists")) == {"a/cfg/lr0.1", "a/cfg/lr0.01", "a/both/x"}


def test_a_sort_takes_it_too(store: Store) -> None:
    found = [one.prefix for one in store.list(sort=["-lr", "prefix"])]
    assert found == ["a/both/x", "a/cfg/lr0.1", "a/par/lr0.1", "a/cfg/lr0.01", "a/par/lr0.01"]


def test_a_column_that_there_is_not_suggests_those_that_there_are(store: Store) -> None:
    with pytest.raises(QueryError) as caught:
        store.list(sort="-nosuch")
    assert caught.value.suggestion
    assert "nosuch" not in caught.value.suggestion


def test_configuration_keys_are_columns_of_frames(store: Store) -> None:
    frame = store.list("project == 'cfg'", sort="prefix").to_pandas()
    assert frame["config.opt.lr"].tolist() == [0.01, 0.1]
    assert store.list().to_arrow().column("config.opt.lr").null_count == 2


def test_values_come_from_either_place(store: Store) -> None:
    views = store.list(sort="prefix")
    assert values_of(views, "lr") == [2, 0.01, 0.1, 0.01, 0.1]
    assert values_of(views, "config.opt.lr") == [1, 0.01, 0.1, None, None]
    assert values_of(views, "depth") == [2, None, None, None, None]
    assert values_of(views, "status") == ["completed"] * 5
    assert settings_of(store.get("a/both/x")) == {"opt.lr": 2, "depth": 2}


def test_a_name_is_looked_for_here_first_and_then_in_the_whole_store(store: Store) -> None:
    here = store.list("project == 'cfg'")
    assert field_of(here, "lr") == Param("config", "opt.lr")
    with pytest.raises(QueryError):
        field_of(here, "depth")
    assert field_of(here, "depth", among=store.backend) == Param("config", "depth")
    with pytest.raises(QueryError) as caught:
        field_of(here, "detph", among=store.backend)
    assert caught.value.suggestion == "config.depth"
    with pytest.raises(InvalidValue):
        field_of(here, " ")


def test_a_field_that_cannot_be_written_in_a_filter_is_taken_as_it_is(store: Store) -> None:
    assert values_of(store.list(limit=1), Param("config", "no such")) == [None]
    with pytest.raises(QueryError):
        field_of(store.list(), "params.$x$ y")


def test_best_takes_the_end_of_a_name(store: Store) -> None:
    with pytest.raises(Ambiguous) as caught:
        store.best("acc")
    assert set(caught.value.candidates) == {"train/acc", "val/acc"}


def test_a_comparison_shows_one_key_once(store: Store) -> None:
    comparison = store.compare(["a/cfg/lr0.1", "a/par/lr0.01"])
    ids = [one["id"] for one in comparison.experiments]
    assert comparison.params["opt.lr"] == dict(zip(ids, (0.1, 0.01), strict=True))
    assert "opt.lr" not in comparison.config
    assert "opt.lr" not in store.compare(["a/cfg/lr0.1", "a/par/lr0.1"]).params
