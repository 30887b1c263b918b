"""Looking after a root folder: its trash, its bytes, what is broken in it, and what is derived from it."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping, Sequence

from ...index import Refreshed as Taken
from ...index.trash import Trash
from ...journal.follow import read_events
from ...journal.stopping import processes_of, signal_process
from ...query.question import Question, Wanted, parse_field
from ...record.fold import fold
from ..upkeep import Deleted, Finding, Progress, Refreshed, Trashed, Usage
from .root import OpenRoot
from .seen import Seen

__all__ = ["LocalUpkeep"]


class LocalUpkeep:
    """The `Upkeep` of a folder on this machine."""

    def __init__(self, root: OpenRoot, seen: Seen) -> None:
        self._root = root
        self._seen = seen

    def trash(self) -> Sequence[Trashed]:
        """See `Upkeep.trash`."""
        return [
            Trashed(item.experiment_id, item.prefix, item.name, item.deleted_at, item.bytes)
            for item in self._seen.trash()
        ]

    def purge(self, ids: Sequence[str]) -> Deleted:
        """See `Upkeep.purge`."""
        with self._root.guard:
            freed = Trash(self._root.index).delete(ids, permanently=True)
        return Deleted(freed.count, freed.bytes, True, tuple(ids))

    def discard(self, prefix: str, *, permanently: bool = False) -> Deleted | None:
        """See `Upkeep.discard`."""
        with self._root.guard:
            done = Trash(self._root.index).discard(prefix, permanently=permanently)
        return None if done is None else Deleted(1, done[1].bytes, permanently, (done[0],))

    def gc(self, *, older_than: float = 0.0, dry_run: bool = False) -> int:
        """See `Upkeep.gc`."""
        with self._root.guard:
            return Trash(self._root.index).gc(older_than=older_than, dry_run=dry_run).bytes

    def free(
        self, files: Mapping[str, Sequence[str]], *, why: str = "", dry_run: bool = False
    ) -> tuple[int, int]:
        """See `Upkeep.free`."""
        from ...index.freeing import free_files

        with self._root.guard:
            freed = free_files(self._root.index, files, why=why, dry_run=dry_run)
        return freed.count, freed.bytes

    def stop(self, ids: Sequence[str], *, firmly: bool = False) -> int:
        """See `Upkeep.stop`."""
        number = signal.SIGTERM if firmly else signal.SIGINT
        told = 0
        for one in self._seen.facts(ids):
            state = fold(read_events(self._root.index.journals.of(one.prefix)))
            told += sum(signal_process(*who, number) for who in processes_of(state))
        return told

    def du(self, ids: Sequence[str] | None = None) -> Usage:
        """See `Upkeep.du`."""
        from ...index.usage import experiments_usage, store_usage

        layout = self._root.stores.root
        if ids is None and self._seen.scope is not None:
            return Usage(*experiments_usage(layout, self._prefixes(fresh=True)))
        if ids is None:
            return Usage(*store_usage(layout, self._prefixes(fresh=True)))
        prefixes = {one.id: one.prefix for one in self._seen.facts(ids)}
        return Usage(*experiments_usage(layout, prefixes))

    def doctor(
        self, *, repair: bool = False, progress: Progress | None = None
    ) -> Sequence[Finding]:
        """See `Upkeep.doctor`."""
        from ...index.doctor import examine

        with self._root.guard:
            found = examine(self._root.index, repair=repair, progress=progress)
        ids = {prefix: id_ for id_, prefix in self._prefixes(fresh=False).items()}
        return [
            Finding(
                kind=one.kind,
                reason=one.message,
                path=one.path or (self._root.folder(one.prefix) if one.prefix else self._root.path),
                experiment_id=ids.get(one.prefix),
                prefix=one.prefix or None,
                line=one.line,
                repaired=one.repaired,
            )
            for one in found
        ]

    def seal(self, ids: Sequence[str] | None = None) -> int:
        """See `Upkeep.seal`."""
        if ids is None:  # all that are there, those too that nobody has looked at yet
            self._root.refresh(None)
        with self._root.guard:
            return self._root.index.seal(ids).files

    def archive(self, ids: Sequence[str], target: str, *, whole: bool = False) -> None:
        """See `Upkeep.archive`."""
        from .archive import write_archive

        lies = self._root.index.journals.lies
        facts = self._seen.facts(ids)
        places = {one.id: (one.prefix, lies(one.prefix)) for one in facts}
        whole = whole and self._seen.scope is None
        shows = self._seen.shows
        write_archive(self._root.stores.root, places, target, whole=whole, shows=shows)

    def refresh(self, progress: Progress | None = None) -> Refreshed:
        """See `Upkeep.refresh`."""
        return _refreshed(self._root.refresh(progress))

    def rebuild(self, progress: Progress | None = None) -> Refreshed:
        """See `Upkeep.rebuild`."""
        return _refreshed(self._root.rebuild(progress))

    def _prefixes(self, *, fresh: bool) -> dict[str, str]:
        """The prefixes of all experiments by id."""
        question = Question(columns=(Wanted(parse_field("prefix")),), now=time.time())
        found = self._seen.ask(lambda catalog: catalog.select(question), fresh=fresh)
        return dict(zip(found.ids, found.columns[0].values, strict=True))


def _refreshed(taken: Taken) -> Refreshed:
    return Refreshed(taken.experiments, taken.points, taken.seconds, taken.problems)
