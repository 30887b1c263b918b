"""What belongs to a person: preferences, starred experiments, when they looked last; and experiments that are pinned for all.

Each is a document of the store, in the scope of the person or, for pins, of the experiment's project: so it is the same in every browser and
on every machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from ..errors import Conflict, InvalidValue, NotFound
from ..query.documents import DocumentsQuestion
from ..query.edits import AppendQuestion
from ..query.question import FactsQuestion, Question
from ..query.references import ResolveQuestion
from ..query.scope import project_of
from ..record.edits import DocumentEdit
from ..record.facts import ExperimentFacts
from ..record.names import check_label
from ..record.plain import to_plain
from .backend import Backend
from .compare import meant
from .source import who_asks

__all__ = [
    "LOOKED",
    "PIN",
    "PREFERENCES",
    "STAR",
    "Mark",
    "Marks",
    "Preferences",
    "looked",
    "own_scope",
    "set_looked",
]

PREFERENCES: Final = "preferences"
STAR: Final = "star"
PIN: Final = "pin"
LOOKED: Final = "looked"
_PAGE = "page"
_MOST = 64 << 10
"""Bytes of all preferences of a person."""
_TRIES = 5


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A starred or pinned experiment.

    Attributes:
        id, prefix: The experiment.
        user, time: Who marked it, and when (seconds since 1970).
    """

    id: str
    prefix: str
    user: str
    time: float


class Preferences:
    """How somebody likes the page to be: `store.preferences.set("theme", "dark")`; the same in every browser that they use.

    What the names mean, the page says; others are kept as they are.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __repr__(self) -> str:
        return f"<the preferences of {who_asks(self._backend) or 'nobody'}>"

    def list(self) -> dict[str, Any]:
        """All of them, by name."""
        return dict(self._read()[0])

    def get(self, name: str) -> Any:
        """One of them.

        Raises:
            NotFound: It is not set.
        """
        found = self.list()
        if name not in found:
            raise NotFound(
                f"The preference {name!r} is not set.", name=name, nearest=list(found)[:8]
            )
        return found[name]

    def set(self, name: str, value: Any) -> dict[str, Any]:
        """Set one of them; returns all.

        Raises:
            InvalidName: The name cannot be kept.
            InvalidValue: All of them together are too much.
        """
        check_label(name, "preference")
        return self.change({name: value})

    def clear(self, name: str | None = None) -> dict[str, Any]:
        """Take one of them back, or all; returns what is left."""
        return self.change(dict.fromkeys(self.list() if name is None else [name]))

    def change(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Set several of them at once; None takes one back. Returns all.

        Raises:
            InvalidValue: All of them together are too much.
        """
        for _ in range(_TRIES):
            before, seen = self._read()
            after = {**before, **to_plain(dict(given))}
            after = {name: value for name, value in after.items() if value is not None}
            if after == before:
                break
            if len(msgspec.json.encode(after)) > _MOST:
                raise InvalidValue(
                    f"The preferences of a person have at most {_MOST:,} bytes.", key="preferences"
                )
            edit = DocumentEdit(
                kind=PREFERENCES, name=_PAGE, body=after, scope=own_scope(self._backend), after=seen or None
            )  # fmt: skip
            try:
                self._backend.append(AppendQuestion((edit,), expect=seen))
            except Conflict:  # another browser of theirs
                continue
            break
        return self.list()

    def _read(self) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        asked = DocumentsQuestion(
            kind=PREFERENCES, name=_PAGE, scope=own_scope(self._backend), gone=True
        )
        found = self._backend.documents(asked).documents
        if not found:
            return {}, ()
        seen = (found[0].event, *(one.event for one in found[0].others))
        return found[0].body or {}, seen


class Marks:
    """Experiments that were marked: `store.stars.add("k7f3")` for oneself, `store.pins.add("k7f3")` for all who see its project."""

    def __init__(self, backend: Backend, kind: Literal["star", "pin"]) -> None:
        self._backend = backend
        self._kind = kind

    def __repr__(self) -> str:
        return f"<the {self._kind}s of {self._backend.about().where}>"

    def list(self, since: float | None = None) -> tuple[Mark, ...]:
        """Those that are marked, the newest mark first; without experiments that are gone.

        Args:
            since: Only those marked at this time or later.
        """
        scope = own_scope(self._backend) if self._kind == STAR else None
        asked = DocumentsQuestion(kind=self._kind, scope=scope, since=since)
        found = self._backend.documents(asked).documents
        newest = {one.name: one for one in sorted(found, key=lambda one: one.time)}
        if not newest:
            return ()
        now = time.time()
        there = self._backend.select(Question(ids=tuple(newest), now=now)).ids
        facts = self._backend.facts(FactsQuestion(ids=tuple(there), now=now))
        made = (
            Mark(id=one.id, prefix=one.prefix, user=newest[one.id].user, time=newest[one.id].time)
            for one in facts
        )
        return tuple(sorted(made, key=lambda one: (-one.time, one.id)))

    def add(self, *experiments: object) -> None:
        """Mark experiments: ids, starts of ids, prefixes or views.

        Raises:
            NotFound, Ambiguous: As `Store.get`.
        """
        now = time.time()
        facts = self._backend.facts(FactsQuestion(ids=self._ids(experiments), now=now))
        self._write((one.id, self._scope(one), {}) for one in facts)

    def remove(self, *experiments: object) -> None:
        """Mark them no longer.

        Raises:
            NotFound, Ambiguous: As `Store.get`.
        """
        ids = self._ids(experiments)
        if self._kind == STAR:
            scope = own_scope(self._backend)
            self._write((id_, scope, None) for id_ in ids)
            return
        # An experiment may have been moved to another project since.
        asked = DocumentsQuestion(kind=self._kind, names=ids)
        found = self._backend.documents(asked).documents
        self._write((one.name, one.scope, None) for one in found)

    def _scope(self, one: ExperimentFacts) -> str:
        if self._kind == STAR:
            return own_scope(self._backend)
        return f"project/{project_of(one.prefix, one.user)}"

    def _ids(self, experiments: Sequence[object]) -> tuple[str, ...]:
        texts = [one if isinstance(one, str) else getattr(one, "id", None) for one in experiments]
        if not texts or not all(isinstance(one, str) for one in texts):
            raise InvalidValue("Say which experiments.", key="experiments")
        resolved = self._backend.resolve(ResolveQuestion(tuple(map(str, texts))))
        return tuple(dict.fromkeys(map(meant, resolved)))

    def _write(self, given: Iterable[tuple[str, str, dict[str, Any] | None]]) -> None:
        edits = tuple(
            DocumentEdit(kind=self._kind, name=name, body=body, scope=scope)
            for name, scope, body in given
        )
        if edits:
            self._backend.append(AppendQuestion(edits))


def own_scope(backend: Backend) -> str:
    """The scope of what belongs to who asks.

    Raises:
        InvalidValue: Nobody knows who asks.
    """
    me = who_asks(backend)
    if not me:
        raise InvalidValue("Nobody knows who you are: set ANEW_USER.", key="user")
    return f"user/{me}"


def looked(backend: Backend) -> float | None:
    """When who asks has looked last, as they said; None if they never did."""
    asked = DocumentsQuestion(kind=LOOKED, name=_PAGE, scope=own_scope(backend))
    found = backend.documents(asked).documents
    at = (found[0].body or {}).get("time") if found else None
    return float(at) if isinstance(at, (int, float)) and not isinstance(at, bool) else None


def set_looked(backend: Backend, at: float) -> None:
    """Write down that who asks has seen what there was at a time."""
    edit = DocumentEdit(kind=LOOKED, name=_PAGE, body={"time": at}, scope=own_scope(backend))
    backend.append(AppendQuestion((edit,)))
