"""What every backend must do for charts: many series on one grid, without losing what stands out."""

from __future__ import annotations

import time

import numpy as np
import pytest

from ..errors import (
    InvalidValue,
)
from ..query.panel import PanelQuestion
from ..query.question import (
    parse_field,
)
from ..reading.backend import Backend
from ..reading.wire import encode
from ..tracking.experiment import Experiment
from .backend_writing import BackendWriting

__all__ = ["PanelTests"]


class PanelTests(BackendWriting):
    """The promises of `Backend.panel`."""

    def test_a_panel_has_every_series_on_one_grid(self, backend: Backend, root: str) -> None:
        ids = tuple(self.write(root, f"lab/x/{n}", offset=float(n)) for n in range(3))
        backend.select(self.now())
        panel = backend.panel(PanelQuestion(ids=ids, metrics=("loss", "never"), buckets=3))
        assert panel.grid is not None
        assert (panel.grid.start, panel.grid.stop, panel.grid.buckets) == (0, 9, 3)
        assert [(one.id, one.metric, one.points) for one in panel.series] == [
            (id_, "loss", 10) for id_ in ids
        ]
        assert panel.buckets.count.tolist() == [[3, 3, 4]] * 3
        assert panel.buckets.high[:, 0].tolist() == [1.0, 2.0, 3.0]
        assert panel.buckets.low[0].tolist() == [1 / 3, 1 / 6, 1 / 10]
        np.testing.assert_array_equal(panel.buckets.last, panel.buckets.low)
        assert panel.left_out == ()

    def test_groups_of_a_panel_count_every_member(self, backend: Backend, root: str) -> None:
        for n in range(4):
            self.write(root, f"lab/x/{n}", offset=float(n), params={"model": "ab"[n % 2]})
        panel = backend.panel(
            PanelQuestion(
                select=self.now(sort="name"), metrics=("loss",), buckets=2,
                group=(parse_field("params.model"),), quantiles=(0.0, 0.5, 1.0),
            )
        )  # fmt: skip
        assert [(one.values, one.members) for one in panel.groups] == [(("a",), 2), (("b",), 2)]
        assert [one.group for one in panel.series] == [0, 1, 0, 1]
        assert panel.group_buckets is not None
        means = panel.buckets.mean[:, 0]
        low, middle, high = panel.group_buckets.quantiles[0, :, 0]
        assert (low, high) == (means[0], means[2])
        assert middle == pytest.approx((low + high) / 2)
        assert panel.group_buckets.mean[:, 0].tolist() == pytest.approx(
            [(means[0] + means[2]) / 2, (means[1] + means[3]) / 2]
        )
        assert panel.group_buckets.members.tolist() == [[2, 2], [2, 2]]

    def test_groups_tell_of_each_step_and_their_deviation(
        self, backend: Backend, root: str
    ) -> None:
        for n in range(6):
            params = {"model": "ab"[n % 2], "depth": n // 3}
            self.write(root, f"lab/x/{n}", offset=float(n) ** 2, params=params)
        fields = (parse_field("params.model"), parse_field("params.depth"))
        panel = backend.panel(
            PanelQuestion(
                select=self.now(sort="name"), metrics=("loss",), buckets=10, group=fields, columns=(),
                quantiles=(),
            )
        )  # fmt: skip
        assert [one.values for one in panel.groups] == [("a", 0), ("b", 0), ("b", 1), ("a", 1)]
        assert panel.buckets.mean.shape[0] == 0
        assert panel.group_places is not None
        assert panel.group_places.tolist() == [float(step) for step in range(10)]
        assert panel.group_buckets is not None
        loss = 1 / (np.arange(10) + 1.0)
        first, second = loss + 0.0, loss + 4.0
        np.testing.assert_allclose(panel.group_buckets.mean[0], (first + second) / 2)
        np.testing.assert_allclose(
            panel.group_buckets.deviation[0], np.std([first, second], axis=0, ddof=1)
        )
        assert np.isnan(panel.group_buckets.deviation[1]).all()
        assert panel.group_buckets.members[:, 0].tolist() == [2, 1, 2, 1]

    def test_a_panel_of_few_points_has_every_one_of_them(self, backend: Backend, root: str) -> None:
        with self.begun(root, "lab/x/a") as exp:
            for step in (5, 1, 1, 9):
                exp.log_metrics({"loss": float(step)}, step=step)
            exp.log_metrics({"loss": float("nan")}, step=1)
        other = self.write(root, "lab/x/b")
        third = self.write(root, "lab/x/c")
        backend.select(self.now())
        ids = (exp.id, other, third)
        panel = backend.panel(PanelQuestion(ids=ids, metrics=("loss",), points=25))
        assert panel.exact is not None
        assert panel.buckets.low.shape[0] == 0
        assert panel.exact.starts.tolist() == [0, 5, 15, 25]
        x = [
            panel.exact.x[at : at + n].tolist()
            for at, n in zip(panel.exact.x_starts, (5, 10, 10), strict=True)
        ]
        assert x == [[1, 1, 1, 5, 9], [*range(10)], [*range(10)]]
        assert panel.exact.x_starts[1] == panel.exact.x_starts[2]  # the same places are sent once
        np.testing.assert_array_equal(panel.exact.value[:5], [1, 1, float("nan"), 5, 9])
        assert panel.totals.inside.tolist() == [5, 10, 10]
        assert panel.totals.nan.tolist() == [1, 0, 0]
        assert backend.panel(PanelQuestion(ids=ids, metrics=("loss",), points=24)).exact is None
        part = backend.panel(PanelQuestion(ids=ids, metrics=("loss",), start=2, stop=6, points=11))
        assert part.exact is not None
        assert part.exact.value[:1].tolist() == [5]
        assert part.totals.inside.tolist() == [1, 5, 5]

    def test_x_may_be_the_values_of_another_metric(self, backend: Backend, root: str) -> None:
        with self.begun(root, "lab/x/a") as exp:
            for step in range(4):
                exp.log_metrics({"m": float(step)}, step=step)
            for step in (0, 1, 1, 3):
                exp.log_metrics({"epoch": step * 10.0 + 1}, step=step)
        backend.select(self.now())
        question = PanelQuestion(
            ids=(exp.id,), metrics=("m",), x="metric", x_metric="epoch", points=100
        )
        panel = backend.panel(question)
        assert panel.exact is not None
        assert panel.exact.x.tolist() == [1, 11, 31]
        assert panel.exact.value.tolist() == [0, 1, 3]
        assert panel.totals.unplaced.tolist() == [1]
        with pytest.raises(InvalidValue):
            backend.panel(PanelQuestion(ids=(exp.id,), metrics=("m",), x="metric"))

    def test_steps_beyond_what_floats_hold_are_counted_from_the_first(
        self, backend: Backend, root: str
    ) -> None:
        first = 2**62
        with self.begun(root, "lab/x/a") as exp:
            for step in range(4):
                exp.log_metrics({"m": float(step)}, step=first + step)
        backend.select(self.now())
        panel = backend.panel(PanelQuestion(ids=(exp.id,), metrics=("m",), points=100))
        assert panel.origin == str(first)
        assert panel.exact is not None
        assert panel.exact.x.tolist() == [0, 1, 2, 3]
        again = PanelQuestion(
            ids=(exp.id,), metrics=("m",), points=100, origin=panel.origin, start=1, stop=2
        )
        found = backend.panel(again).exact
        assert found is not None
        assert found.value.tolist() == [1, 2]

    def test_a_logarithmic_axis_says_what_it_cannot_show(self, backend: Backend, root: str) -> None:
        with self.begun(root, "lab/x/a") as exp:
            for step in (0, 1, 10, 100, 1000):
                exp.log_metrics({"m": 10.0 - step}, step=step)
        backend.select(self.now())
        panel = backend.panel(
            PanelQuestion(ids=(exp.id,), metrics=("m",), spacing="log", buckets=3)
        )
        assert panel.grid is not None
        assert (panel.grid.start, panel.grid.stop) == (1, 1000)
        assert panel.buckets.count.tolist() == [[1, 1, 2]]
        assert panel.totals.unplaced.tolist() == [1]
        assert panel.totals.not_positive.tolist() == [3]

    def test_the_robust_range_is_of_all_points(self, backend: Backend, root: str) -> None:
        with self.begun(root, "lab/x/a") as exp:
            for step in range(101):
                exp.log_metrics({"m": 1e9 if step == 50 else float(step)}, step=step)
        backend.select(self.now())
        panel = backend.panel(PanelQuestion(ids=(exp.id,), metrics=("m",), robust=(0.01, 0.99)))
        values = [1e9 if step == 50 else float(step) for step in range(101)]
        assert panel.robust == pytest.approx(tuple(np.quantile(values, (0.01, 0.99))))

    def test_attempts_are_series_of_their_own(self, backend: Backend, root: str) -> None:
        with self.begun(root, "lab/x/a") as exp:
            for step in range(3):
                exp.log_metrics({"m": float(step)}, step=step)
        time.sleep(0.002)  # points are told apart by their times, which are of whole milliseconds
        with self.begun(root, "lab/x/a", resume="must") as again:
            for step in range(2, 5):
                again.log_metrics({"m": -float(step)}, step=step)
        backend.select(self.now())
        panel = backend.panel(
            PanelQuestion(ids=(exp.id,), metrics=("m",), points=100, attempts=True)
        )
        assert [(one.attempt, one.points) for one in panel.series] == [(0, 3), (1, 3)]
        assert panel.exact is not None
        assert panel.exact.value.tolist() == [0, 1, 2, -2, -3, -4]
        one = backend.panel(PanelQuestion(ids=(exp.id,), metrics=("m",), points=100))
        assert [series.points for series in one.series] == [6]

    def test_a_panel_of_nothing_has_no_grid(self, backend: Backend, root: str) -> None:
        id_ = self.write(root)
        backend.select(self.now())
        for question in (
            PanelQuestion(ids=(id_,), metrics=("never",)),
            PanelQuestion(ids=("gone",), metrics=("loss",)),
        ):
            panel = backend.panel(question)
            assert (panel.grid, panel.series) == (None, ())

    def test_a_panel_is_of_the_range_asked_for(self, backend: Backend, root: str) -> None:
        id_ = self.write(root)
        backend.select(self.now())
        panel = backend.panel(
            PanelQuestion(ids=(id_,), metrics=("acc",), start=2, stop=4, buckets=2)
        )
        assert panel.buckets.count.tolist() == [[1, 2]]
        assert panel.buckets.last.tolist() == [[0.2, 0.4]]
        time_ = backend.panel(PanelQuestion(ids=(id_,), metrics=("acc",), x="relative", buckets=1))
        assert time_.buckets.count.tolist() == [[10]]
        assert time_.grid is not None
        assert time_.grid.start >= 0

    def test_a_panel_tells_values_that_are_no_numbers_apart(
        self, backend: Backend, root: str
    ) -> None:
        exp = Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0)
        with exp:
            for step, value in enumerate([1.0, float("nan"), float("inf"), -2.0, float("nan")]):
                exp.log_metrics({"m": value}, step=step)
        backend.select(self.now())
        panel = backend.panel(PanelQuestion(ids=(exp.id,), metrics=("m",), buckets=2))
        assert panel.buckets.count.tolist() == [[2, 3]]
        assert panel.buckets.nonfinite.tolist() == [[1, 2]]
        np.testing.assert_array_equal(panel.buckets.low, [[1.0, -2.0]])
        np.testing.assert_array_equal(panel.buckets.high, [[1.0, np.inf]])
        np.testing.assert_array_equal(panel.buckets.last, [[np.nan, np.nan]])
        np.testing.assert_array_equal(panel.buckets.mean, [[1.0, -2.0]])

    def test_a_spike_is_in_the_panel_however_few_buckets_there_are(
        self, backend: Backend, root: str
    ) -> None:
        exp = Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0)
        with exp:
            for step in range(500):
                exp.log_metrics({"m": 99.0 if step == 300 else 0.5}, step=step)
        backend.select(self.now())
        panel = backend.panel(PanelQuestion(ids=(exp.id,), metrics=("m",), buckets=3))
        assert panel.buckets.high.tolist() == [[0.5, 99.0, 0.5]]
        assert int(panel.buckets.count.sum()) == panel.series[0].points == 500

    def test_a_long_series_is_the_same_whichever_way_it_is_read(
        self, backend: Backend, root: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        id_ = self.write(root)
        backend.select(self.now())
        for asked in (
            PanelQuestion(ids=(id_,), metrics=("loss", "acc"), buckets=4),
            PanelQuestion(ids=(id_,), metrics=("acc",), start=2.5, stop=6.5, buckets=3),
            PanelQuestion(ids=(id_,), metrics=("acc",), x="relative", points=50),
        ):
            monkeypatch.undo()
            usual = encode(backend.panel(asked))
            monkeypatch.setattr("anew.reading.local.panel_reading.LONG", 1)
            assert encode(backend.panel(asked)) == usual

    def test_a_panel_without_buckets_is_refused(self, backend: Backend) -> None:
        with pytest.raises(InvalidValue):
            backend.panel(PanelQuestion(ids=(), metrics=("loss",), buckets=0))
        with pytest.raises(InvalidValue):
            backend.panel(PanelQuestion(ids=(), metrics=("loss",), smooth=1.0))
