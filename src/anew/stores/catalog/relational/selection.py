"""Which experiments are in an answer, in which order.

An engine that knows what is in its tables (`Dialect.plans`) is asked the whole question at once. Elsewhere, a filter is answered
the cheapest of three ways. *Walk*: the first few thousand experiments in the order wanted
are asked whether they meet it, which is enough when much does. *Pick*: what meets the most selective
condition is taken from that condition's index and asked the rest, when that is little. *Mask*: each condition
hands over the keys that meet it, and they are combined (see `masks`). What a walk costs is bounded, and so is
what an index is counted for, so no filter costs much more than reading the keys of its conditions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ....query.fields import Fact, fields_in, names_in
from ....query.question import Question
from ....query.syntax import And, Expression, Field, Not, Or
from .conditions import Compiler
from .engine import Connection
from .keys import Keys, among, fetch_keys
from .names import CatalogNames
from .operands import EXPERIMENTS, KEY
from .order import Phase, SortKey, directed, is_streamed, phases, resolved, terms, tie
from .sql import Query, Sql, sql

if TYPE_CHECKING:
    from .masks import Mask

__all__ = ["Selection"]

WALKED = 2000
PICKED = 3000
SORTED = 3000

_INDEXED = SortKey(Fact("key", "number"), False)
"""The order of indexing, which a question without a sort gets."""


class Selection:
    """The experiments that a question selects, in its order.

    Args:
        question: What is asked; its columns and groups are not looked at.
        names: The names in the catalog.

    Raises:
        QueryError: A field is unknown or compared with what it cannot be.
    """

    def __init__(self, question: Question, names: CatalogNames) -> None:
        self._names = names
        self._text = question.text
        self._now = question.now
        self._conjuncts: list[Expression] = _conjuncts(question.filter)
        names.expect([one for field in _fields(question) for one in names_in(field)])
        self._sort = resolved(question.sort, names) or [_INDEXED]
        compiler = self._compiler()
        for conjunct in self._conjuncts:  # mistakes are told even where no row would be asked
            compiler.where(conjunct)
        self.known_total: int | None = None
        """How many there are in all, where `keys` came to know it."""

    def keys(self, connection: Connection, limit: int | None = None, offset: int = 0) -> Keys:
        """The keys of the experiments from `offset` on, at most `limit` of them."""
        if limit is not None and limit <= 0:
            return []
        stop = None if limit is None else offset + limit
        if not self._conjuncts or connection.dialect.plans:
            return self._ordered(connection, stop, whole=True)[offset:]
        picked = self._pick(connection)
        if picked is not None:
            return self._sorted(connection, picked, stop)[offset:]
        if stop is not None and stop <= WALKED // 2 and is_streamed(self._sort[0].target):
            found = self._walk(connection, stop)
            if found is not None:
                return found[offset:stop]
        return self._masked(connection, self._mask(connection), stop)[offset:]

    def unordered(self, connection: Connection) -> Keys:
        """The keys of all of the experiments, in whatever order: for what is added up over them."""
        if not self._conjuncts or connection.dialect.plans:
            return fetch_keys(connection, self._planned())
        picked = self._pick(connection)
        if picked is not None:
            return fetch_keys(connection, picked)
        keys: Keys = self._mask(connection).nonzero()[0].tolist()
        return keys

    def count(self, connection: Connection) -> int:
        """How many there are in all."""
        if not self._conjuncts:
            return int(connection.execute("SELECT count(*) FROM experiments").fetchone()[0])
        if connection.dialect.plans:
            return _count(connection, self._planned())
        picked = self._pick(connection)
        if picked is not None:
            return _count(connection, picked)
        return int(self._mask(connection).sum())

    def _planned(self) -> Query:
        """The experiments, in one statement."""
        compiler = self._compiler()
        conditions = [compiler.where(conjunct) for conjunct in self._conjuncts]
        return Query((KEY,), (EXPERIMENTS,), tuple(conditions))

    # -- the three ways ----------------------------------------------------------------------------

    def _walk(self, connection: Connection, stop: int) -> Keys | None:
        """What meets the filter of the first experiments in order; None when that is not enough to tell."""
        ordered = self._ordered(connection, WALKED)
        compiler = self._compiler()
        conditions = [compiler.where(conjunct) for conjunct in self._conjuncts]
        asked = Query((KEY,), (EXPERIMENTS,), (among(connection, ordered), *conditions))
        meets = set(fetch_keys(connection, asked))
        found = [key for key in ordered if key in meets]
        return found if len(found) >= stop or len(ordered) < WALKED else None

    def _pick(self, connection: Connection) -> Query | None:
        """The experiments that meet the filter, by way of its most selective condition if few meet that."""
        compiler = self._compiler()
        best: tuple[int, Expression, Query] | None = None
        for conjunct in self._conjuncts[:8]:
            if isinstance(conjunct, (And, Or, Not)):
                continue
            probe = compiler.probe(conjunct)
            if probe.indexed and not probe.negated:
                keys = probe.keys()
                count = _count(connection, keys.first(PICKED))
                if count < PICKED and (best is None or count < best[0]):
                    best = count, conjunct, keys
        if best is None:
            return None
        rest = [compiler.where(conjunct) for conjunct in self._conjuncts if conjunct is not best[1]]
        return Query((KEY,), (EXPERIMENTS,), (sql("{} IN {}", KEY, best[2]), *rest))

    def _mask(self, connection: Connection) -> Mask:
        from .masks import Masks  # which loads numpy; most questions do without

        largest = int(connection.execute("SELECT max(key) FROM experiments").fetchone()[0] or 0)
        return Masks(connection, self._compiler(), largest + 1).of(And(tuple(self._conjuncts)))

    def _masked(self, connection: Connection, mask: Mask, stop: int | None) -> Keys:
        """The keys of a mask in order: sorted by themselves when they are few, else off the whole order."""
        keys: Keys = mask.nonzero()[0].tolist()
        self.known_total = len(keys)
        if self._sort == [_INDEXED]:
            return keys[:stop]
        many = SORTED if is_streamed(self._sort[0].target) else 10 * SORTED
        if len(keys) <= many:
            asked = Query((KEY,), (EXPERIMENTS,), (among(connection, keys),))
            return self._sorted(connection, asked, stop)
        if stop is not None:
            # Where much is met, the beginning of the order has enough: half as much again as if it were met evenly.
            ahead = WALKED + stop * len(mask) * 3 // (2 * len(keys))
            if ahead < len(mask) // 2:
                found = self._met(self._ordered(connection, ahead), mask)
                if len(found) >= stop:
                    return found[:stop]
        return self._met(self._ordered(connection, None), mask)[:stop]

    def _met(self, ordered: Keys, mask: Mask) -> Keys:
        return [key for key, meets in zip(ordered, mask[ordered].tolist(), strict=True) if meets]

    # -- orders ------------------------------------------------------------------------------------

    def _sorted(self, connection: Connection, picked: Query, stop: int | None) -> Keys:
        """The keys of a statement, sorted by themselves."""
        operands = self._compiler()
        order = [term for part in self._sort for term in terms(part, operands, KEY)]
        asked = picked.ordered([*order, tie(self._sort[0], KEY)])
        return fetch_keys(connection, asked.first(stop))

    def _ordered(self, connection: Connection, stop: int | None, *, whole: bool = False) -> Keys:
        """The first keys in order (all, if `stop` is None) that meet the conditions on the sort key itself.

        Args:
            whole: That meet all conditions, in one statement for each phase.
        """
        first, *others = self._sort
        found: Keys = []
        for phase in phases(first, self._compiler()):
            statement = self._phase(first, others, phase, whole=whole)
            if statement is None:
                continue
            keys = fetch_keys(
                connection, statement.first(None if stop is None else stop - len(found))
            )
            found += keys
            if stop is not None and len(found) >= stop:
                break
        return found

    def _phase(
        self, first: SortKey, others: Sequence[SortKey], phase: Phase, *, whole: bool
    ) -> Query | None:
        """The keys of a phase in order; None when the conditions on the sort key leave none."""
        compiler = self._compiler(phase.anchor)
        conditions = [phase.condition]
        order = [directed(one, descending=first.descending) for one in phase.order]
        for other in others:
            order += terms(other, compiler, phase.anchor)
            compiler.uses_columns |= isinstance(other.target, Fact)
        rows = phase.rows if phase.rows is not EXPERIMENTS else None
        for conjunct in self._conjuncts:
            inside = compiler.inside(conjunct, first.target, rows)
            if inside is not None and not phase.order:
                return None  # without a value the condition is false
            if inside is not None:
                conditions.append(inside)
            elif whole:
                conditions.append(compiler.where(conjunct))
        read = [phase.rows]
        if rows is not None and compiler.uses_columns:
            read.append(EXPERIMENTS)
            conditions.append(sql("{} = {}", phase.anchor, KEY))
        order.append(tie(first, phase.anchor))
        return Query((phase.anchor,), tuple(read), tuple(conditions), tuple(order))

    def _compiler(self, anchor: Sql = KEY) -> Compiler:
        return Compiler(self._names, self._text, self._now, anchor)


def _fields(question: Question) -> Iterator[Field]:
    """The fields that are asked about, but for those of whole sections."""
    if question.filter is not None:
        yield from fields_in(question.filter)
    yield from (one.field for one in question.sort)
    yield from (one.field for one in question.columns)
    yield from question.group


def _conjuncts(expression: Expression | None) -> list[Expression]:
    if expression is None:
        return []
    if isinstance(expression, And):
        return [c for item in expression.items for c in _conjuncts(item)]
    return [expression]


def _count(connection: Connection, query: Query) -> int:
    """How many rows a query has."""
    asked = sql("SELECT count(*) FROM {} AS found", query.selecting(Sql("1")))
    return int(connection.execute(asked.text, asked.values).fetchone()[0])
