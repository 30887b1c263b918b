"""What the index finds for a filter of W&B is what asking every run finds."""

from __future__ import annotations

import datetime
import itertools
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import anew
import anew.dialects.wandb as wandb
from anew.trackers.wandb.dialect.filters import condition, known_filters
from anew.trackers.wandb.translate import filters as translate

CONFIGS: list[dict[str, Any]] = [
    {"lr": 0.1, "model": {"depth": 1, "act": "relu"}, "n": 1},
    {"lr": 0.01, "model": {"depth": 2, "act": "gelu"}, "n": True},
    {"lr": "0.1", "model": "none", "n": 0},
    {"lr": None, "model": {}, "n": False},
    {"lr": [0.1, "a"], "n": 2**60},
    {"lr": math.nan, "model": {"depth": None}, "n": -3},
    {"model.depth": 2, "n": "x" * 600, "lr": "[0.1]"},
    {},
]
ROWS: list[dict[str, Any]] = [
    {"acc": 0.5, "val": {"loss": 1.0}},
    {"acc": math.nan, "n": 3},
    {"acc": math.inf, "note": "a text", "flag": True},
    {"acc": "a text"},
    {"acc": [1, 2, 3]},
    {},
]


def started(number: int) -> Any:
    options = {
        "name": f"run {number % 4}",
        "tags": [["a"], ["b", "group"], None][number % 3],
        "group": ["first", None, "second"][number % 3],
        "job_type": ["train", ""][number % 2],
        "notes": [None, "some notes", "Notes"][number % 3],
        "id": f"given-{number}" if number % 4 == 0 else None,
    }
    return wandb.init(project="p", entity="team", config=CONFIGS[number % 8], **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[wandb.Api]:
    root = str(tmp_path_factory.mktemp("filters") / "experiments")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (
            ("ROOT", root), ("CAPTURE", "off"), ("SYSTEM_METRICS", "0"), ("CONSOLE", "off"), ("QUIET", "1"),
        ):  # fmt: skip
            patch.setenv(f"ANEW_{name}", value)
        for number in range(32):
            with started(number) as run:
                if number % 5 == 1:
                    run.define_metric("acc", summary="max,min")
                run.log(ROWS[number % 6])
                if number % 5 == 2:
                    run.summary["acc"] = 0.75
                    run.summary["own"] = {"a": 1}
                if number % 7 == 3:
                    run.config.update({"model": {"other": 5}}, allow_val_change=True)
                if number % 6 == 4:
                    run.finish(1)
        with anew.Experiment(
            "team/p/native", root=root, config={"lr": 0.1, "model": {"depth": 2}}
        ) as exp:
            exp.params.set(model={"act": "relu"})
            exp.log_metric("acc", 0.5)
            exp.run.fail("The process vanished without ending it.")
        wandb.sweep({"method": "grid", "parameters": {"lr": {"values": [1]}}}, "team", "p")
        edited = wandb.Api(root=root).run("team/p/given-0")
        edited.config["lr"] = 0.02
        edited.summary["acc"] = -1
        edited.update()
        yield wandb.Api(root=root)


@pytest.fixture(scope="module")
def every(api: Any) -> list[Any]:
    """All runs that there are."""
    return list(api.runs("team/p"))


NUMBERS = st.sampled_from(
    [0, 1, 2, 0.1, 0.5, 0.75, -1, 2**60, 1e300, math.inf, math.nan, True, False]
)
TEXTS = st.sampled_from(
    ["", "a", "b", "group", "relu", "0.1", "[0.1]", "[", "first", "train", "run 1", "given-0", "given-4", "finished",
     "failed", "crashed", "a text", "team", "p", "some notes", "Notes", "x" * 600, "2020-01-01", "3"]
)  # fmt: skip
SCALARS = st.one_of(NUMBERS, TEXTS, st.none())
OPERANDS = st.one_of(
    SCALARS, st.sampled_from([[0.1, "a"], {"depth": 2}, {}, {"act": "relu", "depth": 1}, []])
)
FIELDS = st.sampled_from(
    ["config.lr", "config.model", "config.model.depth", "config.model.act", "config.model.other", "config.n", "config.no",
     "summary_metrics.acc", "summary_metrics.acc.max", "summary_metrics.val.loss", "summary_metrics.note",
     "summary_metrics.own.a", "summary_metrics.flag", "summary_metrics.n", "summary_metrics._step", "state", "tags",
     "group", "jobType", "displayName", "name", "notes", "host", "username", "created_at", "heartbeat_at", "sweep",
     "entity", "project", "group.x", "tags.a"]
)  # fmt: skip
TESTS = st.one_of(
    OPERANDS.filter(lambda one: not isinstance(one, dict)),
    st.sampled_from([{"depth": 2}, {"act": "relu", "depth": 1}]),
    st.builds(lambda op, value: {op: value}, st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]), OPERANDS),
    st.builds(lambda op, several: {op: several}, st.sampled_from(["$in", "$nin"]), st.lists(SCALARS, max_size=3)),
    st.builds(lambda there: {"$exists": there}, st.booleans()),
    st.builds(lambda pattern, flags: {"$regex": pattern, "$options": flags},
              st.sampled_from(["^a", "relu|gelu", "RUN", "e", "given-[04]$", "0"]), st.sampled_from(["", "i"])),
)  # fmt: skip
LEAVES = st.builds(
    lambda field, test, negated: {
        field: {"$not": test} if negated and isinstance(test, dict) and next(iter(test), "").startswith("$") else test
    },
    FIELDS, TESTS, st.booleans(),
)  # fmt: skip
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda op, parts: {op: parts}, st.sampled_from(["$and", "$or", "$nor"]), st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda left, right: {**left, **right}, inner, inner),
    ),
    max_leaves=4,
)  # fmt: skip


def check_runs(api: Any, every: list[Any], filters: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that every run is looked at
        found = {run.native.id for run in api.runs("team/p", filters)}
    meets = condition(filters)
    assert found == {run.native.id for run in every if meets(run)}


@example(filters={"summary_metrics.acc": 1})  # of which a list has one
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filters=FILTERS)
def test_the_index_finds_the_runs_that_asking_each_of_them_finds(
    api: Any, every: list[Any], filters: Any
):
    check_runs(api, every, filters)


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filters=FILTERS)
def test_the_index_finds_the_runs_of_many_filters(api: Any, every: list[Any], filters: Any):
    check_runs(api, every, filters)


def bounds(filters: dict[str, Any]) -> translate.Bounds:
    return translate.compiled(known_filters(filters))


@pytest.mark.parametrize(
    "filters",
    [
        {"state": "crashed", "display_name": "run 1", "tags": {"$in": ["a", "b"]}, "group": {"$ne": "first"}},
        {"created_at": {"$gt": "2024-01-01"}, "name": {"$regex": "^given"}},
        {"$or": [{"username": "alice"}, {"$nor": [{"host": {"$exists": True}}]}]},
    ],
)  # fmt: skip
def test_facts_of_a_run_are_asked_of_the_index_alone(filters: dict[str, Any]):
    found = bounds(filters)
    assert found.sure == found.possible


def test_of_config_and_summary_only_doubtful_runs_are_looked_at(api: Any):
    filters = {"config.n": 1, "summary_metrics.acc": {"$gte": 0.5}}
    every = api.store.list(project="p").total
    scope = translate.of_project(["p"], None)
    limited = translate.all_of([translate.Bounds(scope, scope), bounds(filters)])
    doubtful = translate.unsure(limited)
    assert not isinstance(doubtful, bool)
    assert 0 < len(api.store.search(doubtful)) < every / 2


def test_a_filter_that_the_index_cannot_narrow_is_told(api: Any):
    with pytest.warns(UserWarning, match="every run"):
        assert len(api.runs("team/p", {"entity": "team"})) == 33


@pytest.mark.parametrize(
    "order", ["+created_at", "-created_at", "-summary_metrics.acc", "summary_metrics.val.loss", "+display_name",
              "-config.lr", "-summary_metrics.nothing", "heartbeat_at"]
)  # fmt: skip
@pytest.mark.parametrize("filters", [{}, {"tags": "a"}, {"group": "second"}])
def test_the_order_is_the_one_of_asking_each_run(api: Any, order: str, filters: dict[str, Any]):
    from anew.trackers.wandb.dialect.filters import order_of

    found = [run.native.id for run in api.runs("team/p", filters, order)]
    meets = condition(filters)
    asked = order_of(order)([run for run in api.runs("team/p") if meets(run)])
    assert found == [run.native.id for run in asked]


def test_a_pattern_that_the_index_does_not_know_is_refused(api: Any):
    with pytest.raises(wandb.UsageError):
        len(api.runs("team/p", {"display_name": {"$regex": "run (?!1)"}}))


def test_times_meet_texts_of_every_length(api: Any):
    run = api.runs("team/p")[3]
    second = run.created_at
    for cut, operator in itertools.product((4, 10, 19, 20), ("$lt", "$lte", "$gt", "$gte", "$eq")):
        filters = {"created_at": {operator: second[:cut]}}
        meets = condition(filters)
        expected = [one.native.id for one in api.runs("team/p") if meets(one)]
        assert [one.native.id for one in api.runs("team/p", filters)] == expected
    at = datetime.datetime.strptime(second, "%Y-%m-%dT%H:%M:%SZ")
    assert run.id in [one.id for one in api.runs("team/p", {"created_at": at})]


def test_an_id_that_the_program_gave_is_found_wherever_it_lies(api: Any, tmp_path: Path):
    assert [run.id for run in api.runs("team/p", {"name": "given-8"})] == ["given-8"]
    own = api.runs("team/p")[1]
    assert [run.id for run in api.runs("team/p", {"id": own.id})] == [own.id]
