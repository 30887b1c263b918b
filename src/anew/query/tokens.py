"""A filter cut into tokens, each with the column where it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import QueryError
from .literals import Span, parse_duration, parse_number, parse_time
from .syntax import Part

__all__ = ["Token", "mistake", "tokenize"]

MAX_LENGTH = 200_000
_OPERATORS = frozenset(("==", "!=", "<=", ">=", "=~", "!~", "<", ">", "(", ")", "[", "]", ","))
_INSTEAD = {
    "=": "==", "<>": "!=", "=>": ">=", "=<": "<=", "&&": "and", "||": "or", "&": "and", "|": "or",
    "!": "not",
}  # fmt: skip
# There is no arithmetic, so names need no quotes for what metric names commonly hold.
_IN_NAMES = "_/-:@%"
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"'}


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is "end", "op", "text", "number", "duration", "time" or "path"."""

    kind: Literal["end", "op", "text", "number", "duration", "time", "path"]
    text: str
    position: int
    value: int | float | str | Span | None = None
    parts: tuple[Part, ...] = ()

    @property
    def word(self) -> str:
        """The lower-case word, if the token is a single unquoted one; it may be a keyword."""
        if self.kind == "path" and len(self.parts) == 1 and not self.parts[0].quoted:
            return self.text.lower()
        return ""


def mistake(message: str, text: str, position: int, suggestion: str | None = None) -> QueryError:
    """The error for a mistake at a column, to be raised."""
    flat = "".join(" " if c.isspace() else c for c in text)
    if len(flat) > 160:  # the part around the mistake is what helps
        begin = max(0, position - 80)
        flat, position = flat[begin : begin + 160], position - begin
    return QueryError(message, text=flat, position=position, suggestion=suggestion)


def tokenize(text: str) -> list[Token]:
    """Cut a filter into tokens; the last is the end.

    Raises:
        QueryError: A character or a value has no meaning here, or a quote is not closed.
    """
    if len(text) > MAX_LENGTH:
        raise QueryError(f"The filter has more than {MAX_LENGTH:,} characters.")
    for char in text:
        if "\ud800" <= char <= "\udfff":
            raise QueryError(
                f"The filter contains half of a surrogate pair (U+{ord(char):04X}), which cannot be "
                "compared with any text."
            )
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        char = text[position]
        if char.isspace():
            position += 1
            continue
        token, position = _token(text, position)
        tokens.append(token)
    tokens.append(Token("end", "", len(text.rstrip())))
    return tokens


def _token(text: str, position: int) -> tuple[Token, int]:
    char = text[position]
    if char in "'\"":
        value, end = _quoted(text, position)
        return Token("text", text[position:end], position, value), end
    following = text[position + 1 : position + 2]
    if char.isdigit() or (char in "+-." and (following.isdigit() or following in (".", "i", "I"))):
        return _number(text, position)
    if char.isalpha() or char in "_`":
        return _path(text, position)
    # The longest match decides: `<>` is one mistake, not `<` and another, and `==` is not `=`.
    for length in (2, 1):
        operator = text[position : position + length]
        if operator in _OPERATORS:
            return Token("op", operator, position), position + length
        if operator in _INSTEAD:
            raise mistake(
                f"{operator!r} is not an operator here.", text, position, _INSTEAD[operator]
            )
    raise mistake(f"The character {char!r} has no meaning here.", text, position)


def _number(text: str, begin: int) -> tuple[Token, int]:
    end = begin + 1
    while end < len(text) and (text[end].isalnum() or text[end] in "_.:+-"):
        end += 1
    raw = text[begin:end]
    number = parse_number(raw)
    if number is not None:
        return Token("number", raw, begin, number), end
    seconds = parse_duration(raw)
    if seconds is not None:
        return Token("duration", raw, begin, seconds), end
    span = parse_time(raw)
    if span is not None:
        return Token("time", raw, begin, span), end
    raise mistake(
        f"{raw!r} is not a number (1, 0.5, 1e-3), duration (90s, 1h30m, 7d) or date "
        "(2026-01-31, 2026-01-31T12:00); put a string in quotes.",
        text,
        begin,
    )


def _quoted(text: str, begin: int) -> tuple[str, int]:
    quote = text[begin]
    out: list[str] = []
    position = begin + 1
    while position < len(text):
        char = text[position]
        if char == quote:
            return "".join(out), position + 1
        if char == "\\" and quote != "`" and position + 1 < len(text):
            # Unknown escapes stay as they are: `\d` of a regular expression needs no doubling.
            out.append(_ESCAPES.get(text[position + 1], text[position : position + 2]))
            position += 2
            continue
        out.append(char)
        position += 1
    raise mistake(f"The quote {quote} is not closed.", text, begin)


def _path(text: str, begin: int) -> tuple[Token, int]:
    part, position = _segment(text, begin)
    parts = [part]
    while position < len(text):
        if text[position] == ".":
            part, position = _segment(text, position + 1)
        elif text[position] == "[" and text[position + 1 : position + 2] in ("'", '"'):
            value, end = _quoted(text, position + 1)
            if text[end : end + 1] != "]":
                raise mistake("The bracket is not closed.", text, position, f"{text[begin:end]}]")
            part, position = Part(value, True, position), end + 1
        else:
            break
        parts.append(part)
    return Token("path", text[begin:position], begin, parts=tuple(parts)), position


def _segment(text: str, begin: int) -> tuple[Part, int]:
    if text[begin : begin + 1] == "`":
        value, end = _quoted(text, begin)
        return Part(value, True, begin), end
    end = begin
    while end < len(text) and (text[end].isalnum() or text[end] in _IN_NAMES):
        end += 1
    if end == begin:
        raise mistake("A name is missing after the dot.", text, begin)
    return Part(text[begin:end], False, begin), end
