"""A copy of a store, or of a part of it, as a source of imports: its experiments come as they are, under their own ids."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

from ..errors import AnewError, InvalidValue
from ..importing.importer import Arrived, Imported, Progress, Reached
from ..importing.source import Finding
from ..journal.documents import RootJournal
from ..journal.layout import RootLayout
from ..journal.storage import FolderStorage
from ..reading.local.opening import open_folder
from ..reading.local.root import OpenRoot
from ..sync.files import FileSender, Found, files_in
from ..sync.listing import Listed, list_segments
from ..sync.planning import Work
from ..sync.root_events import send_events
from ..sync.segments import Flow, send
from ..sync.weights import WeightsSender
from ..sync.wire import Filed, Filing
from .archives import is_archive, unpack
from .comparing import Counted, counts_of, differing_file, differing_segment
from .finding import Met, experiments_in, is_store, is_within_reach, store_in
from .receiving import Here

__all__ = ["Copies"]

_TOGETHER = 50
_FOR_PEOPLE = frozenset(
    {"metadata.json", "config.yaml", "params.json", "FAILED.txt", "reproduce.sh"}
)
_REPLACEABLE = ("environment/", "openings/")


class Copies:
    """The experiments of a folder, or of a zip or tar file, which is unpacked for as long as this is open.

    Nothing in the folder is changed, and no link in it is followed.

    Raises:
        InvalidValue: There are no experiments in it.
        OSError: It cannot be unpacked.
    """

    kind = "anew"

    def __init__(self, path: str) -> None:
        self.where = os.path.abspath(path)
        self._findings: list[Finding] = []
        self._unpacked = ""
        self._folder = self.where
        if is_archive(path):
            self._unpacked = tempfile.mkdtemp(prefix="anew-import-")
            try:
                unpack(self.where, self._unpacked, self._findings)
            except BaseException:
                self.close()
                raise
            self._folder = store_in(self._unpacked)
        self._of_archive = tuple(self._findings)
        if not is_within_reach(self._folder):
            self.close()
            raise InvalidValue(f"There are no experiments of Anew in {path}.", key="source")

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Remove what was unpacked."""
        if self._unpacked:
            shutil.rmtree(self._unpacked, ignore_errors=True)

    # -- looking -----------------------------------------------------------------------------------

    def look_through(
        self, *, since: float | None = None, progress: Progress | None = None
    ) -> Imported:
        """What an import would bring, without writing anything."""
        found = []
        points = 0
        for met in self._experiments(since):
            try:
                counted = counts_of(met.local)
                self._tell_of_damage(met, counted)
                counts = counted.things
            except OSError as error:
                self._unreadable(met, error)
                counts = {}
            found.append(
                Arrived(
                    key=met.local.id, prefix=met.prefix, id=met.local.id, state="new", counts=counts
                )
            )
            points += counts.get("points", 0)
            if progress is not None:
                progress(Reached(met.prefix, len(found), points))
        return Imported(
            kind=self.kind, source=self.where, runs=tuple(found), findings=self.findings()
        )

    def _experiments(self, since: float | None) -> Iterator[Met]:
        self._findings = list(self._of_archive)
        for met in experiments_in(self._folder, self._findings):
            if since is None or met.started >= since:
                yield met

    def _unreadable(self, met: Met, error: OSError) -> None:
        what = f"It cannot be read: {error.strerror or error}."
        self._findings.append(Finding(met.local.folder, what, True, met.local.id))

    def _tell_of_damage(self, met: Met, counted: Counted) -> None:
        for path, what in counted.damaged.items():
            where = os.path.join(met.local.folder, *path.split("/"))
            self._findings.append(Finding(where, what, True, met.local.id))

    # -- bringing ----------------------------------------------------------------------------------

    def bring(
        self, root: RootLayout, into: str, since: float | None, progress: Progress | None
    ) -> Iterator[Arrived]:
        """Bring what is new into a root, and compare both sides; what became of each experiment.

        Raises:
            InvalidValue: The folder is the root itself, or one lies in the other.
            OSError: The root cannot be written.
        """
        self._check_apart(root)
        opened = open_folder(root.root)
        here = Here(opened.root)
        files = FileSender(here)
        done = points = 0
        try:
            opened.upkeep.refresh()
            weights = WeightsSender(RootLayout(self._folder), here)
            if is_store(self._folder):
                self._weights_of(weights)
            experiments = self._experiments(since)
            while batch := list(islice(experiments, _TOGETHER)):
                for arrived in self._batch(opened.root, here, files, weights, into, batch):
                    done += 1
                    points += arrived.counts.get("points", 0)
                    if progress is not None:
                        progress(Reached(arrived.prefix or arrived.key, done, points))
                    yield arrived
            if is_store(self._folder):
                self._bring_events(opened.root, here)
            here.settle()
        finally:
            here.close()
            opened.close()

    def _check_apart(self, root: RootLayout) -> None:
        first, second = (
            os.path.join(os.path.realpath(one), "") for one in (self._folder, root.root)
        )
        if first.startswith(second) or second.startswith(first):
            raise InvalidValue(
                f"{self.where} and the store {root.root} are one folder, or one lies in the other. Import into another store, with --to.",
                key="source",
            )

    def _weights_of(self, weights: WeightsSender) -> None:
        try:
            weights.begin()
        except (AnewError, OSError) as error:
            where = os.path.join(self._folder, "weights")
            self._findings.append(Finding(where, f"The weights cannot be read: {error}", True))

    def _batch(
        self,
        root: OpenRoot,
        here: Here,
        files: FileSender,
        weights: WeightsSender,
        into: str,
        batch: Sequence[Met],
    ) -> Iterator[Arrived]:
        wanted = [f"{into}/{met.prefix}" if into else met.prefix for met in batch]
        filings = [
            Filing(id=met.local.id, prefix=prefix, hashes=True)
            for met, prefix in zip(batch, wanted, strict=True)
        ]
        for met, filed in zip(batch, here.file("", filings), strict=True):
            id_ = met.local.id
            if filed.status == "deleted":
                yield Arrived(key=id_, prefix="", id=id_, state="deleted")
                continue
            if filed.status == "refused":
                yield Arrived(key=id_, prefix=met.prefix, id=id_, state="failed", why=filed.reason)
                continue
            try:
                yield self._one(root, here, files, weights, met, filed)
            except (AnewError, OSError) as error:
                yield Arrived(key=id_, prefix=filed.prefix, id=id_, state="failed", why=str(error))

    def _one(
        self,
        root: OpenRoot,
        here: Here,
        files: FileSender,
        weights: WeightsSender,
        met: Met,
        filed: Filed,
    ) -> Arrived:
        """Bring one experiment: its segments, its files, its weights, and the ends of its writers last."""
        local = met.local
        folder = root.folder(filed.prefix)
        listed = list_segments(local.storage)
        work = Work(local, listed, filed, met=False)
        work.plan()
        others = list(self._files(met, work, folder))
        missing = [one for one in others if not os.path.lexists(_under(folder, one.path))]
        changed = bool(missing)
        self._flow(here, met, work.flows)
        for _, file, kept in files.send([(local, file) for file in (*work.parts, *others)]):
            if kept is not None and kept.status == "refused":
                self._findings.append(
                    Finding(file.full, f"It is left out: {kept.reason}.", True, local.id)
                )
        for came in weights.send([local.id], files.content, lambda: False):
            changed = True
            if (
                why := came.refused
                or came.behind
                or (
                    "others are here under its name; these are kept beside them"
                    if came.conflict
                    else ""
                )
            ):
                self._findings.append(
                    Finding(f"weights of {met.prefix}", f"{why}.", True, local.id)
                )
        self._flow(here, met, work.closing())
        self._keep_times(met, listed, folder)
        before = {one.name: one.size for one in filed.segments if not one.sealed}
        after = list_segments(FolderStorage(folder))
        changed |= any(before.get(one.name) != one.size for one in after if not one.sealed)
        changed |= len(after) != len(filed.segments)
        counted = counts_of(local)
        self._tell_of_damage(met, counted)
        readable = [one for one in listed if not (one.sealed and one.path in counted.damaged)]
        differs = [d for one in readable if (d := differing_segment(local, one, folder))]
        differs += [d for one in others if (d := differing_file(one, folder))]
        state: Literal["new", "grown", "same"] = (
            "new" if not filed.segments else "grown" if changed else "same"
        )
        if counted.has_weights and not is_store(self._folder):
            what = "Its weights do not lie in its folder: they come with the whole store, or by pushing both to one server."
            self._findings.append(Finding(f"weights of {met.prefix}", what, False, local.id))
        return Arrived(
            key=local.id, prefix=filed.prefix, id=local.id, state=state, counts=counted.things, differs=tuple(differs),
        )  # fmt: skip

    def _flow(self, here: Here, met: Met, flows: list[Flow]) -> None:
        send(here, flows, stop=lambda: False)
        again = [
            flow for flow in flows if flow.failed is not None and flow.failed.status == "refused"
        ]
        for flow in again:  # it may have waited for the opening that goes on from it
            flow.failed, flow.at = None, 0
        send(here, again, stop=lambda: False)
        for flow in flows:
            if flow.failed is not None:
                where = os.path.join(met.local.folder, *flow.name.split("/"))
                why = flow.failed.reason or flow.failed.status
                self._findings.append(Finding(where, f"It is left out: {why}.", True, met.local.id))

    def _files(self, met: Met, work: Work, folder: str) -> Iterator[Found]:
        """The files that are to come: those for people, and captures, only where nothing newer may be here."""
        is_behind = any(
            there.size > one.size
            for name, there in work.there.items()
            if (one := work.listed.get(name)) is not None and not (one.sealed or there.sealed)
        ) or bool(work.there.keys() - work.listed.keys())
        for file in files_in(met.local):
            for_people = file.path in _FOR_PEOPLE
            if for_people and work.there and not (work.flows or work.last):
                continue
            replaces = for_people or file.path.startswith(_REPLACEABLE)
            if replaces and is_behind and os.path.lexists(_under(folder, file.path)):
                continue
            yield file

    @staticmethod
    def _keep_times(met: Met, listed: list[Listed], folder: str) -> None:
        """Leave the times of the files as they are there: readers look at them for signs of life."""
        for one in listed:
            path = _under(folder, one.path)
            try:
                about = os.lstat(path)
                if stat.S_ISREG(about.st_mode) and about.st_size == one.size:
                    os.utime(path, (one.changed_at, one.changed_at), follow_symlinks=False)
            except OSError:
                continue  # it is shown as running a little longer

    # -- the store around them ---------------------------------------------------------------------

    def _bring_events(self, root: OpenRoot, here: Here) -> None:
        """Bring what the store's own journal says beside experiments, and tell what is left out of it."""
        layout = RootLayout(self._folder)
        if os.path.islink(layout.journal):
            self._findings.append(Finding(layout.journal, "It is a link, and is left out.", True))
            return
        _, refused = send_events(layout, here, {}, lambda: False)
        if refused:
            what = f"{refused:,} of its events cannot be taken, and are left out."
            self._findings.append(Finding(layout.journal, what, True))
        deleted = RootJournal(layout).state().deleted()
        if deleted:
            what = f"{len(deleted):,} experiments that were deleted there are left out."
            self._findings.append(Finding(layout.trash, what, False))
            alive = root.ask(lambda catalog: catalog.known(ids=list(deleted)), fresh=True)
            for one in alive:
                what = f"{one.prefix} was deleted there, and stays here."
                self._findings.append(Finding(layout.trash, what, False, one.experiment_id))


def _under(folder: str, path: str) -> str:
    return os.path.join(folder, *path.split("/"))
