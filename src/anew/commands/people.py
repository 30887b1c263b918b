"""What the commands about people answer and do: comments, stars and pins, preferences, and what is new."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..errors import InvalidValue
from ..query.literals import parse_duration, parse_time
from . import changes, questions

if TYPE_CHECKING:
    from ..reading.comments import Comment
    from ..reading.news import News
    from ..reading.own import Mark
    from ..store import Store

__all__ = [
    "comment_document",
    "commented",
    "comments_asked",
    "mark",
    "marks_document",
    "news_asked",
    "news_document",
    "preferences_document",
    "preferred",
    "seen",
    "time_of",
]


def time_of(text: str) -> float:
    """The time that is meant by a length of time before now, such as "2d", or by a date.

    Raises:
        InvalidValue: It is neither.
    """
    ago = parse_duration(text)
    if ago is not None:
        return time.time() - ago
    found = parse_time(text)
    if found is None:
        raise InvalidValue(
            f"{text!r} is neither a length of time, such as 2d, nor a date.", key="since"
        )
    return found.start


def comment_document(one: Comment) -> dict[str, Any]:
    """A comment."""
    found: dict[str, Any] = msgspec.to_builtins(one)
    return found


def comments_asked(store: Store, question: questions.CommentListOptions) -> tuple[Comment, ...]:
    """The comments that are asked for.

    Raises:
        InvalidValue: Both an experiment and a report are named, or `since` is no time.
    """
    return store.comments.list(
        _about(question.experiment, question.report, question.project),
        metric=question.metric,
        resolved=question.resolved,
        mentioning=question.mentioning,
        since=None if question.since is None else time_of(question.since),
    )


def commented(store: Store, question: changes.CommentAddChange) -> Comment:
    """Write a comment."""
    from ..reading.comments import Topic

    about = _about(question.experiment, question.report, question.project)
    if question.part is not None and isinstance(about, Topic):
        about = msgspec.structs.replace(about, part=question.part)
    return store.comments.add(
        about, question.text, metric=question.metric, step=question.step, reply_to=question.reply_to
    )


def _about(experiment: str | None, report: str | None, project: str | None) -> Any:
    from ..reading.comments import Topic

    if experiment is not None and report is not None:
        raise InvalidValue("Name an experiment or a report: one of them.", key="report")
    if report is not None:
        return Topic(kind="report", id=report, project=project)
    return experiment


def marks_document(name: str, found: Sequence[Mark]) -> dict[str, Any]:
    """Stars or pins."""
    return {name: [msgspec.to_builtins(one) for one in found]}


def mark(
    store: Store, kind: Literal["stars", "pins"], question: changes.MarkChange
) -> dict[str, Any]:
    """Star or pin experiments, or take that back; what is marked then."""
    found = getattr(store, kind)
    (found.remove if question.remove else found.add)(*question.experiments)
    return marks_document(kind, found.list())


def preferences_document(preferences: Mapping[str, Any]) -> dict[str, Any]:
    """The preferences of who asks."""
    return {"preferences": dict(preferences)}


def preferred(store: Store, question: changes.PreferencesSetChange) -> dict[str, Any]:
    """Set preferences."""
    return preferences_document(store.preferences.change(question.preferences))


def news_asked(store: Store, question: questions.NewsOptions) -> News:
    """What has changed."""
    since = None if question.since is None else time_of(question.since)
    return store.news(since, limit=max(0, question.limit))


def news_document(found: News) -> dict[str, Any]:
    """What has changed, without the time until which was looked."""
    plain: dict[str, Any] = msgspec.to_builtins(found)
    del plain["until"]
    return plain


def seen(store: Store, question: changes.NewsSeenChange) -> dict[str, Any]:
    """Say that everything has been seen."""
    return {"looked": store.look(question.until)}
