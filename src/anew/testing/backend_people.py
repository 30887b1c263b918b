"""What every backend must do with what people say and mark: comments, preferences, stars and pins, all of them documents."""

from __future__ import annotations

import time
from typing import Any, cast

import msgspec
import pytest

from ..errors import AnewError, InvalidValue, NotAllowed, NotFound
from ..query.about import About
from ..query.documents import Documents, DocumentsQuestion
from ..query.edits import AppendQuestion
from ..reading.backend import Backend
from ..reading.comments import COMMENT, Comments, Topic
from ..reading.news import news
from ..reading.own import LOOKED, PIN, STAR, Marks, Preferences, looked, set_looked
from ..record.edits import DeleteEdit, DocumentEdit, MoveEdit
from .backend_writing import BackendWriting

__all__ = ["PeopleTests"]

HOSTILE = '<img src=x onerror=alert(1)>\n[a](javascript:alert(1)) @"> ; DROP TABLE'


class PeopleTests(BackendWriting):
    """The promises that comments, marks and preferences make over any backend."""

    def test_a_comment_is_about_an_experiment_a_point_or_a_report(
        self, backend: Backend, root: str
    ) -> None:
        first, second = self.write(root), self.write(root, "lab/vision/two")
        comments = Comments(backend)
        plain = comments.add("lab/vision/one", "  looks good, @ana and @Bo.Li.  ")
        assert (plain.text, plain.mentions) == ("looks good, @ana and @Bo.Li.", ("ana", "Bo.Li"))
        assert (plain.about, plain.scope) == (
            Topic(kind="experiment", id=first),
            "project/lab/vision",
        )
        assert (plain.prefix, plain.edited, plain.resolved_at) == ("lab/vision/one", None, None)
        assert plain.user
        point = comments.add(first, "here", metric="loss", step=3)
        assert point.about == Topic(kind="point", id=first, metric="loss", step=3)
        of = Topic(kind="report", id="ablation", project="lab/vision", part="Results")
        report = comments.add(of, HOSTILE)
        assert (report.about, report.text, report.prefix) == (of, HOSTILE, "ablation")
        answer = comments.add(None, "yes", reply_to=point.id)
        assert (answer.about, answer.reply_to) == (point.about, point.id)
        comments.add(second, "another")
        assert [one.id for one in comments.list(first)] == [plain.id, point.id, answer.id]
        assert [one.id for one in comments.list(first, metric="loss")] == [point.id, answer.id]
        assert [one.id for one in comments.list(of)] == [report.id]
        assert comments.list(Topic(kind="report", id="ablation")) == ()
        assert [one.id for one in comments.list(mentioning="bo.li")] == [plain.id]
        assert len(comments.list()) == 5
        assert [one.id for one in comments.of((answer.id, "gone", plain.id))] == [
            plain.id,
            answer.id,
        ]
        assert [one.text for one in comments.list(newest=2)] == ["yes", "another"]
        assert [one.text for one in comments.list(since=answer.time)] == ["yes", "another"]

    def test_no_more_comes_than_was_asked_for(self, backend: Backend, root: str) -> None:
        """What is not wanted stays where it is kept: it does not come along to be left out here."""
        first, second = self.write(root), self.write(root, "lab/vision/two")
        told = _Counting(backend)
        comments, marks = Comments(cast("Backend", told)), Marks(cast("Backend", told), PIN)
        for text in ("one", "two @ana", "three"):
            made = comments.add(first, text)
        report = Topic(kind="report", id=second)  # of the name that an experiment has as its id
        comments.add(report, "of a report")
        comments.add(second, "of another", metric="loss")
        comments.resolve(made.id)
        asked: list[tuple[int, dict[str, Any]]] = [
            (1, {"about": report}), (1, {"about": second, "metric": "loss"}), (1, {"mentioning": "ANA"}),
            (1, {"resolved": True, "about": first}), (2, {"resolved": False, "about": first}),
            (0, {"since": time.time() + 60}), (2, {"newest": 2}),
        ]  # fmt: skip
        for most, how in asked:
            told.documents_told = 0
            assert len(comments.list(**how)) == most, how
            # That one of them is settled is a document, too.
            assert told.documents_told <= most + 1, how
        marks.add(first, second)
        told.documents_told = 0
        marks.remove(second)
        assert (told.documents_told, [one.id for one in marks.list()]) == (1, [first])
        told.documents_told = 0
        assert news(cast("Backend", told), time.time() + 60).counts == {}
        assert told.documents_told == 0
        assert comments.settled(time.time() + 60) == ()
        assert [one.id for one in comments.settled(made.time)] == [made.id]

    def test_a_comment_is_changed_settled_and_removed_and_its_history_stays(
        self, backend: Backend, root: str
    ) -> None:
        comments = Comments(backend)
        made = comments.add(self.write(root), "one")
        changed = comments.edit(made.id, "two")
        assert (changed.text, changed.user, changed.time) == ("two", made.user, made.time)
        assert changed.edited is not None
        settled = comments.resolve(made.id)
        assert (settled.resolved_by, settled.text) == (made.user, "two")
        assert comments.list(resolved=True) == (settled,)
        assert comments.reopen(made.id) == changed
        assert comments.list(resolved=True) == ()
        asked = DocumentsQuestion(kind=COMMENT, name=made.id, gone=True, history=True)
        assert comments.remove(made.id) == changed
        (document,) = backend.documents(asked).documents
        said = [one.body and one.body["text"] for one in (document, *document.earlier)]
        assert said == [None, "two", "one"]
        assert comments.list() == ()
        with pytest.raises(NotFound):
            comments.edit(made.id, "three")

    def test_what_cannot_be_a_comment_is_refused(self, backend: Backend, root: str) -> None:
        id_, comments = self.write(root), Comments(backend)
        wrong: list[tuple[Any, str, dict[str, Any]]] = [
            (id_, " \n", {}),
            (id_, "x" * 20_001, {}),
            (id_, "x", {"step": 1}),
            (None, "x", {}),
            (Topic(kind="point", id=id_), "x", {}),
        ]
        for about, text, more in wrong:
            with pytest.raises(InvalidValue):
                comments.add(about, text, **more)
        for gone in ("gone", Topic(kind="experiment", id="gone")):
            with pytest.raises(NotFound):
                comments.add(gone, "x")
        with pytest.raises(NotFound):
            comments.add(id_, "x", reply_to="gone")
        assert comments.list() == ()

    def test_a_comment_goes_with_its_experiment(self, backend: Backend, root: str) -> None:
        id_, comments = self.write(root), Comments(backend)
        made = comments.add(id_, "here")
        backend.append(AppendQuestion((MoveEdit(id=id_, prefix="lab/vision/better"),)))
        assert comments.get(made.id).prefix == "lab/vision/better"
        backend.append(AppendQuestion((DeleteEdit(id=id_),)))
        assert comments.list() == ()
        with pytest.raises(NotFound):
            comments.get(made.id)

    def test_nobody_changes_what_another_has_said(self, backend: Backend, root: str) -> None:
        """The document of somebody else is left as it is by `Comments`, wherever it came from."""
        comments = Comments(backend)
        made = comments.add(self.write(root), "mine")
        other = _other(backend)
        with pytest.raises(NotAllowed):
            Comments(other).edit(made.id, "theirs")
        with pytest.raises(NotAllowed):
            Comments(other).remove(made.id)
        assert Comments(other).resolve(made.id).resolved_by == made.user  # who writes is who asks
        assert comments.get(made.id).text == "mine"

    def test_preferences_are_kept_one_by_one(self, backend: Backend) -> None:
        mine = Preferences(backend)
        assert mine.list() == {}
        mine.set("theme", "dark")
        assert mine.set("columns", ["name", "metrics.loss"]) == {
            "theme": "dark", "columns": ["name", "metrics.loss"],
        }  # fmt: skip
        assert mine.get("theme") == "dark"
        assert mine.clear("theme") == {"columns": ["name", "metrics.loss"]}
        with pytest.raises(InvalidValue):
            mine.set("much", "x" * 70_000)
        with pytest.raises(NotFound):
            mine.get("theme")
        assert mine.clear() == {}
        assert mine.set("theme", "light") == {"theme": "light"}

    @pytest.mark.parametrize("kind", [STAR, PIN])
    def test_experiments_are_marked_until_they_are_not(
        self, backend: Backend, root: str, kind: Any
    ) -> None:
        first, second = self.write(root), self.write(root, "lab/vision/two")
        marks = Marks(backend, kind)
        marks.add("lab/vision/one")
        marks.add(first[:8], second)
        assert {one.id for one in marks.list()} == {first, second}
        assert {one.prefix for one in marks.list()} == {"lab/vision/one", "lab/vision/two"}
        backend.append(AppendQuestion((MoveEdit(id=first, prefix="lab/other/one"),)))
        marks.remove(first)
        assert [one.id for one in marks.list()] == [second]
        backend.append(AppendQuestion((DeleteEdit(id=second),)))
        assert marks.list() == ()
        with pytest.raises(AnewError):
            marks.add("gone")

    def test_what_is_new_is_told_since_a_time(self, backend: Backend, root: str) -> None:
        id_ = self.write(root)
        assert looked(backend) is None
        first = news(backend, 0.0)
        assert first.counts == {"created": 1, "ended": 1}
        assert {one.experiment for one in first.items} == {id_}
        set_looked(backend, first.until)
        assert looked(backend) == first.until
        assert news(backend, first.until).counts == {}
        Comments(backend).add(id_, "of one's own, which is no news")
        Marks(backend, PIN).add(id_)
        view = DocumentEdit(kind="view", name="v", body={}, scope="project/lab/vision")
        backend.append(AppendQuestion((view,)))
        second = news(backend, first.until)
        assert second.counts == {"pin": 1, "view": 1}
        assert second.items[0].time >= second.items[1].time
        assert news(_other(backend), first.until).counts == {"pin": 1, "view": 1, "comment": 1}
        assert news(backend, 0.0, most=1).counts["created"] == 1
        assert len(news(backend, 0.0, most=1).items) == 1


class _Counting:
    """A backend that counts the documents in its answers."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.documents_told = 0

    def documents(self, question: DocumentsQuestion) -> Documents:
        found = self._backend.documents(question)
        if question.kind != LOOKED:
            self.documents_told += len(found.documents) + len(found.aliases)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


class _Other:
    """A backend as somebody else has it open."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def about(self) -> About:
        return msgspec.structs.replace(self._backend.about(), user="somebody-else", role="reporter")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def _other(backend: Backend) -> Backend:
    return cast("Backend", _Other(backend))
