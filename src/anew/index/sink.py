"""The journal's sink that fills the stores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..journal.follow import Chunk, Cursor, Stream
from ..stores.catalog.protocol import Batch, Entry, Known
from ..stores.open import Stores
from .visit import STREAMS, Visit

__all__ = ["IndexSink"]


class IndexSink:
    """A `journal.sink.Sink` that fills the catalog and the series.

    What is taken in of any number of experiments is saved by `save`, with the cursors and in one
    transaction: a crash before it leaves everything to be offered again.
    """

    streams: frozenset[Stream] = STREAMS

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._visits: dict[str, Visit] = {}

    def cursor(self, experiment_id: str) -> Cursor:
        """See `Sink.cursor`."""
        if experiment_id not in self._visits:
            known = self._known(experiment_id)
            if known is None:
                return {}
            self.begin(experiment_id, known.prefix, known)
        return dict(self._visits[experiment_id].cursor)

    def take(self, experiment_id: str, folder: str, chunk: Chunk) -> None:
        """See `Sink.take`."""
        if experiment_id not in self._visits:
            prefix = self._stores.root.prefix_of(folder)
            self.begin(experiment_id, prefix, self._known(experiment_id))
        self._visits[experiment_id].take(chunk)

    def begin(self, experiment_id: str, prefix: str, known: Known | None) -> Visit:
        """Start on an experiment of which the catalog has `known`."""
        visit = Visit(self._stores, prefix, experiment_id, known)
        self._visits[experiment_id] = visit
        return visit

    def save(
        self,
        entries: Iterable[Entry],
        doomed: Iterable[int] = (),
        marks: Mapping[str, str | None] | None = None,
    ) -> None:
        """Save what was taken in, all or nothing.

        Args:
            doomed: The keys of experiments to be forgotten.
            marks: See `Batch.marks`.
        """
        batch = Batch(entries=tuple(entries), doomed=tuple(doomed), marks=marks or {})
        self._stores.catalog.save(batch)
        self._visits.clear()

    def close(self) -> None:
        """See `Sink.close`."""
        if self._visits:
            found = [visit.entry() for visit in self._visits.values()]
            self.save([entry for entry in found if entry is not None])

    def _known(self, experiment_id: str) -> Known | None:
        known = self._stores.catalog.known(ids=[experiment_id])
        return known[0] if known else None
