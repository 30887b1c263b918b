"""Nested settings of many experiments as columns, a column for each dotted name.

Most experiments of a store have the same names. So rows are taken together by the names they have, and turned into
columns all at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....record.plain import from_plain

__all__ = ["Spread"]


class Spread:
    """Columns of which not every row has a value."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {}

    def add(self, first: int, settings: Sequence[Mapping[str, Any]]) -> None:
        """The next rows, from the row `first` on."""
        self._groups(range(first, first + len(settings)), settings, "")

    def filled(self, rows: int) -> list[tuple[str, list[Any]]]:
        """The columns by name, each as long as there are rows."""
        for values in self._columns.values():
            values.extend([None] * (rows - len(values)))
        return sorted(self._columns.items())

    def _groups(
        self, rows: Sequence[int], groups: Sequence[Mapping[str, Any]], prefix: str
    ) -> None:
        """A mapping for each of these rows, whose names begin with the prefix."""
        alike: dict[tuple[str, ...], tuple[list[int], list[Any]]] = {}
        for row, group in zip(rows, groups, strict=True):
            names = tuple(group)
            found = alike.get(names)
            if found is None:
                found = alike[names] = ([], [])
            found[0].append(row)
            found[1].append(group.values())
        for names, (mine, several) in alike.items():
            for name, values in zip(names, zip(*several, strict=True), strict=True):
                self._values(mine, prefix + name, values)

    def _values(self, rows: Sequence[int], name: str, values: Sequence[Any]) -> None:
        """A value of this name for each of these rows, some of which may be mappings."""
        if dict not in set(map(type, values)):
            self._keep(rows, name, values)
            return
        single: dict[int, Any] = {}
        nested: dict[int, Any] = {}
        for row, value in zip(rows, values, strict=True):
            if type(value) is dict and "$float" in value:
                value = from_plain(value)
            (nested if type(value) is dict and value else single)[row] = value
        if single:
            self._keep(list(single), name, list(single.values()))
        if nested:
            self._groups(list(nested), list(nested.values()), f"{name}.")

    def _keep(self, rows: Sequence[int], name: str, values: Sequence[Any]) -> None:
        """Put values into the column; rows are given in order."""
        column = self._columns.setdefault(name, [])
        first, stop = rows[0], rows[-1] + 1
        if len(column) <= first and stop - first == len(rows):
            column.extend([None] * (first - len(column)))
            column.extend(values)
            return
        column.extend([None] * (stop - len(column)))
        for row, value in zip(rows, values, strict=True):
            column[row] = value
