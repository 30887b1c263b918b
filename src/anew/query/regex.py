"""Patterns of filters: RE2's, in every engine.

A pattern comes from a user, and RE2 takes time in proportion to the text whatever the pattern is. It has no
look-around and no references back, which need more.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

__all__ = ["check_pattern", "matcher", "plain_part"]

MAX_PATTERN = 500


def check_pattern(pattern: str) -> tuple[str, int] | None:
    """What is wrong with a pattern and at which column of it; None if it can be used."""
    if len(pattern) > MAX_PATTERN:
        return f"it has more than {MAX_PATTERN} characters", MAX_PATTERN
    import re2

    try:
        matcher(pattern)
    except re2.error as error:
        said = error.args[0]
        message = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        # RE2 names the part that is wrong, not where it stands.
        reason, _, part = message.partition(": ")
        return reason, max(0, pattern.find(part))
    return None


@lru_cache(maxsize=64)
def matcher(pattern: str) -> Callable[[str], bool]:
    """What tells whether a pattern is found anywhere in a text."""
    import re2

    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    search = re2.compile(pattern, options).search

    def found(text: str) -> bool:
        # Bytes, because of a text the package would work out in characters where it was found.
        return search(text.encode()) is not None

    return found


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


def _class_end(pattern: str, begin: int) -> int:
    position = begin + 1
    if pattern[position : position + 1] == "^":
        position += 1
    if pattern[position : position + 1] == "]":  # stands for itself when first
        position += 1
    while position < len(pattern) and pattern[position] != "]":
        named = re.match(r"\[:\^?[a-z]*:\]", pattern[position:])  # [:alpha:] ends itself
        position += named.end() if named else 2 if pattern[position] == "\\" else 1
    return position + 1
