from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from anew import Experiment, Store
from anew.errors import InvalidValue, NotFound
from anew.plots.lines import read_lines


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    root = str(tmp_path_factory.mktemp("joining"))
    given = {"root": root, "quiet": True, "system_metrics": 0}
    with Experiment("lab/x/a", params={"lr": 0.1}, **given) as exp:
        for step in range(6):
            exp.log_metrics(
                {"loss": 10.0 - step, "acc": float("nan") if step == 2 else step / 10}, step=step
            )
            if step % 2 == 0:
                exp.log_metrics({"epoch": step / 2}, step=step)
        exp.log_metrics({"loss": 4.5}, step=5)
    with Experiment("lab/x/resumed", params={"lr": 0.1}, **given) as exp:
        for step in range(10):
            exp.log_metrics({"loss": 100.0 + step}, step=step)
        exp.log("first attempt")
    time.sleep(0.02)
    with Experiment("lab/x/resumed", resume="must", **given) as exp:
        for step in range(6, 14):
            exp.log_metrics({"loss": 200.0 + step}, step=step)
        exp.log("second attempt", level="warning")
    with Experiment("lab/x/b", params={"lr": 0.3}, **given) as exp:
        exp.log_metrics({"loss": 1.0}, step=0)
    with Store(root) as opened:
        yield opened


def test_metrics_stand_side_by_side_at_each_step(store):
    frame = store.history("lab/x/a", ["loss", "acc", "epoch"]).wide().to_arrow().to_pydict()
    assert list(frame) == ["experiment_id", "name", "step", "loss", "acc", "epoch"]
    assert frame["name"] == ["a"] * 6
    assert frame["step"] == list(range(6))
    assert frame["loss"] == [10.0, 9.0, 8.0, 7.0, 6.0, 4.5]
    assert frame["epoch"] == [0.0, None, 1.0, None, 2.0, None]
    assert np.isnan(frame["acc"][2])


def test_rows_are_joined_by_any_metric_and_by_time(store):
    history = store.history(["lab/x/a", "lab/x/b"], ["loss", "acc", "epoch"])
    frame = history.wide("loss").to_arrow().to_pydict()
    assert frame["loss"] == [4.5, 6.0, 7.0, 8.0, 9.0, 10.0, 1.0]
    assert frame["step"] == [5, 4, 3, 2, 1, 0, 0]
    assert frame["acc"][:3] == [0.5, 0.4, 0.3]
    assert frame["acc"][-1] is None
    times = history.wide("time").to_arrow()
    assert str(times.schema.field("time").type) == "timestamp[us, tz=UTC]"
    assert times.num_rows == len(history.wide("time")) >= 2
    with pytest.raises(NotFound):
        history.wide("lr")
    assert history.wide().to_polars().shape == (7, 6)


def test_frames_have_moments_and_names(store):
    frame = store.history("lab/x/a", "loss").to_pandas()
    assert str(frame["time"].dtype).startswith("datetime64[")
    assert frame["time"].dt.tz is not None
    series = store["lab/x/a"].metrics["loss"].read()
    assert frame["time"].astype("datetime64[us, UTC]").astype("int64").tolist() == pytest.approx(
        np.round(series.times * 1e6).tolist(), abs=1
    )
    assert set(frame["name"]) == {"a"}
    listed = store.list().to_arrow()
    assert str(listed.schema.field("created_at").type) == "timestamp[us, tz=UTC]"
    assert listed.column("ended_at").null_count == 0


def test_a_resumed_run_is_one_curve_or_its_attempts(store):
    (whole,) = store.history("lab/x/resumed", "loss")
    (joined,) = store.history("lab/x/resumed", "loss", attempts="joined")
    first, second = store.history("lab/x/resumed", "loss", attempts="each")
    assert (len(whole), len(joined), len(first), len(second)) == (18, 14, 10, 8)
    assert joined.steps.tolist() == list(range(14))
    assert joined.values.tolist() == [100.0 + s for s in range(6)] + [
        200.0 + s for s in range(6, 14)
    ]
    assert (first.attempt, second.attempt) == (0, 1)
    assert second.values.tolist() == [200.0 + s for s in range(6, 14)]
    assert len(store.history("lab/x/resumed", "loss", attempts="joined", points=5)[0]) <= 6
    table = store.history("lab/x/resumed", "loss", attempts="each").to_arrow()
    assert table.column("attempt").to_pylist() == [0] * 10 + [1] * 8
    (plain,) = store.history("lab/x/b", "loss", attempts="joined")
    assert len(plain) == 1
    with pytest.raises(InvalidValue):
        store.history("lab/x/b", "loss", attempts="all")


def test_any_metric_goes_across_and_attempts_are_drawn(store):
    views = [store["lab/x/a"], store["lab/x/b"]]
    (line,) = read_lines(store, views, ["acc"], x="loss")
    assert line.x.tolist() == [4.5, 6.0, 7.0, 8.0, 9.0, 10.0]
    assert line.y[[0, 1, 2, 4, 5]].tolist() == [0.5, 0.4, 0.3, 0.1, 0.0]
    with pytest.raises(NotFound):
        read_lines(store, views, ["acc"], x="no")
    drawn = read_lines(store, [store["lab/x/resumed"]], ["loss"], attempts="each")
    assert [(one.attempt, len(one.y)) for one in drawn] == [(0, 10), (1, 8)]


def test_groups_tell_how_results_spread(store):
    found = store.groups("params.lr", "loss")
    assert [(one.by, one.n) for one in found] == [({"params.lr": 0.1}, 2), ({"params.lr": 0.3}, 1)]
    first, second = (one.results["loss"] for one in found)
    assert (first.min, first.max, first.mean) == (4.5, 100.0, 52.25)
    assert first.sd == pytest.approx(np.std([4.5, 100.0], ddof=1))
    assert (second.mean, second.sd) == (1.0, None)
    table = store.groups(["params.lr", "status"], ["loss", "duration"]).to_arrow()
    assert table.column_names[:4] == ["params.lr", "status", "n", "loss.mean"]
    assert table.num_rows == 2
    assert list(store.groups("params.lr", filter="params.lr > 0.2")[0].results) == ["loss"]


def test_messages_of_several_come_in_the_order_of_their_times(store):
    found = store.logs(store.list())
    assert [(view.name, line.message) for view, line in found] == [
        ("resumed", "first attempt"), ("resumed", "second attempt"),
    ]  # fmt: skip
    assert [line.message for _, line in store.logs(store.list(), tail=1)] == ["second attempt"]
    assert len(store.logs(["lab/x/b", "lab/x/resumed"], "warning")) == 1


def test_several_are_followed_until_all_have_ended(tmp_path: Path):
    given = {"root": str(tmp_path), "quiet": True, "system_metrics": 0}
    one, two = (Experiment(f"lab/x/{name}", **given) for name in ("one", "two"))
    one.run.start()
    two.run.start()
    one.log("a")
    with Store(str(tmp_path)) as store:
        lines = store.follow([one.id, two.id], interval=0.05)
        assert next(lines)[1].message == "a"
        two.log("b")
        view, line = next(lines)
        assert (view.name, line.message) == ("two", "b")
        one.log("c")
        one.run.complete()
        two.log("d")
        two.run.complete()
        assert [line.message for _, line in lines] == ["c", "d"]
