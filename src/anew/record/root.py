"""The root's own journal as frozen structs, and the state that its events result in.

An event says what is shown; it names experiments by their ids. `after` holds the ids of the events that its author saw
and took the place of. Of the events about one subject (a document, say) those that no other took the place of are the
*heads*: usually one; two when it was changed in two places at once, and then both are shown, the newer first. So the
state depends on the set of events alone: the files of two roots are merged by putting them into one folder.

`docs/internals/format.md` is the specification; field names here are the keys on disk.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from .decode import UNDECODABLE, Broken, is_too_deep

__all__ = [
    "TRUTH",
    "AliasSet",
    "DeletedEvent",
    "DocumentSet",
    "Extension",
    "Hint",
    "Imported",
    "Joined",
    "LeftOut",
    "Line",
    "Missing",
    "Moved",
    "OfExperiment",
    "Purged",
    "RestoredEvent",
    "RootEvent",
    "RootNamed",
    "RootState",
    "SinkChanged",
    "UnknownEvent",
    "VersionSet",
    "decode_root",
    "in_order",
]


class Hint(msgspec.Struct, frozen=True, tag_field="k", tag="hint"):
    """An experiment was opened, ended or changed (`kind`): where to look; nothing depends on it."""

    kind: str
    t: float
    experiment_id: str
    prefix: str


class RootEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="k"):
    """The fields of every event: time, id, author, scope, and the events that its author had seen.

    `scope` is "root", "project/<prefix of the project>" or "user/<name>".
    """

    t: float
    id: str
    user: str = ""
    host: str = ""
    scope: str = "root"
    after: tuple[str, ...] = ()

    @property
    def subject(self) -> tuple[str, ...]:
        """What the event is about; a later event replaces an earlier one of the same subject."""
        return (self.id,)


class RootNamed(RootEvent, frozen=True, kw_only=True, tag="root"):
    """The root got an id."""

    root_id: str

    @property
    def subject(self) -> tuple[str, ...]:
        """See `RootEvent.subject`."""
        return ("root",)


class SinkChanged(RootEvent, frozen=True, kw_only=True, tag="sink"):
    """A sink that sealing has to wait for was registered, or has ended (`registered` is false)."""

    name: str
    registered: bool = True
    address: str = ""

    @property
    def subject(self) -> tuple[str, ...]:
        """See `RootEvent.subject`."""
        return ("sink", self.name)


class OfExperiment(RootEvent, frozen=True, kw_only=True):
    """What every event about one experiment has."""

    experiment_id: str

    @property
    def subject(self) -> tuple[str, ...]:
        """See `RootEvent.subject`."""
        return ("experiment", self.experiment_id)


class Moved(OfExperiment, frozen=True, kw_only=True, tag="moved"):
    """An experiment was filed under another prefix; `was` is the one that it left."""

    prefix: str
    was: str = ""


class DeletedEvent(OfExperiment, frozen=True, kw_only=True, tag="deleted"):
    """An experiment was deleted: it is not shown until it is restored. `prefix` and `name` are what it had."""

    prefix: str
    name: str = ""


class RestoredEvent(OfExperiment, frozen=True, kw_only=True, tag="restored"):
    """An experiment was restored, at `prefix`."""

    prefix: str


class Purged(OfExperiment, frozen=True, kw_only=True, tag="purged"):
    """The files of a deleted experiment were removed for good; `prefix` is what it had."""

    prefix: str = ""


class Joined(OfExperiment, frozen=True, kw_only=True, tag="joined"):
    """Somebody declared that another id is this experiment too."""

    other_id: str

    @property
    def subject(self) -> tuple[str, ...]:
        """See `RootEvent.subject`."""
        return ("joined", *sorted((self.experiment_id, self.other_id)))


class DocumentSet(RootEvent, frozen=True, kw_only=True, tag="document"):
    """A document was written or, without a body, removed: a view, report, alert, goal, group or description."""

    kind: str
    name: str
    body: dict[str, Any] | None = None

    @property
    def subject(self) -> tuple[str, ...]:
        """See `RootEvent.subject`."""
        return ("document", self.scope, self.kind, self.name)


class VersionSet(RootEvent, frozen=True, kw_only=True, tag="version"):
    """What a version of a model or artifact is: `target` says what it points to; without one it is withdrawn."""

    kind: str
    name: str
    number: int
    target: str | None = None
    digest: str | None = None
    body: dict[str, Any] = {}
    why: str | None = None

    @property
    def subject(self) -> tuple[str, ...]:
        """See `RootEvent.subject`."""
        return ("version", self.scope, self.kind, self.name, str(self.number))


class AliasSet(RootEvent, frozen=True, kw_only=True, tag="alias"):
    """An alias of a model or artifact was given to a version or, without a number, taken away.

    `body` is what that rests on, such as the verdict of a re-run.
    """

    kind: str
    name: str
    alias: str
    number: int | None = None
    why: str | None = None
    body: dict[str, Any] = {}

    @property
    def subject(self) -> tuple[str, ...]:
        """See `RootEvent.subject`."""
        return ("alias", self.scope, self.kind, self.name, self.alias)


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of thing of an imported experiment that is not the same there and here, and how many there are of it.

    Attributes:
        kind: "points", "files" …; "run" for an experiment that could not be imported at all, where `name` says why.
        name: Of the metric, for points.
    """

    experiment_id: str = ""
    kind: str = ""
    name: str = ""
    there: int = 0
    here: int = 0


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Something of a source that could not be read, or that has no place here; `lost` where it is missing because of that."""

    where: str = ""
    what: str = ""
    lost: bool = False
    experiment_id: str = ""


class Imported(RootEvent, frozen=True, kw_only=True, tag="imported"):
    """Experiments were imported: from where, how many of what, the digest of that, and whether all of it was here afterwards.

    Attributes:
        missing, left: What was not, and what could not be read or has no place here; the first of each.
        more: How many more there were of both.
    """

    source: str
    counts: dict[str, int] = {}
    digest: str | None = None
    whole: bool | None = None
    missing: tuple[Missing, ...] = ()
    left: tuple[LeftOut, ...] = ()
    more: int = 0


class Extension(RootEvent, frozen=True, kw_only=True, tag="extension"):
    """Data that only one dialect uses."""

    dialect: str
    name: str
    data: dict[str, Any] = {}

    @property
    def subject(self) -> tuple[str, ...]:
        """See `RootEvent.subject`."""
        return ("extension", self.scope, self.dialect, self.name)


class UnknownEvent(RootEvent, frozen=True, kw_only=True, tag="unknown"):
    """An event of an unknown kind, which is kept and passed on."""

    kind: str = ""


TRUTH: dict[str, type[RootEvent]] = {
    "root": RootNamed,
    "sink": SinkChanged,
    "moved": Moved,
    "deleted": DeletedEvent,
    "restored": RestoredEvent,
    "purged": Purged,
    "joined": Joined,
    "document": DocumentSet,
    "version": VersionSet,
    "alias": AliasSet,
    "imported": Imported,
    "extension": Extension,
}
"""The kinds of events that are truth, by their tag."""


class Line(msgspec.Struct, frozen=True):
    """One line of the root's journal: its number in its file, its bytes, and what they say."""

    number: int
    raw: bytes
    event: Hint | RootEvent


class _Head(msgspec.Struct):
    k: str
    t: float
    id: str = ""
    experiment_id: str = ""
    prefix: str = ""
    after: tuple[str, ...] = ()


_HINTS = ("opened", "ended", "changed")
_HINT_STARTS = tuple(f'{{"k":"{kind}",'.encode() for kind in _HINTS)
_heads = msgspec.json.Decoder(_Head)
_truth = {tag: msgspec.json.Decoder(type_) for tag, type_ in TRUTH.items()}


def decode_root(
    data: bytes, first_line: int = 1, *, hints: bool = True
) -> tuple[list[Line], list[Broken]]:
    """Whole lines of the root's journal, and those that are broken.

    Args:
        hints: False passes over the hints, of which there are many, without decoding them.
    """
    lines: list[Line] = []
    broken: list[Broken] = []
    raws = data.split(b"\n")
    if not raws[-1]:
        raws.pop()
    for number, raw in enumerate(raws, first_line):
        if not raw or (not hints and raw.startswith(_HINT_STARTS)):
            continue  # an empty line ends one that was cut short
        try:
            if is_too_deep(raw):
                raise ValueError("it is nested too deep")
            event = _decode(raw)
        except UNDECODABLE as error:
            text = raw[:120].decode("utf-8", "backslashreplace")
            broken.append(Broken(number, str(error), text))
            continue
        if hints or not isinstance(event, Hint):
            lines.append(Line(number, raw, event))
    return lines, broken


def _decode(raw: bytes) -> Hint | RootEvent:
    head = _heads.decode(raw)
    if head.k in _HINTS:
        return Hint(head.k, head.t, head.experiment_id, head.prefix)
    decoder = _truth.get(head.k)
    if decoder is not None:
        return decoder.decode(raw)
    return UnknownEvent(t=head.t, id=head.id or raw.hex(), after=head.after, kind=head.k)


E = TypeVar("E", bound=RootEvent)


def in_order(events: Iterable[E]) -> list[E]:
    """The events in the order in which they apply: first by what their authors had seen, then by time, then by id.

    Of several events with one id the first by their content counts. Where `after` leads in a circle, which no author
    can write, time decides.
    """
    by_id: dict[str, E] = {}
    for event in events:
        known = by_id.get(event.id)
        if known is None or (known != event and _text(event) < _text(known)):
            by_id[event.id] = event
    left = sorted(by_id.values(), key=lambda e: (e.t, e.id))
    if all(not e.after for e in left):
        return left
    before = {e.id: {i for i in e.after if i in by_id and i != e.id} for e in left}
    behind: dict[str, list[E]] = {}
    for event in left:
        for seen in before[event.id]:
            behind.setdefault(seen, []).append(event)
    ready = [(e.t, e.id) for e in left if not before[e.id]]  # sorted, and so a heap
    ordered: dict[str, E] = {}
    for stuck in left:
        while ready:
            event = by_id[heapq.heappop(ready)[1]]
            ordered[event.id] = event
            for waiting in behind.get(event.id, ()):
                before[waiting.id].discard(event.id)
                if not before[waiting.id] and waiting.id not in ordered:
                    heapq.heappush(ready, (waiting.t, waiting.id))
        if stuck.id not in ordered:  # in a circle
            ready.append((stuck.t, stuck.id))
            before[stuck.id].clear()
    while ready:
        event = by_id[heapq.heappop(ready)[1]]
        ordered[event.id] = event
    return list(ordered.values())


def _text(event: RootEvent) -> bytes:
    return msgspec.json.encode(event)


def _heads_of(events: Iterable[E]) -> list[E]:
    """The events that no other took the place of, the newest first."""
    heads: list[E] = []
    for event in in_order(events):
        heads = [head for head in heads if head.id not in event.after]
        heads.append(event)
    return heads[::-1]


class RootState:
    """The state that the events of a root's journal result in; `add` them in any order."""

    def __init__(self, events: Iterable[RootEvent] = ()) -> None:
        self._by_subject: dict[tuple[str, ...], list[RootEvent]] = {}
        self._heads: dict[tuple[str, ...], Sequence[RootEvent]] = {}
        self._ids: set[str] = set()
        self._left: dict[str, str] | None = None
        for event in events:
            self.add(event)

    def add(self, event: RootEvent) -> None:
        """Take one event in."""
        self._by_subject.setdefault(event.subject, []).append(event)
        self._heads.pop(event.subject, None)
        self._left = None
        self._ids.add(event.id)

    def has(self, event_id: str) -> bool:
        """Whether an event with this id was taken in."""
        return event_id in self._ids

    def count(self) -> int:
        """How many events were taken in, each counted once."""
        return len(self._ids)

    def subjects(self, *start: str) -> list[tuple[str, ...]]:
        """The subjects that begin so, such as `("document", "root")`, sorted."""
        n = len(start)
        return sorted(s for s in self._by_subject if s[:n] == start)

    def heads(self, *subject: str) -> Sequence[RootEvent]:
        """The heads of a subject, the newest first; empty if nothing was ever said about it."""
        if subject not in self._heads:
            self._heads[subject] = _heads_of(self._by_subject.get(subject, ()))
        return self._heads[subject]

    def history(self, *subject: str) -> list[RootEvent]:
        """All events about a subject, in the order in which they apply."""
        return in_order(self._by_subject.get(subject, ()))

    def deleted(self) -> Mapping[str, DeletedEvent | Purged]:
        """The experiments that are not to be shown, by id."""
        found: dict[str, DeletedEvent | Purged] = {}
        for subject in self.subjects("experiment"):
            newest = self.heads(*subject)[0]
            if isinstance(newest, (DeletedEvent, Purged)):
                found[subject[1]] = newest
        return found

    def placed(self) -> dict[str, str]:
        """The prefixes that experiments were moved or restored to last, by id."""
        found = {}
        for subject in self.subjects("experiment"):
            newest = self.heads(*subject)[0]
            if isinstance(newest, (Moved, RestoredEvent)):
                found[newest.experiment_id] = newest.prefix
        return found

    def left(self) -> Mapping[str, str]:
        """The prefixes that experiments were moved away from, each with the id of the one that left it last."""
        if self._left is None:
            found: list[tuple[float, str, str]] = []
            for subject in self.subjects("experiment"):
                there = ""
                for event in self.history(*subject):
                    if isinstance(event, Moved):
                        found.append((event.t, event.was or there, subject[1]))
                    elif isinstance(event, RestoredEvent) and event.prefix != there:
                        found.append((event.t, there, subject[1]))
                    there = getattr(event, "prefix", "") or there
            self._left = {prefix: id_ for _, prefix, id_ in sorted(found) if prefix}
        return self._left

    def root_id(self) -> str | None:
        """The id of the root; the first that was given, where roots with ids were merged."""
        named = in_order(self._by_subject.get(("root",), ()))
        first = named[0] if named else None
        return first.root_id if isinstance(first, RootNamed) else None

    def sinks(self) -> dict[str, str]:
        """The sinks that are registered, each with its address."""
        found = {}
        for subject in self.subjects("sink"):
            newest = self.heads(*subject)[0]
            if isinstance(newest, SinkChanged) and newest.registered:
                found[newest.name] = newest.address
        return found
