"""The repository of weights that a server keeps: what is taken into it, and who may read what of it.

An experiment's weights are a branch, `experiments/<id>`, and belong where the experiment does. Objects are stored once for all
experiments. Who may not see every project is shown those objects alone that their experiments' commits lead to, and may build
on those that they have sent: a hash alone gives nothing.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from blake3 import blake3

from ...errors import NotFound
from ...journal.layout import RootLayout
from ...sync.wire import Kept
from ...weights.elsewhere import Given, Shown
from .contents import Arrivals, is_hash
from .names import is_id

if TYPE_CHECKING:
    from ...weights.repository import Repository

__all__ = ["BRANCHES", "Sees", "Sent", "ServedWeights", "weights_of_folder"]

BRANCHES = "experiments/"
Sees = Callable[[Collection[str]], Collection[str] | None]
"""Which of some experiments somebody may see; None for all there are."""
_MOST_ANSWER = 8 << 20
_MOST_KNOWN = 16
_MOST_FOUND = 500
_KEY_BYTES = 32


class Sent(Protocol):
    """Contents that clients have sent: a folder's `Arrivals`, or those of a group."""

    def taken(
        self, sender: str, content: str, size: int, data: bytes | None
    ) -> AbstractContextManager[str | None]:
        """See `Arrivals.taken`."""
        ...


def weights_of_folder(folder: str) -> ServedWeights:
    """The weights of a served folder."""
    layout = RootLayout(folder)
    return ServedWeights(layout.weights, Arrivals(layout))


class ServedWeights:
    """The weights that a server keeps. Any thread may use it, and any number of servers the same repository.

    Args:
        where: The address of the repository, a folder or a bucket; it is made by the first pack.
        sent: Where packs arrive.
    """

    def __init__(self, where: str, sent: Sent) -> None:
        self._where = where
        self._sent = sent
        self._guard = threading.Lock()
        self._opened: Repository | None = None
        self._reached: OrderedDict[frozenset[str], frozenset[bytes]] = OrderedDict()

    # -- reading ------------------------------------------------------------------------------------

    def shown(self, sees: Sees) -> Shown:
        """The branches and tags that somebody may see.

        Raises:
            NotFound: There are no weights here.
        """
        repository = self._repository()
        branches, tags = repository.branches(), repository.tags()
        seen = self._seen(branches, sees)
        if seen is not None:
            branches = seen
            led_to = self._led_to(repository, frozenset(seen.values())) if tags else frozenset()
            tags = {name: one for name, one in tags.items() if bytes.fromhex(one) in led_to}
        head = repository.branch_name or ""
        return Shown(
            block_size=repository.history.block_size,
            branches=branches,
            tags=tags,
            head=head if head in branches or seen is None else "",
        )

    def objects(self, keys: Sequence[bytes], sees: Sees) -> tuple[Given, ...]:
        """The first of some objects, whole and plain, as many as fit into one answer.

        Raises:
            NotFound: The first is not there, or not for them.
        """
        repository = self._repository()
        may = self._may(repository, sees)
        given: list[Given] = []
        length = 0
        for key in keys:
            found = None
            if len(key) == _KEY_BYTES and may(key):
                found = self._object(repository, key)
            if found is None:
                if not given:
                    raise NotFound("There is no such object.", name=key.hex())
                break
            length += len(found.data)
            if given and length > _MOST_ANSWER:
                break
            given.append(found)
        return tuple(given)

    def starting(self, digits: str, sees: Sees) -> tuple[str, ...]:
        """The commits whose hash starts with these digits."""
        repository = self._repository()
        repository.history.objects.refresh()
        may = self._may(repository, sees)
        found = repository.history.objects.keys_starting(digits)
        return tuple(key.hex() for key in found if may(key))[:_MOST_FOUND]

    @staticmethod
    def _object(repository: Repository, key: bytes) -> Given | None:
        import numpy as np

        from ...weights.pack import BLOCK

        objects = repository.history.objects
        found = objects.find(key)
        if found is None:
            objects.refresh()
            found = objects.find(key)
        if found is None:
            return None
        record = found[1]
        if record.kind != BLOCK:
            return Given(record.kind, objects.read_small(key, "An answer"))
        block = np.empty(record.raw, np.uint8)
        objects.read_block(key, block, "An answer")
        return Given(record.kind, block.tobytes())

    # -- taking in ----------------------------------------------------------------------------------

    def commits_of(self, experiment_id: str) -> tuple[str, ...]:
        """The commits that the branch of an experiment is at, and what was kept beside it."""
        repository = self._known()
        if repository is None or not is_id(experiment_id):
            return ()
        return tuple(self._branches_of(repository, experiment_id).values())

    def lacking(
        self, sender: str, experiment_id: str, keys: Sequence[bytes], *, all_seen: bool
    ) -> tuple[bytes, ...]:
        """The objects that have to be sent.

        Args:
            all_seen: Whether the sender may see everything here.
        """
        repository = self._known()
        if repository is None:
            return tuple(keys)
        from ...weights.lease import condemned

        objects = repository.history.objects
        objects.refresh()
        avoid = condemned(repository.history.blobs)
        may = self._may_use(repository, sender, experiment_id, all_seen=all_seen)
        return tuple(key for key in keys if objects.find(key, avoid=avoid) is None or not may(key))

    def take(
        self, sender: str, experiment_id: str, content: str, size: int, *, all_seen: bool
    ) -> Kept:
        """Take a pack that has arrived as a content.

        Raises:
            OSError: It cannot be written.
        """
        from ...weights.lease import Lease
        from .packs import wrong_in

        if not is_hash(content) or not is_id(experiment_id):
            return Kept(status="refused", reason="the hash is no BLAKE3 in hexadecimal")
        with self._sent.taken(sender, content, size, None) as source:
            if source is None:
                return Kept(status="missing")
            repository = self._open(init=True)
            history = repository.history
            with Lease(history.blobs) as lease:
                history.objects.refresh()
                may = self._may_use(repository, sender, experiment_id, all_seen=all_seen)
                reason = wrong_in(source, size, history.objects, may)
                if reason is not None:
                    os.unlink(source)
                    return Kept(status="damaged", reason=reason)
                name = lease.next_pack().removesuffix(".pack")
                history.blobs.upload(f"packs/{name}{_mark(sender)}.pack", source)
                history.objects.refresh()
        return Kept(status="ok")

    def move(self, sender: str, experiment_id: str, commit: str, *, all_seen: bool) -> Kept:
        """Move the branch of an experiment to a commit. What does not follow what is there is kept beside it."""
        from ...weights.lease import Lease
        from ...weights.reach import reach

        repository = self._known()
        if repository is None:
            return Kept(status="missing")
        if not is_hash(commit) or not is_id(experiment_id):
            return Kept(status="refused", reason="this is no commit")
        history = repository.history
        with Lease(history.blobs):
            history.objects.refresh()
            there = self._branches_of(repository, experiment_id)
            if commit in there.values():
                return Kept(status="ok")
            before = {one.commit_hash for one in history.walk(there.values())}
            if commit in before:
                return Kept(status="ok")
            found = reach(history, [commit], without=before)
            if found.missing or found.unreadable:
                return Kept(status="missing")
            may = self._may_use(repository, sender, experiment_id, all_seen=all_seen)
            if not all_seen and not all(map(may, self._led_to(repository, frozenset({commit})))):
                return Kept(status="missing")
            name = f"{BRANCHES}{experiment_id}"
            at = history.heads.read(name)
            if at.commit is not None and at.commit not in history.ancestors(commit):
                name = f"{name}/{commit[:12]}"
                at = history.heads.read(name)
                history.heads.move(at, commit, reason="sync")
                return Kept(status="diverged", reason=f"it is kept as the branch {name}")
            moved = history.heads.move(at, commit, reason="sync")
        return Kept(status="ok" if moved is not None else "missing")

    # -- inside -------------------------------------------------------------------------------------

    def _repository(self) -> Repository:
        """The repository.

        Raises:
            NotFound: There is none.
        """
        found = self._known()
        if found is None:
            raise NotFound("There are no weights here.", name="weights")
        return found

    def _known(self) -> Repository | None:
        """The repository, if there is one."""
        try:
            return self._open(init=False)
        except NotFound:
            return None

    def _open(self, *, init: bool) -> Repository:
        from ...weights.repository import Repository

        with self._guard:
            if self._opened is None:
                self._opened = Repository(self._where, init=init)
            return self._opened

    @staticmethod
    def _branches_of(repository: Repository, experiment_id: str) -> dict[str, str]:
        own = f"{BRANCHES}{experiment_id}"
        return {
            name: commit
            for name, commit in repository.branches().items()
            if name == own or name.startswith(f"{own}/")
        }

    def _seen(self, branches: dict[str, str], sees: Sees) -> dict[str, str] | None:
        """The branches of experiments that somebody may see; None if they see everything."""
        ids = {
            name: name[len(BRANCHES) :].partition("/")[0]
            for name in branches
            if name.startswith(BRANCHES)
        }
        shown = sees(set(ids.values()))
        if shown is None:
            return None
        return {name: branches[name] for name, one in ids.items() if one in shown}

    def _may(self, repository: Repository, sees: Sees) -> Callable[[bytes], bool]:
        """Whether somebody may read an object."""
        seen = self._seen(repository.branches(), sees)
        if seen is None:
            return lambda key: True
        return self._led_to(repository, frozenset(seen.values())).__contains__

    def _may_use(
        self, repository: Repository, sender: str, experiment_id: str, *, all_seen: bool
    ) -> Callable[[bytes], bool]:
        """Whether what somebody sends for an experiment may build on an object: it has it already, or they have sent it."""
        if all_seen:
            return lambda key: True
        own = self._led_to(
            repository, frozenset(self._branches_of(repository, experiment_id).values())
        )
        objects, mark = repository.history.objects, _mark(sender)
        return lambda key: key in own or any(pack.endswith(mark) for pack in objects.holders(key))

    def _led_to(self, repository: Repository, starts: frozenset[str]) -> frozenset[bytes]:
        """The commits, trees and blocks that some commits lead to; not what these are stored as differences to."""
        with self._guard:
            found = self._reached.get(starts)
        if found is not None:
            return found
        keys: set[bytes] = set()
        history = repository.history
        for commit in history.walk(starts):
            keys |= {bytes.fromhex(commit.commit_hash), commit.tree}
            for entry in history.tree(commit).tensors:
                keys.update(entry.block_keys())
        with self._guard:
            self._reached[starts] = made = frozenset(keys)
            while len(self._reached) > _MOST_KNOWN:
                self._reached.popitem(last=False)
        return made


def _mark(sender: str) -> str:
    """The end of the names of packs that somebody has sent, by which they are known as theirs."""
    return "-" + blake3(sender.encode(errors="surrogatepass")).hexdigest()[:16]
