"""The journal's sink that fills the stores."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence

from ..journal.follow import Cursor, Piece, Stream
from ..journal.identify import tenants
from ..journal.sink import Followed
from ..journal.storage import Journals, Storage
from ..record.plain import parse_json
from ..stores.catalog.protocol import Batch, CatalogDamaged, Entry, Known
from ..stores.series.protocol import ExperimentFolder
from .filling import Filled
from .state import UNREAD, UNSETTLED
from .visit import STREAMS, Visit

__all__ = ["IndexSink"]

_MOST_ABOUT = 16 << 20
UNSETTLED_EXPERIMENTS, UNSETTLED_POINTS = 512, 500_000
"""Of what has ended, as much waits until it is copied to where questions over many find it: what a question decodes
one by one at most."""


class IndexSink:
    """A `journal.sink.Sink` that fills the catalog and the series, in a transaction per commit.

    Args:
        stores: What is filled.
        journals: The journals that are read, for what a piece does not hold: the bytes of sealed parts, signs of life.
        unread: The prefixes that could not be read so far, with the reason; kept true with what is committed.
        deleted: The ids of experiments that the root's journal says are deleted: as if they were not there.
        sinks: Tells the other sinks that are registered for the root, and since when: sealing waits for them.
        moved: The prefixes that experiments were moved or restored to by a command, by id.
        clock: Tells the time by which files were changed.
        unsettled: The ids of experiments that have ended and were not settled yet (`SeriesStore.settle`); None where the
            store settles nothing.

    Attributes:
        experiments, points, problems: How many of each were committed.
        until: By prefix, until when an experiment that is followed needs no look if nothing in its folder changes.
    """

    streams: frozenset[Stream] = STREAMS

    def __init__(
        self,
        stores: Filled,
        journals: Journals,
        unread: Mapping[str, str] | None = None,
        deleted: Collection[str] = (),
        sinks: Callable[[], Mapping[str, float]] = dict,
        moved: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
        unsettled: Collection[str] | None = None,
    ) -> None:
        self._sinks = sinks
        self._clock = clock
        self._moved = moved or {}
        self.unread = dict(unread or {})
        self.unsettled = None if unsettled is None else set(unsettled)
        self._early: set[str] = set()  # of them, those for which it was too early
        self._unsettled_points = 0
        self._deleted = deleted
        self.experiments = self.points = self.problems = 0
        self.until: dict[str, float] = {}
        self._stores = stores
        self._journals = journals
        self._begin()

    def _begin(self) -> None:
        self._visits: dict[str, Visit] = {}  # by prefix
        self._ids: set[str] = set()  # of experiments in hand
        self._entries: dict[str, Entry] = {}
        self._doomed: dict[int, str] = {}
        self._looked: set[str] = set()
        self._failed: dict[str, str] = {}
        self._rests: dict[str, float] = {}

    def cursors(self, experiments: Sequence[Followed]) -> dict[str, Cursor]:
        """See `Sink.cursors`. A copy of an experiment that is still where it was is left out."""
        fresh = [e for e in experiments if e.prefix not in self._visits]
        in_hand = [e.prefix for e in experiments if e.prefix in self._visits]
        found = {prefix: self._visits[prefix].cursor for prefix in in_hand}
        known: list[Known] = []
        if fresh:
            hidden = {e.prefix for e in fresh if e.experiment_id in self._deleted}
            fresh = [Followed(e.prefix, None) if e.prefix in hidden else e for e in fresh]
            ids = [e.experiment_id for e in fresh if e.experiment_id]
            known = self._stores.catalog.known(ids=ids, prefixes=[e.prefix for e in fresh])
        fresh = self._newest(fresh)
        by_id = {k.experiment_id: k for k in known}
        by_prefix = {k.prefix: k for k in known}
        for prefix, experiment_id in fresh:
            self._looked.add(prefix)
            occupant = by_prefix.get(prefix)
            if occupant is not None and occupant.experiment_id != experiment_id:
                self._doomed[occupant.key] = occupant.experiment_id  # removed, or replaced
            mine = by_id.get(experiment_id) if experiment_id else None
            if mine is not None and mine.prefix != prefix:
                if self._stays(mine, prefix):
                    continue  # a copy: the one that was opened last, or that was there first, is shown
                # Moved, or continued in the copy: taken in again where it is now.
                self._doomed[mine.key] = mine.experiment_id
                mine = None
            if experiment_id is None or experiment_id in self._ids:
                continue
            self._ids.add(experiment_id)
            visit = Visit(
                self._stores,
                self._journals.of(prefix),
                self._journals.lies(prefix),
                prefix,
                experiment_id,
                mine,
                self._sinks,
            )
            self._visits[prefix] = visit
            found[prefix] = visit.cursor
        return {prefix: dict(cursor) for prefix, cursor in found.items()}

    def take(self, experiment: Followed, piece: Piece) -> None:
        """See `Sink.take`."""
        self._visits[experiment.prefix].take(piece)

    def finish(self, experiment: Followed) -> bool:
        """See `Sink.finish`."""
        visit = self._visits[experiment.prefix]
        now = self._clock()
        if not visit.settled(now):
            return True
        entry = visit.entry(now)
        if entry is not None:
            self._entries[experiment.prefix] = entry
        rests = visit.rests_until(now)
        if rests is not None:
            self._rests[experiment.prefix] = rests
        return False

    def failed(self, experiment: Followed, error: Exception) -> None:
        """See `Sink.failed`. One that was removed while it was read is left as it is: the next look sees it gone."""
        self._entries.pop(experiment.prefix, None)
        visit = self._visits.pop(experiment.prefix, None)
        if visit is not None:
            self._ids.discard(visit.experiment_id)
        self._looked.add(experiment.prefix)
        if not isinstance(error, FileNotFoundError):
            reason = (
                str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
            )
            self._failed[experiment.prefix] = reason

    def commit(self) -> None:
        """See `Sink.commit`."""
        entries = tuple(self._entries.values())
        try:
            self._save(entries, tuple(self._doomed))
        except (OSError, CatalogDamaged):
            raise
        except Exception:  # noqa: BLE001  (the bulkhead: one of them cannot be kept)
            entries = self._save_one_by_one()
        for experiment_id in set(self._doomed.values()) - self._ids:
            self._stores.series.drop(experiment_id)
        self.experiments += len(entries)
        self.points += sum(visit.points for visit in self._visits.values())
        self.until |= {prefix: t for prefix, t in self._rests.items() if prefix in self._visits}
        self.problems += sum(len(entry.problems) for entry in entries)
        if self.unsettled is not None:
            self._settle(entries, self.unsettled)
        self._begin()

    def _settle(self, entries: Sequence[Entry], unsettled: set[str]) -> None:
        """Note what has ended, and have it settled once that is much."""
        before = set(unsettled)
        for entry in entries:
            visit = self._visits[entry.facts.prefix]
            if visit.points and not entry.live:
                unsettled.add(visit.experiment_id)
                self._unsettled_points += visit.points
        unsettled -= set(self._doomed.values()) - self._ids
        if (
            len(unsettled) >= len(self._early) + UNSETTLED_EXPERIMENTS
            or self._unsettled_points >= UNSETTLED_POINTS
        ):
            known = self._stores.catalog.known(ids=unsettled)
            self._early = set(self._stores.series.settle([self._place(one) for one in known]))
            unsettled &= self._early
            self._unsettled_points = 0
        if unsettled != before:
            marks: dict[str, str | None] = {UNSETTLED + one: None for one in before - unsettled}
            marks |= {UNSETTLED + one: "" for one in unsettled - before}
            self._stores.catalog.save(Batch(marks=marks))

    def _place(self, known: Known) -> ExperimentFolder:
        lies = self._journals.lies(known.prefix)
        folder = self._stores.root.experiment(lies.folder).folder
        return ExperimentFolder(known.experiment_id, folder, lies.share)

    def _save(self, entries: tuple[Entry, ...], doomed: tuple[int, ...] = ()) -> None:
        unread = {p: r for p, r in self.unread.items() if p not in self._looked} | self._failed
        if entries or doomed or unread != self.unread:
            marks: dict[str, str | None] = {UNREAD + p: None for p in self.unread}
            marks |= {UNREAD + p: r for p, r in unread.items()}
            self._stores.catalog.save(Batch(entries=entries, doomed=doomed, marks=marks))
            self.unread = unread

    def _save_one_by_one(self) -> tuple[Entry, ...]:
        """Save each experiment in hand by itself; those that were saved. The others are noted as unread."""
        saved = []
        self._save((), tuple(self._doomed))
        for prefix, entry in list(self._entries.items()):
            try:
                self._save((entry,))
            except (OSError, CatalogDamaged):
                raise
            except Exception as error:  # noqa: BLE001  (the bulkhead)
                experiment_id = self._visits[prefix].experiment_id
                self.failed(Followed(prefix, experiment_id), error)
            else:
                saved.append(entry)
        self._save(())
        return tuple(saved)

    def close(self) -> None:
        """See `Sink.close`."""
        self._begin()

    def _newest(self, found: Sequence[Followed]) -> list[Followed]:
        """Of several places with one id, the one that is to be shown; copies are as if nothing was there."""
        best: dict[str, Followed] = {}
        twice = set()
        for one in found:
            if one.experiment_id is not None:
                other = best.setdefault(one.experiment_id, one)
                if other is not one:
                    twice.add(one.experiment_id)
                    if self._standing(one.prefix, one.experiment_id) > self._standing(
                        other.prefix, one.experiment_id
                    ):
                        best[one.experiment_id] = one
        return [e for e in found if e.experiment_id not in twice or best[e.experiment_id] is e]

    def _stays(self, known: Known, prefix: str) -> bool:
        """Whether an experiment that is at another prefix too is still to be shown where it is known to be."""
        try:
            there = self._standing(known.prefix, known.experiment_id)
            return there[0] > float("-inf") and there >= self._standing(prefix, known.experiment_id)
        except OSError:  # what is there and cannot be read stays as it is known
            return True

    def _standing(self, prefix: str, experiment_id: str) -> tuple[float, bool, bool]:
        """How much speaks for an experiment being shown at a prefix: it was opened last there, it was moved there by a
        command, it was opened there and not only copied."""
        found = tenants(self._journals.of(prefix))
        mine = next((one for one in found if one.experiment_id == experiment_id), None)
        if mine is None:
            return (float("-inf"), False, False)
        opened_there = prefix in mine.filed or _says(
            self._journals.of(prefix), prefix, experiment_id
        )
        return mine.last, self._moved.get(experiment_id) == prefix, opened_there


def _says(storage: Storage, prefix: str, experiment_id: str) -> bool:
    """Whether the document for people says that this experiment was recorded at this prefix."""
    try:
        about = parse_json(storage.read("metadata.json", 0, _MOST_ABOUT))
        return bool(about["prefix"] == prefix and about["experiment_id"] == experiment_id)
    except (OSError, ValueError, LookupError, TypeError):
        return False
