"""Filters as sets of experiments: a truth value per key, for questions that much of the catalog meets.

Each condition is one query that hands over its keys in one piece, which is several times faster than row by row;
`and`, `or` and `not` are then array operations.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ....query.syntax import And, Expression, Not, Or
from .conditions import Compiler
from .engine import Connection
from .keys import fetch_text
from .operands import EXPERIMENTS, KEY
from .sql import Query

__all__ = ["Mask", "Masks"]

Mask = npt.NDArray[np.bool_]


class Masks:
    """Evaluates trees over one state of the catalog; `size` is one more than the largest key."""

    def __init__(self, connection: Connection, compiler: Compiler, size: int) -> None:
        self._connection = connection
        self._compiler = compiler
        self._size = size
        self._every: Mask | None = None

    def of(self, node: Expression) -> Mask:
        """Which experiments meet an expression."""
        match node:
            case And(items):
                mask = self.of(items[0])
                for item in items[1:]:
                    mask = mask & self.of(item)
                return mask
            case Or(items):
                mask = self.of(items[0])
                for item in items[1:]:
                    mask = mask | self.of(item)
                return mask
            case Not(item):
                return self.every & ~self.of(item)
            case _:
                probe = self._compiler.probe(node)
                mask = self._fetch(probe.keys())
                return self.every & ~mask if probe.negated else mask

    @property
    def every(self) -> Mask:
        """All experiments there are."""
        if self._every is None:
            (count,) = self._connection.execute("SELECT count(*) FROM experiments").fetchone()
            if count == self._size - 1:  # keys are dense unless something was deleted
                self._every = np.ones(self._size, np.bool_)
                self._every[0] = False
            else:
                self._every = self._fetch(Query((KEY,), (EXPERIMENTS,)))
        return self._every

    def _fetch(self, query: Query) -> Mask:
        mask = np.zeros(self._size, np.bool_)
        text = fetch_text(self._connection, query)
        mask[np.fromstring(text, np.int64, sep=",")] = True
        return mask
