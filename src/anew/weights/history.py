"""Commits: finding one by a name, the log, common ancestors."""

from __future__ import annotations

import contextlib
import heapq
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from anew.blobs.protocol import Blobs
from anew.errors import Ambiguous, AnewError, NotFound
from anew.weights.bundle import closest
from anew.weights.objects import Objects
from anew.weights.records import Commit, TensorEntry, Tree, unpack_commit, unpack_tree
from anew.weights.refs import RefStore

__all__ = ["History"]

_WHOLE = 64
"""The digits of a whole hash."""
_PREFIX = re.compile(rf"[0-9a-f]{{4,{_WHOLE}}}")
_STEPS = re.compile(r"^(.*?)((?:~\d*|\^)*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class History:
    """The commits of a repository, through its objects and refs, and what keeps all of them.

    `block_size` is the number of bytes that tensors are cut into.
    """

    blobs: Blobs
    block_size: int
    objects: Objects
    heads: RefStore
    tags: RefStore

    def commit(self, commit_hash: str) -> Commit:
        """The commit of a full hash."""
        key = bytes.fromhex(commit_hash)
        return unpack_commit(key, self.objects.read_small(key, f"The commit {commit_hash[:12]}"))

    def tree(self, commit: Commit) -> Tree:
        """The tensors of a commit."""
        what = f"The list of tensors of commit {commit.short}"
        return unpack_tree(commit.tree, self.objects.read_small(commit.tree, what))

    def tensors_before(self, commit: Commit | None) -> dict[str, TensorEntry]:
        """The tensors that the next commit may be stored against; none if the last one cannot be read."""
        if commit is None:
            return {}
        try:
            return {entry.name: entry for entry in self.tree(commit).tensors}
        except AnewError:
            # A damaged parent must not stop the next commit: it is then stored without deltas.
            return {}

    def time_after(self, parents: Iterable[str]) -> float:
        """Now, or just after the parents when this clock is behind the one that made them."""
        latest = max((self.commit(parent).time for parent in parents), default=0.0)
        return max(time.time(), latest + 1e-6)

    def tidy(self) -> None:
        """Make the next opening faster, if that is possible now; the next commit tries again."""
        with contextlib.suppress(OSError):
            self.objects.tidy()

    def resolve(self, name: str, head: str | None) -> Commit:
        """The commit that a branch, tag, hash or start of a hash means, with ~n for n back.

        Raises:
            NotFound: nothing goes by that name.
            Ambiguous: several commits start with these digits.
        """
        match = _STEPS.match(name)
        assert match is not None
        start, steps = match.groups()
        commit = self.commit(self._hash(start or "HEAD", head))
        for step in re.findall(r"~\d*|\^", steps):
            for _ in range(int(step[1:] or 1)):
                if not commit.parents:
                    raise NotFound(f"{name!r} goes back beyond the first commit.", name=name)
                commit = self.commit(commit.parents[0])
        return commit

    def walk(
        self, starts: Iterable[str], *, stop: frozenset[str] | set[str] = frozenset()
    ) -> Iterator[Commit]:
        """Commits from the newest, each once; a parent after the child that led to it."""
        seen = set(stop)
        heap: list[tuple[float, int, Commit]] = []
        count = 0
        pending = list(starts)
        while pending or heap:
            for commit_hash in pending:
                if commit_hash not in seen:
                    seen.add(commit_hash)
                    commit = self.commit(commit_hash)
                    count += 1
                    heapq.heappush(heap, (-commit.time, count, commit))
            if not heap:
                return
            commit = heapq.heappop(heap)[2]
            yield commit
            pending = list(commit.parents)

    def ancestors(self, commit_hash: str) -> set[str]:
        """The hashes of a commit and everything before it."""
        return {commit.commit_hash for commit in self.walk([commit_hash])}

    def common_ancestor(self, ours: str, theirs: str) -> Commit | None:
        """The newest commit both lead to that no other such commit comes after."""
        shared = self.ancestors(ours) & self.ancestors(theirs)
        before = {parent for found in shared for parent in self.commit(found).parents}
        best = [self.commit(found) for found in shared - before]
        return max(best, key=lambda commit: commit.time, default=None)

    def _hash(self, name: str, head: str | None) -> str:
        if name == "HEAD":
            if head is None:
                raise NotFound(
                    "There is no commit yet. Stage weights and commit them first.", name=name
                )
            return head
        for store in (self.heads, self.tags):
            found = (
                store.read(name).commit if not _PREFIX.fullmatch(name) or len(name) < 40 else None
            )
            if found is not None:
                return found
        if _PREFIX.fullmatch(name.lower()):
            whole = len(name) == _WHOLE
            matches = self.objects.keys_starting(name.lower()) if whole else []
            if not matches:  # of a start, what was committed last may be one more that has it
                self.objects.refresh()
                matches = self.objects.keys_starting(name.lower())
            if len(matches) == 1:
                return matches[0].hex()
            if matches:
                candidates = [key.hex()[:16] for key in matches]
                raise Ambiguous(
                    f"{name!r} matches {len(matches)} commits: {', '.join(candidates[:5])}. "
                    "Give more digits.",
                    candidates=candidates,
                )
        names = [*self.heads.all(), *self.tags.all()]
        near = closest(name, names)
        hint = (
            f" Did you mean {near[0]!r}?" if near else " List the commits with `anew weights log`."
        )
        raise NotFound(
            f"No branch, tag or commit is called {name!r}.{hint}", name=name, nearest=near
        )
