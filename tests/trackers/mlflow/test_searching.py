"""Filters and orders of MLflow find the runs they describe."""

from __future__ import annotations

import math
from typing import Any

import pytest

import anew
import anew.dialects.mlflow as mlflow
from anew.dialects.mlflow import MlflowClient, MlflowException
from anew.dialects.mlflow.entities import ViewType
from anew.trackers.mlflow.dialect import narrowing, places
from anew.trackers.mlflow.dialect.filters import matcher

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


def test_narrowing_leaves_out_no_run_that_a_filter_is_true_of(monkeypatch: pytest.MonkeyPatch):
    values = [
        0.1,
        3,
        1e-05,
        1e20,
        True,
        None,
        "True",
        "3",
        "a'b",
        [1, 2],
        math.nan,
        math.inf,
        "",
        "x" * 600,
    ]
    mlflow.set_experiment("odd (names) ^[1] it's")
    for number, value in enumerate(values):
        with mlflow.start_run(tags={"it's": str(value), "e": ""}):
            mlflow.log_params({"p": value, "q.r": value, "odd 'name'": value})
            mlflow.log_metrics({"m": number / 3, "odd 'm'": [math.nan, math.inf, 2.5][number % 3]})
    with anew.Experiment("native", params={"p": 3}):
        pass
    filters = ["status = 'FINISHED'", "status IN ('FAILED', 'RUNNING')", "status != 'FAILED'",
               "metrics.`odd 'm'` != 2.5", "metrics.`odd 'm'` >= 2.5", "metrics.m <= 1", "tags.e = ''",
               "metrics.m IN (1, 2)", "params.p IN ('3', 'True')", "run_id = 'x'", "metrics.m > 1e20"]  # fmt: skip
    for value in values:
        text = str(value).replace("'", "\\'")
        for field in ("params.p", "params.q.r", "params.`odd 'name'`", "tags.`it's`"):
            filters += [f"{field} = '{text}'", f"{field} != '{text}'"]
    ours = [len(mlflow.search_runs(filter_string=text)) for text in filters]
    store = places.store()
    assert store is not None
    for text in filters:
        said = narrowing.narrower(matcher(text, ("status", "run_id"), lambda *_: []).conditions)
        store.list(said)  # it can be read, and names what there is
    monkeypatch.setattr("anew.trackers.mlflow.dialect.searching.narrower", lambda conditions: None)
    assert [len(mlflow.search_runs(filter_string=text)) for text in filters] == ours
    assert ours[:3] == [len(values), 0, len(values)]
    assert sum(ours) > 100


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
    with pytest.raises(MlflowException):
        mlflow.get_run(three[0])
    with mlflow.start_run() as run, pytest.raises(MlflowException):
        mlflow.delete_run(run.info.run_id)


def test_experiments_recorded_by_other_means_are_runs_of_their_project():
    with anew.Experiment("native", project="team/vision", params={"lr": 1}) as native:
        native.log_metric("loss", 0.5, step=1)
    mlflow.set_experiment("team/vision")
    frame = mlflow.search_runs()
    assert frame["run_id"].tolist() == [native.id]
    assert frame["metrics.loss"].tolist() == [0.5]
