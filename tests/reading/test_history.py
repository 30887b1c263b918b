"""Points of metrics: exact, ordered, downsampled, as frames."""

from __future__ import annotations

import math

import numpy as np
import pytest

from anew import Experiment, Store
from anew.errors import NotFound

from ..stores.journals import Journal
from .made import make

NAN, INF = math.nan, math.inf


def logged(root, points, prefix="a/b", writer="0001-main"):
    """An experiment of `(step, value)` points of `loss`."""
    journal = Journal(root, prefix).opened(writer)
    journal.points(((step, {"loss": value}) for step, value in points), writer)
    return journal.closed(writer=writer).announce()


def test_points_come_in_step_order_with_repeated_steps_as_written(root):
    logged(root, [(5, 1.0), (1, 2.0), (5, 3.0), (1, 4.0), (None, 5.0)])
    with Store(root) as store:
        metric = store["a/b"].metrics["loss"]
        steps, values = metric.to_numpy()
        assert steps.tolist() == [1, 1, 4, 5, 5]
        assert values.tolist() == [2.0, 4.0, 5.0, 1.0, 3.0]
        written = metric.read(order="written")
        assert written.values.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
        assert written.steps.tolist() == [5, 1, 5, 1, 4]
        assert [row["value"] for row in metric.rows(1, 2)] == [2.0, 3.0]
        assert metric.rows(4)[0]["index"] == 4
        assert metric.rows(9) == []


def test_every_float_comes_back_to_the_last_bit(root):
    values = [0.1 + 0.2, 5e-324, -0.0, NAN, INF, -INF, 1.7976931348623157e308]
    logged(root, list(enumerate(values)))
    with Store(root) as store:
        found = store["a/b"].metrics["loss"].read().values
        assert found.view(np.int64).tolist()[:3] == np.array(values).view(np.int64).tolist()[:3]
        np.testing.assert_array_equal(found, values)


def test_a_summary_says_what_numpy_says(root):
    values = [3.0, NAN, 1.0, INF, 2.0]
    logged(root, list(enumerate(values)))
    with Store(root) as store:
        metric = store["a/b"].metrics["loss"]
        assert (metric.count, len(metric), metric.nonfinite) == (5, 5, 2)
        assert (metric.first, metric.last, metric.last_step) == (3.0, 2.0, 4)
        assert (metric.min, metric.min_step, metric.max, metric.max_step) == (1.0, 2, INF, 3)
        assert (metric.mean, metric.std) == (2.0, 1.0)
        assert (metric.best(), metric.best_step()) == (1.0, 2)
        assert metric.best("max") == INF
        assert metric.percentiles([0, 50, 100]) == {0: 1.0, 50: 2.0, 100: 3.0}


def test_a_metric_that_is_not_there_names_the_nearest(root):
    make(root, "a/b")
    with Store(root) as store:
        metrics = store["a/b"].metrics
        with pytest.raises(NotFound, match="'train/loss'"):
            metrics["loss"]
        assert metrics.get("loss") is None
        assert "loss" not in metrics
        assert list(metrics) == ["train/loss", "val_acc"]
        with pytest.raises(NotFound, match="train/loss"):
            store.history("a/b", ["val_acc", "train/los"])
        with pytest.raises(NotFound):
            store.history("a/b", "x*")


def test_many_metrics_of_many_experiments_are_one_long_table(root):
    for name in "abc":
        make(root, f"x/{name}", steps=3)
    logged(root, [(0, 1.0)], "x/other")
    with Store(root) as store:
        ids = {view.name: view.id for view in store}
        history = store.history(["x/b", "x/other", "x/a"], ["val_acc", "loss"])
        assert [(s.experiment_id, s.metric, len(s)) for s in history] == [
            (ids["b"], "val_acc", 3),
            (ids["other"], "loss", 1),
            (ids["a"], "val_acc", 3),
        ]
        frame = history.to_pandas()
        assert frame.columns.tolist() == [
            "experiment_id",
            "name",
            "metric",
            "step",
            "time",
            "value",
        ]
        assert frame["value"].tolist() == [0.0, 0.1, 0.2, 1.0, 0.0, 0.1, 0.2]
        assert frame.groupby("metric")["value"].count().to_dict() == {"loss": 1, "val_acc": 6}
        assert history.to_polars()["metric"].to_list() == frame["metric"].tolist()
        assert history.to_arrow().num_rows == history.points == 7
        assert history.get(ids["a"], "val_acc") is history[2]
        assert history.get(ids["a"], "loss") is None
        patterns = store.history(store.list(), "train/*")
        assert {s.metric for s in patterns} == {"train/loss"}
        assert len(store.history("x/a")) == 2
        empty = store.history([], None)
        assert (len(empty), empty.to_arrow().num_rows) == (0, 0)


def test_system_metrics_come_only_when_asked_for(root):
    journal = Journal(root, "a/b").opened()
    journal.points([(0, {"loss": 1.0, "system/cpu": 2.0})]).closed().announce()
    with Store(root) as store:
        assert [s.metric for s in store.history("a/b")] == ["loss"]
        assert [s.metric for s in store.history("a/b", "system/*")] == ["system/cpu"]
        assert set(store.compare(["a/b"]).metrics) == {"loss"}


def test_a_range_of_steps_is_exact_when_it_fits(root):
    logged(root, [(step, float(step % 7)) for step in range(5000)])
    with Store(root) as store:
        (whole,) = store.history("a/b", "loss", points=100)
        assert (len(whole) <= 100, whole.total) == (True, 5000)
        assert (whole.steps[0], whole.steps[-1]) == (0, 4999)
        (part,) = store.history("a/b", "loss", points=100, start=1000, stop=1090)
        assert part.steps.tolist() == list(range(1000, 1090))
        (beyond,) = store.history("a/b", "loss", start=9000)
        assert len(beyond) == 0
        (thin,) = store.history("a/b", "loss", points=50, start=100, stop=4000)
        assert len(thin) <= 50
        assert thin.total == 3900


def test_downsampling_is_the_same_sealed_and_live_and_keeps_a_spike(root):
    points = [(step, 1000.0 if step == 12_345 else math.sin(step)) for step in range(20_000)]
    journal = Journal(root, "a/b").opened(here=True)
    journal.points((step, {"loss": value}) for step, value in points)
    with Store(root) as store:
        journal.announce()
        live = store["a/b"].metrics["loss"].read(points=200)
        assert 1000.0 in live.values
        journal.closed()
        store.seal()
        assert [path.suffix for path in (journal.folder / "metrics").iterdir()] == [".parquet"]
        sealed = store["a/b"].metrics["loss"].read(points=200)
        np.testing.assert_array_equal(live.steps, sealed.steps)
        np.testing.assert_array_equal(live.values, sealed.values)


def test_steps_written_out_of_order_are_downsampled_in_step_order(root):
    shuffled = np.random.default_rng(0).permutation(3000)
    logged(root, [(int(step), float(step)) for step in shuffled])
    with Store(root) as store:
        series = store["a/b"].metrics["loss"].read(points=100)
        assert np.all(np.diff(series.steps) > 0)
        assert series.values.tolist() == series.steps.tolist()
        assert (series.steps[0], series.steps[-1]) == (0, 2999)


def test_the_metadata_of_points_comes_when_asked_for(root):
    with Experiment("a/b", root=root, quiet=True) as exp:
        exp.log_metric("loss", 1.0, step=0, metadata={"batch": 3})
        exp.log_metric("loss", 2.0, step=1)
    with Store(root) as store:
        (series,) = store.history("a/b", "loss", metadata=True)
        assert series.metadata == [{"batch": 3}, None]
        assert (
            store.history("a/b", "loss", metadata=True).to_pandas()["metadata"][0] == '{"batch": 3}'
        )
        assert store["a/b"].metrics["loss"].rows()[0]["metadata"] == {"batch": 3}
        assert store["a/b"].metrics["loss"].to_arrow().column_names == ["step", "time", "value"]


def test_what_is_written_after_the_view_was_made_is_read_from_the_journal(root):
    with Experiment("a/b", root=root, quiet=True) as exp, Store(root) as store:
        exp.log_metric("loss", 1.0, step=0)
        view = store["a/b"]
        exp.log_metric("loss", 2.0, step=1)
        assert view.metrics["loss"].count == 1
        assert view.metrics["loss"].read().values.tolist() == [1.0, 2.0]
