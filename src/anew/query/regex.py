"""Regular expressions inside the catalog, bounded.

A pattern comes from a user, and Python's engine can take exponential time. So a pattern has a length, may
not repeat what itself repeats without end (`(a+)+`), is compiled once per question, sees only the beginning of a
text, and the whole question has a budget of time.
"""

from __future__ import annotations

import re
import time
import warnings
from typing import Any

__all__ = ["PatternBudget", "check_pattern", "plain_part"]

MAX_PATTERN = 500
MAX_SUBJECT = 2000
SECONDS = 10.0


def check_pattern(pattern: str) -> tuple[str, int] | None:
    """What is wrong with a pattern and at which column of it; None if it can be used."""
    if len(pattern) > MAX_PATTERN:
        return f"it has more than {MAX_PATTERN} characters", MAX_PATTERN
    try:
        _compiled(pattern)
    except re.error as error:
        return error.msg, error.pos or 0
    except (RecursionError, OverflowError):
        return "it is too large", 0
    position = _nested_repeat(pattern)
    if position is not None:
        return "it repeats what itself repeats without end, which can take forever", position
    return None


def _compiled(pattern: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", FutureWarning
        )  # of what a pattern may mean in later Pythons
        return re.compile(pattern)


def plain_part(pattern: str) -> str:
    """The longest piece of plain text that whatever the pattern is found in must hold; "" if none is sure.

    A text of plain characters alone is its own piece.
    """
    if "|" in pattern or "(" in pattern:  # choices, groups that may repeat, flags
        return ""
    best = run = ""
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if char in "*?{":  # what is before may be missing
            best, run = max(best, run[:-1], key=len), ""
            position = (
                pattern.find("}", position) + 1 or len(pattern) if char == "{" else position + 1
            )
        elif char in ".^$+[\\":
            best, run = max(best, run, key=len), ""
            if char == "[":
                position = _class_end(pattern, position)
            elif char == "\\":
                # A backslash may stand for a character, a class or a number of them: none is sure.
                return best
            else:
                position += 1
        else:
            run += char
            position += 1
    return max(best, run, key=len)


def _nested_repeat(pattern: str) -> int | None:
    """The column of an unbounded repeat around another, or around alternatives; None if there is none."""
    open_groups: list[bool] = []  # per open group: whether it holds an unbounded repeat or a choice
    risky = False  # whether the item just read is a group that does
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            risky = False
            position += 2
            continue
        if char == "[":
            position = _class_end(pattern, position)
            risky = False
            continue
        if char == "(":
            open_groups.append(False)
            risky = False
            position += 1
            continue
        if char == ")":
            risky = open_groups.pop() if open_groups else False
            if risky and open_groups:
                open_groups[-1] = True
            position += 1
            continue
        unbounded = char in "*+" or re.match(r"\{\d*,\d*\}", pattern[position:])
        if unbounded:
            if risky:
                return position
            if open_groups:
                open_groups[-1] = True
        elif char == "|" and open_groups:
            open_groups[-1] = True
        elif char != "?":  # `(…)?` is still that group
            risky = False
        position += 1
    return None


def _class_end(pattern: str, begin: int) -> int:
    position = begin + 1
    if pattern[position : position + 1] == "^":
        position += 1
    if pattern[position : position + 1] == "]":  # stands for itself when first
        position += 1
    while position < len(pattern) and pattern[position] != "]":
        position += 2 if pattern[position] == "\\" else 1
    return position + 1


class PatternBudget:
    """The `regexp` function of one question: patterns compiled once, time counted over all its rows."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.deadline = time.monotonic() + seconds
        self.exceeded = False
        self._compiled: dict[str, re.Pattern[str]] = {}

    def __call__(self, pattern: str, text: Any) -> bool | None:
        """Whether the pattern is found in the text; None for no text.

        Raises:
            TimeoutError: The question's time is used up.
        """
        if text is None:
            return None
        found = self._compiled.get(pattern)
        if found is None:
            found = self._compiled[pattern] = _compiled(pattern)
        if time.monotonic() > self.deadline:
            self.exceeded = True
            raise TimeoutError("the pattern takes too long")
        return found.search(str(text), 0, MAX_SUBJECT) is not None
