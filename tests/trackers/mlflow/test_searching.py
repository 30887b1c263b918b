"""Filters and orders of MLflow find the runs they describe."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

import anew
import anew.dialects.mlflow as mlflow
from anew.dialects.mlflow import MlflowClient, MlflowException
from anew.dialects.mlflow.entities import Run, ViewType
from anew.trackers.mlflow.dialect import searching
from anew.trackers.mlflow.dialect.runs import run_of
from anew.trackers.mlflow.translate import question
from anew.trackers.mlflow.translate.filters import (
    Condition,
    in_order,
    parse_filter,
    parse_order,
)

from .world import fresh_mlflow as fresh_mlflow


@pytest.fixture
def three() -> list[str]:
    ids = []
    for acc, lr in ((0.5, 0.1), (0.9, 0.01), (math.nan, 0.1)):
        with mlflow.start_run(run_name=f"lr{lr}", tags={"it's": "a 'quote'"}) as run:
            mlflow.log_param("lr", lr)
            mlflow.log_metrics({"acc": acc, "val/acc-5": acc})
            ids.append(run.info.run_id)
    with mlflow.start_run(run_name="empty") as run:
        ids.append(run.info.run_id)
    return ids


def test_filters_are_asked_of_every_run(three: list[str]):
    def found(text: str) -> list[int]:
        runs = mlflow.search_runs(filter_string=text, output_format="list")
        return sorted(three.index(run.info.run_id) for run in runs)

    assert found("metrics.acc > 0.6") == [1]
    assert found("metrics.acc <= 0.9 AND params.lr = '0.1'") == [0]
    assert found("metrics.acc != 0.5") == [1, 2]
    assert found("metrics.`val/acc-5` = 0.5") == found("metrics.val/acc-5 == 0.5") == [0]
    assert found("metrics.acc IN (0.5, 0.9)") == [0, 1]
    assert found("metrics.acc IS NULL") == [3]
    assert found("params.lr IN ('0.01')") == [1]
    assert found("params.lr NOT IN ('0.01')") == [0, 2]
    assert found("run_name NOT LIKE 'lr%'") == [3]
    assert found("run_name LIKE 'LR%'") == []
    assert found("run_name ILIKE 'LR0._'") == [0, 2]
    assert found(r"tags.`it's` = 'a \'quote\''") == [0, 1, 2]
    assert found('tags."it\'s" LIKE "%\'quote%"') == [0, 1, 2]
    assert found(f"run_id IN ('{three[0]}', '{three[3]}')") == [0, 3]
    assert found("status IN ('FINISHED') and end_time IS NOT NULL") == [0, 1, 2, 3]


VALUES = [
    0.1, 3, 3.0, 1e-05, 1e20, True, None, "True", "3", "None", "a'b", [1, 2], math.nan, math.inf, "", "x" * 600, "xyz\nx",
]  # fmt: skip


@pytest.fixture
def odd() -> list[Run]:
    """Runs with odd names and values, of one experiment."""
    mlflow.set_experiment("odd (names) ^[1] it's")
    for number, value in enumerate(VALUES):
        with mlflow.start_run(run_name=f"a/{number}", tags={"it's": str(value), "e": ""}):
            mlflow.log_params({"p": value, "q.r": value, "odd 'name'": value})
            if number % 2:
                mlflow.log_param("q", value)
            mlflow.log_metrics({"m": number // 3, "odd 'm'": [math.nan, math.inf, 2.5][number % 3]})
            if number % 4 == 0:
                mlflow.log_metric("seldom", [0.5, math.nan][number // 4 % 2])
                mlflow.set_tag("seldom", number)
    with mlflow.start_run() as run:
        anew.Store().tag(run.info.run_id, "it's")  # a tag without a value
        mlflow.end_run("FAILED")
    return found(search_all_experiments=False)


def found(**options: Any) -> list[Run]:
    runs = mlflow.search_runs(output_format="list", **options)
    assert isinstance(runs, list)
    return runs


def conditions() -> Iterator[Condition]:
    """Conditions of every kind on fields of every kind."""
    texts = [str(value) for value in VALUES] + [
        "nope",
        "3.00",
        "1e5",
        "a/1",
        "a-1",
        "FINISHED",
        "FAILED",
    ]
    patterns = ["%", "x%", "_", "T%e", "N%", "3%", "[%", "FIN%", "a/%", "", "XYZ%", "%z", "xyz_x"]
    fields = [("param", name) for name in ("p", "q", "q.r", "odd 'name'", "nope")]
    fields += [
        ("tag", name) for name in ("it's", "e", "seldom", "nope", "mlflow.runName", "mlflow.user")
    ]
    fields += [("attribute", name) for name in ("run_id", "run_name", "status", "user_id")]
    for entity, name in fields:
        for no in ("", "NOT "):
            yield Condition(entity, name, f"IS {no}NULL", None)
            yield Condition(entity, name, f"{no}IN", ("nope", *texts[:4]))
            for like in ("LIKE", "ILIKE"):
                yield from (Condition(entity, name, no + like, pattern) for pattern in patterns)
        for text in texts:
            yield from (Condition(entity, name, sign, text) for sign in ("=", "!="))
    for entity, name in (("metric", "m"), ("metric", "odd 'm'"), ("metric", "seldom"), ("metric", "nope"),
                         ("metric", "system/x"), ("attribute", "end_time")):  # fmt: skip
        for sign in ("=", "!=", "<", "<=", ">", ">="):
            for number in (2.0, 2.5, math.inf, -math.inf, math.nan, 4102444800000.0):
                yield Condition(entity, name, sign, number)
        for no in ("", "NOT "):
            yield Condition(entity, name, f"IS {no}NULL", None)
            yield Condition(entity, name, f"{no}IN", (1.0, math.nan, 2.5))


def test_what_a_store_is_asked_is_true_of_the_runs_that_a_condition_is_true_of(odd: list[Run]):
    """Exactly where it says so, and of no fewer where it does not."""
    store = anew.Store()
    exact = 0
    for condition in conditions():
        meant = {
            run.info.run_id
            for run in odd
            if condition.holds(searching.of_run(run, condition.entity, condition.name))
        }
        asked = question.asked(condition)
        if asked.expression is None:
            assert not asked.exact or len(meant) == len(odd), condition
            continue
        given = {view.id for view in store.search(asked.expression)}
        assert meant <= given, condition
        assert meant == given or not asked.exact, condition
        exact += asked.exact
    assert exact > 300


def test_filters_and_orders_have_the_answers_of_asking_every_run(odd: list[Run]):
    with anew.Experiment("native", params={"p": 3}):
        pass
    filters = [
        "", "metrics.m >= 1", "metrics.m >= 1 and params.p = '3'", "tags.e = '' and metrics.`odd 'm'` > 2",
        "params.p LIKE 'x%'", "status != 'FAILED' and params.nope IS NULL", "metrics.nope > 1",
    ]  # fmt: skip
    fields = (
        "metrics.m",
        "metrics.seldom",
        "metrics.`odd 'm'`",
        "metrics.nope",
        "params.p",
        "run_name",
    )
    orders = [[f"{field} {way}"] for field in fields for way in ("ASC", "DESC")]
    for text in filters:
        asked = parse_filter(text, ("status",))
        met = [
            run
            for run in odd
            if all(c.holds(searching.of_run(run, c.entity, c.name)) for c in asked)
        ]
        for order in [[], ["metrics.m DESC", "metrics.seldom"], *orders]:
            whole = in_order(met, parse_order(order, ("run_name",)), searching.of_run)
            for most in (None, 4):
                ids = [
                    run.info.run_id
                    for run in found(filter_string=text, order_by=order, max_results=most)
                ]
                assert ids == [run.info.run_id for run in whole[:most]], (text, order, most)


def test_a_filter_that_the_store_answers_reads_no_run_that_is_not_wanted(
    odd: list[Run], monkeypatch: pytest.MonkeyPatch
):
    read: list[str] = []
    monkeypatch.setattr(searching, "run_of", lambda view: read.append(view.id) or run_of(view))
    assert len(found(filter_string="metrics.m >= 1 and tags.e = ''", max_results=2)) == 2
    assert len(found(filter_string="metrics.m = 4", order_by=["metrics.`odd 'm'` DESC"])) == 3
    assert len(found(filter_string="params.p = '0.1'")) == 1
    assert len(read) == 6


def test_a_mistake_in_a_filter_is_pointed_at(three: list[str]):
    for text, said in (
        ("metrics.acc > 'x'", "numeric"), ("params.lr = 0.1", "quoted"), ("nope = 'x'", "nope"),
        ("metrics.acc LIKE 'x'", "LIKE"), ("params.lr IN ('a'", "closed"), ("params.lr IN 'a'", "list"),
        ("metrics.acc > 1 metrics.acc < 2", "AND"), ("metrics.acc > 1 AND", "AND"), ("$", r"\$"),
        ("metrics.acc ~ 1", "~"), ("__import__('os').system('x')", "__import__"),
        ("datasets.nope = 'x'", "dataset"), ("= 1", "field"), ("params.lr >= '1'", "comparator"),
    ):  # fmt: skip
        with pytest.raises(MlflowException, match=said):
            mlflow.search_runs(filter_string=text)
    with pytest.raises(MlflowException, match="order_by"):
        mlflow.search_runs(order_by=["metrics.acc DOWN"])
    with pytest.raises(MlflowException):
        mlflow.search_runs(["0"], experiment_names=["Default"])
    with pytest.raises(ValueError):
        mlflow.search_runs(output_format="polars")  # type: ignore[arg-type]


def test_runs_come_in_the_order_asked_for(three: list[str]):
    def order(*clauses: str, **options: Any) -> list[int]:
        runs = mlflow.search_runs(order_by=list(clauses), output_format="list", **options)
        return [three.index(run.info.run_id) for run in runs]

    assert order() == [3, 2, 1, 0]
    assert order("metrics.acc DESC") == [1, 0, 2, 3]
    assert order("metrics.acc") == [0, 1, 2, 3]
    assert order("params.lr DESC", "start_time ASC") == [0, 2, 1, 3]
    assert order("start_time ASC", max_results=2) == [0, 1]
    client = MlflowClient()
    page = client.search_runs(["0"], order_by=["start_time ASC"], max_results=3)
    rest = client.search_runs(
        ["0"], order_by=["start_time ASC"], max_results=3, page_token=page.token
    )
    assert [r.info.run_id for r in [*page, *rest]] == three
    assert rest.token is None


def test_runs_that_are_deleted_are_not_found(three: list[str]):
    mlflow.delete_run(three[0])
    assert len(mlflow.search_runs()) == 3
    assert len(mlflow.search_runs(run_view_type=ViewType.DELETED_ONLY)) == 0
    assert mlflow.get_run(three[0]).info.lifecycle_stage == "deleted"


def test_experiments_recorded_by_other_means_are_runs_of_their_project():
    with anew.Experiment("native", project="team/vision", params={"lr": 1}) as native:
        native.log_metric("loss", 0.5, step=1)
    mlflow.set_experiment("team/vision")
    frame = mlflow.search_runs()
    assert frame["run_id"].tolist() == [native.id]
    assert frame["metrics.loss"].tolist() == [0.5]
