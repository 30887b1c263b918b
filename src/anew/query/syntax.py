"""A filter as a tree of frozen structs. `position` is the column in the text where a node begins.

A tree may come from another machine. What no parser would make raises ValueError, so that whoever answers need not expect it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from .literals import Span

__all__ = [
    "And",
    "Compare",
    "Condition",
    "Contains",
    "Expression",
    "Field",
    "In",
    "IsMissing",
    "IsNan",
    "Match",
    "Not",
    "Operator",
    "Or",
    "Part",
    "Truth",
    "Value",
]

Operator = Literal["==", "!=", "<", "<=", ">", ">="]


class Part(msgspec.Struct, frozen=True, tag=True):
    """One segment of a field's path; a quoted one is taken as it is."""

    text: str
    quoted: bool
    position: int


class Field(msgspec.Struct, frozen=True, tag=True):
    """What a condition asks about, as written: `params.model.depth`, `metrics["train/loss"].min`.

    A name that no experiment has is a mistake in a filter that somebody wrote. In a condition made from an
    argument it is data: `may_be_unknown` then makes the condition false instead.
    """

    parts: tuple[Part, ...]
    text: str
    position: int
    may_be_unknown: bool = False

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError("A field has at least one part.")


class Value(msgspec.Struct, frozen=True, tag=True):
    """A literal. A `Span` was written as a date, a "duration" is in seconds."""

    kind: Literal["number", "text", "bool", "null", "duration", "time", "nan"]
    value: int | float | str | bool | Span | None
    text: str
    position: int

    def __post_init__(self) -> None:
        if not isinstance(self.value, _HELD[self.kind]) or (
            isinstance(self.value, bool) and self.kind != "bool"
        ):
            raise ValueError(f"{self.value!r} is no value of the kind {self.kind!r}.")


_HELD: dict[str, tuple[type, ...]] = {
    "number": (int, float), "text": (str,), "bool": (bool,), "null": (type(None),), "duration": (int, float),
    "time": (Span, int, float), "nan": (float, type(None)),
}  # fmt: skip


Operand = Field | Value


class Compare(msgspec.Struct, frozen=True, tag=True):
    """`left operator right`; at least one side is a field."""

    left: Operand
    operator: Operator
    right: Operand
    position: int

    def __post_init__(self) -> None:
        if isinstance(self.left, Value) and isinstance(self.right, Value):
            raise ValueError("One side of a comparison is a field.")


class In(msgspec.Struct, frozen=True, tag=True):
    """`field in (values)`; negated: the field has a value, and it is none of these."""

    field: Field
    values: tuple[Value, ...]
    negated: bool
    position: int


class Contains(msgspec.Struct, frozen=True, tag=True):
    """`'text' in field`: a tag of a collection, or a part of a text."""

    field: Field
    value: Value
    negated: bool
    position: int


class Match(msgspec.Struct, frozen=True, tag=True):
    """`field =~ 'pattern'`: a regular expression found anywhere in a text."""

    field: Field
    pattern: Value
    negated: bool
    position: int


class IsMissing(msgspec.Struct, frozen=True, tag=True):
    """`field is null`; negated: `field is not null`, `field exists`."""

    field: Field
    negated: bool
    position: int


class IsNan(msgspec.Struct, frozen=True, tag=True):
    """`field is nan`: it was recorded and is not a number."""

    field: Field
    negated: bool
    position: int


class Truth(msgspec.Struct, frozen=True, tag=True):
    """A field that is true or false, standing alone."""

    field: Field
    position: int


Condition = Compare | In | Contains | Match | IsMissing | IsNan | Truth


class And(msgspec.Struct, frozen=True, tag=True):
    """All of them are true."""

    items: tuple[Expression, ...]

    def __post_init__(self) -> None:
        _check_some(self.items)


class Or(msgspec.Struct, frozen=True, tag=True):
    """At least one of them is true."""

    items: tuple[Expression, ...]

    def __post_init__(self) -> None:
        _check_some(self.items)


class Not(msgspec.Struct, frozen=True, tag=True):
    """It is not true."""

    item: Expression


Expression = And | Or | Not | Condition


def _check_some(items: tuple[Expression, ...]) -> None:
    if not items:
        raise ValueError("There is at least one condition in a list of them.")
