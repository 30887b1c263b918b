"""Messages and console output of an experiment, as they are read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..query.lines import LEVELS, Lines, LinesQuestion
from .backend import Backend

__all__ = ["LEVELS", "LogLine", "follow_lines", "follow_several", "read_console", "read_logs"]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One message; `time` in seconds since the epoch, `fields` what was logged beside it."""

    time: float
    level: str
    message: str
    fields: dict[str, Any] = field(default_factory=dict)
    writer: str = ""


def read_logs(backend: Backend, question: LinesQuestion, tail: int | None) -> list[LogLine]:
    """The lines that meet a question: all of them, or the last so many."""
    return [line for answer in _answers(backend, question, tail) for line in _lines(answer)]


def read_console(backend: Backend, question: LinesQuestion, tail: int | None) -> str:
    """What was printed, as a text; of several writers, each under a heading of its own.

    `tail` gives the last so many lines of each.
    """
    texts: dict[str, list[str]] = {}
    there = backend.lines(msgspec.structs.replace(question, limit=0)).known_writers
    for writer in there:
        mine = msgspec.structs.replace(question, writers=(writer,), unfinished=True)
        for answer in _answers(backend, mine, tail):
            text = "\n".join(answer.messages)
            if answer.messages and not answer.unfinished:
                text += "\n"
            texts.setdefault(writer, []).append(text)
    whole = {writer: text for writer, pieces in texts.items() if (text := "".join(pieces))}
    if len(whole) < 2:
        return next(iter(whole.values()), "")
    return "\n".join(f"==> {writer} <==\n{text}" for writer, text in whole.items())


def follow_lines(
    backend: Backend,
    question: LinesQuestion,
    tail: int | None,
    *,
    ended: Callable[[], bool],
    interval: float,
) -> Iterator[LogLine]:
    """Lines as they are written, until `ended` says that nothing more will be and all was given.

    Args:
        tail: Begin with the last so many that are there already; with all of them if None.
    """
    last = ended()  # asked before reading: what was written before the end is then seen
    if tail is not None:
        answers = list(_answers(backend, question, tail))
        for answer in answers:
            yield from _lines(answer)
        question = msgspec.structs.replace(question, cursor=answers[-1].after)
    while True:
        answer = backend.lines(msgspec.structs.replace(question, unfinished=last))
        question = msgspec.structs.replace(question, cursor=answer.after)
        yield from _lines(answer)
        if answer.more:
            continue
        if last:
            return
        time.sleep(interval)
        last = ended()


def follow_several(
    backend: Backend,
    questions: Mapping[str, LinesQuestion],
    tail: int | None,
    *,
    running: Callable[[Collection[str]], Collection[str]],
    interval: float,
) -> Iterator[tuple[str, LogLine]]:
    """Lines of several experiments as they are written, each with the id of its experiment, until all have ended.

    Args:
        questions: By id, what is asked of it.
        tail: Begin with the last so many of all that are there; with all of them if None.
        running: Which of some experiments have not ended.
    """
    left = dict(questions)
    first = True
    while left:
        go_on = running(
            list(left)
        )  # asked before reading: what was written before the end is then seen
        new: list[tuple[str, LogLine]] = []
        for id_, question in list(left.items()):
            last = id_ not in go_on
            if first and tail is not None:
                answers = _answers(backend, question, tail)
                new += [(id_, line) for answer in answers for line in _lines(answer)]
                question = msgspec.structs.replace(question, cursor=answers[-1].after)
            while True:
                answer = backend.lines(msgspec.structs.replace(question, unfinished=last))
                question = msgspec.structs.replace(question, cursor=answer.after)
                new += [(id_, line) for line in _lines(answer)]
                if not answer.more:
                    break
            left[id_] = question
            if last:
                del left[id_]
        new.sort(key=lambda pair: pair[1].time)
        if first and tail is not None:
            new = new[max(0, len(new) - tail) :]
        first = False
        yield from new
        if left:
            time.sleep(interval)


def _answers(backend: Backend, question: LinesQuestion, tail: int | None) -> list[Lines]:
    """The answers that together hold what is wanted, in the order of their lines."""
    answers: list[Lines] = []
    backward = tail is not None
    left = tail
    while True:
        limit = question.limit if left is None else max(0, left)
        answer = backend.lines(msgspec.structs.replace(question, backward=backward, limit=limit))
        answers.append(answer)
        if left is not None:
            left -= len(answer.messages)
        if not answer.more or (left is not None and left <= 0):
            return answers[::-1] if backward else answers
        cursor = answer.before if backward else answer.after
        question = msgspec.structs.replace(question, cursor=cursor)


def _lines(answer: Lines) -> Iterator[LogLine]:
    """The lines of an answer; those of a console, which has no times, are as of now."""
    now = time.time()
    for at, message in enumerate(answer.messages):
        when, fields = float(answer.times[at]), answer.fields[at]
        yield LogLine(
            now if when != when else when,
            answer.levels[at],
            message,
            {} if fields is None else json.loads(fields),
            answer.writers[at],
        )
