"""What every backend must do when something is changed: it is seen at once, and refused where it would undo another's."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ..errors import (
    Conflict,
    InvalidName,
    NotFound,
    StillRunning,
)
from ..query.documents import DocumentsQuestion
from ..query.edits import AppendQuestion
from ..query.lines import LinesQuestion
from ..query.panel import PanelQuestion
from ..query.points import PointsQuestion
from ..query.question import (
    FactsQuestion,
    Name,
    NamesQuestion,
)
from ..query.references import ResolveQuestion
from ..reading.backend import Backend
from ..record.edits import (
    AliasEdit,
    CaptureEdit,
    ClaimEdit,
    DeleteEdit,
    DocumentEdit,
    FieldEdit,
    MetricsEdit,
    MoveEdit,
    ParamsEdit,
    RestoreEdit,
    TagsEdit,
    VersionEdit,
)
from ..reports.face import Reports
from ..tracking.experiment import Experiment
from .backend_writing import BackendWriting

__all__ = ["EditTests"]


class EditTests(BackendWriting):
    """The promises of `Backend.append` and `Backend.documents`."""

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

    def test_the_prefix_that_was_left_means_the_experiment_until_another_takes_it(
        self, backend: Backend, root: str
    ) -> None:
        first, second = self.write(root), self.write(root, "lab/vision/two")
        backend.select(self.now())

        def meant(*refs: str) -> list[str | None]:
            return [one.id for one in backend.resolve(ResolveQuestion(refs))]

        for id_, prefix in ((first, "lab/a/one"), (first, "lab/b/one"), (second, "lab/b/two")):
            backend.append(AppendQuestion((MoveEdit(id=id_, prefix=prefix),)))
        left = ("lab/vision/one", "lab/a/one", "lab/vision/two")
        assert meant(*left) == [first, first, second]
        (project,) = backend.resolve(ResolveQuestion(("lab/vision",)))
        assert (project.id, project.moved) == (None, "lab/b")
        (nothing,) = backend.resolve(ResolveQuestion(("lab/visio",)))
        assert (nothing.id, nothing.moved) == (None, "")
        third = self.write(root)
        assert meant(*left) == [third, first, second]
        backend.append(AppendQuestion((DeleteEdit(id=second),)))
        backend.append(AppendQuestion((RestoreEdit(id=second, prefix="lab/c/two"),)))
        assert meant("lab/vision/two", "lab/b/two") == [second, second]
        backend.append(AppendQuestion((DeleteEdit(id=second),)))
        assert meant("lab/vision/two", "lab/b/two") == [None, None]

    def test_a_hidden_metric_is_in_no_answer_until_it_is_shown(
        self, backend: Backend, root: str
    ) -> None:
        first, second = self.write(root), self.write(root, "lab/vision/two")

        def told() -> tuple[Any, ...]:
            facts = backend.facts(
                FactsQuestion(ids=(first,), parts=frozenset({"metrics"}), now=time.time())
            )[0]
            every = backend.points(PointsQuestion(ids=(first, second))).series
            named = backend.points(PointsQuestion(ids=(first,), metrics=("acc",), points=5)).series
            panel = backend.panel(PanelQuestion(ids=(first, second), metrics=("acc",)))
            together = backend.panel(PanelQuestion(ids=(first, second), metrics=("acc", "loss")))
            columns = backend.select(self.now(columns=["metrics.acc.max"])).columns
            listed = self.now(columns=["metrics"], filter="metrics.acc.max > 0.5")
            return (
                sorted(facts.metrics or {}),
                (facts.metric_count, facts.point_count),
                sorted((one.id, one.metric) for one in every),
                [one.metric for one in named],
                [one.id for one in panel.series],
                [(one.id, one.metric) for one in together.series],
                sorted(str(value) for value in columns[0].values),
                backend.select(listed).ids,
                backend.names(NamesQuestion(kind="metric", counts=True, now=time.time())),
            )

        backend.select(self.now())
        before = told()
        backend.append(AppendQuestion((MetricsEdit(id=first, hide=("acc", "no"), why="wrong"),)))
        metrics, counts, every, named, rows, both, maxima, fitting, names = told()
        assert (metrics, counts, named, rows) == (["loss"], (1, 10), [], [second])
        assert every == sorted([(first, "loss"), (second, "acc"), (second, "loss")])
        assert both == [(second, "acc"), (first, "loss"), (second, "loss")]
        assert maxima == ["0.9", "None"]
        assert list(fitting) == [second]
        assert names == (Name("acc", 1), Name("loss", 2))
        (found,) = backend.facts(
            FactsQuestion(ids=(first,), parts=frozenset({"state"}), now=time.time())
        )
        assert found.state is not None
        assert found.state.hidden["acc"].why == "wrong"
        backend.append(AppendQuestion((MetricsEdit(id=second, hide=("acc",)),)))
        assert backend.names(NamesQuestion(kind="metric", now=time.time())) == (Name("loss"),)
        shown = MetricsEdit(id=first, show=("acc",)), MetricsEdit(id=second, show=("acc",))
        backend.append(AppendQuestion(shown))
        assert told() == before

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

    def test_a_report_is_kept_and_shows_what_is_there(self, backend: Backend, root: str) -> None:
        id_ = self.write(root)
        reports = Reports(backend)
        text = f"# Found\n\n[it](anew:{id_})\n\n```anew\nfigure: '*'\nexperiments: [{id_}]\n```\n"
        seen = reports.save("paper", "before")
        reports.save("paper", text, seen=seen)
        with pytest.raises(Conflict):
            reports.save("paper", "beside", seen=seen)
        found = reports.get("paper", history=True)
        assert (found.title, [one.text for one in found.earlier]) == ("Found", ["before"])
        words, shown = reports.pieces(found.text)
        assert "<h1>Found</h1>" in words.html
        assert shown.block is not None
        assert (shown.block.ids, shown.block.metrics) == ((id_,), ("acc", "loss"))
        assert [(one.name, one.how) for one in reports.showing(id_)] == [("paper", "named")]
        reports.remove("paper")
        assert reports.list() == ()

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
