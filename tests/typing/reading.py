"""What a user writes to ask about experiments: it must pass a strict type checker, not run."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import pandas as pd
import polars as pl

from anew import Status, Store
from anew.errors import Ambiguous, NotFound, QueryError


def find(root: Path) -> list[str]:
    with Store(root) as store:
        found = store.search(
            "metrics.val_loss.min < 0.5 and 'vae' in tags", sort="-created_at", limit=10
        )
        assert_type(found.ids, list[str])
        assert_type(found.to_pandas(), pd.DataFrame)
        assert_type(found.to_polars(), pl.DataFrame)
        names = [view.name for view in found if view.status is Status.COMPLETED]
        return names + [view.prefix for view in found[:3]]


def ask(store: Store) -> float | None:
    try:
        view = store["alice/vision/resnet50"]
    except Ambiguous as error:
        view = store.get(error.candidates[0])
    except NotFound as error:
        view = store.get(error.nearest[0])
    metric = view.metrics["train/loss"]
    assert_type(metric.count, int)
    assert_type(metric.to_pandas(), pd.DataFrame)
    steps, values = metric.to_numpy(points=1000)
    print(steps[-1], values.max(), view.params["lr"], view.path / "config.yaml", view.tags)
    for line in view.logs(level="warning"):
        print(line.time, line.message)
    for file in view.files:
        print(file.name, file.size, len(file.read_bytes()))
    return metric.best("min")


def several(store: Store) -> None:
    comparison = store.compare(["a", "b"], metrics=["val_loss"])
    print(comparison.params["lr"]["a"], comparison.to_pandas())
    for best in store.best("val_acc", mode="max", limit=3):
        print(best.experiment.id, best.value, best.step)
    history = store.history(["a", "b"], "val_loss", points=500)
    assert_type(history.to_pandas(), pd.DataFrame)
    for difference in store.first_difference("a", "b", rtol=1e-6):
        print(difference.metric, difference.step)
    store.tag("a", add={"team": "vision"}, remove="old")
    store.delete(["a", "b"])
    print(store.summary().by_status, store.gc(older_than="7d"))


def mistake(store: Store) -> int | None:
    try:
        store.search("metrics.val_los < 1")
    except QueryError as error:
        return error.position
    return None
