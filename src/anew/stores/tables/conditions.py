"""A filter as a condition of SQL over the columns of a recorded table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...errors import QueryError
from ...query.parser import parse
from ...query.suggest import nearest
from ...query.syntax import (
    And,
    Compare,
    Contains,
    Expression,
    Field,
    In,
    IsMissing,
    IsNan,
    Match,
    Not,
    Or,
    Truth,
    Value,
)

__all__ = ["ColumnKind", "Condition", "TableColumn", "column_named", "condition_of"]

ColumnKind = Literal["number", "text", "bool", "time", "other"]
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_LITERALS: dict[str, tuple[str, ...]] = {
    "number": ("number", "duration"),
    "bool": ("bool",),
    "text": ("text", "time"),
    "time": ("text", "time"),
    "other": ("text",),
}


@dataclass(frozen=True)
class TableColumn:
    """A column of a recorded table.

    Attributes:
        place: The number by which SQL knows it: `c0`, `c1` …
        kind: What its values are; "other" for lists, structs and bytes.
        floating: Whether it can hold NaN.
    """

    name: str
    place: int
    kind: ColumnKind
    floating: bool = False

    @property
    def sql(self) -> str:
        """Its name in SQL."""
        return f"c{self.place}"


@dataclass(frozen=True)
class Condition:
    """A condition of SQL, with what stands for its `?`."""

    sql: str
    values: tuple[Any, ...] = ()


def condition_of(text: str, columns: Sequence[TableColumn]) -> Condition:
    """The condition that a text of the filter language means for the rows of a table; "" is met by all.

    Raises:
        QueryError: It cannot be read, names no column of the table, or compares one with a value of another kind.
    """
    if not text.strip():
        return Condition("TRUE")
    try:
        return _whole(parse(text), columns)
    except QueryError as error:
        error.text = error.text or text
        raise


def _whole(expression: Expression, columns: Sequence[TableColumn]) -> Condition:
    if isinstance(expression, (And, Or)):
        found = [_whole(one, columns) for one in expression.items]
        word = " AND " if isinstance(expression, And) else " OR "
        return Condition(
            "(" + word.join(one.sql for one in found) + ")",
            tuple(value for one in found for value in one.values),
        )
    if isinstance(expression, Not):
        inner = _whole(expression.item, columns)
        return Condition(f"(NOT {inner.sql})", inner.values)
    # What is missing meets no condition: two-valued, so that `not` means what it says.
    bare = _single(expression, columns)
    return Condition(f"coalesce({bare.sql}, FALSE)", bare.values)


def column_named(name: str, columns: Sequence[TableColumn], position: int = 0) -> TableColumn:
    """The column of a name.

    Raises:
        QueryError: There is none.
    """
    for one in columns:
        if one.name == name:
            return one
    names = [one.name for one in columns]
    near = nearest(name, names, 1)
    shown = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
    raise QueryError(
        f"The table has no column {name!r}; it has {shown}.",
        position=position,
        suggestion=near[0] if near else None,
    )


def _column(field: Field, columns: Sequence[TableColumn]) -> TableColumn:
    dotted = ".".join(part.text for part in field.parts)
    known = {one.name for one in columns}
    return column_named(field.text if field.text in known else dotted, columns, field.position)


def _single(node: Any, columns: Sequence[TableColumn]) -> Condition:
    if isinstance(node, Compare):
        return _compare(node, columns)
    column = _column(node.field, columns)
    name = column.sql
    negated = bool(getattr(node, "negated", False))
    no = "NOT " if negated else ""
    if isinstance(node, In):
        values = tuple(_literal(column, one) for one in node.values)
        marks = ", ".join(_mark(column) for _ in values)
        return Condition(f"{name} {no}IN ({marks})", values)
    if isinstance(node, Contains):
        return Condition(f"{no}contains({_text(column)}, ?)", (node.value.value,))
    if isinstance(node, Match):
        return Condition(f"{no}regexp_matches({_text(column)}, ?)", (node.pattern.value,))
    if isinstance(node, IsMissing):
        return Condition(f"{name} IS {no}NULL")
    if isinstance(node, IsNan):
        return Condition(f"{no}isnan({name})") if column.floating else Condition("TRUE" if negated else "FALSE")  # fmt: skip
    assert isinstance(node, Truth)
    if column.kind != "bool":
        raise _mistake(f"{column.name!r} is not true or false: compare it with a value.", node.field)  # fmt: skip
    return Condition(name)


def _compare(node: Compare, columns: Sequence[TableColumn]) -> Condition:
    left, operator, right = node.left, node.operator, node.right
    if isinstance(left, Value):
        left, right = right, left
        operator = _FLIPPED.get(operator, operator)  # type: ignore[assignment]
    assert isinstance(left, Field)
    column = _column(left, columns)
    sign = "=" if operator == "==" else operator
    # To DuckDB NaN is larger than every number, and equal to itself.
    finite = f" AND NOT isnan({column.sql})" if column.floating and operator != "!=" else ""
    if isinstance(right, Field):
        other = _column(right, columns)
        if other.kind != column.kind:
            raise _mistake(f"{column.name!r} and {other.name!r} are of different kinds.", left)
        more = f" AND NOT isnan({other.sql})" if other.floating and operator != "!=" else ""
        return Condition(f"({column.sql} {sign} {other.sql}{finite}{more})")
    if right.kind in ("null", "nan"):
        if operator not in ("==", "!="):
            raise _mistake(f"Nothing is larger or smaller than {right.text}.", left)
        plain: IsMissing | IsNan = (
            IsMissing(left, operator == "!=", node.position)
            if right.kind == "null"
            else IsNan(left, operator == "!=", node.position)
        )
        return _single(plain, columns)
    return Condition(
        f"({_as_compared(column)} {sign} {_mark(column)}{finite})", (_literal(column, right),)
    )


def _literal(column: TableColumn, value: Value) -> Any:
    if value.kind not in _LITERALS[column.kind]:
        what = {"number": "numbers", "bool": "truth values", "text": "texts", "time": "times", "other": "lists or structs"}  # fmt: skip
        raise QueryError(
            f"The column {column.name!r} holds {what[column.kind]}, and {value.text} is none of these.",
            position=value.position,
        )
    if value.kind == "time":
        return value.text  # as it was written; DuckDB reads the same forms
    return value.value


def _mark(column: TableColumn) -> str:
    return "TRY_CAST(? AS TIMESTAMP)" if column.kind == "time" else "?"


def _as_compared(column: TableColumn) -> str:
    if column.kind == "time":
        return f"CAST({column.sql} AS TIMESTAMP)"
    return _text(column) if column.kind == "other" else column.sql


def _text(column: TableColumn) -> str:
    return column.sql if column.kind == "text" else f"CAST({column.sql} AS VARCHAR)"


def _mistake(message: str, field: Field) -> QueryError:
    return QueryError(message, position=field.position)
