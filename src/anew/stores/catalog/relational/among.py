"""Names that some experiments have: how many of these experiments have each, and how many different values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ....query.question import Name, SettingKind
from .documents import Document, decoded, value_of
from .engine import Connection
from .keys import FEW, are_most, fetch_text
from .metrics import METRIC
from .schema import metrics
from .sql import Query, sql

__all__ = ["metrics_among", "settings_among"]

_PAGE = 50_000
_PACKED = np.dtype([("name", "<u4"), ("value", "<u8")])
"""As `settings` packs them."""
_KINDS: tuple[SettingKind, ...] = ("param", "config", "tag")
Numbers = npt.NDArray[np.uint64]


def settings_among(connection: Connection, keys: Sequence[int]) -> list[Name]:
    """The parameters, configuration keys and tags that experiments have values of, with how many have one, how many different ones there
    are, and the value itself where all that have one have the same."""
    counts: dict[int, int] = defaultdict(int)
    values: dict[int, Numbers] = {}
    example: dict[int, int] = {}
    for page in _pages(sorted(keys)):
        for name, key, found in _by_name(connection, page):
            counts[name] += len(found)
            example.setdefault(name, key)
            distinct = _distinct(found)
            if name in values:
                distinct = _distinct(np.concatenate((values[name], distinct)))
            values[name] = distinct
    called = _called(connection)
    alike = {name: key for name, key in example.items() if len(values[name]) == 1}
    only = _only(connection, alike, called)
    told = sorted((_KINDS.index(called[key][0]), called[key][1], key) for key in counts)
    return [
        Name(name, counts[key], only.get(key), values=len(values[key]), kind=_KINDS[kind])
        for kind, name, key in told
    ]


def metrics_among(connection: Connection, keys: Sequence[int]) -> list[Name]:
    """The metrics that experiments have logged, with how many of them did."""
    if len(keys) <= FEW:
        text = f"SELECT n.name, count(*) {connection.dialect.metrics_of_keys} AND n.kind = ? GROUP BY n.name ORDER BY n.name"
        found = connection.execute(text, (connection.dialect.listed(list(keys)), METRIC))
        return [Name(name, count) for name, count in found]
    (every,) = connection.execute("SELECT count(*) FROM experiments").fetchone()
    counted = "SELECT count(*) FROM metrics WHERE name_key = names.key"
    text = f"SELECT name, key, ({counted}) FROM names WHERE kind = ? ORDER BY name"
    there = np.zeros(max(keys) + 1, np.bool_)
    there[np.asarray(keys)] = True
    told = []
    for name, key, total in connection.execute(text, (METRIC,)).fetchall():
        count = len(keys) if total == every else total
        if total < every and len(keys) < every:
            mine = _having(connection, key)
            count = int(there[mine[mine < len(there)]].sum())
        if count:
            told.append(Name(name, count))
    return told


def _having(connection: Connection, metric: int) -> npt.NDArray[np.int64]:
    """The keys of the experiments that logged a metric."""
    rows = metrics.rows()
    asked = Query((rows["experiment_key"],), (rows,), (sql("{} = {}", rows["name_key"], metric),))
    return np.fromstring(fetch_text(connection, asked), np.int64, sep=",")


def _by_name(connection: Connection, keys: Sequence[int]) -> Iterator[tuple[int, int, Numbers]]:
    """The names that experiments have values of: each with one experiment that has it, and the numbers of all the values."""
    dialect = connection.dialect
    text = "SELECT experiment_key, packed FROM settings WHERE experiment_key"
    if are_most(keys):
        rows = connection.execute(f"{text} BETWEEN ? AND ?", (keys[0], keys[-1])).fetchall()
        if len(keys) <= keys[-1] - keys[0]:
            wanted = set(keys)
            rows = [row for row in rows if row[0] in wanted]
    else:
        rows = connection.execute(f"{text} IN ({dialect.keys})", (dialect.listed(keys),)).fetchall()
    packed = np.frombuffer(b"".join([row[1] for row in rows]), _PACKED)
    if not len(packed):
        return
    lengths = [len(row[1]) // _PACKED.itemsize for row in rows]
    whose = np.repeat(np.array([row[0] for row in rows]), lengths)
    names = packed["name"]
    if names.max() < 1 << 16:
        names = names.astype(np.uint16)  # which are sorted by counting them
    order = np.argsort(names, kind="stable")
    ordered, values = names[order], packed["value"][order]
    begins = [0, *(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist()]
    for begin, stop in zip(begins, [*begins[1:], len(ordered)], strict=True):
        yield int(ordered[begin]), int(whose[order[begin]]), values[begin:stop]


def _distinct(values: Numbers) -> Numbers:
    """Each of them once, sorted. `numpy.unique` hashes them, which takes four times as long where most are different."""
    ordered = np.sort(values)
    first = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def _called(connection: Connection) -> dict[int, tuple[SettingKind, str]]:
    """The kinds and names of all settings, by their keys."""
    text = "SELECT key, kind, name FROM names WHERE kind IN ('param', 'config', 'tag')"
    return {key: (kind, name) for key, kind, name in connection.execute(text)}


def _only(
    connection: Connection, wanted: dict[int, int], called: dict[int, tuple[SettingKind, str]]
) -> dict[int, Any]:
    """The values of names in one experiment each, by the keys of both; of what is no text, number or truth, its text."""
    dialect = connection.dialect
    text = f"SELECT experiment_key, state FROM documents WHERE experiment_key IN ({dialect.keys})"
    state: dict[int, Document] = {}
    for page in _pages(sorted(set(wanted.values()))):
        for key, packed in connection.execute(text, (dialect.listed(page),)):
            state[key] = decoded(packed)
    found: dict[int, Any] = {}
    for name, key in wanted.items():
        kind, written = called[name]
        if kind == "tag":
            given = state[key].tags[written]
            found[name] = True if given is None else given
        else:
            value = value_of(state[key], kind, written)
            found[name] = value if isinstance(value, (str, int, float)) else repr(value)
    return found


def _pages(keys: Sequence[int]) -> Iterator[list[int]]:
    for begin in range(0, len(keys), _PAGE):
        yield list(keys[begin : begin + _PAGE])
