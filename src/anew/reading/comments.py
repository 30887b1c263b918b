"""Comments: what people say about an experiment, a point of a metric or a report, kept as documents of the store.

A comment is a document of the kind `comment`, in the scope of the project that it belongs to. Only its author changes it, so who wrote
it is who wrote the document. That it is resolved is a document of its own, which others may write.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from ..errors import AnewError, InvalidValue, NotAllowed, NotFound
from ..query.documents import DocumentsQuestion, Says
from ..query.edits import AppendQuestion
from ..query.question import FactsQuestion, Question
from ..query.references import ResolveQuestion
from ..query.scope import project_of
from ..record.documents import Document
from ..record.edits import DocumentEdit
from ..record.facts import ExperimentFacts
from ..record.ids import new_id
from ..record.names import check_label
from .backend import Backend
from .compare import meant
from .source import who_asks

__all__ = [
    "COMMENT",
    "RESOLUTION",
    "Comment",
    "Comments",
    "Topic",
    "author_of",
    "is_among",
    "mentioned_in",
    "scope_of",
    "topic_of",
]

COMMENT = "comment"
RESOLUTION = "resolution"
"""The kinds of document."""
_PROJECT = "project/"
_ABOUT = "about"
_MOST = 20_000
"""Characters of a comment."""
_MENTION = re.compile(r"(?<![\w@.+/-])@(\w(?:[\w.@+-]*\w)?)")
_MAINTAINING = ("maintainer", "owner")


class Topic(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a comment is about.

    Attributes:
        kind: An experiment, a point of one of its metrics, or a report.
        id: The id of the experiment, or the name of the report.
        metric, step: Of a point: where it is.
        project: Of a report: the project that it is for; None for all.
        part: The part of it that is meant, such as a heading of a report, or the text that was marked.
    """

    kind: Literal["experiment", "point", "report"]
    id: str
    metric: str | None = None
    step: int | float | None = None
    project: str | None = None
    part: str | None = None


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment as it is now.

    Attributes:
        about: What it is about; an answer is about the same as what it answers.
        text: Markdown.
        user, time: Who wrote it, and when (seconds since 1970).
        edited: When its author changed it last, if they did.
        reply_to: The id of the comment that it answers.
        resolved_by, resolved_at: Who said that it is settled, and when.
        mentions: The names in it that have an `@` before them.
        prefix: Where the experiment is that it is about; the name of a report.
        scope: The scope of its document.
    """

    id: str
    about: Topic
    text: str
    user: str
    time: float
    edited: float | None = None
    reply_to: str | None = None
    resolved_by: str | None = None
    resolved_at: float | None = None
    mentions: tuple[str, ...] = ()
    prefix: str = ""
    scope: str = "root"


class _Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the document of a comment says."""

    about: Topic
    text: str
    reply_to: str | None = None


class Comments:
    """The comments of a store: `store.comments.add("k7f3", "why does it fall here?", metric="loss", step=1200)`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __repr__(self) -> str:
        return f"<the comments of {self._backend.about().where}>"

    def list(
        self,
        about: object = None,
        *,
        metric: str | None = None,
        resolved: bool | None = None,
        mentioning: str | None = None,
        since: float | None = None,
        newest: int | None = None,
    ) -> tuple[Comment, ...]:
        """Comments, the oldest first; those about experiments that are gone are left out.

        Args:
            about: An experiment (its id, the start of one, its prefix, or a view of it), or a `Topic`; all if None. Those about an
                experiment have those about its points among them.
            metric: Only those about points of this metric.
            resolved: Only those that are settled, or only those that are not.
            mentioning: Only those with `@` and this name in them.
            since: Only those written or changed at this time or later.
            newest: Only so many, those written or changed last.

        Raises:
            NotFound, Ambiguous: As `Store.get`.
        """
        says: list[Says] = []
        report = isinstance(about, Topic) and about.kind == "report"
        if isinstance(about, Topic):
            says.append(Says(at=(_ABOUT, "id"), value=about.id))
            if report:
                says.append(Says(at=(_ABOUT, "kind"), value="report"))
                says.append(Says(at=(_ABOUT, "project"), value=about.project))
        elif about is not None:
            says.append(Says(at=(_ABOUT, "id"), value=self._experiment(about).id))
        if metric is not None:
            says.append(Says(at=(_ABOUT, "metric"), value=metric))
        if mentioning is not None:
            says.append(Says(at=("text",), value=f"@{mentioning}", within=True))
        found = self._read(
            since=since, says=tuple(says), beside=RESOLUTION if resolved else None,
            lacking=RESOLUTION if resolved is False else None, newest=newest,
        )  # fmt: skip
        return tuple(
            one
            for one in self._there(found)
            if (about is None or (one.about.kind == "report") is report)
            and (mentioning is None or is_among(mentioning, one.mentions))
        )

    def of(self, ids: Sequence[str]) -> tuple[Comment, ...]:
        """Those of some ids that are there, the oldest first."""
        return tuple(self._there(self._read(names=tuple(ids)))) if ids else ()

    def settled(self, since: float) -> tuple[Comment, ...]:
        """Those that somebody has settled since a time and that still are."""
        asked = DocumentsQuestion(kind=RESOLUTION, since=since)
        return self.of([one.name for one in self._backend.documents(asked).documents])

    def get(self, id: str) -> Comment:
        """One comment.

        Raises:
            NotFound: There is none with this id, or what it is about is gone.
        """
        found = self.of((id,))
        if not found:
            raise NotFound(f"There is no comment {id!r}.", name=id)
        return found[0]

    def add(
        self,
        about: object,
        text: str,
        *,
        metric: str | None = None,
        step: int | float | None = None,
        reply_to: str | None = None,
    ) -> Comment:
        """Write a comment.

        Args:
            about: An experiment, or a `Topic`. With `reply_to` it may be None.
            text: Markdown; `@name` mentions somebody.
            metric, step: Of an experiment: the point that is meant.
            reply_to: The id of the comment that this answers.

        Raises:
            NotFound: What it is about, or what it answers, is not there.
            InvalidValue: It has no text, too much of it, or a step without a metric.
        """
        said = _text(text)
        if reply_to is not None:
            before = self.get(reply_to)
            topic, scope = before.about, before.scope
        elif about is None:
            raise InvalidValue("Say what the comment is about.", key="about")
        else:
            topic, scope = self._topic(about, metric, step)
        id_ = new_id()
        body = _Body(about=topic, text=said, reply_to=reply_to)
        self._write(COMMENT, id_, scope, msgspec.to_builtins(body))
        return self.get(id_)

    def edit(self, id: str, text: str) -> Comment:
        """Change the text of a comment of one's own; what it said before stays in the record.

        Raises:
            NotFound: There is none with this id.
            NotAllowed: Somebody else wrote it.
        """
        said, found = _text(text), self.get(id)
        self._check_own(found)
        body = _Body(about=found.about, text=said, reply_to=found.reply_to)
        self._write(COMMENT, id, found.scope, msgspec.to_builtins(body))
        return self.get(id)

    def remove(self, id: str) -> Comment:
        """Remove a comment of one's own; who maintains the project, or has the folder, may remove any. Returns what it was.

        Raises:
            NotFound: There is none with this id.
            NotAllowed: Somebody else wrote it.
        """
        found = self.get(id)
        if self._backend.about().role not in _MAINTAINING:
            self._check_own(found)
        self._write(COMMENT, id, found.scope, None)
        return found

    def resolve(self, id: str) -> Comment:
        """Say that a comment is settled.

        Raises:
            NotFound: There is none with this id.
        """
        self._write(RESOLUTION, id, self.get(id).scope, {})
        return self.get(id)

    def reopen(self, id: str) -> Comment:
        """Say that a comment is not settled after all.

        Raises:
            NotFound: There is none with this id.
        """
        self._write(RESOLUTION, id, self.get(id).scope, None)
        return self.get(id)

    # ----------------------------------------------------------------------------------------------

    def _write(self, kind: str, name: str, scope: str, body: dict[str, Any] | None) -> None:
        edit = DocumentEdit(kind=kind, name=name, body=body, scope=scope)
        self._backend.append(AppendQuestion((edit,)))

    def _check_own(self, found: Comment) -> None:
        if found.user != who_asks(self._backend):
            raise NotAllowed(f"{found.user} wrote this comment: only they may change it.")

    def _experiment(self, ref: object) -> ExperimentFacts:
        text = ref if isinstance(ref, str) else getattr(ref, "id", None)
        if not isinstance(text, str):
            raise InvalidValue(f"An experiment must be given as a string, not {ref!r}.")
        (found,) = self._backend.resolve(ResolveQuestion((text,)))
        return _known(self._backend, meant(found))

    def _topic(
        self, about: object, metric: str | None, step: int | float | None
    ) -> tuple[Topic, str]:
        if isinstance(about, Topic):
            topic = about
            _check(topic)
        else:
            kind: Literal["experiment", "point"] = "experiment" if metric is None else "point"
            topic = Topic(kind=kind, id=self._experiment(about).id, metric=metric, step=step)
            _check(topic)
        return topic, scope_of(self._backend, topic)

    def _read(self, **asked: Any) -> Sequence[Comment]:
        question = DocumentsQuestion(kind=COMMENT, history=True, **asked)
        documents = self._backend.documents(question).documents
        if not documents:
            return ()
        # Of all comments, or of some: names of all would be longer than the answer.
        names = tuple(one.name for one in documents) if asked else None
        settled = self._backend.documents(DocumentsQuestion(kind=RESOLUTION, names=names)).documents
        by_name = {(one.scope, one.name): one for one in settled}
        found = (_comment(one, by_name.get((one.scope, one.name))) for one in documents)
        return sorted((one for one in found if one is not None), key=lambda one: (one.time, one.id))

    def _there(self, comments: Sequence[Comment]) -> Sequence[Comment]:
        """Those that are about something that is there, with its place."""
        ids = {one.about.id for one in comments if one.about.kind != "report"}
        prefixes: dict[str, str] = {}
        if ids:
            now = time.time()
            there = self._backend.select(Question(ids=tuple(sorted(ids)), now=now)).ids
            facts = self._backend.facts(FactsQuestion(ids=tuple(there), now=now))
            prefixes = {one.id: one.prefix for one in facts}
        found = []
        for one in comments:
            report = one.about.kind == "report"
            place = one.about.id if report else prefixes.get(one.about.id)
            if place is not None:
                found.append(msgspec.structs.replace(one, prefix=place))
        return found


def scope_of(backend: Backend, topic: Topic) -> str:
    """The scope of comments about something: that of its project.

    Raises:
        NotFound: The experiment is not there.
    """
    if topic.kind == "report":
        return "root" if topic.project is None else _PROJECT + topic.project
    one = _known(backend, topic.id)
    return _PROJECT + project_of(one.prefix, one.user)


def topic_of(edit: DocumentEdit) -> Topic | None:
    """What the comment is about that somebody wants to write; None where it is removed.

    Raises:
        InvalidValue: It is no comment.
    """
    if edit.body is None:
        return None
    try:
        body = msgspec.convert(edit.body, _Body)
    except msgspec.ValidationError as error:
        raise InvalidValue(f"That is no comment: {error}.", key="comment") from None
    _text(body.text)
    _check(body.about)
    return body.about


def author_of(document: Document) -> str:
    """Who wrote a comment, from its document with its history."""
    return min((document, *document.others, *document.earlier), key=lambda one: one.time).user


def mentioned_in(text: str) -> tuple[str, ...]:
    """The names in a text that have an `@` before them, each once, in their order."""
    return tuple(dict.fromkeys(_MENTION.findall(text)))


def is_among(name: str, names: Sequence[str]) -> bool:
    """Whether a name is among those that are mentioned."""
    return name.casefold() in {one.casefold() for one in names}


def _known(backend: Backend, id: str) -> ExperimentFacts:
    found = backend.facts(FactsQuestion(ids=(id,), now=time.time()))
    if not found:
        raise NotFound(f"There is no experiment {id!r}.", name=id)
    return found[0]


def _text(text: object) -> str:
    if not isinstance(text, str) or not text.strip():
        raise InvalidValue("A comment needs a text.", key="text")
    if len(text) > _MOST:
        raise InvalidValue(f"A comment has at most {_MOST:,} characters.", key="text")
    return text.strip()


def _check(topic: Topic) -> None:
    check_label(topic.id, "id")
    if topic.part is not None and len(topic.part) > _MOST:
        raise InvalidValue(f"What is marked has at most {_MOST:,} characters.", key="part")
    if (topic.kind == "point") is (topic.metric is None):
        raise InvalidValue("A comment about a point names the metric.", key="metric")
    if topic.step is not None and topic.metric is None:
        raise InvalidValue("A step goes with the metric whose point it is.", key="step")


def _comment(document: Document, settled: Document | None) -> Comment | None:
    """A comment, of its document and of the one that says that it is settled; None where somebody wrote it otherwise."""
    if not isinstance(document.body, Mapping):
        return None
    try:
        body = msgspec.convert(dict(document.body), _Body)
        _check(body.about)
    except (msgspec.ValidationError, AnewError):
        return None
    first = min((document, *document.earlier), key=lambda one: one.time)
    return Comment(
        id=document.name,
        about=body.about,
        text=body.text,
        user=author_of(document),
        time=first.time,
        edited=document.time if first is not document else None,
        reply_to=body.reply_to,
        resolved_by=None if settled is None else settled.user,
        resolved_at=None if settled is None else settled.time,
        mentions=mentioned_in(body.text),
        scope=document.scope,
    )
