"""Looking after a group's stores: trash, bytes, what is broken, and what is derived."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Mapping, Sequence

from ...index.state import UNREAD
from ...journal.layout import RootLayout
from ...query.question import FactsQuestion, Question
from ...reading.local.seen import Seen
from ...reading.upkeep import Deleted, Finding, Progress, Refreshed, Trashed, Usage
from ...record.encode import encode_line
from ...record.ids import new_id
from .checking import check_objects
from .opened import GroupStores

__all__ = ["GroupUpkeep"]

_PIECE = 4 << 20


class GroupUpkeep:
    """The `Upkeep` of a group's stores."""

    def __init__(self, stores: GroupStores, seen: Seen, *, user: str = "") -> None:
        self._stores = stores
        self._seen = seen
        self._user = user

    def trash(self) -> Sequence[Trashed]:
        """See `Upkeep.trash`."""
        return [
            Trashed(item.experiment_id, item.prefix, item.name, item.deleted_at, item.bytes)
            for item in self._seen.trash()
        ]

    def purge(self, ids: Sequence[str]) -> Deleted:
        """See `Upkeep.purge`."""
        trash = self._stores.bin
        known = {item.experiment_id for item in trash.items()}
        here = [one for one in ids if one not in known]
        if here:
            trash.delete(here, self._seen.one, self._user)
        freed = trash.purge(ids, user=self._user)
        self._stores.refresh()
        return Deleted(freed.count, freed.bytes, True, tuple(ids))

    def discard(self, prefix: str, *, permanently: bool = False) -> Deleted | None:
        """See `Upkeep.discard`: everything that is filed has an id, so nothing lies anywhere unnamed."""
        return None

    def gc(self, *, older_than: float = 0.0, dry_run: bool = False) -> int:
        """See `Upkeep.gc`."""
        trash = self._stores.bin
        unused = trash.tidy(dry_run=dry_run).bytes
        if dry_run:
            before = self._stores.truth.now() - older_than
            return unused + sum(item.bytes for item in trash.items() if item.deleted_at <= before)
        freed = trash.purge(None, older_than=older_than, user=self._user).bytes
        return unused + freed + self._stores.series.tidy()

    def free(
        self, files: Mapping[str, Sequence[str]], *, why: str = "", dry_run: bool = False
    ) -> tuple[int, int]:
        """See `Upkeep.free`: contents are shared by all experiments, so only deleting gives them back."""
        return 0, 0

    def stop(self, ids: Sequence[str], *, firmly: bool = False) -> int:
        """See `Upkeep.stop`: the programs run elsewhere, and hear of it from the process that pushes."""
        return 0

    def du(self, ids: Sequence[str] | None = None) -> Usage:
        """See `Upkeep.du`."""
        asked = None if ids is None else list(ids)
        if asked is None and self._seen.scope is not None:
            asked = self._ids()
        rows = self._stores.truth.database.ask(
            "SELECT experiment, split_part(name, '/', 1), sum(size)::bigint FROM segment "
            "WHERE %(ids)s::text[] IS NULL OR experiment = ANY(%(ids)s) GROUP BY 1, 2 UNION ALL "
            "SELECT experiment, split_part(path, '/', 1), sum(size)::bigint FROM file "
            "WHERE %(ids)s::text[] IS NULL OR experiment = ANY(%(ids)s) GROUP BY 1, 2",
            {"ids": asked},
        )
        kinds: dict[str, int] = {}
        experiments: dict[str, int] = dict.fromkeys(asked or (), 0)
        for experiment, folder, size in rows:
            kind = _KINDS.get(folder, "other")
            kinds[kind] = kinds.get(kind, 0) + size
            experiments[experiment] = experiments.get(experiment, 0) + size
        return Usage(sum(kinds.values()), kinds, experiments)

    def doctor(
        self, *, repair: bool = False, progress: Progress | None = None
    ) -> Sequence[Finding]:
        """See `Upkeep.doctor`: what could not be read, lines that are no records, and objects that are missing or were altered."""
        self._stores.refresh()
        ids = self._ids()
        catalog = self._stores.catalog
        marks = catalog.outstanding().marks
        found = [
            Finding("unreadable", reason, prefix, prefix=prefix)
            for prefix, reason in (
                (k[len(UNREAD) :], v) for k, v in marks.items() if k.startswith(UNREAD)
            )
        ]
        question = FactsQuestion(ids=tuple(ids), parts=frozenset({"problems"}), now=time.time())
        for one in catalog.facts(question):
            found += [
                Finding(
                    "broken line", problem.reason, problem.path, one.id, one.prefix, problem.line
                )
                for problem in one.problems or ()
            ]
        found += check_objects(self._stores.truth, ids, progress or (lambda done, total: None))
        return found

    def seal(self, ids: Sequence[str] | None = None) -> int:
        """See `Upkeep.seal`: segments stay lines here, and columns are derived from them."""
        return 0

    def archive(self, ids: Sequence[str], target: str, *, whole: bool = False) -> None:
        """See `Upkeep.archive`."""
        if os.path.exists(target):
            raise FileExistsError(f"{target} already exists. Export to another file.")
        if os.path.dirname(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
        truth = self._stores.truth
        part = f"{target}.part"
        hints = b""
        try:
            with zipfile.ZipFile(part, "x", zipfile.ZIP_DEFLATED) as archive:
                for one in self._seen.facts(ids):
                    storage = truth.files.storage(one.id)
                    for path, blob in truth.segments.listed([one.id])[one.id]:
                        with archive.open(f"{one.prefix}/{path}", "w", force_zip64=True) as file:
                            at = 0
                            while at < blob.size and (data := storage.read(path, at, _PIECE)):
                                file.write(data)
                                at += len(data)
                    hint = {
                        "k": "changed",
                        "t": one.updated_at,
                        "experiment_id": one.id,
                        "prefix": one.prefix,
                    }
                    hints += encode_line(hint)
                layout = RootLayout("")
                archive.writestr(f"{layout.journal}/export-{new_id()}.jsonl", hints)
            os.replace(part, target)
        except BaseException:
            if os.path.exists(part):
                os.remove(part)
            raise

    def refresh(self, progress: Progress | None = None) -> Refreshed:
        """See `Upkeep.refresh`."""
        taken = self._stores.refresh(progress)
        return Refreshed(taken.experiments, taken.points, taken.seconds, taken.problems)

    def rebuild(self, progress: Progress | None = None) -> Refreshed:
        """See `Upkeep.rebuild`."""
        taken = self._stores.rebuild(progress)
        return Refreshed(taken.experiments, taken.points, taken.seconds, taken.problems)

    def _ids(self) -> list[str]:
        return list(
            self._seen.ask(
                lambda catalog: catalog.select(Question(now=time.time())), fresh=False
            ).ids
        )


_KINDS = {
    "metrics": "points",
    "journal": "events",
    "logs": "logs",
    "files": "files",
    "values": "values",
}
