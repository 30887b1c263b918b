"""The names in a catalog, looked up as they are asked for."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import count
from typing import Any

from . import schema
from .engine import Connection
from .sql import Rows, Table

__all__ = ["TABLES", "CatalogNames", "names_of"]

_TOGETHER = 100
"""Names that are looked up in one statement, at most."""

TABLES = {
    "param": schema.params,
    "config": schema.params,
    "metric": schema.metrics,
    "tag": schema.tags,
    "bindr": schema.tags,
}
"""Where the values of names lie, by the kind of name."""


# Whether any experiment has a name: it stays in `names` when the last one that had it is gone.
_USED = {
    kind: f"EXISTS (SELECT 1 FROM {table.name} WHERE name_key = names.key)"
    for kind, table in TABLES.items()
}


# The least there is is found in an index, which the order says: "is not null" would read all that are.
_HELD = ", ".join(
    f"(SELECT 1 FROM params WHERE name_key = names.key AND {column} >= ? ORDER BY {column} LIMIT 1)"
    for column in ("number", "text")
)
_LEAST = (-math.inf, "")
_KNOWN = (
    "SELECT kind, name, key, CASE kind "
    + " ".join(f"WHEN '{kind}' THEN {used}" for kind, used in _USED.items())
    + f" END, {_HELD} FROM names WHERE "
)


def names_of(connection: Connection, kind: str) -> list[str]:
    """All names of a kind that some experiment has, sorted."""
    query = f"SELECT name FROM names WHERE kind = ? AND {_USED[kind]} ORDER BY name"
    return [row[0] for row in connection.execute(query, (kind,))]


class CatalogNames:
    """`query.fields.KnownNames` over a connection; remembers what it looked up, so it lives for one question."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._keys: dict[tuple[str, str], int | None] = {}
        self._holds: dict[int, tuple[bool, bool]] = {}
        self._empty: bool | None = None
        self._aliases = count()

    @property
    def empty(self) -> bool:
        """Whether there are no experiments."""
        if self._empty is None:
            self._empty = self._one("SELECT key FROM experiments LIMIT 1") is None
        return self._empty

    def rows(self, table: Table) -> Rows:
        """The rows of a table under a name that nothing else in this question uses."""
        return table.rows(f"{table.name}_{next(self._aliases)}")

    def expect(self, wanted: Collection[tuple[str, str]]) -> None:
        """Look up names, each with its kind, in one statement: where a database is far away, each statement takes a while."""
        new = [one for one in dict.fromkeys(wanted) if one not in self._keys][:_TOGETHER]
        if len(new) < 2:
            return
        self._keys |= dict.fromkeys(new)
        query = _KNOWN + " OR ".join(["(kind = ? AND name = ?)"] * len(new))
        values = (*_LEAST, *(part for one in new for part in one))
        for kind, name, key, used, number, text in self.connection.execute(query, values):
            if used:
                self._keys[kind, name] = key
                self._holds[key] = (number is not None, text is not None)

    def key(self, kind: str, name: str) -> int | None:
        """The key of a name of that kind that some experiment has, or None."""
        if (kind, name) not in self._keys:
            self._keys[kind, name] = self._one(
                f"SELECT key FROM names WHERE kind = ? AND name = ? AND {_USED[kind]}", kind, name
            )
        return self._keys[kind, name]

    def has(self, kind: str, name: str) -> bool:
        """See `KnownNames.has`; "either" is a parameter or a configuration key."""
        if kind == "either":
            return self.has("param", name) or self.has("config", name)
        return self.key(kind, name) is not None

    def all(self, kind: str) -> Sequence[str]:
        """All names of that kind that some experiment has, sorted."""
        return names_of(self.connection, kind)

    def holds(self, kind: str, name: str) -> tuple[bool, bool]:
        """See `KnownNames.holds`; "either" is a parameter or a configuration key."""
        if kind == "either":
            found = self.holds("param", name), self.holds("config", name)
            return found[0][0] or found[1][0], found[0][1] or found[1][1]
        key = self.key(kind, name)
        if key is None:
            return False, False
        if key not in self._holds:
            query = f"SELECT {_HELD} FROM names WHERE key = ?"
            number, text = self.connection.execute(query, (*_LEAST, key)).fetchone()
            self._holds[key] = (number is not None, text is not None)
        return self._holds[key]

    def _one(self, query: str, *parameters: Any) -> Any:
        """The first value of an answer, None for none."""
        found = self.connection.execute(query, parameters).fetchone()
        return None if found is None else found[0]
