"""A filter's tree → SQL. Values are bound parameters, names are keys looked up beforehand, and operators are
chosen from a table: no part of a filter's text becomes SQL.

A condition on a value that is not there is false, and `not` turns false into true: logic has two values here.
SQL's third one appears only inside, and every negation is written `IS NOT TRUE` to keep it there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ....query.contents import MOST_HASH, MOST_NAME, hash_range, is_hash
from ....query.fields import Fact, Labels, Metric, Param, Tag, Target
from ....query.integers import REST_OF_NONE
from ....query.literals import Span
from ....query.regex import check_pattern, plain_part
from ....query.suggest import nearest, one_of
from ....query.syntax import (
    And,
    Compare,
    Condition,
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
from . import schema
from .engine import Dialect
from .names import CatalogNames
from .numbers import (
    cast_whole,
    compared,
    compared_pairs,
    compared_whole,
    comparison,
    is_plain,
)
from .operands import EXPERIMENTS, KEY, Operands, Source, column_of
from .sql import FALSE, TRUE, Query, Rows, Sql, all_of, any_of, not_null, sql

__all__ = ["Compiler", "Probe"]

_NOWHERE = Source(None, TRUE, None, None, FALSE)
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Probe:
    """One condition on the rows of one source.

    `indexed` says that an index finds the rows that meet it, `negated` that the condition is met by the
    experiments that have no such row.
    """

    source: Source
    condition: Sql
    indexed: bool = False
    negated: bool = False

    def keys(self) -> Query:
        """The keys of the experiments that have such a row, some of them repeatedly."""
        source = self.source
        if source.rows is None:
            return Query((KEY,), (EXPERIMENTS,), (self.condition,))
        read = (source.rows,) if source.beside is None else (source.rows, source.beside)
        key = source.rows["experiment_key"]
        met: tuple[Sql, ...] = (source.joined, self.condition)
        if not self.indexed:
            # SQLite reads the rows where they lie, see `keys`: it would go through an index of something else.
            met = (*met, sql("{} > 0", key))
        return Query((key,), read, met)


_INDEXED_COLUMNS = {
    "experiment_id",
    "prefix",
    "name",
    "project",
    "status",
    "parent",
    "relation",
    "created_at",
}


class Compiler(Operands):
    """Compiles the conditions of one filter.

    Args:
        names: The names in the catalog.
        text: The filter as written, for errors.
        now: The time that durations count back from.
        anchor: The column with the key of the experiment that conditions are about.
    """

    def __init__(self, names: CatalogNames, text: str, now: float, anchor: Sql = KEY) -> None:
        super().__init__(names, text, now)
        self.anchor = anchor
        self.uses_columns = False

    def where(self, node: Expression) -> Sql:
        """The condition for experiments to be in the answer.

        Raises:
            QueryError: A field is unknown, or is compared with what it cannot be.
        """
        match node:
            case And(items):
                return all_of(*(self.where(item) for item in items))
            case Or(items):
                return any_of(*(self.where(item) for item in items))
            case Not(item):
                return _isnt(self.where(item))
            case _:
                probe = self.probe(node)
                held = self._holds(probe)
                return _isnt(held) if probe.negated else held

    def probe(self, node: Condition) -> Probe:
        """A condition by itself; raises as `where`."""
        match node:
            case Compare():
                return self._compare(node)
            case In():
                return self._in(node)
            case Contains():
                return self._contains(node)
            case Match():
                return self._match(node)
            case IsMissing():
                return self._missing(node)
            case IsNan():
                return self._nan(node)
            case Truth():
                return self._truth(node)

    def inside(self, node: Expression, target: Target, rows: Rows | None) -> Sql | None:
        """A condition on the target itself, about the row of `rows` that holds it; None for any other."""
        if not isinstance(node, Compare) or node.operator == "!=":
            return None
        sides = (node.left, node.right)
        fields = [side for side in sides if isinstance(side, Field)]
        if len(fields) != 1 or any(
            isinstance(s, Value) and s.kind in ("null", "nan") for s in sides
        ):
            return None
        if self.target(fields[0]) != target:
            return None
        return self._compare(node, rows).condition

    def _holds(self, probe: Probe) -> Sql:
        """Whether the experiment has a row in the source that meets the condition."""
        source = probe.source
        if source.rows is None:
            self.uses_columns = True
            return probe.condition
        # The rows of `experiments` are those of the query around this one.
        self.uses_columns |= source.beside is EXPERIMENTS or source.rows is EXPERIMENTS
        read = [one for one in (source.rows, source.beside) if one not in (None, EXPERIMENTS)]
        mine = sql("{} = {}", source.rows["experiment_key"], self.anchor)
        found = Query((TRUE,), tuple(read), (mine, source.joined, probe.condition))
        return sql("EXISTS {}", found)

    # -- conditions --------------------------------------------------------------------------------

    def _compare(self, node: Compare, rows: Rows | None = None) -> Probe:
        left, op, right = node.left, node.operator, node.right
        if isinstance(left, Field) and isinstance(right, Field):
            return self._compare_fields(left, op, right)
        if isinstance(left, Value):
            left, right, op = right, left, _FLIPPED.get(op, op)  # type: ignore[assignment]
        assert isinstance(left, Field)
        assert isinstance(right, Value)
        if right.kind in ("null", "nan"):
            if op not in ("==", "!="):
                raise self.mistake(
                    f"{right.text} cannot be compared with < or >.",
                    node.position,
                    f"{left.text} is {right.text}",
                )
            make = IsMissing if right.kind == "null" else IsNan
            return self.probe(make(left, op == "!=", node.position))
        target = self.valued(left)
        self.check_order(target, op, right, node.position)
        source = self.source(target, rows)
        indexed = op != "!=" and _is_indexed(target)
        if isinstance(target, Fact) and target.kind == "time":
            span = self.time(target, left, right)
            return Probe(source, _compare_time(column_of(target, self.now), op, span), indexed)
        side, value = self.value(target, source, left, right)
        if op != "!=":
            return Probe(source, _against(source, side, op, value), indexed)
        # What is there and is not this: a NaN, or a text where a number was asked for, included.
        same = _against(source, side, "==", value)
        return Probe(source, all_of(source.present, _isnt(same)))

    def _compare_fields(self, left: Field, op: str, right: Field) -> Probe:
        first, second = self.source(self.valued(left)), self.source(self.valued(right))
        met = _between(first, "==" if op == "!=" else op, second, self.names.connection.dialect)
        if not met:
            raise self.mistake(
                f"{left.text!r} and {right.text!r} are a number and a string, which cannot be compared.",
                right.position,
            )
        condition = any_of(*met)
        if op == "!=":
            condition = all_of(first.present, second.present, _isnt(condition))
        read = [(s.rows, s.joined) for s in (first, second) if s.rows is not None]
        if not read:
            return Probe(first, condition)
        rows, joined = read[0]
        if len(read) == 2:
            beside, other = read[1]
            same = sql("{} = {}", beside["experiment_key"], rows["experiment_key"])
            joined = all_of(joined, other, same)
        else:
            self.uses_columns = True
            beside = EXPERIMENTS
            joined = all_of(joined, sql("{} = {}", KEY, rows["experiment_key"]))
        return Probe(Source(rows, joined, None, None, TRUE, beside=beside), condition)

    def _in(self, node: In) -> Probe:
        contents = self.target(node.field)
        if isinstance(contents, Labels) and contents.kind in ("input", "file"):
            return self._content(contents, self._texts(node), node.negated)
        target = self.valued(node.field)
        source = self.source(target)
        if isinstance(target, Fact) and target.kind == "time":
            column = column_of(target, self.now)
            spans = [self.time(target, node.field, value) for value in node.values]
            found = any_of(*(_compare_time(column, "==", span) for span in spans))
            if node.negated:
                found = all_of(not_null(column), _isnt(found))
            return Probe(source, found)
        sides: dict[str, list[Any]] = {"number": [], "text": []}
        clauses: list[Sql] = []
        for value in node.values:
            if value.kind == "null":
                raise self.mistake(
                    "A list cannot contain null; write a separate condition for it.",
                    value.position,
                    f"{node.field.text} is null",
                )
            if value.kind == "nan":
                clauses.append(self.nan_row(target, source, node.field))
                continue
            side, bound = self.value(target, source, node.field, value)
            if side == "number" and (source.whole or not is_plain(bound)):
                clauses.append(_against(source, side, "==", bound))
            else:
                sides[side].append(bound)
        if sides["number"] and source.number is not None:
            clauses.append(_among(source.number, sides["number"]))
        if sides["text"] and source.text is not None:
            clauses.append(_among(source.text, sides["text"]))
        found = any_of(*clauses)
        if node.negated:
            found = all_of(source.present, _isnt(found))
        return Probe(source, found, _is_indexed(target) and len(clauses) == 1 and not node.negated)

    def _contains(self, node: Contains) -> Probe:
        value = node.value
        if value.kind != "text":
            raise self.mistake(
                "Expected a string in quotes on the left of 'in'.",
                value.position,
                f"'{value.text}'",
            )
        # Asking which experiments lack a tag makes sense before the first one has it.
        target = self.target(node.field, must_exist=not node.negated)
        if isinstance(target, Labels):
            return self._labelled(node, target, str(value.value))
        source = self.source(target)
        if source.text is None or (isinstance(target, Fact) and target.kind == "status"):
            raise self.mistake(
                f"{node.field.text!r} is not text, so it cannot contain a string.",
                node.field.position,
            )
        found = self.names.connection.dialect.holding(source.text, str(value.value))
        if node.negated:
            found = all_of(source.present, _isnt(found))
        return Probe(source, found)

    def _texts(self, node: In) -> list[str]:
        for value in node.values:
            if value.kind != "text":
                raise self.mistake(
                    f"Each of a list for {node.field.text!r} is a name or a hash, in quotes.",
                    value.position,
                    f"'{value.text}'",
                )
        return [str(value.value) for value in node.values]

    def _content(self, labels: Labels, texts: list[str], negated: bool) -> Probe:
        """Whether something of one of these names or hashes is among what it read or logged."""
        rows = self.names.rows(schema.contents)
        given = [text for text in texts if text]
        called = []
        names = [text[:MOST_NAME] for text in given if not is_hash(text)]
        if names:
            called.append(_among(rows["name"], names))
        if given:
            called.append(_among(rows["hash"], [text[:MOST_HASH] for text in given]))
        for first, end in filter(None, map(hash_range, given)):
            called.append(
                all_of(comparison(">=", rows["hash"], first), comparison("<", rows["hash"], end))
            )
        source = Source(rows, sql("{} = {}", rows["role"], labels.kind), None, None, TRUE)
        return Probe(source, any_of(*called), indexed=not negated, negated=negated)

    def _labelled(self, node: Contains, labels: Labels, name: str) -> Probe:
        if labels.kind in ("input", "file"):
            return self._content(labels, [name], node.negated)
        key = self.names.key(labels.kind, name)
        if key is None and (node.negated or node.field.may_be_unknown or self.names.empty):
            return Probe(_NOWHERE, FALSE, negated=node.negated)
        if key is None:
            known = self.names.all(labels.kind)
            close = nearest(name, known)
            message = f"No experiment has the {labels.kind} {name!r}."
            if not close and known:
                message += (
                    f" There are: {', '.join(sorted(known)[:6])}{', …' if len(known) > 6 else '.'}"
                )
            hint = one_of(f"'{c}'" for c in close) if close else None
            raise self.mistake(message, node.value.position, hint)
        tags = self.names.rows(schema.tags)
        source = Source(tags, sql("{} = {}", tags["name_key"], key), None, None, TRUE)
        return Probe(source, TRUE, indexed=not node.negated, negated=node.negated)

    def _match(self, node: Match) -> Probe:
        pattern = str(node.pattern.value)
        problem = check_pattern(pattern)
        if problem is not None:
            message, offset = problem
            # Inside the quotes; escapes before it may shift it, never past the literal's end.
            column = min(
                node.pattern.position + 1 + offset,
                node.pattern.position + len(node.pattern.text) - 1,
            )
            raise self.mistake(f"The pattern cannot be used: {message}.", column)
        target = self.valued(node.field)
        source = self.source(target)
        if source.text is None:
            raise self.mistake(
                f"{node.field.text!r} is not text, so a pattern cannot match it.",
                node.field.position,
            )
        if isinstance(target, Param):
            self.check_holds(target, node.field, node.pattern, number=False)
        matched = self._matching(source, source.text, pattern)
        if node.negated:
            matched = all_of(not_null(source.text), _isnt(matched))
        return Probe(source, matched)

    def _matching(self, source: Source, text: Sql, pattern: str) -> Sql:
        """A pattern found in a text; a plain part of the pattern is looked for first, which is much cheaper."""
        connection = self.names.connection
        dialect = connection.dialect
        needed = plain_part(pattern)
        held = dialect.holding(text, needed) if needed else TRUE
        if needed == pattern and pattern:
            return held
        rows = EXPERIMENTS if source.rows is None else source.rows
        among = Query((text,), (rows,), (source.joined, not_null(text), held))
        return all_of(held, dialect.matching(connection, text, pattern, among))

    def _missing(self, node: IsMissing) -> Probe:
        target = self.target(node.field, must_exist=False)
        if isinstance(target, Labels) and target.kind in ("input", "file"):
            rows = self.names.rows(schema.contents)
            source = Source(rows, sql("{} = {}", rows["role"], target.kind), None, None, TRUE)
            return Probe(source, TRUE, negated=not node.negated)
        if isinstance(target, Labels):
            tags, names = self.names.rows(schema.tags), self.names.rows(schema.names)
            of_kind = Query(
                (names["key"],), (names,), (sql("{} = {}", names["kind"], target.kind),)
            )
            source = Source(tags, sql("{} IN {}", tags["name_key"], of_kind), None, None, TRUE)
            return Probe(source, TRUE, negated=not node.negated)
        source = self.source(target)
        # A plain tag is there though it has no value.
        present = TRUE if isinstance(target, Tag) else source.present
        return Probe(source, present, negated=not node.negated)

    def _nan(self, node: IsNan) -> Probe:
        target = self.valued(node.field)
        source = self.source(target)
        found = self.nan_row(target, source, node.field)
        if node.negated:
            found = all_of(source.present, _isnt(found))
        return Probe(source, found)

    def _truth(self, node: Truth) -> Probe:
        field = node.field
        target = self.target(field)
        if isinstance(target, Fact) and target.kind == "bool":
            return Probe(self.source(target), sql("{} = 1", column_of(target, self.now)))
        if isinstance(target, Param):
            source = self.source(target)
            known = self.names.has(target.kind, target.name)
            if known and not self.names.holds(target.kind, target.name)[0]:
                raise self.mistake(
                    f"{field.text!r} is not true or false.", field.position, f"{field.text} exists"
                )
            assert source.number is not None
            return Probe(source, sql("{} = 1.0", source.number), indexed=True)
        hint = f"'name' in {field.text}" if isinstance(target, Labels) else f"{field.text} exists"
        raise self.mistake(f"{field.text!r} is not true or false on its own.", field.position, hint)


def _against(source: Source, side: str, op: str, value: Any) -> Sql:
    """The source's numbers or texts compared with a value."""
    if side == "number":
        assert source.number is not None
        if source.whole:
            return compared_whole(op, source.number, value)
        return compared(op, source.number, source.rest, value)
    assert source.text is not None
    return comparison(op, source.text, value)


def _between(first: Source, op: str, second: Source, dialect: Dialect) -> list[Sql]:
    """Conditions of which one is true where two values compare so: one for numbers, one for texts."""
    met: list[Sql] = []
    if first.number is not None and second.number is not None:
        if first.rest is None and second.rest is None and first.whole == second.whole:
            met.append(comparison(op, first.number, second.number))
        else:
            met.append(compared_pairs(op, _pair(first, dialect), _pair(second, dialect)))
    if first.text is not None and second.text is not None:
        met.append(comparison(op, first.text, second.text))
    return met


def _pair(source: Source, dialect: Dialect) -> tuple[Sql, Sql]:
    """A source's numbers as float64s, and what those leave over."""
    assert source.number is not None
    if source.whole:
        return cast_whole(source.number), dialect.rest_of(source.number)
    return source.number, Sql("?", (REST_OF_NONE,)) if source.rest is None else source.rest


def _isnt(condition: Sql) -> Sql:
    return sql("{} IS NOT TRUE", condition)


def _among(piece: Sql, values: list[Any]) -> Sql:
    return sql("{} IN (" + ", ".join(["{}"] * len(values)) + ")", piece, *values)


def _is_indexed(target: Target) -> bool:
    match target:
        case Fact(column, _):
            return column in _INDEXED_COLUMNS
        case Metric(_, stat):
            return stat in ("last", "min", "max")
        case _:
            return True


def _compare_time(column: Sql, op: str, span: Span) -> Sql:
    start, end = span.start, span.end
    if end is None:
        return comparison(op, column, start)
    match op:
        case "==":
            return all_of(comparison(">=", column, start), comparison("<", column, end))
        case "!=":
            return any_of(comparison("<", column, start), comparison(">=", column, end))
        case "<" | ">=":
            return comparison(op, column, start)
        case "<=":
            return comparison("<", column, end)
        case _:
            return comparison(">=", column, end)
