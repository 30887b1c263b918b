"""One experiment out of many by what it is called: id, start of an id, prefix, name."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ...query.question import Question, Selected, SortKey, Wanted
from ...query.references import Candidate, Resolved
from ...query.suggest import nearest
from ...query.syntax import And, Compare, Contains, Expression, Field, Operator, Or, Part, Value
from ...stores.catalog.protocol import Catalog

__all__ = ["resolve"]

_SHOWN = 8


def resolve(catalog: Catalog, ref: str) -> Resolved:
    """The experiment that a text means.

    A prefix or a whole id is meant first, then the start of an id, then a name that only one has.
    """
    text = ref.strip()
    if not text:
        return Resolved(ref, empty=_is_empty(catalog))
    exact = _ask(catalog, Or((_is("id", text), _is("prefix", text.strip("/")))), limit=1)
    if exact.ids:
        return Resolved(ref, exact.ids[0])
    if "/" not in text:
        # A range instead of a pattern: it is read off an index, and nothing in the text is a wildcard.
        beginning = And((_is("id", text, ">="), _is("id", text + "\U0010ffff", "<")))
        started = _ask(catalog, beginning, sort="id")
        if len(started.ids) == 1:
            return Resolved(ref, started.ids[0])
        named = _ask(catalog, _is("name", text), sort="created_at", descending=True)
        if len(named.ids) == 1:
            return Resolved(ref, named.ids[0])
        if started.ids:
            return Resolved(ref, candidates=_candidates(started), by="id")
        if named.ids:
            return Resolved(ref, candidates=_candidates(named), by="name")
    near = _near(catalog, text)
    return Resolved(ref, nearest=tuple(near), empty=not near and _is_empty(catalog))


def _is_empty(catalog: Catalog) -> bool:
    return not _ask(catalog, None, limit=1).ids


def _near(catalog: Catalog, text: str) -> list[str]:
    """Ids or prefixes that look like the text, out of those that share a piece with it."""
    pieces = [text[:4], text[-4:]]
    pieces += [text[at : at + 4] for at in range(2, min(len(text) - 4, 12), 2)]
    pieces = [piece for piece in dict.fromkeys(pieces) if len(piece) >= 3]
    found: dict[str, str] = {}
    for column in ("prefix", "name") if "/" in text else ("id", "name", "prefix"):
        for piece in pieces:
            like = Contains(_field(column), _text(piece), False, 0)
            answer = _ask(catalog, like, limit=60)
            found.update(_words(answer, column))
    if not found:
        recent = _ask(catalog, None, sort="created_at", descending=True, limit=500)
        found = _words(recent, "name")
    return list(dict.fromkeys(found[word] for word in nearest(text, found)))


def _words(answer: Selected, column: str) -> dict[str, str]:
    """By what is in a column, how the experiment is shown: by its id where that was looked at, else its prefix."""
    if column == "id":
        return {one: one for one in answer.ids}
    prefixes, names = (answer.columns[at].values for at in (0, 1))
    return dict(zip(prefixes if column == "prefix" else names, prefixes, strict=True))


def _candidates(answer: Selected) -> tuple[Candidate, ...]:
    pairs = zip(answer.ids, answer.columns[0].values, strict=True)
    return tuple(Candidate(id_, prefix) for id_, prefix in pairs)


def _ask(
    catalog: Catalog,
    filter: Expression | None,
    *,
    sort: str | None = None,
    descending: bool = False,
    limit: int = _SHOWN + 1,
) -> Selected:
    keys: Sequence[SortKey] = () if sort is None else (SortKey(_field(sort), descending),)
    return catalog.select(
        Question(
            filter=filter,
            sort=tuple(keys),
            columns=(Wanted(_field("prefix")), Wanted(_field("name"))),
            limit=limit,
            now=time.time(),
        )
    )


def _is(field: str, text: str, operator: Operator = "==") -> Expression:
    return Compare(_field(field), operator, _text(text), 0)


def _field(name: str) -> Field:
    return Field((Part(name, False, 0),), name, 0)


def _text(text: str) -> Value:
    return Value("text", text, repr(text), 0)
