"""What stands on the two sides of a condition: where a field's values lie, and what a literal means there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ....errors import QueryError
from ....query.fields import Fact, Labels, Metric, Param, Tag, Target, resolve
from ....query.literals import Span, parse_duration, parse_number, parse_time
from ....query.suggest import nearest
from ....query.syntax import Field, Value
from ....query.tokens import mistake
from ....record.status import Status
from . import schema
from .names import CatalogNames
from .sql import FALSE, TRUE, Query, Rows, Sql, all_of, any_of, is_null, not_null, sql

__all__ = ["EXPERIMENTS", "INTEGERS", "KEY", "Operands", "Source", "column_of"]

EXPERIMENTS = schema.experiments.rows()
KEY = EXPERIMENTS["key"]
"""The key of the experiment that a condition is about, where its row is read."""
INTEGERS = frozenset({"count", "step", "min_step", "max_step", "nonfinite"})
"""The statistics of a metric that are integers."""
_STATUSES = tuple(s.value for s in Status)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the values of a target come from.

    `rows` is None for a column of `experiments`; otherwise it has at most one row per experiment that
    meets `joined`, which may be about the rows `beside` too. `number` and `text` are the columns that hold values of those kinds, None where the
    target never has any. `present` says that a row has a value at all. `rest` is what the numbers leave over (see
    `query.integers`), None where a float64 or 64 bits hold them all. `whole` says that they are integers of 64 bits.
    """

    rows: Rows | None
    joined: Sql
    number: Sql | None
    text: Sql | None
    present: Sql
    rest: Sql | None = None
    beside: Rows | None = None
    whole: bool = False


def column_of(column: Fact, now: float) -> Sql:
    """The SQL for a fact of the experiment."""
    if column.kind == "duration":
        e = EXPERIMENTS
        return sql("coalesce({}, {}) - {} - {}", e["ended_at"], now, e["started_at"], e["paused"])
    return EXPERIMENTS[column.column]


class Operands:
    """The operands of one filter's conditions.

    Args:
        names: The names in the catalog.
        text: The filter as written, for errors.
        now: The time that durations count back from.
    """

    def __init__(self, names: CatalogNames, text: str, now: float) -> None:
        self.names = names
        self.text = text
        self.now = now

    def mistake(self, message: str, position: int, suggestion: str | None = None) -> QueryError:
        return mistake(message, self.text, position, suggestion)

    def target(self, field: Field, *, must_exist: bool = True) -> Target:
        return resolve(field, self.names, self.text, must_exist=must_exist)

    def valued(self, field: Field) -> Fact | Param | Metric | Tag:
        """The target of a field that has one value per experiment."""
        target = self.target(field)
        if isinstance(target, Labels):
            word = f"{target.kind}s"
            raise self.mistake(
                f"{field.text!r} is a collection; use 'in' to test whether it contains an entry.",
                field.position,
                f"'name' in {word}",
            )
        return target

    def source(self, target: Fact | Param | Metric | Tag, rows: Rows | None = None) -> Source:
        """Where the target's values come from; `rows` are those to use, new ones if None."""
        if isinstance(target, Fact):
            column = column_of(target, self.now)
            textual = target.kind in ("text", "status")
            return Source(
                None,
                TRUE,
                None if textual else column,
                column if textual else None,
                not_null(column),
                whole=target.kind in ("number", "bool"),
            )
        number: Sql | None
        text: Sql | None
        rest = None
        if isinstance(target, Metric):
            rows = self.names.rows(schema.metrics) if rows is None else rows
            column = rows["last_step" if target.stat == "step" else target.stat]
            number, text, present = column, None, TRUE
            if target.stat in (
                "std",
                "step",
                "min_step",
                "max_step",
            ):  # may be missing of a metric that was logged
                present = not_null(column)
        elif isinstance(target, Param):
            rows = self.names.rows(schema.params) if rows is None else rows
            number, text, present = rows["number"], rows["text"], sql("{} <> 'null'", rows["type"])
            rest = rows["rest"]
        else:
            rows = self.names.rows(schema.tags) if rows is None else rows
            number, text, present = None, rows["value"], not_null(rows["value"])
        if isinstance(target, Param) and target.kind == "either":
            return Source(rows, self._either(rows, target.name), number, text, present, rest)
        kind = "metric" if isinstance(target, Metric) else "tag"
        key = self.names.key(target.kind if isinstance(target, Param) else kind, target.name)
        joined = sql("{} = {}", rows["name_key"], -1 if key is None else key)
        whole = isinstance(target, Metric) and target.stat in INTEGERS
        return Source(rows, joined, number, text, present, rest, whole=whole)

    def _either(self, rows: Rows, name: str) -> Sql:
        """Whether a row is that of a parameter, or of a configuration key where the experiment has no such parameter."""
        param, config = self.names.key("param", name), self.names.key("config", name)
        if param is None or config is None:
            key = config if param is None else param
            return sql("{} = {}", rows["name_key"], -1 if key is None else key)
        other = self.names.rows(schema.params)
        has_param = Query(
            (sql("1"),),
            (other,),
            (
                sql("{} = {}", other["name_key"], param),
                sql("{} = {}", other["experiment_key"], rows["experiment_key"]),
            ),
        )
        return all_of(
            sql("{} IN ({}, {})", rows["name_key"], param, config),
            any_of(sql("{} = {}", rows["name_key"], param), sql("NOT EXISTS {}", has_param)),
        )

    def check_order(self, target: Target, op: str, value: Value, position: int) -> None:
        """Raise for less and greater where there is no order."""
        kind = target.kind if isinstance(target, Fact) else "number"
        truth = kind == "bool" or (kind == "number" and value.kind == "bool")
        if op not in ("==", "!=") and (truth or kind == "status"):
            what = "A status" if kind == "status" else "A truth value"
            raise self.mistake(f"{what} has no order; use == or !=.", position, "==")

    def value(
        self, target: Fact | Param | Metric | Tag, source: Source, field: Field, value: Value
    ) -> tuple[str, Any]:
        """Which column a literal is compared with ("number" or "text"), and what is bound for it."""
        if isinstance(target, Fact):
            return self._column_value(target, field, value)
        if value.kind == "text":
            if source.text is None:
                raise self.mistake(f"{field.text!r} is a number, not text.", value.position)
            if isinstance(target, Param):
                self.check_holds(target, field, value, number=False)
                return "text", str(value.value)[: schema.MAX_TEXT]
            return "text", value.value
        if value.kind == "time":
            raise self.mistake(f"{field.text!r} is not a time.", value.position, f"'{value.text}'")
        if source.number is None:
            raise self.mistake(f"{field.text!r} is text.", value.position, f"'{value.text}'")
        if isinstance(target, Param):
            self.check_holds(target, field, value, number=True)
        return "number", value.value

    def check_holds(self, target: Param, field: Field, value: Value, *, number: bool) -> None:
        """Raise for a number where all are texts, or a text where all are numbers."""
        if field.may_be_unknown:
            return  # what was not written by a person may be false of all
        numbers, texts = self.names.holds(target.kind, target.name)
        if number and texts and not numbers:
            raise self.mistake(
                f"{field.text!r} is text in every experiment that has it.",
                value.position,
                f"'{value.text}'",
            )
        if not number and numbers and not texts:
            hint = str(value.value) if parse_number(str(value.value)) is not None else None
            raise self.mistake(
                f"{field.text!r} is a number in every experiment that has it.", value.position, hint
            )

    def _column_value(self, target: Fact, field: Field, value: Value) -> tuple[str, Any]:
        kind = target.kind
        if kind == "status":
            return "text", self._status(field, value)
        if kind == "text":
            if value.kind != "text":
                raise self.mistake(f"{field.text!r} is text.", value.position, f"'{value.text}'")
            return "text", value.value
        if kind == "bool":
            if value.kind != "bool":
                raise self.mistake(f"{field.text!r} is true or false.", value.position, "true")
            return "number", value.value
        if kind == "duration":
            if value.kind in ("number", "duration"):
                return "number", float(value.value)  # type: ignore[arg-type]
            seconds = parse_duration(str(value.value)) if value.kind == "text" else None
            if seconds is None:
                raise self.mistake(
                    f"{field.text!r} is a duration: write 90 (seconds), 90s, 1h30m or 2d.",
                    value.position,
                )
            return "number", seconds
        if value.kind not in ("number", "duration", "bool"):
            raise self.mistake(f"{field.text!r} is a number.", value.position)
        return "number", value.value

    def _status(self, field: Field, value: Value) -> str:
        word = str(value.value).lower() if value.kind == "text" else ""
        if word not in _STATUSES:
            close = nearest(word or value.text, _STATUSES, 1)
            raise self.mistake(
                f"There is no status {value.text}; there are {', '.join(_STATUSES)}.",
                value.position,
                f"'{close[0]}'" if close else None,
            )
        return word

    def time(self, target: Fact, field: Field, value: Value) -> Span:
        """The span of time meant by a literal: a date, or so long ago."""
        if isinstance(value.value, Span):
            return value.value
        if value.kind == "duration":
            return Span(self.now - float(value.value), None)  # type: ignore[arg-type]
        if value.kind == "text":
            text = str(value.value).strip()
            span = parse_time(text)
            if span is not None:
                return span
            seconds = parse_duration(text.removesuffix("ago").strip())
            if seconds is not None:
                return Span(self.now - seconds, None)
        elif value.kind == "number":
            span = parse_time(value.text) if re.fullmatch(r"\d{4}", value.text) else None
            return span or Span(float(value.value), None)  # type: ignore[arg-type]
        raise self.mistake(
            f"{field.text!r} is a time: write 2026-01-31, '2026-01-31 12:00', or 7d (seven days "
            "ago).",
            value.position,
        )

    def nan_row(self, target: Target, source: Source, field: Field) -> Sql:
        number = source.number
        if isinstance(target, Metric):
            never = target.stat in ("std", "step", "min_step", "max_step", "count", "nonfinite")
            return FALSE if never or number is None else is_null(number)
        if isinstance(target, Param):
            assert source.rows is not None
            assert number is not None
            return all_of(sql("{} = 'float'", source.rows["type"]), is_null(number))
        raise self.mistake(f"{field.text!r} is never NaN.", field.position)
