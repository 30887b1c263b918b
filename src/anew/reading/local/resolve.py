"""One experiment out of many by what it is called: id, start of an id, prefix, name."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from ...query.question import Question, Selected, SortKey, Wanted
from ...query.references import Candidate, Resolved
from ...query.suggest import nearest
from ...query.syntax import And, Compare, Contains, Expression, Field, Operator, Or, Part, Value
from ...record.facts import ExperimentFacts
from ...record.names import numbered, split_number
from ...stores.catalog.protocol import Answers

__all__ = ["follow", "resolve"]

_SHOWN = 8
_NEWEST = 200  # of one prefix; the newest of them is the newest of all


def resolve(catalog: Answers, ref: str) -> Resolved:
    """The experiment that a text means.

    A prefix or a whole id is meant first, then the start of an id, then a name that only one has. Of experiments
    that were opened under one prefix, the prefix means the newest, `a/b~1` the first, `a/b~2` the second.
    """
    text = ref.strip()
    if not text:
        return Resolved(ref, empty=_is_empty(catalog))
    if (exact := _exact(catalog, text)) is not None:
        return Resolved(ref, exact)
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


def follow(
    found: Resolved,
    left: Mapping[str, str],
    facts: Callable[[Sequence[str]], Sequence[ExperimentFacts]],
) -> Resolved:
    """What a text means that nothing is called now: the experiment that left this prefix, or where to those below it went.

    Args:
        left: The prefixes that experiments left, each with the id of the one that left it last.
        facts: What is listed of experiments, of those that may be seen.
    """
    text = found.ref.strip().strip("/")
    if text in left and facts([left[text]]):
        return Resolved(found.ref, left[text])
    below = {old: id_ for old, id_ in left.items() if old.startswith(f"{text}/")} if text else {}
    now = {one.id: one.prefix for one in facts(list(dict.fromkeys(below.values())))}
    places: Counter[str] = Counter()
    for old, id_ in below.items():
        end, there = old[len(text) :], now.get(id_, "")
        if there.endswith(end):
            places[there[: -len(end)]] += 1
    return msgspec.structs.replace(found, moved=max(places, key=places.__getitem__, default=""))


def _exact(catalog: Answers, text: str) -> str | None:
    """The experiment with that id, or the newest of that prefix."""
    prefix = text.strip("/")
    start, number = split_number(prefix)
    plain = numbered(start, number) if number else prefix
    # Numbers are digits, and ":" comes after them: all of one prefix are one range of an index.
    further = And((_is("prefix", f"{prefix}~", ">="), _is("prefix", f"{prefix}~:", "<")))
    wanted = Or((_is("id", text), _is("prefix", plain), further))
    found = _ask(catalog, wanted, sort="created_at", descending=True, limit=_NEWEST)
    numbers: dict[str, int] = {}
    for id_, one in zip(found.ids, found.columns[0].values, strict=True):
        if id_ == text:
            return id_
        if one == plain:
            numbers[id_] = 1
        elif split_number(one)[0] == prefix:
            numbers[id_] = split_number(one)[1]
    return max(numbers, key=lambda id_: numbers[id_], default=None)


def _is_empty(catalog: Answers) -> bool:
    return not _ask(catalog, None, limit=1).ids


def _near(catalog: Answers, text: str) -> list[str]:
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
    catalog: Answers,
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
