"""What every backend must do: each method asked about experiments that the real writer wrote.

The suite also holds `Encoded`, a backend that sends every question and answer of another through bytes: what passes
through it can be asked on another machine.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
import numpy as np
import pytest

from ..errors import (
    Conflict,
    CorruptData,
    InvalidName,
    InvalidValue,
    NotFound,
    QueryError,
    StillRunning,
)
from ..query.about import About
from ..query.changes import Changes, ChangesQuestion
from ..query.content import Content, ContentQuestion
from ..query.documents import Documents, DocumentsQuestion
from ..query.edits import Appended, AppendQuestion
from ..query.lines import Lines, LinesQuestion
from ..query.panel import Panel, PanelQuestion
from ..query.points import Points, PointsQuestion
from ..query.question import (
    FactsQuestion,
    Name,
    NamesQuestion,
    Question,
    Selected,
    ask,
    parse_field,
)
from ..query.references import Resolved, ResolveQuestion
from ..reading.backend import Backend
from ..reading.wire import decode, encode
from ..record.edits import (
    AliasEdit,
    CaptureEdit,
    ClaimEdit,
    DeleteEdit,
    DocumentEdit,
    FieldEdit,
    MoveEdit,
    ParamsEdit,
    RestoreEdit,
    TagsEdit,
    VersionEdit,
)
from ..record.facts import ExperimentFacts
from ..record.status import Status
from ..tracking.experiment import Experiment

__all__ = ["BackendContract", "Encoded"]

A = TypeVar("A")
Q = TypeVar("Q", bound=msgspec.Struct)


class Encoded:
    """A backend that is asked in bytes and answers in bytes, as one on another machine would be.

    Nothing of an answer is shared with the backend behind it, and no folder of that one is known here.
    """

    def __init__(self, behind: Backend) -> None:
        self._behind = behind

    def about(self) -> About:
        """See `Backend.about`; a place on another machine has no folder here."""
        about = decode(encode(self._behind.about()), About)
        return msgspec.structs.replace(about, root=None, where=f"encoded:{about.where}")

    def resolve(self, question: ResolveQuestion) -> tuple[Resolved, ...]:
        """See `Backend.resolve`."""
        return _sent(self._behind.resolve(_asked(question)), tuple[Resolved, ...])

    def select(self, question: Question) -> Selected:
        """See `Backend.select`."""
        return _sent(self._behind.select(_asked(question)), Selected)

    def facts(self, question: FactsQuestion) -> tuple[ExperimentFacts, ...]:
        """See `Backend.facts`."""
        return _sent(self._behind.facts(_asked(question)), tuple[ExperimentFacts, ...])

    def names(self, question: NamesQuestion) -> tuple[Name, ...]:
        """See `Backend.names`."""
        return _sent(self._behind.names(_asked(question)), tuple[Name, ...])

    def points(self, question: PointsQuestion) -> Points:
        """See `Backend.points`."""
        return _sent(self._behind.points(_asked(question)), Points)

    def panel(self, question: PanelQuestion) -> Panel:
        """See `Backend.panel`."""
        return _sent(self._behind.panel(_asked(question)), Panel)

    def lines(self, question: LinesQuestion) -> Lines:
        """See `Backend.lines`."""
        return _sent(self._behind.lines(_asked(question)), Lines)

    def open(self, question: ContentQuestion) -> Content:
        """See `Backend.open`."""
        return _sent(self._behind.open(_asked(question)), Content)

    def documents(self, question: DocumentsQuestion) -> Documents:
        """See `Backend.documents`."""
        return _sent(self._behind.documents(_asked(question)), Documents)

    def append(self, question: AppendQuestion) -> Appended:
        """See `Backend.append`."""
        return _sent(self._behind.append(_asked(question)), Appended)

    def changes(self, question: ChangesQuestion) -> Changes:
        """See `Backend.changes`."""
        return _sent(self._behind.changes(_asked(question)), Changes)


def _asked(question: Q) -> Q:
    """A question as it arrives."""
    return decode(encode(question), type(question))


def _sent(answer: A, kind: Any) -> A:
    """An answer as it arrives."""
    arrived: A = decode(encode(answer), kind)
    return arrived


class BackendContract:
    """Subclass it and give the fixtures `root`, a folder that experiments are written to, and `backend`, which
    answers from it."""

    @pytest.fixture
    def root(self) -> str:
        """The folder that `backend` answers from."""
        raise NotImplementedError

    @pytest.fixture
    def backend(self, root: str) -> Backend:
        """The backend, over whatever is written to `root`."""
        raise NotImplementedError

    def write(self, root: str, prefix: str = "lab/vision/one", **given: Any) -> str:
        """An experiment of ten points each of two metrics, ended; returns its id."""
        offset = float(given.pop("offset", 0.0))
        with self.begun(root, prefix, **given) as exp:
            for step in range(10):
                exp.log_metrics({"loss": 1.0 / (step + 1) + offset, "acc": step / 10}, step=step)
            exp.log("it goes well", level="info")
            exp.log("it goes badly", level="error", why="nan")
        return exp.id

    def begun(self, root: str, prefix: str, **given: Any) -> Experiment:
        """An experiment to be written."""
        return Experiment(prefix=prefix, root=root, quiet=True, system_metrics=0, **given)

    def now(self, **asked: Any) -> Question:
        """A question as of now."""
        return ask(**asked, now=time.time())

    # -- about -------------------------------------------------------------------------------------

    def test_it_says_what_it_is(self, backend: Backend) -> None:
        about = backend.about()
        assert about.where
        assert about == backend.about()

    # -- which ones --------------------------------------------------------------------------------

    def test_what_was_just_written_is_selected(self, backend: Backend, root: str) -> None:
        assert backend.select(self.now(total=True)).total == 0
        first = self.write(root, offset=1.0)
        second = self.write(root, "lab/vision/two")
        answer = backend.select(
            self.now(filter="metrics.loss.last < 1", columns=["name", "metrics.loss.min"])
        )
        assert list(answer.ids) == [second]
        assert [(one.name, list(one.values)) for one in answer.columns] == [
            ("name", ["two"]),
            ("metrics.loss.min", [0.1]),
        ]
        both = backend.select(self.now(sort="-metrics.loss.last", limit=1, total=True))
        assert (list(both.ids), both.total, both.next) == ([first], 2, 1)

    def test_experiments_are_grouped(self, backend: Backend, root: str) -> None:
        self.write(root, params={"model": "a"})
        self.write(root, "lab/vision/two", params={"model": "b"})
        self.write(root, "lab/vision/three", params={"model": "b"})
        answer = backend.select(self.now(group=["params.model"]))
        rows = dict(zip(*(column.values for column in answer.columns[:2]), strict=True))
        assert rows == {"a": 1, "b": 2}

    def test_only_the_ids_that_are_given_are_told_of_in_their_order(
        self, backend: Backend, root: str
    ) -> None:
        ids = [self.write(root, f"lab/vision/{n}") for n in ("one", "two", "three")]
        backend.select(self.now())
        wanted = (ids[2], "gone", ids[0])
        question = msgspec.structs.replace(self.now(columns=["name"]), ids=wanted)
        answer = backend.select(question)
        assert list(answer.ids) == [ids[2], ids[0]]
        assert list(answer.columns[0].values) == ["three", "one"]

    def test_a_filter_that_cannot_be_read_is_an_error_of_the_asker(
        self, backend: Backend, root: str
    ) -> None:
        self.write(root)
        with pytest.raises(QueryError):
            backend.select(self.now(filter="metrics.never < 1"))

    def test_texts_are_resolved_to_experiments(self, backend: Backend, root: str) -> None:
        first = self.write(root, "lab/vision/one")
        second = self.write(root, "lab/speech/one")
        texts = ("lab/vision/one", second, second[:-2], "one", "lab/vision/onne", "")
        by_prefix, by_id, by_start, by_name, near, nothing = backend.resolve(ResolveQuestion(texts))
        assert by_prefix.id == first
        assert by_id.id == by_start.id == second
        assert by_name.id is None
        assert {one.id for one in by_name.candidates} == {first, second}
        assert by_name.by == "name"
        assert (near.id, near.nearest[0]) == (None, "lab/vision/one")
        assert nothing.id is None

    def test_names_and_values_are_counted(self, backend: Backend, root: str) -> None:
        self.write(root, params={"lr": 0.1}, tags=["red"])
        self.write(root, "lab/vision/two", params={"lr": 0.1, "layers": 2})
        params = backend.names(NamesQuestion(kind="param", counts=True, now=time.time()))
        assert {one.name: one.count for one in params} == {"layers": 1, "lr": 2}
        tags = backend.names(NamesQuestion(kind="tag", contains="RE", now=time.time()))
        assert [one.name for one in tags] == ["red"]
        values = backend.names(
            NamesQuestion(kind="value", field=parse_field("params.lr"), now=time.time())
        )
        assert [(one.value, one.count) for one in values] == [(0.1, 2)]

    # -- what is known of them ---------------------------------------------------------------------

    def test_facts_come_in_the_order_of_the_ids_without_those_that_are_gone(
        self, backend: Backend, root: str
    ) -> None:
        first, second = self.write(root), self.write(root, "lab/vision/two", params={"a": {"b": 1}})
        backend.select(self.now())
        question = FactsQuestion(
            ids=(second, "gone", first),
            parts=frozenset({"state", "metrics", "files", "values"}),
            now=time.time(),
        )
        found = backend.facts(question)
        assert [one.id for one in found] == [second, first]
        assert found[0].status is Status.COMPLETED
        assert found[0].state is not None
        assert found[0].state.params == {"a": {"b": 1}}
        assert found[0].metrics is not None
        assert found[0].metrics["loss"].count == 10
        assert found[0].files == ()

    def test_parts_that_were_not_asked_for_are_not_given(self, backend: Backend, root: str) -> None:
        id_ = self.write(root)
        backend.select(self.now())
        (found,) = backend.facts(FactsQuestion(ids=(id_,), now=time.time()))
        assert (found.state, found.metrics, found.files, found.values) == (None,) * 4

    def test_every_point_comes_back_as_it_was_written(self, backend: Backend, root: str) -> None:
        exp = Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0)
        values = [1.0, float("nan"), float("inf"), -0.0, 1e-300]
        steps = [3, 1, 1, 2, 0]
        with exp:
            for step, value in zip(steps, values, strict=True):
                exp.log_metrics({"m": value}, step=step)
        backend.select(self.now())
        (written,) = backend.points(PointsQuestion(ids=(exp.id,), order="written")).series
        assert written.steps.tolist() == steps
        np.testing.assert_array_equal(written.values, values)
        assert np.signbit(written.values[3])
        (ordered,) = backend.points(PointsQuestion(ids=(exp.id,), metrics=("m",))).series
        assert ordered.steps.tolist() == [0, 1, 1, 2, 3]
        (some,) = backend.points(PointsQuestion(ids=(exp.id,), start=1, stop=3)).series
        assert (some.steps.tolist(), some.total) == ([1, 1, 2], 3)

    def test_points_of_several_experiments_are_thinned_out_with_their_extremes(
        self, backend: Backend, root: str
    ) -> None:
        ids = tuple(self.write(root, f"lab/x/{n}", offset=float(n)) for n in range(3))
        backend.select(self.now())
        answer = backend.points(PointsQuestion(ids=ids, metrics=("loss", "never"), points=4))
        assert [(one.id, one.metric, one.total) for one in answer.series] == [
            (id_, "loss", 10) for id_ in ids
        ]
        for offset, one in enumerate(answer.series):
            assert len(one.steps) <= 4
            assert one.values.max() == 1.0 + offset
            assert one.values.min() == 0.1 + offset

    def test_a_cursor_gives_what_was_written_since(self, backend: Backend, root: str) -> None:
        exp = Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0)
        with exp:
            exp.log_metrics({"m": 1.0}, step=0)
            backend.select(self.now())
            answer = backend.points(PointsQuestion(ids=(exp.id,), cursor=""))
            assert answer.series[0].values.tolist() == [1.0]
            again = backend.points(PointsQuestion(ids=(exp.id,), cursor=answer.cursor))
            assert again.series == ()
            exp.log_metrics({"m": 2.0, "n": 3.0}, step=1)
            more = backend.points(PointsQuestion(ids=(exp.id,), cursor=again.cursor))
            assert [(one.metric, one.values.tolist()) for one in more.series] == [
                ("m", [2.0]),
                ("n", [3.0]),
            ]

    def test_following_many_experiments_gives_every_point_once(
        self, backend: Backend, root: str
    ) -> None:
        several = [
            Experiment(prefix=f"lab/x/{n}", root=root, quiet=True, system_metrics=0)
            for n in range(3)
        ]
        for exp in several:
            exp.run.start()
        seen: dict[str, list[float]] = {exp.id: [] for exp in several}
        cursor: str | None = ""
        for round_ in range(4):
            for exp in several[: round_ + 1]:
                exp.log_metrics({"m": float(round_)}, step=3 - round_)
            backend.select(self.now())
            answer = backend.points(PointsQuestion(ids=tuple(seen), cursor=cursor, order="written"))
            cursor = answer.cursor
            for one in answer.series:
                seen[one.id] += one.values.tolist()
        for exp in several:
            exp.finish()
        assert list(seen.values()) == [[0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [2.0, 3.0]]

    def test_points_of_one_call_share_its_number(self, backend: Backend, root: str) -> None:
        id_ = self.write(root)
        backend.select(self.now())
        answer = backend.points(PointsQuestion(ids=(id_,), order="written", rows=True))
        acc, loss = answer.series
        assert acc.calls is not None
        assert loss.calls is not None
        assert acc.calls.tolist() == loss.calls.tolist() == sorted(acc.calls.tolist())
        assert len(set(acc.calls.tolist())) == 10
        assert acc.writers is not None
        assert acc.origins is not None
        assert {acc.writers[one] for one in acc.origins.tolist()} == set(acc.writers)

    # -- panels ------------------------------------------------------------------------------------

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

    # -- lines and bytes ---------------------------------------------------------------------------

    def test_messages_come_from_either_end(self, backend: Backend, root: str) -> None:
        id_ = self.write(root)
        backend.select(self.now())
        answer = backend.lines(LinesQuestion(id=id_))
        assert answer.messages[-2:] == ("it goes well", "it goes badly")
        last = backend.lines(LinesQuestion(id=id_, backward=True, limit=1))
        assert (last.messages, last.levels, last.fields) == (
            ("it goes badly",),
            ("error",),
            ('{"why": "nan"}',),
        )
        assert backend.lines(LinesQuestion(id=id_, cursor=last.after)).messages == ()
        before = backend.lines(LinesQuestion(id=id_, backward=True, limit=1, cursor=last.before))
        assert before.messages == ("it goes well",)

    @pytest.mark.parametrize("stream", ["messages", "console"])
    def test_pages_of_lines_from_either_end_are_all_lines_once(
        self, backend: Backend, root: str, stream: Any
    ) -> None:
        exp = Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0, console="on")
        with exp:
            for n in range(23):
                exp.log(f"message {n}")
                print(f"printed {n}")
        backend.select(self.now())
        expected = [f"{'message' if stream == 'messages' else 'printed'} {n}" for n in range(23)]
        for backward in (False, True):
            found: list[str] = []
            cursor = None
            for _ in range(100):
                page = backend.lines(
                    LinesQuestion(
                        id=exp.id, stream=stream, limit=7, cursor=cursor, backward=backward
                    )
                )
                texts = [text for text in page.messages if text in expected]
                found = texts + found if backward else found + texts
                cursor = page.before if backward else page.after
                if not page.more:
                    break
            assert found == expected

    @pytest.mark.parametrize("backward", [False, True])
    def test_lines_that_are_found_bring_their_neighbours_once(
        self, backend: Backend, root: str, backward: bool
    ) -> None:
        exp = Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0)
        with exp:
            for n in range(40):
                exp.log(f"message {n}" + (" found" if n in (10, 12, 30) else ""))
        backend.select(self.now())
        found: list[tuple[str, bool]] = []
        cursor = None
        for _ in range(100):
            page = backend.lines(
                LinesQuestion(
                    id=exp.id,
                    contains="found",
                    context=2,
                    limit=1,
                    cursor=cursor,
                    backward=backward,
                )
            )
            lines = list(zip(page.messages, page.matched, strict=True))
            found = lines + found if backward else found + lines
            cursor = page.before if backward else page.after
            if not page.more:
                break
        numbers = [int(text.split()[1]) for text, _ in found]
        assert numbers == [8, 9, 10, 11, 12, 13, 14, 28, 29, 30, 31, 32]
        assert [n for n, (_, matched) in zip(numbers, found, strict=True) if matched] == [
            10,
            12,
            30,
        ]

    @pytest.mark.parametrize("backward", [False, True])
    def test_the_place_of_a_line_leads_to_it_from_either_side(
        self, backend: Backend, root: str, backward: bool
    ) -> None:
        exp = Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0)
        with exp:
            for n in range(10):
                exp.log(f"message {n}")
        backend.select(self.now())
        hit = backend.lines(
            LinesQuestion(id=exp.id, contains="message 6", places=True, backward=backward)
        )
        (place,) = hit.places
        after = backend.lines(LinesQuestion(id=exp.id, cursor=place, limit=1))
        before = backend.lines(LinesQuestion(id=exp.id, cursor=place, limit=1, backward=True))
        assert (after.messages, before.messages) == (("message 6",), ("message 5",))

    def test_lines_of_an_experiment_that_is_not_there_are_not_found(self, backend: Backend) -> None:
        with pytest.raises(NotFound):
            backend.lines(LinesQuestion(id="gone"))

    def test_a_cursor_of_lines_that_is_none_is_refused(self, backend: Backend, root: str) -> None:
        id_ = self.write(root)
        backend.select(self.now())
        with pytest.raises(InvalidValue):
            backend.lines(LinesQuestion(id=id_, cursor="?"))

    def test_bytes_of_a_file_come_a_range_at_a_time(
        self, backend: Backend, root: str, tmp_path: Any
    ) -> None:
        source = tmp_path / "weights.bin"
        source.write_bytes(bytes(range(200)))
        exp = Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0)
        with exp:
            exp.files("models").save(source)
        backend.select(self.now())
        asked = FactsQuestion(ids=(exp.id,), parts=frozenset({"files"}), now=time.time())
        (found,) = backend.facts(asked)
        assert found.files is not None
        question = ContentQuestion(id=exp.id, kind="file", name=found.files[0].path)
        assert backend.open(question).data == bytes(range(200))
        part = backend.open(msgspec.structs.replace(question, start=10, length=5))
        assert (part.data, part.start, part.size) == (bytes(range(10, 15)), 10, 200)
        beyond = backend.open(msgspec.structs.replace(question, start=500, length=5))
        assert (beyond.data, beyond.size) == (b"", 200)

    def test_a_long_file_comes_whole_in_pieces(
        self, backend: Backend, root: str, tmp_path: Any
    ) -> None:
        data = bytes(range(251)) * 40_000  # 10 MB, in no multiple of any block
        source = tmp_path / "weights.bin"
        source.write_bytes(data)
        exp = Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0)
        with exp:
            exp.files("models").save(source)
        backend.select(self.now())
        asked = FactsQuestion(ids=(exp.id,), parts=frozenset({"files"}), now=time.time())
        (found,) = backend.facts(asked)
        assert found.files is not None
        question = ContentQuestion(id=exp.id, kind="file", name=found.files[0].path)
        pieces: list[bytes] = []
        at = 0
        while at < len(data):
            answer = backend.open(msgspec.structs.replace(question, start=at))
            assert answer.size == len(data)
            assert answer.data
            pieces.append(answer.data)
            at += len(answer.data)
        assert b"".join(pieces) == data

    @pytest.mark.parametrize(
        "name",
        ["../two/metadata.json", "/etc/hostname", "files/../../two/x", "a\0b", "a\\b", "..", ""],
    )
    def test_bytes_outside_of_an_experiment_are_never_given(
        self, backend: Backend, root: str, name: str
    ) -> None:
        id_ = self.write(root)
        self.write(root, "lab/vision/two")
        backend.select(self.now())
        for kind in ("file", "capture"):
            with pytest.raises((CorruptData, NotFound)):
                backend.open(ContentQuestion(id=id_, kind=kind, name=name))

    # -- changing something ------------------------------------------------------------------------

    def test_edits_are_seen_by_the_next_answer(self, backend: Backend, root: str) -> None:
        id_ = self.write(root, tags=["old"])
        backend.select(self.now())
        done = backend.append(
            AppendQuestion(
                (
                    TagsEdit(id=id_, add={"new": None, "team": "ml"}, remove=("old",)),
                    FieldEdit(id=id_, field="notes", value="looks good"),
                    FieldEdit(id=id_, field="name", value="best"),
                    ParamsEdit(id=id_, params={"opt": {"lr": 0.5}}),
                    CaptureEdit(id=id_, what="verdict", data={"same": True}),
                )
            )
        ).done
        assert [one.id for one in done] == [id_] * 5
        (found,) = backend.facts(
            FactsQuestion(ids=(id_,), parts=frozenset({"state"}), now=time.time())
        )
        assert (found.name, found.notes) == ("best", "looks good")
        assert found.state is not None
        assert found.state.tags == {"new": None, "team": "ml"}
        assert found.state.captured["verdict"] == {"same": True}
        assert found.state.params["opt"]["lr"] == 0.5
        assert len(found.state.openings()) == 1

    def test_an_edit_of_what_is_not_there_is_not_found(self, backend: Backend) -> None:
        for edit in (TagsEdit(id="gone", add={"a": None}), DeleteEdit(id="gone")):
            with pytest.raises(NotFound):
                backend.append(AppendQuestion((edit,)))

    def test_what_is_deleted_is_gone_until_it_is_restored(
        self, backend: Backend, root: str
    ) -> None:
        first, second = self.write(root), self.write(root, "lab/vision/two")
        backend.select(self.now())
        done = backend.append(AppendQuestion((DeleteEdit(id=first),))).done
        assert done[0].bytes > 0
        assert list(backend.select(self.now()).ids) == [second]
        with pytest.raises(NotFound):
            backend.lines(LinesQuestion(id=first))
        backend.append(AppendQuestion((RestoreEdit(id=first),)))
        assert set(backend.select(self.now()).ids) == {first, second}

    def test_what_is_moved_is_the_same_experiment_at_another_prefix(
        self, backend: Backend, root: str
    ) -> None:
        first, second = self.write(root), self.write(root, "lab/vision/two")
        backend.select(self.now())
        backend.append(AppendQuestion((MoveEdit(id=first, prefix="lab/paper/best"),)))
        (found,) = backend.facts(FactsQuestion(ids=(first,), now=0.0))
        assert (found.prefix, found.project) == ("lab/paper/best", "paper")
        (resolved,) = backend.resolve(ResolveQuestion(("lab/paper/best",)))
        assert resolved.id == first
        with pytest.raises(InvalidName):
            backend.append(AppendQuestion((MoveEdit(id=first, prefix="lab/vision/two"),)))
        with pytest.raises(NotFound):
            backend.append(AppendQuestion((MoveEdit(id="gone", prefix="lab/x"),)))
        assert set(backend.select(self.now()).ids) == {first, second}

    def test_what_is_being_written_is_not_deleted(self, backend: Backend, root: str) -> None:
        with Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0) as exp:
            backend.select(self.now())
            with pytest.raises(StillRunning):
                backend.append(AppendQuestion((DeleteEdit(id=exp.id),)))

    def test_an_edit_of_what_was_changed_meanwhile_is_refused(self, backend: Backend) -> None:
        def write(width: int, expect: tuple[str, ...] | None) -> None:
            edit = DocumentEdit(kind="view", name="mine", body={"width": width})
            backend.append(AppendQuestion((edit,), expect))

        def seen() -> tuple[str, ...]:
            found = backend.documents(DocumentsQuestion(kind="view", name="mine")).documents
            return tuple(one.event for one in found)

        write(1, ())
        first = seen()
        write(2, first)
        for stale in (first, ()):
            with pytest.raises(Conflict):
                write(3, stale)
        (found,) = backend.documents(DocumentsQuestion(kind="view")).documents
        assert (found.body, found.others) == ({"width": 2}, ())
        write(4, seen())
        alias = AliasEdit(kind="model", name="vit", alias="best", number=1)
        mixed = (DocumentEdit(kind="view", name="mine", body={}), alias)
        with pytest.raises(Conflict):
            backend.append(AppendQuestion(mixed, ()))
        assert not backend.documents(DocumentsQuestion(what="alias")).aliases
        backend.append(AppendQuestion(mixed, seen()))
        assert len(backend.documents(DocumentsQuestion(what="alias")).aliases) == 1

    def test_documents_are_kept_and_removed(self, backend: Backend) -> None:
        def names() -> list[str]:
            found = backend.documents(DocumentsQuestion(kind="view", scope="root"))
            return [one.name for one in found.documents]

        body = {"columns": ["name", "loss"], "width": 0.5}
        backend.append(AppendQuestion((DocumentEdit(kind="view", name="mine", body=body),)))
        backend.append(AppendQuestion((DocumentEdit(kind="goal", name="other", body={}),)))
        (found,) = backend.documents(DocumentsQuestion(kind="view")).documents
        assert (found.name, found.body, found.others) == ("mine", body, ())
        backend.append(AppendQuestion((DocumentEdit(kind="view", name="mine", body=None),)))
        assert names() == []

    def test_versions_are_claimed_once_and_aliases_mean_them(self, backend: Backend) -> None:
        claim = ClaimEdit(kind="model", name="resnet")
        numbers = [backend.append(AppendQuestion((claim,))).done[0].number for _ in range(3)]
        assert numbers == [1, 2, 3]
        backend.append(
            AppendQuestion(
                (
                    VersionEdit(kind="model", name="resnet", number=2, target="abc", why="best"),
                    AliasEdit(kind="model", name="resnet", alias="prod", number=2),
                )
            )
        )
        (version,) = backend.documents(DocumentsQuestion(what="version", kind="model")).versions
        assert (version.number, version.target, version.why) == (2, "abc", "best")
        (alias,) = backend.documents(DocumentsQuestion(what="alias", name="resnet")).aliases
        assert (alias.alias, alias.number) == ("prod", 2)

    def test_a_document_of_no_scope_is_refused(self, backend: Backend) -> None:
        edit = DocumentEdit(kind="view", name="x", body={}, scope="nobody")
        with pytest.raises(InvalidName):
            backend.append(AppendQuestion((edit,)))

    # -- changes -----------------------------------------------------------------------------------

    def test_changes_since_a_cursor_are_the_experiments_that_moved(
        self, backend: Backend, root: str
    ) -> None:
        first = self.write(root)
        begin = backend.changes(ChangesQuestion())
        assert (begin.ids, begin.gone) == ((), ())
        assert backend.changes(ChangesQuestion(begin.cursor)).ids == ()
        second = self.write(root, "lab/vision/two")
        found = backend.changes(ChangesQuestion(begin.cursor, wait=5.0))
        assert (found.ids, found.gone, found.everything) == ((second,), (), False)
        backend.append(AppendQuestion((FieldEdit(id=first, field="notes", value="x"),)))
        backend.append(AppendQuestion((DeleteEdit(id=second),)))
        last = backend.changes(ChangesQuestion(found.cursor))
        assert (last.ids, last.gone) == ((first,), (second,))
        assert backend.changes(ChangesQuestion(last.cursor)) == Changes(last.cursor)

    def test_all_who_wait_for_a_change_are_told_of_it(self, backend: Backend, root: str) -> None:
        begin = backend.changes(ChangesQuestion()).cursor
        assert backend.changes(ChangesQuestion(begin, wait=0.05)) == Changes(begin)
        with ThreadPoolExecutor(4) as pool:
            waiting = [
                pool.submit(backend.changes, ChangesQuestion(begin, wait=60.0)) for _ in range(4)
            ]
            id_ = self.write(root)
            for one in waiting:
                found = one.result(timeout=120)
                assert found.ids == (id_,)
                assert found.cursor != begin

    def test_many_threads_that_ask_at_once_are_all_answered(
        self, backend: Backend, root: str
    ) -> None:
        id_ = self.write(root)

        def ask_all(number: int) -> bool:
            ids = backend.select(self.now(limit=number + 1)).ids
            points = backend.points(PointsQuestion(ids=(id_,), metrics=("loss",)))
            panel = backend.panel(PanelQuestion(ids=(id_,), metrics=("loss",), buckets=2))
            (one,) = points.series
            return list(ids) == [id_] and len(one.values) == 10 and panel.grid is not None

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(ask_all, range(24)))

    def test_a_cursor_of_changes_from_elsewhere_says_that_anything_may_have_changed(
        self, backend: Backend, root: str
    ) -> None:
        self.write(root)
        for cursor in ("elsewhere.3", "?", "", "1.2.3"):
            assert backend.changes(ChangesQuestion(cursor)).everything
