"""Moving a store from one place to another: everything that is true of it is copied, and then compared on both sides."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

from blake3 import blake3

from ...blobs.linked import hash_file
from ...errors import AnewError, InvalidValue, NotFound
from .accounts import add_accounts, move_accounts
from .sides import Held, Item, Source, Target, kind_of, lines_of
from .sums import Sum, Sums
from .weights import move_weights

__all__ = ["Difference", "Moved", "Progress", "look", "migrate"]

_AT_ONCE = 8
_PIECE = 8 << 20
_TRIES = 3
_ROUNDS = 3
_REPLACEABLE = ("documents", "captures")

Progress = Callable[[int, int], object]
Why = Literal["differs", "unreadable", "refused", "only here", "growing"]


class Difference(NamedTuple):
    """Something that is not the same on both sides, or could not be compared.

    Attributes:
        why: "differs"; "unreadable", there or here; "refused" by the place that it was to go to; "only here"; "growing", where it was
            written while it was copied.
        where: The prefix of the experiment, or what else it belongs to.
        what: The path in the experiment's folder, a key, or an event.
    """

    why: Why
    where: str
    what: str
    reason: str
    id: str = ""


class Moved(NamedTuple):
    """What a move found on both sides at its end.

    Attributes:
        there: How much there is of each kind of thing in the place that was moved; `here` in the place that it was moved to.
        copied: The bytes that this run copied.
        differences: What is not the same; empty if the two are equal.
    """

    there: dict[str, Sum]
    here: dict[str, Sum]
    copied: int
    differences: tuple[Difference, ...]
    seconds: float

    @property
    def equal(self) -> bool:
        """Whether the two places have the same."""
        return not self.differences and self.there == self.here


def look(source: Source, progress: Progress = lambda done, total: None) -> dict[str, Sum]:
    """How much a move would find of each kind of thing, by what is listed: no bytes are read.

    Raises:
        NotFound: There is no store.
        OSError: It cannot be read.
    """
    sums = Sums()
    items = source.items()
    _check_store(source, items)
    for number, item in enumerate(items.values(), 1):
        sums.add(_kind(item), item.id, 0, "")
        if item.state != "purged":
            for held in source.held(item):
                sums.add(kind_of(held.path), held.path, held.size, "")
        progress(number, len(items))
    for event in source.lines():
        sums.add("store events", event, 0, "")
    for blob in source.weights().list():
        sums.add("weights", blob.key, blob.size, "")
    if source.has_accounts():
        add_accounts(source.accounts, sums)
    return {kind: one._replace(hash="") for kind, one in sums.all().items()}


def migrate(source: Source, target: Target, progress: Progress = lambda done, total: None) -> Moved:
    """Copy what is true of a store to an empty place, or go on with that, and compare both sides.

    The source may be served meanwhile; what is written to it while it is copied comes with the next run. The target is not served until
    the first run has come to its end.

    Args:
        progress: Called with how many experiments are done, and of how many.

    Raises:
        NotFound: There is no store in the source.
        InvalidValue: The target holds another store.
        OSError: One of the two cannot be reached or written.
    """
    began = time.monotonic()
    move = _Move(source, target)
    move.check()
    target.begin(source.where)
    move.experiments(progress)
    move.shared()
    move.compare()
    target.finish()
    return Moved(
        move.there.all(), move.here.all(), move.copied, tuple(sorted(move.differences)), time.monotonic() - began
    )  # fmt: skip


def _check_store(source: Source, items: Mapping[str, Item]) -> None:
    if not items and source.root_id() is None:
        raise NotFound(f"There is no store at {source.where}.", name=source.where)


def _kind(item: Item) -> str:
    return {"here": "experiments", "deleted": "in the trash", "purged": "removed for good"}[
        item.state
    ]


class _Changed(Exception):
    """What an experiment has became something else while it was copied: it is looked at again."""


class _Move:
    """One run."""

    def __init__(self, source: Source, target: Target) -> None:
        self.there, self.here = Sums(), Sums()
        self.copied = 0
        self.differences: set[Difference] = set()
        self._source, self._target = source, target
        self._guard = threading.Lock()
        self._done: Mapping[str, Item] = {}

    def check(self) -> None:
        """See that there is a store, and room for it."""
        source, target = self._source, self._target
        _check_store(source, source.items())
        if target.begun() == source.where:
            return
        there = target.root_id()
        if there is None and not target.items():
            return
        if there is None or there != source.root_id():
            raise InvalidValue(
                f"{target.where} holds another store. A store is moved to an empty place; `anew sync` and `anew import` add experiments to "
                "a store.",
                key="to",
            )

    # -- experiments --------------------------------------------------------------------------------------

    def experiments(self, progress: Progress) -> None:
        """Copy and compare all experiments; those that begin meanwhile, too."""
        done: dict[str, Item] = {}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in range(_ROUNDS):
                items = self._source.items()
                there = self._target.items()
                waiting = [one for one in items.values() if one.id not in done]
                if not waiting:
                    break
                known = [there.get(one.id) for one in waiting]
                for number, _ in enumerate(pool.map(self._one, waiting, known), 1):
                    progress(len(done) + number, len(done) + len(waiting))
                done |= {one.id: one for one in waiting}
        for one in self._source.items().values():
            if done.get(one.id) != one:
                why = "It was begun, moved or deleted meanwhile."
                self._differs("growing", one, "", why)
        self._done = done

    def compare(self) -> None:
        """Compare which experiments there are, once the journal of the store says which were deleted."""
        done = self._done
        for items, sums in ((done, self.there), (self._target.items(), self.here)):
            for one in items.values():
                where = "" if one.state == "purged" else one.prefix
                sums.add(_kind(one), f"{one.id}\0{where}", 0, "")
                if one.id not in done:
                    self._differs("only here", one, "", "The other place does not have it.")
        for path, reason in self._source.unreadable().items():
            self.differences.add(Difference("unreadable", path, "", reason))

    def _one(self, item: Item, there: Item | None) -> None:
        for last in [False] * (_TRIES - 1) + [True]:
            try:
                if there != item:
                    self._target.take(item)
                if item.state != "purged":
                    self._contents(item, last)
            except _Changed:
                continue
            except AnewError as error:
                self._differs("refused", item, "", str(error))
            except OSError as error:
                self._differs("unreadable", item, "", str(error))
            return

    def _contents(self, item: Item, last: bool) -> None:
        """Copy what an experiment has, and add up both sides.

        What the program says first of what it has logged comes last, so that nothing is named before it is there.
        """
        held = sorted(
            self._source.held(item), key=lambda one: (one.path.startswith("journal/"), one.path)
        )
        found = {one.path: one for one in self._target.held(item)}
        wanted = {one.path: one.size for one in held}
        more = [one.path for one in found.values() if one.segment and one.size > wanted.get(one.path, one.size)]  # fmt: skip
        for path in more:
            self._differs("only here", item, path, "The other place has less of it.")
        counted: list[tuple[str, str, int, str, str]] = []
        for one in held:
            try:
                sums = self._thing(item, one, found.get(one.path), behind=bool(more))
            except FileNotFoundError as error:
                if not last:
                    raise _Changed from None
                self._differs("unreadable", item, one.path, str(error))
            except OSError as error:
                self._differs("unreadable", item, one.path, str(error))
            except AnewError as error:
                self._differs("refused", item, one.path, str(error))
            else:
                counted.append(
                    (kind_of(one.path), f"{item.id}/{one.path}\0{one.executable}", one.size, *sums)
                )
        others = found.keys() - wanted.keys()
        sealed = {lines_of(path) for path in wanted} & others
        if sealed:
            self._target.remove(item, sealed)
        for path in others - sealed:
            self._differs("only here", item, path, "The other place does not have it.")
        self._target.settle(item, held)
        if wanted != {one.path: one.size for one in self._source.held(item)}:
            if not last:
                raise _Changed
            self._differs("growing", item, "", "It was written to meanwhile.")
        for kind, name, size, first, second in counted:
            self.there.add(kind, name, size, first)
            self.here.add(kind, name, size, second)

    def _thing(self, item: Item, one: Held, found: Held | None, *, behind: bool) -> tuple[str, str]:
        """Copy one thing, where it has not come; its hashes there and here."""
        if one.segment:
            sums = self._segment(item, one, found)
        else:
            sums = self._file(item, one, found, behind=behind)
        if sums[0] != sums[1]:
            self._differs("differs", item, one.path, "It has other bytes.")
        return sums

    def _segment(self, item: Item, one: Held, found: Held | None) -> tuple[str, str]:
        at = 0 if found is None else min(found.size, one.size)
        first = blake3()
        for block in _blocks(self._source, item, one, 0, at):
            first.update(block)
        same = not at or first.digest() == self._hash_here(item, one, at).digest()
        if found is None and not one.size:
            self._target.append(item, one, 0, b"")
        start = at
        for block in _blocks(self._source, item, one, at, one.size):
            first.update(block)
            if same:
                self._target.append(item, one, start, block)
                start += len(block)
                self._count(len(block))
        size = one.size if same else min(at, one.size)
        return first.hexdigest(), self._hash_here(item, one, size).hexdigest()

    def _hash_here(self, item: Item, one: Held, size: int) -> blake3:
        digest = blake3()
        for block in _blocks(self._target, item, one, 0, size):
            digest.update(block)
        return digest

    def _file(self, item: Item, one: Held, found: Held | None, *, behind: bool) -> tuple[str, str]:
        with self._source.local(item, one) as path:
            first = hash_file(path)
            second = "" if found is None else self._file_here(item, one)
            replaces = kind_of(one.path) in _REPLACEABLE and not behind
            if found is None or (second != first and replaces):
                self._target.put(item, one, path, first)
                self._count(one.size)
                second = self._file_here(item, one)
        return first, second

    def _file_here(self, item: Item, one: Held) -> str:
        try:
            with self._target.local(item, one) as copy:
                return hash_file(copy)
        except OSError as error:
            self._differs("unreadable", item, one.path, f"Here: {error}")
            return ""

    # -- what experiments share ---------------------------------------------------------------------------

    def shared(self) -> None:
        """Copy and compare the weights, the journal of the store, and the accounts."""
        source, target = self._source, self._target

        def differs(key: str, reason: str) -> None:
            self.differences.add(Difference("differs", "weights", key, reason))

        move_weights(
            source.weights(), target.weights(), (self.there, self.here), differs, self._count
        )
        lines = source.lines()
        target.take_lines(lines)
        for some, sums in ((lines, self.there), (target.lines(), self.here)):
            for event, line in some.items():
                sums.add("store events", event, len(line), blake3(line).hexdigest())
                if event not in lines or lines[event] != line:
                    why = "The other place has another line, or none."
                    self.differences.add(Difference("differs", "store events", event, why))
        for path, reason in source.unreadable().items():
            self.differences.add(Difference("unreadable", path, "", reason))
        if source.has_accounts():
            reason = move_accounts(source.accounts, target.accounts)
            if reason:
                self.differences.add(Difference("refused", "accounts", "", reason))
            add_accounts(source.accounts, self.there)
            add_accounts(target.accounts, self.here)

    # -- inside -------------------------------------------------------------------------------------------

    def _differs(self, why: Why, item: Item, what: str, reason: str) -> None:
        with self._guard:
            self.differences.add(Difference(why, item.prefix, what, reason, item.id))

    def _count(self, size: int) -> None:
        with self._guard:
            self.copied += size


def _blocks(side: Source, item: Item, one: Held, start: int, end: int) -> Iterator[bytes]:
    """The bytes of a segment, a piece at a time.

    Raises:
        FileNotFoundError: It is shorter than it was listed.
    """
    while start < end:
        data = side.read(item, one, start, min(_PIECE, end - start))
        if not data:
            raise FileNotFoundError(f"{one.path} is shorter than it was")
        start += len(data)
        yield data
