"""Which objects are needed: everything that some commits lead to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from anew.errors import CorruptData, NotFound, UnknownFormat
from anew.weights.history import History
from anew.weights.records import Commit

__all__ = ["Reached", "reach"]


@dataclass(slots=True)
class Reached:
    """The keys of objects, in an order in which everything follows what it needs.

    `missing` are keys that should be there and are not, `unreadable` commits and trees that are
    damaged, so that what they lead to is unknown.
    """

    blocks: dict[bytes, None] = field(default_factory=dict)
    trees: dict[bytes, None] = field(default_factory=dict)
    commits: dict[bytes, None] = field(default_factory=dict)
    missing: set[bytes] = field(default_factory=set)
    unreadable: dict[bytes, str] = field(default_factory=dict)

    def in_order(self) -> list[bytes]:
        """All of them: blocks first, then trees, then commits from the oldest."""
        return [*self.blocks, *self.trees, *self.commits]


def reach(history: History, starts: Iterable[str], *, without: set[str] | None = None) -> Reached:
    """Everything that the commits `starts` lead to, except the commits `without` and before."""
    found = Reached()
    commits: list[Commit] = []
    seen = set(without or ())
    pending = list(starts)
    while pending:
        commit_hash = pending.pop()
        if commit_hash in seen:
            continue
        seen.add(commit_hash)
        try:
            commit = history.commit(commit_hash)
        except NotFound:
            found.missing.add(bytes.fromhex(commit_hash))
            continue
        except (CorruptData, UnknownFormat) as error:
            found.unreadable[bytes.fromhex(commit_hash)] = str(error)
            continue
        commits.append(commit)
        pending += commit.parents
    for commit in sorted(commits, key=lambda c: c.time):
        found.commits[bytes.fromhex(commit.commit_hash)] = None
        if commit.tree not in found.trees:
            found.trees[commit.tree] = None
            _reach_tree(history, commit, found)
    return found


def _reach_tree(history: History, commit: Commit, found: Reached) -> None:
    try:
        tree = history.tree(commit)
    except NotFound:
        found.missing.add(commit.tree)
        return
    except (CorruptData, UnknownFormat) as error:
        found.unreadable[commit.tree] = str(error)
        return
    for entry in tree.tensors:
        for key in entry.block_keys():
            if key not in found.blocks:
                _reach_block(history, key, found)


def _reach_block(history: History, key: bytes, found: Reached) -> None:
    chain = [key]
    while True:
        located = history.objects.find(chain[-1])
        if located is None:
            found.missing.add(chain[-1])
            break
        record = located[1]
        if not record.is_delta or record.base in found.blocks or record.base in chain:
            break
        chain.append(record.base)
    # What a delta needs comes before it.
    found.blocks.update(dict.fromkeys(reversed(chain)))
