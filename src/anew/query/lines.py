"""The question for messages and console output, and its answer."""

from __future__ import annotations

from typing import Literal

import msgspec

from .arrays import Floats

__all__ = ["LEVELS", "Lines", "LinesQuestion"]

LEVELS = {
    "trace": 5, "debug": 10, "info": 20, "notice": 25, "warn": 30, "warning": 30, "error": 40,
    "critical": 50, "fatal": 50,
}  # fmt: skip
"""Levels by how grave they are."""


class LinesQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of one experiment: its messages, or what it printed.

    Attributes:
        stream: "messages" is what was logged with a level, "console" is what the program printed.
        writers: Only lines of these writers; of all if empty.
        level: Only messages of this level and those above it. A level of the user's own is met by itself alone.
        contains: Only lines with this text in them, upper and lower case alike.
        pattern: Only lines in which this regular expression is found.
        cursor: From an earlier answer: where to begin. Without one, a forward answer begins with the first
            line and a backward answer ends with the last.
        time: Where to begin without a cursor: before the first message of this time or later (seconds since the
            epoch). The console has no times.
        backward: Give the lines before the beginning instead of those after it. They come in the order they were
            written all the same.
        unfinished: Also give a last line of the console that has no end yet. The cursor stays before it.
        limit: At most this many lines; with `context`, this many that meet the conditions.
        context: How many lines to give before and after each line that meets the conditions.
        places: Also give the place of each line.
    """

    id: str
    stream: Literal["messages", "console"] = "messages"
    writers: tuple[str, ...] = ()
    level: str | None = None
    contains: str | None = None
    pattern: str | None = None
    cursor: str | None = None
    time: float | None = None
    backward: bool = False
    unfinished: bool = False
    limit: int = 1000
    context: int = 0
    places: bool = False


class Lines(msgspec.Struct, frozen=True, eq=False):
    """The answer: columns with a value per line.

    The lines of each writer keep the order in which they were written. Messages of several writers are merged by their times;
    the console has no times, so there a writer's lines follow those of the writer before.

    Attributes:
        times: Seconds since the epoch; NaN for lines of the console.
        levels: The level of each message; "console" for lines of the console.
        fields: What was logged beside each message, as JSON text; None where there is nothing.
        writers: Who wrote each line.
        known_writers: Everybody of those asked for who has written to this stream, in their order.
        before: The cursor of a backward question for the lines before these; `after` of a forward question for
            those after.
        more: Whether there may be more in the direction asked for. An answer may stop short of `limit`, and even
            be empty, where finding matches takes long: then this is True, and the cursor goes on.
        unfinished: Whether the last line has no end yet.
        matched: Whether each line meets the conditions, or is given for one that does. Empty without `context`: all do.
        places: A cursor for each line: a forward question that has it begins with this line, and a backward question ends before it.
            Empty unless asked for.
        size: How many bytes all of them have together, matching or not.
        left: How many of these bytes are still to be looked at in the direction asked for; about, as the next answer may begin with
            lines that were looked at. 0 where there is no more.
    """

    times: Floats
    levels: tuple[str, ...]
    messages: tuple[str, ...]
    fields: tuple[str | None, ...]
    writers: tuple[str, ...]
    before: str
    after: str
    known_writers: tuple[str, ...]
    more: bool
    unfinished: bool = False
    matched: tuple[bool, ...] = ()
    places: tuple[str, ...] = ()
    size: int = 0
    left: int = 0
