"""`comment`: what people say about experiments, points and reports."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..commands.changes import CommentAddChange
from ..commands.people import comment_document, commented, comments_asked
from ..commands.questions import CommentListOptions
from .face import Face, complete_experiment, shared
from .words import ago, number, one_line, printable

if TYPE_CHECKING:
    from ..reading.comments import Comment
    from ..store import Store

__all__ = ["comment"]

_QUIET = "Print nothing but errors."
_REPORT = click.option(
    "--report", metavar="NAME", help="About a report, in place of an experiment."
)
_PROJECT = click.option("-p", "--project", metavar="PREFIX", help="The project that the report is for; all if not given.")  # fmt: skip


@click.group()
def comment() -> None:
    """Say something about an experiment, a point of a metric or a report, and read what others said.

    Comments are Markdown, and `@name` mentions somebody: they see it in the page's bell. Only its author changes a comment.

    \b
    Examples:
      anew comment add k7f3 "looks good, @ana"
      anew comment add k7f3 "why does it fall here?" --metric loss --step 1200
      anew comment list k7f3
      anew comment resolve b4kq
    """


@comment.command("add")
@click.argument("words", nargs=-1, metavar="EXPERIMENT TEXT", shell_complete=complete_experiment)
@click.option("-m", "--metric", metavar="NAME", help="About a point of this metric.")
@click.option("--step", metavar="STEP", help="Where the point is.")
@click.option(
    "--reply-to", metavar="COMMENT", help="In answer to this comment, in place of an experiment."
)
@_REPORT
@_PROJECT
@click.option(
    "--part", metavar="TEXT", help="The heading or the words of the report that are meant."
)
@shared(quiet="Print the comment's id alone.")
def add(
    face: Face, words: tuple[str, ...], metric: str | None, step: str | None, reply_to: str | None,
    report: str | None, project: str | None, part: str | None,
) -> None:  # fmt: skip
    """Write a comment.

    TEXT of "-" is read from standard input.

    \b
    Examples:
      anew comment add k7f3 "looks good, @ana"
      anew comment add k7f3 "why does it fall here?" --metric loss --step 1200
      anew comment add --reply-to b4kq "the learning rate fell"
      anew comment add --report ablation "which seeds?"
    """
    experiment = None
    if reply_to is None and report is None:
        experiment, *rest = words or ("",)
        words = tuple(rest)
    text = sys.stdin.read() if words == ("-",) else " ".join(words)
    if not text.strip() or experiment == "":
        raise click.UsageError("Say what the comment is about, and its text.")
    question = CommentAddChange(
        text=text, experiment=experiment, metric=metric, step=_number(step), report=report, project=project,
        part=part, reply_to=reply_to,
    )  # fmt: skip
    with face.store() as store:
        made = commented(store, question)
    face.out.emit(
        {"comment": comment_document(made)},
        ids=[made.id],
        table=lambda: face.out.say(
            f"The comment {made.id} on {printable(made.prefix)} is written."
        ),
    )


@comment.command("list")
@click.argument("experiment", required=False, shell_complete=complete_experiment)
@_REPORT
@_PROJECT
@click.option("-m", "--metric", metavar="NAME", help="Only those about points of this metric.")
@click.option("--mentioning", metavar="NAME", help="Only those that mention this person.")
@click.option(
    "--resolved/--open",
    default=None,
    help="Only those that are settled, or only those that are not.",
)
@click.option(
    "--since",
    metavar="WHEN",
    help="Only those written or changed this long ago at most (2d), or since a date.",
)
@shared(quiet="Print ids alone, one per line.")
def list_(
    face: Face, experiment: str | None, report: str | None, project: str | None, metric: str | None,
    mentioning: str | None, resolved: bool | None, since: str | None,
) -> None:  # fmt: skip
    """List comments, the oldest first; all, or those on an experiment or a report.

    \b
    Examples:
      anew comment list k7f3
      anew comment list --open --since 7d
      anew comment list --mentioning ana
    """
    question = CommentListOptions(
        experiment=experiment, report=report, project=project, metric=metric, mentioning=mentioning,
        resolved=resolved, since=since,
    )  # fmt: skip
    with face.store() as store:
        found = comments_asked(store, question)

    def table() -> None:
        if not found:
            face.out.say("There are no comments.")
        for one in _threaded(found):
            _print(face, one)

    face.out.emit(
        {"comments": [comment_document(one) for one in found]},
        ids=[one.id for one in found],
        table=table,
    )


@comment.command("edit")
@click.argument("comment")
@click.argument("text")
@shared(quiet=_QUIET)
def edit(face: Face, comment: str, text: str) -> None:
    """Change the text of a comment of one's own; what it said before stays in the record.

    \b
    Examples:
      anew comment edit b4kq "the learning rate fell at step 1200"
    """
    new = sys.stdin.read() if text == "-" else text
    _do(face, lambda store: store.comments.edit(comment, new), "changed")


@comment.command("remove")
@click.argument("comment")
@shared(quiet=_QUIET)
def remove(face: Face, comment: str) -> None:
    """Remove a comment of one's own. Who maintains the project, or has the folder, may remove any.

    \b
    Examples:
      anew comment remove b4kq
    """
    _do(face, lambda store: store.comments.remove(comment), "removed", "removed")


@comment.command("resolve")
@click.argument("comment")
@shared(quiet=_QUIET)
def resolve(face: Face, comment: str) -> None:
    """Say that a comment is settled.

    \b
    Examples:
      anew comment resolve b4kq
    """
    _do(face, lambda store: store.comments.resolve(comment), "settled")


@comment.command("reopen")
@click.argument("comment")
@shared(quiet=_QUIET)
def reopen(face: Face, comment: str) -> None:
    """Say that a comment is not settled after all.

    \b
    Examples:
      anew comment reopen b4kq
    """
    _do(face, lambda store: store.comments.reopen(comment), "open again")


def _do(face: Face, act: Callable[[Store], Comment], done: str, key: str = "comment") -> None:
    with face.store(refresh=False) as store:
        one = act(store)
    face.out.emit(
        {key: comment_document(one)},
        table=lambda: face.out.say(f"The comment {one.id} on {printable(one.prefix)} is {done}."),
    )


def _threaded(comments: Sequence[Comment]) -> list[Comment]:
    """Each comment with its answers behind it."""
    ids = {one.id for one in comments}
    answers: dict[str, list[Comment]] = {}
    for one in comments:
        if one.reply_to in ids:
            answers.setdefault(str(one.reply_to), []).append(one)
    found: list[Comment] = []

    def add(one: Comment) -> None:
        found.append(one)
        for answer in answers.get(one.id, ()):
            add(answer)

    for one in comments:
        if one.reply_to not in ids:
            add(one)
    return found


def _print(face: Face, one: Comment) -> None:
    about = one.about
    place = one.prefix if about.part is None else f"{one.prefix}, {about.part}"
    if about.metric is not None:
        place += f", {about.metric}" + ("" if about.step is None else f" at {number(about.step)}")
    marks = [
        "edited" if one.edited is not None else "",
        "" if one.reply_to is None else f"answers {one.reply_to}",
        "" if one.resolved_by is None else f"settled by {one.resolved_by}",
    ]
    head = face.out.dot.join(
        one_line(part)
        for part in (one.id, one.user, ago(one.time, time.time()), place, *marks)
        if part
    )
    face.out.line(head)
    for line in one.text.splitlines():
        face.out.line("  " + printable(line))


def _number(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise click.UsageError(f"{text!r} is no step.") from None
