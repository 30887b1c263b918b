"""Names that programs and libraries import from wandb's own modules."""

from __future__ import annotations

import importlib
import os
from typing import Any

import numpy as np
import pytest

import anew.dialects.wandb as wandb
from anew import Store
from anew.dialects.wandb.errors import AuthenticationError
from anew.errors import AnewError


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    yield
    wandb.teardown()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sdk.wandb_run", "Run"), ("wandb_run", "Run"), ("sdk.lib", "RunDisabled"), ("sdk.lib.config_util", "ConfigError"),
        ("data_types", "Table"), ("data_types", "WBValue"), ("apis.public", "Run"), ("sklearn", "plot_roc"), ("env", "set_project"),
        ("sdk.data_types.base_types.wb_value", "WBValue"),
    ],
)  # fmt: skip
def test_a_name_is_found_at_its_address(module: str, name: str):
    found = importlib.import_module(f"anew.dialects.wandb.{module}")
    assert getattr(found, name) is not None
    inner: Any = wandb
    for part in module.split("."):
        inner = getattr(inner, part)
    assert inner is found


def test_lines_go_to_standard_error_once_or_always_and_never_where_silent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    wandb.termlog("a\nb")
    wandb.termwarn("only once", repeat=False)
    wandb.termwarn("only once", repeat=False)
    wandb.termerror("c", prefix=False, newline=False)
    monkeypatch.setenv("WANDB_SILENT", "true")
    wandb.termerror("unseen")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "wandb: a\nwandb: b\nwandb: WARNING only once\nc"


def test_the_environment_decides_the_project(monkeypatch: pytest.MonkeyPatch):
    environ: dict[str, str] = {}
    wandb.env.set_project("p", environ)
    wandb.env.set_entity("e", environ)
    assert (wandb.env.get_project(env=environ), wandb.env.get_entity(env=environ)) == ("p", "e")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert wandb.init().path.startswith("e/p/")


def test_data_with_arrays_is_json():
    from anew.dialects.wandb.util import json_dumps_safer

    assert json_dumps_safer({"a": np.arange(2), "b": {1}}) == '{"a": [0, 1], "b": [1]}'


def test_there_is_no_account_and_nothing_asks_for_one():
    assert wandb.api.api_key
    assert wandb.ensure_configured() is None
    assert issubclass(AuthenticationError, AnewError)


def test_charts_of_an_estimator_are_values_of_the_run():
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(0)
    x = random.random((60, 2))
    y = (x[:, 0] > 0.5).astype(int)
    model = LogisticRegression().fit(x, y)
    with wandb.init(project="p") as run:
        wandb.sklearn.plot_roc(y, model.predict_proba(x), ["no", "yes"])
        wandb.sklearn.plot_precision_recall(y, model.predict_proba(x), ["no", "yes"])
        wandb.sklearn.plot_confusion_matrix(y, model.predict(x), ["no", "yes"])
        wandb.sklearn.plot_feature_importances(model, ["a", "b"])
        wandb.sklearn.plot_class_proportions(y[:30], y[30:], ["no", "yes"])
        wandb.sklearn.plot_summary_metrics(model, x, y, x, y)
    values = {value.name: value for value in Store()[run.native.id].values()}
    assert set(values) == {
        "roc", "precision_recall", "confusion_matrix", "feature_importances", "class_proportions", "summary_metrics",
    }  # fmt: skip
    assert values["feature_importances"].data["rows"][0][0] == "a"
    proportions = values["class_proportions"].data["rows"]
    assert [row[2] for row in proportions] == [
        int((part == label).sum()) for label in (0, 1) for part in (y[:30], y[30:])
    ]
