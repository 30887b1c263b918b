"""Questions answered: which experiments, with which columns; or groups of them."""

from __future__ import annotations

from ....query.question import Question, Selected
from .columns import columns_of
from .engine import Connection
from .groups import group_count, grouped, is_grouped
from .keys import Keys, are_most
from .names import CatalogNames
from .selection import Selection

__all__ = ["counted", "keys_of", "selected"]


def selected(connection: Connection, question: Question) -> Selected:
    """See `Catalog.select`."""
    names = CatalogNames(connection)
    selection = Selection(question, names)
    if is_grouped(question):
        return grouped(connection, question, selection, names)
    if question.ids is not None:
        return _listed(connection, question, selection, names)
    limit, offset = question.limit, question.offset
    # One more than wanted tells whether there are more.
    keys = selection.keys(connection, None if limit is None else limit + 1, offset)
    more = limit is not None and len(keys) > limit
    keys = keys[:limit]
    total = selection.known_total
    if total is None and not more and (len(keys) or not offset):
        total = offset + len(keys)
    if total is None and question.total:
        total = selection.count(connection)
    columns = columns_of(connection, names, question, keys)
    after = offset + len(keys) if more else None
    return Selected(_ids(connection, question, keys), columns, total, after)


def keys_of(connection: Connection, question: Question) -> Keys:
    """The keys of the experiments that a question selects, whatever its limit is."""
    selection = Selection(question, CatalogNames(connection))
    if question.ids is not None:
        return _listed_keys(connection, question, selection)[0]
    return selection.unordered(connection)


def _listed_keys(
    connection: Connection, question: Question, selection: Selection
) -> tuple[Keys, dict[int, str]]:
    """The keys of the experiments that a question lists, in its order, and the ids of keys."""
    dialect = connection.dialect
    query = f"SELECT experiment_id, key FROM experiments WHERE experiment_id IN ({dialect.texts})"
    listed = dialect.listed(question.ids or ())
    key_of: dict[str, int] = dict(connection.execute(query, (listed,)))
    id_of = {key: id_ for id_, key in key_of.items()}
    keys = [key_of[one] for one in question.ids or () if one in key_of]
    if question.filter is not None or question.sort:
        chosen = selection.keys(connection)
        listed_ones, every = (keys, chosen) if question.sort else (chosen, keys)
        wanted = set(listed_ones)
        keys = [key for key in every if key in wanted]
    return keys, id_of


def _listed(
    connection: Connection, question: Question, selection: Selection, names: CatalogNames
) -> Selected:
    """The answer about the experiments that a question lists."""
    keys, id_of = _listed_keys(connection, question, selection)
    total = len(keys)
    stop = None if question.limit is None else question.offset + question.limit
    keys = keys[question.offset : stop]
    columns = columns_of(connection, names, question, keys)
    after = question.offset + len(keys)
    ids = [id_of[key] for key in keys]
    return Selected(ids, columns, total, after if after < total else None)


def counted(connection: Connection, question: Question) -> int:
    """See `Catalog.count`."""
    names = CatalogNames(connection)
    selection = Selection(question, names)
    if is_grouped(question):
        return group_count(connection, question, selection, names)
    return selection.count(connection)


def _ids(connection: Connection, question: Question, keys: Keys) -> list[str]:
    if not keys or (question.most_ids is not None and len(keys) > question.most_ids):
        return []
    dialect = connection.dialect
    query = "SELECT key, experiment_id FROM experiments WHERE key"
    if are_most(ascending := sorted(keys)):
        found = connection.execute(f"{query} BETWEEN ? AND ?", (ascending[0], ascending[-1]))
    else:
        found = connection.execute(f"{query} IN ({dialect.keys})", (dialect.listed(keys),))
    by_key: dict[int, str] = dict(found.fetchall())
    return list(map(by_key.__getitem__, keys))
