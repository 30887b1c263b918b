"""A filter's tree → SQL. Values are bound parameters, names are keys looked up beforehand, and operators are
chosen from a table: nothing of a filter's text becomes SQL.

A condition on a value that is not there is false, and `not` turns false into true: logic has two values here.
SQL's third one appears only inside, and every negation is written `IS NOT TRUE` to keep it there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    FromClause,
    Select,
    and_,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)

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
from .names import CatalogNames
from .numbers import OPERATORS, compared, compared_pairs, is_plain
from .operands import Clause, Operands, Source, column_of

__all__ = ["Compiler", "Probe"]

_NOWHERE = Source(None, None, None, None, false())
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Probe:
    """One condition on the rows of one source.

    `indexed` says that an index finds the rows that meet it, `negated` that the condition is met by the
    experiments that have no such row.
    """

    source: Source
    condition: Clause
    indexed: bool = False
    negated: bool = False

    def keys(self) -> Select[tuple[int]]:
        """The keys of the experiments that have such a row, some of them repeatedly."""
        if self.source.table is None:
            return select(schema.experiments.c.key).where(self.condition)
        joined = true() if self.source.joined is None else self.source.joined
        return select(self.source.table.c.experiment_key).where(joined, self.condition)


_INDEXED_COLUMNS = {"experiment_id", "prefix", "name", "project", "status", "parent", "created_at"}


class Compiler(Operands):
    """Compiles the conditions of one filter.

    Args:
        names: The names in the catalog.
        text: The filter as written, for errors.
        now: The time that durations count back from.
        anchor: The column with the key of the experiment that conditions are about.
    """

    def __init__(
        self, names: CatalogNames, text: str, now: float, anchor: Clause = schema.experiments.c.key
    ) -> None:
        super().__init__(names, text, now)
        self.anchor = anchor
        self.uses_columns = False

    def where(self, node: Expression) -> Clause:
        """The condition for experiments to be in the answer.

        Raises:
            QueryError: A field is unknown, or is compared with what it cannot be.
        """
        match node:
            case And(items):
                return and_(*(self.where(item) for item in items))
            case Or(items):
                return or_(*(self.where(item) for item in items))
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

    def inside(self, node: Expression, target: Target, table: Any) -> Clause | None:
        """A condition on the target itself, about the row of `table` that holds it; None for any other."""
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
        return self._compare(node, table).condition

    def _holds(self, probe: Probe) -> Clause:
        """Whether the experiment has a row in the source that meets the condition."""
        source = probe.source
        if source.table is None:
            self.uses_columns = True
            return probe.condition
        table: Any = source.table
        joined = true() if source.joined is None else source.joined
        inner: Select[Any] = select(literal_column("1")).where(
            table.c.experiment_key == self.anchor, joined, probe.condition
        )
        return exists(inner.correlate(*_tables_of(self.anchor)))

    # -- conditions --------------------------------------------------------------------------------

    def _compare(self, node: Compare, table: Any = None) -> Probe:
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
        source = self.source(target, table)
        indexed = op != "!=" and _is_indexed(target)
        if isinstance(target, Fact) and target.kind == "time":
            span = self.time(target, left, right)
            return Probe(source, _compare_time(column_of(target, self.now), op, span), indexed)
        side, value = self.value(target, source, left, right)
        if op != "!=":
            return Probe(source, _against(source, side, op, value), indexed)
        # What is there and is not this: a NaN, or a text where a number was asked for, included.
        same = _against(source, side, "==", value)
        return Probe(source, and_(source.present, _isnt(same)))

    def _compare_fields(self, left: Field, op: str, right: Field) -> Probe:
        first, second = self.source(self.valued(left)), self.source(self.valued(right))
        met = _between(first, "==" if op == "!=" else op, second)
        if not met:
            raise self.mistake(
                f"{left.text!r} and {right.text!r} are a number and a string, which cannot be compared.",
                right.position,
            )
        condition = or_(*met)
        if op == "!=":
            condition = and_(first.present, second.present, _isnt(condition))
        tables: list[Any] = [s.table for s in (first, second) if s.table is not None]
        if not tables:
            return Probe(first, condition)
        joined: list[Clause] = [s.joined for s in (first, second) if s.joined is not None]
        if len(tables) == 2:
            joined.append(tables[1].c.experiment_key == tables[0].c.experiment_key)
        else:
            self.uses_columns = True
            joined.append(schema.experiments.c.key == tables[0].c.experiment_key)
        return Probe(Source(tables[0], and_(*joined), None, None, true()), condition)

    def _in(self, node: In) -> Probe:
        target = self.valued(node.field)
        source = self.source(target)
        if isinstance(target, Fact) and target.kind == "time":
            column = column_of(target, self.now)
            spans = [self.time(target, node.field, value) for value in node.values]
            found = or_(*(_compare_time(column, "==", span) for span in spans))
            if node.negated:
                found = and_(column.is_not(None), _isnt(found))
            return Probe(source, found)
        sides: dict[str, list[Any]] = {"number": [], "text": []}
        clauses: list[Clause] = []
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
            if side == "number" and not is_plain(bound):
                clauses.append(_against(source, side, "==", bound))
            else:
                sides[side].append(bound)
        if sides["number"] and source.number is not None:
            clauses.append(source.number.in_(sides["number"]))
        if sides["text"] and source.text is not None:
            clauses.append(source.text.in_(sides["text"]))
        found = or_(*clauses)
        if node.negated:
            found = and_(source.present, _isnt(found))
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
        found = func.instr(source.text, value.value) > 0
        if node.negated:
            found = and_(source.present, _isnt(found))
        return Probe(source, found)

    def _labelled(self, node: Contains, labels: Labels, name: str) -> Probe:
        key = self.names.key(labels.kind, name)
        if key is None and (node.negated or node.field.may_be_unknown or self.names.empty):
            return Probe(_NOWHERE, false(), negated=node.negated)
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
        tags = self.names.alias(schema.tags)
        source = Source(tags, tags.c.name_key == key, None, None, true())
        return Probe(source, true(), indexed=not node.negated, negated=node.negated)

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
        matched = _matching(source.text, pattern)
        if node.negated:
            matched = and_(source.text.is_not(None), _isnt(matched))
        return Probe(source, matched)

    def _missing(self, node: IsMissing) -> Probe:
        target = self.target(node.field, must_exist=False)
        if isinstance(target, Labels):
            tags, names = self.names.alias(schema.tags), self.names.alias(schema.names)
            of_kind = select(names.c.key).where(names.c.kind == target.kind)
            source = Source(tags, tags.c.name_key.in_(of_kind), None, None, true())
            return Probe(source, true(), negated=not node.negated)
        source = self.source(target)
        # A plain tag is there though it has no value.
        present = true() if isinstance(target, Tag) else source.present
        return Probe(source, present, negated=not node.negated)

    def _nan(self, node: IsNan) -> Probe:
        target = self.valued(node.field)
        source = self.source(target)
        found = self.nan_row(target, source, node.field)
        if node.negated:
            found = and_(source.present, _isnt(found))
        return Probe(source, found)

    def _truth(self, node: Truth) -> Probe:
        field = node.field
        target = self.target(field)
        if isinstance(target, Fact) and target.kind == "bool":
            return Probe(self.source(target), column_of(target, self.now) == true())
        if isinstance(target, Param):
            source = self.source(target)
            known = self.names.has(target.kind, target.name)
            if known and not self.names.holds(target.kind, target.name)[0]:
                raise self.mistake(
                    f"{field.text!r} is not true or false.", field.position, f"{field.text} exists"
                )
            assert source.number is not None
            return Probe(source, source.number == 1.0, indexed=True)
        hint = "'name' in tags" if isinstance(target, Labels) else f"{field.text} exists"
        raise self.mistake(f"{field.text!r} is not true or false on its own.", field.position, hint)


def _against(source: Source, side: str, op: str, value: Any) -> Clause:
    """The source's numbers or texts compared with a value."""
    if side == "number":
        assert source.number is not None
        return compared(op, source.number, source.rest, value)
    assert source.text is not None
    clause: Clause = OPERATORS[op](source.text, value)
    return clause


def _between(first: Source, op: str, second: Source) -> list[Clause]:
    """Conditions of which one is true where two values compare so: one for numbers, one for texts."""
    met: list[Clause] = []
    if first.number is not None and second.number is not None:
        if first.rest is None and second.rest is None:
            met.append(OPERATORS[op](first.number, second.number))
        else:
            none: Any = literal(REST_OF_NONE)
            a = first.number, none if first.rest is None else first.rest
            b = second.number, none if second.rest is None else second.rest
            met.append(compared_pairs(op, a, b))
    if first.text is not None and second.text is not None:
        met.append(OPERATORS[op](first.text, second.text))
    return met


def _isnt(clause: Clause) -> Clause:
    return clause.is_not(true())


def _matching(text: Clause, pattern: str) -> Clause:
    """A pattern found in a text; a plain part of the pattern is looked for first, which is much cheaper."""
    needed = plain_part(pattern)
    if needed == pattern:
        return func.instr(text, pattern) > 0
    if needed:
        return and_(func.instr(text, needed) > 0, text.regexp_match(pattern))
    return text.regexp_match(pattern)


def _tables_of(column: Clause) -> list[FromClause]:
    """The table to correlate with, so that its rows are the outer query's; experiments always is."""
    tables: list[FromClause] = [schema.experiments]
    own = getattr(column, "table", None)
    if own is not None and own is not schema.experiments:
        tables.append(own)
    return tables


def _is_indexed(target: Target) -> bool:
    match target:
        case Fact(column, _):
            return column in _INDEXED_COLUMNS
        case Metric(_, stat):
            return stat in ("last", "min", "max")
        case _:
            return True


def _compare_time(column: Clause, op: str, span: Span) -> Clause:
    start, end = span.start, span.end
    if end is None:
        return OPERATORS[op](column, start)  # type: ignore[no-any-return]
    match op:
        case "==":
            return and_(column >= start, column < end)
        case "!=":
            return or_(column < start, column >= end)
        case "<" | ">=":
            return OPERATORS[op](column, start)  # type: ignore[no-any-return]
        case "<=":
            return column < end
        case _:
            return column >= end
