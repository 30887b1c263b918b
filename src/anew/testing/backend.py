"""What every backend must do: each method asked about experiments that the real writer wrote."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pytest

from ..errors import (
    QueryError,
)
from ..query.changes import Changes, ChangesQuestion, DocumentRef
from ..query.edits import AppendQuestion
from ..query.panel import PanelQuestion
from ..query.points import PointsQuestion
from ..query.question import (
    FactsQuestion,
    NamesQuestion,
    parse_field,
)
from ..query.references import ResolveQuestion
from ..reading.backend import Backend
from ..record.edits import (
    DeleteEdit,
    DocumentEdit,
    FieldEdit,
)
from ..record.status import Status
from ..tracking.experiment import Experiment
from .backend_content import ContentTests
from .backend_edits import EditTests
from .backend_models import ModelTests
from .backend_panels import PanelTests
from .backend_people import PeopleTests

__all__ = ["BackendContract"]


class BackendContract(PanelTests, ContentTests, EditTests, ModelTests, PeopleTests):
    """Subclass it and give the fixtures `root`, a folder that experiments are written to, and `backend`, which
    answers from it."""

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

    def test_documents_that_were_written_are_told_by_their_names(self, backend: Backend) -> None:
        begin = backend.changes(ChangesQuestion()).cursor
        assert backend.changes(ChangesQuestion(begin)) == Changes(begin)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(backend.changes, ChangesQuestion(begin, wait=60.0))
            edit = DocumentEdit(kind="view", name="v1", body={"tab": "table"}, scope="root")
            backend.append(AppendQuestion((edit,)))
            found = waiting.result(timeout=120)
        said = (DocumentRef("view", "v1", "root"),)
        assert (found.documents, found.ids, found.any_document) == (said, (), False)
        gone = DocumentEdit(kind="view", name="v1", body=None, scope="root")
        backend.append(AppendQuestion((gone, edit)))
        last = backend.changes(ChangesQuestion(found.cursor))
        assert last.documents == said  # once, however often
        assert backend.changes(ChangesQuestion(last.cursor)) == Changes(last.cursor)
        elsewhere = last.cursor.partition("+")[0]
        assert backend.changes(ChangesQuestion(elsewhere)).any_document

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
