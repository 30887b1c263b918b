"""Which experiments are in an answer, in which order: a filter and a sort, run the cheaper of two ways.

*Walk* reads the index of the first sort key in order and asks of each experiment whether it meets the filter,
until there are enough: quick when much meets it. *Pick* takes what meets the most selective condition from that
condition's index, asks the rest of each and sorts: quick when little meets it. How many meet a condition is
found by counting its index, up to a bound that keeps the counting cheap.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Select, func, literal_column, select
from sqlalchemy.exc import DBAPIError

from ..errors import QueryError
from ..stores.catalog import schema
from .compile import Compiler, Probe
from .fields import Column, Names
from .operands import Clause
from .order import Phase, SortKey, parse_sort, phases, terms, tie
from .regex import PatternBudget
from .syntax import And, Expression

__all__ = ["Selection"]

COUNTED = 20_000
# Measured on a hundred thousand experiments: microseconds per row that is picked and sorted, and per row passed.
PICK_COST = 1.7
WALK_COST = 0.6


class Selection:
    """The experiments that meet a filter, in an order.

    Args:
        expression: The filter's tree; None for all.
        text: The filter as written, for errors.
        sort: One or several fields.
        names: The names in the catalog.
        now: The time that durations count back from, seconds since the epoch.

    Raises:
        QueryError: A field is unknown or compared with what it cannot be.
    """

    def __init__(
        self,
        expression: Expression | None,
        text: str,
        sort: str | Sequence[str],
        names: Names,
        now: float,
    ) -> None:
        self._names = names
        self._text = text
        self._now = now
        self._conjuncts: list[Expression] = _conjuncts(expression)
        self._sort = parse_sort(sort, names)
        compiler = self._compiler(schema.experiments.c.key)
        for conjunct in self._conjuncts:  # mistakes are told even where no row would be asked
            compiler.where(conjunct)
        self._patterns = compiler.uses_patterns

    def keys(self, connection: Connection, limit: int | None = None, offset: int = 0) -> list[int]:
        """The keys of the experiments from `offset` on, at most `limit` of them."""
        if limit is not None and limit <= 0:
            return []
        with self._running(connection):
            probes = self._probes(connection)
            wanted = math.inf if limit is None else limit + offset
            picked = self._worth_picking(connection, probes, wanted)
            if picked is not None:
                statement = self._pick(picked).order_by(*self._pick_order())
                return _fetch(connection, statement, limit, offset)
            return self._walk(connection, probes, limit, offset)

    def count(self, connection: Connection) -> int:
        """How many there are in all."""
        with self._running(connection):
            probes = self._probes(connection)
            picked = self._worth_picking(connection, probes, math.inf)
            if picked is not None:
                keys = self._pick(picked)
            else:
                keys = self._where(
                    select(schema.experiments.c.key), schema.experiments.c.key, probes
                )
            return int(connection.scalar(select(func.count()).select_from(keys.subquery())) or 0)

    # -- the two ways ------------------------------------------------------------------------------

    def _pick(self, picked: Expression) -> Select[Any]:
        key = schema.experiments.c.key
        compiler = self._compiler(key)
        probe = compiler.probe(picked)
        assert probe is not None
        rest = [compiler.where(c) for c in self._conjuncts if c is not picked]
        return select(key).where(key.in_(probe.keys()), *rest)

    def _pick_order(self) -> list[Clause]:
        key = schema.experiments.c.key
        operands = self._compiler(key)
        order = [term for part in self._sort for term in terms(part, operands, key)]
        return [*order, tie(self._sort[0], key)]

    def _walk(
        self,
        connection: Connection,
        probes: Sequence[tuple[Expression, int]],
        limit: int | None,
        offset: int,
    ) -> list[int]:
        first, *others = self._sort
        parts = phases(first, self._compiler(schema.experiments.c.key))
        keys: list[int] = []
        for number, phase in enumerate(parts):
            statement = self._phase(first, others, phase, probes)
            left = None if limit is None else limit - len(keys)
            found = _fetch(connection, statement, left, offset)
            keys += found
            if limit is not None and len(keys) >= limit:
                break
            if offset and number + 1 < len(parts):
                # How much of the offset this phase used up is only known by counting, unless it gave rows.
                used = offset if found else self._size(connection, statement)
                offset -= min(offset, used)
        return keys

    def _size(self, connection: Connection, statement: Select[Any]) -> int:
        counted = select(func.count()).select_from(statement.order_by(None).subquery())
        return int(connection.scalar(counted) or 0)

    def _phase(
        self,
        first: SortKey,
        others: Sequence[SortKey],
        phase: Phase,
        probes: Sequence[tuple[Expression, int]],
    ) -> Select[Any]:
        compiler = self._compiler(phase.anchor)
        statement: Select[Any] = select(phase.anchor)
        if phase.condition is not None:
            statement = statement.where(phase.condition)
        order: list[Clause] = []
        if phase.order is not None:
            order.append(phase.order.desc() if first.descending else phase.order.asc())
        for other in others:
            order += terms(other, compiler, phase.anchor)
            compiler.uses_columns |= isinstance(other.target, Column)
        conditions = []
        for conjunct in self._ordered(probes):
            inside = None
            if phase.table is not None and phase.order is not None:
                inside = compiler.inside(conjunct, first.target, phase.table)
            conditions.append(compiler.where(conjunct) if inside is None else inside)
        if phase.table is not None and compiler.uses_columns:
            joined = phase.table.join(schema.experiments, schema.experiments.c.key == phase.anchor)
            statement = statement.select_from(joined)
        return statement.where(*conditions).order_by(*order, tie(first, phase.anchor))

    # -- choosing ----------------------------------------------------------------------------------

    def _probes(self, connection: Connection) -> list[tuple[Expression, int]]:
        """The conditions that an index answers, with how many meet each (counted up to a bound)."""
        compiler = self._compiler(schema.experiments.c.key)
        found: list[tuple[Expression, int]] = []
        for conjunct in self._conjuncts[:8]:
            probe: Probe | None = compiler.probe(conjunct)
            if probe is not None:
                bounded: Any = probe.keys().with_only_columns(literal_column("1")).limit(COUNTED)
                count = connection.scalar(select(func.count()).select_from(bounded.subquery()))
                found.append((conjunct, int(count or 0)))
        return sorted(found, key=lambda pair: pair[1])

    def _worth_picking(
        self, connection: Connection, probes: Sequence[tuple[Expression, int]], wanted: float
    ) -> Expression | None:
        if not probes:
            return None
        total = max(1, int(connection.scalar(select(func.max(schema.experiments.c.key))) or 0))
        operands = self._compiler(schema.experiments.c.key)
        own = self._sort[0].target
        share, reach = 1.0, float(total)
        for conjunct, count in probes:
            if operands.inside(conjunct, own, None) is not None:
                reach = min(reach, count) if count < COUNTED else reach
            else:
                share *= max(count, 1) / total
        walked = min(reach, wanted / share)
        conjunct, fewest = probes[0]
        if fewest < COUNTED and fewest * PICK_COST <= walked * WALK_COST:
            return conjunct
        return None

    def _ordered(self, probes: Sequence[tuple[Expression, int]]) -> list[Expression]:
        """The conditions, those that fewest meet first and those without an index last."""
        selective = [conjunct for conjunct, _ in probes]
        return selective + [c for c in self._conjuncts if not any(c is s for s in selective)]

    def _where(
        self, statement: Select[Any], anchor: Clause, probes: Sequence[tuple[Expression, int]]
    ) -> Select[Any]:
        compiler = self._compiler(anchor)
        return statement.where(*(compiler.where(c) for c in self._ordered(probes)))

    def _compiler(self, anchor: Clause) -> Compiler:
        return Compiler(self._names, self._text, self._now, anchor)

    @contextmanager
    def _running(self, connection: Connection) -> Iterator[None]:
        budget = PatternBudget() if self._patterns else None
        if budget is not None and connection.dialect.name == "sqlite":
            raw: Any = connection.connection.dbapi_connection
            raw.create_function("regexp", 2, budget, deterministic=True)
        try:
            yield
        except DBAPIError as error:
            if budget is not None and budget.exceeded:
                raise QueryError(
                    "The filter's pattern takes too long; make it simpler, or add a condition that "
                    "leaves fewer experiments to look at.",
                    text=self._text,
                ) from error
            raise


def _conjuncts(expression: Expression | None) -> list[Expression]:
    if expression is None:
        return []
    if isinstance(expression, And):
        return [c for item in expression.items for c in _conjuncts(item)]
    return [expression]


def _fetch(
    connection: Connection, statement: Select[Any], limit: int | None, offset: int
) -> list[int]:
    if limit is not None:
        statement = statement.limit(limit)
    if offset:
        statement = statement.offset(offset)
    return list(connection.execute(statement).scalars())
