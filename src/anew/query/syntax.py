"""A filter as a tree of frozen nodes. `position` is the column in the text where a node begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True, slots=True)
class Part:
    """One segment of a field's path; a quoted one is taken as it is."""

    text: str
    quoted: bool
    position: int


@dataclass(frozen=True, slots=True)
class Field:
    """What a condition asks about, as written: `params.model.depth`, `metrics["train/loss"].min`."""

    parts: tuple[Part, ...]
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Value:
    """A literal. A `Span` was written as a date, a "duration" is in seconds."""

    kind: Literal["number", "text", "bool", "null", "duration", "time", "nan"]
    value: int | float | str | bool | Span | None
    text: str
    position: int


Operand = Field | Value


@dataclass(frozen=True, slots=True)
class Compare:
    """`left operator right`; at least one side is a field."""

    left: Operand
    operator: Operator
    right: Operand
    position: int


@dataclass(frozen=True, slots=True)
class In:
    """`field in (values)`; negated: the field has a value, and it is none of these."""

    field: Field
    values: tuple[Value, ...]
    negated: bool
    position: int


@dataclass(frozen=True, slots=True)
class Contains:
    """`'text' in field`: a tag of a collection, or a part of a text."""

    field: Field
    value: Value
    negated: bool
    position: int


@dataclass(frozen=True, slots=True)
class Match:
    """`field =~ 'pattern'`: a regular expression found anywhere in a text."""

    field: Field
    pattern: Value
    negated: bool
    position: int


@dataclass(frozen=True, slots=True)
class IsMissing:
    """`field is null`; negated: `field is not null`, `field exists`."""

    field: Field
    negated: bool
    position: int


@dataclass(frozen=True, slots=True)
class IsNan:
    """`field is nan`: it was recorded and is not a number."""

    field: Field
    negated: bool
    position: int


@dataclass(frozen=True, slots=True)
class Truth:
    """A field that is true or false, standing alone."""

    field: Field
    position: int


Condition = Compare | In | Contains | Match | IsMissing | IsNan | Truth


@dataclass(frozen=True, slots=True)
class And:
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    item: Expression


Expression = And | Or | Not | Condition
