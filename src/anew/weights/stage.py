"""Storing tensors: cut into blocks, hashed, compared with what is there, encoded, written to a pack.

Two threads hash and encode while this thread cuts and writes. At any time a handful of blocks is in
memory, whatever the size of the model.
"""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from anew.blobs.protocol import Blobs
from anew.errors import CorruptData, NotFound
from anew.weights import codec
from anew.weights.bundle import Weights
from anew.weights.codec import Bytes
from anew.weights.dtypes import itemsize, width
from anew.weights.lease import Lease, condemned
from anew.weights.names import check_tensor_name
from anew.weights.objects import Objects, frame
from anew.weights.pack import BLOCK, COMMIT, NO_BASE, TREE, PackWriter
from anew.weights.records import TensorEntry, Tree, digest, pack_tree
from anew.weights.sharing import share
from anew.weights.source import Source, source_of

__all__ = ["LONGEST_CHAIN", "Stager"]

# How many deltas may follow one another. Each is one more decoding when the block is read.
LONGEST_CHAIN = 3
# A pack is closed at this size, so that an interrupted upload of a huge model loses little.
_PACK_BYTES = 1024 * 1024 * 1024
# Blocks smaller than this share one task: handing over a task costs as much as hashing 100 kB.
_TASK_BYTES = 1024 * 1024
_SMALLEST_ENCODED = 128
# How much of a version stays in memory, so that a commit where little changed reads nothing.
_WARM_BYTES = 48 * 1024 * 1024


class _Block(NamedTuple):
    data: Bytes
    width: int
    base: bytes | None


class _Stored(NamedTuple):
    key: bytes
    raw: int
    encoded: bytes | None
    base: bytes
    depth: int


@dataclass(slots=True)
class _Pending:
    """A tensor whose blocks are on their way."""

    name: str
    source: Source
    keys: list[bytes]


class Stager:
    """One commit in the making: owns its lease and its unfinished packs until `close`."""

    def __init__(self, blobs: Blobs, objects: Objects, block_size: int) -> None:
        self._blobs = blobs
        self._objects = objects
        self._block_size = block_size
        self._lease = Lease(blobs)
        # Only after the lease is visible: see lease.py for why this order keeps objects safe.
        self._avoid = condemned(blobs)
        self._warm: dict[bytes, Bytes] = {}
        self._warm_bytes = 0
        objects.refresh()
        self._writer: PackWriter | None = None
        # Packs not yet published; also removed when this object is dropped or the program ends.
        self._unpublished: list[PackWriter] = []
        self._give_up = weakref.finalize(
            self, _give_up, self._unpublished, self._lease, os.getpid()
        )
        self.entries: dict[str, TensorEntry] = {}
        self.structure: dict[str, Any] = {}
        self.framework = ""

    # --- tensors ---------------------------------------------------------------------------

    def add(self, weights: Weights, previous: Mapping[str, TensorEntry]) -> None:
        """Store every tensor; `previous` are the tensors of the parent that deltas may be against.

        Raises:
            InvalidValue, InvalidName: a tensor that cannot be kept; nothing was changed.
        """
        sources = {
            check_tensor_name(n): _typed(source_of(t, n), weights, n) for n, t in weights.items()
        }
        plan = share(sources)
        entries: dict[str, TensorEntry] = {}
        waiting: deque[tuple[Future[list[_Stored]], list[_Pending]]] = deque()
        with ThreadPoolExecutor(_threads(), thread_name_prefix="anew-weights") as pool:
            batch: list[_Block] = []
            owners: list[_Pending] = []
            size = 0
            pendings: list[_Pending] = []
            for name, source in plan.stored.items():
                pending = _Pending(name, source, [])
                pendings.append(pending)
                for block in self._blocks(name, source, previous):
                    batch.append(block)
                    owners.append(pending)
                    size += len(block.data)
                    if size >= _TASK_BYTES:
                        waiting.append((pool.submit(self._store, batch), owners))
                        batch, owners, size = [], [], 0
                        if len(waiting) > _threads() + 1:
                            self._collect(*waiting.popleft())
            if batch:
                waiting.append((pool.submit(self._store, batch), owners))
            while waiting:
                self._collect(*waiting.popleft())
        for pending in pendings:
            entries[pending.name] = TensorEntry(
                pending.name,
                pending.source.dtype,
                tuple(int(n) for n in pending.source.shape),
                b"".join(pending.keys),
                hidden=pending.name in plan.hidden,
            )
        for name, view in plan.views.items():
            source = sources[name]
            entries[name] = TensorEntry(name, source.dtype, tuple(source.shape), view=view)
        ordered = [*(n for n in plan.hidden), *sources]
        self.entries.update({name: entries[name] for name in ordered})
        self.structure.update(weights.structure)
        self.framework = weights.framework or self.framework

    def keep(self, entries: Mapping[str, TensorEntry]) -> None:
        """Take tensors of an existing commit into this version as they are."""
        self.entries.update(entries)

    def write_tree(self) -> tuple[bytes, int, int]:
        """Store the tree of all tensors added; gives its key, their number and their bytes."""
        import json

        structure = json.dumps(self.structure, separators=(",", ":"))
        tree = Tree(1, self._block_size, tuple(self.entries.values()), structure, self.framework)
        data = pack_tree(tree)
        key = digest(data)
        self._small(key, data, TREE)
        shown = [entry for entry in tree.tensors if not entry.hidden]
        return key, len(shown), sum(entry.nbytes for entry in tree.tensors if entry.view is None)

    def write_commit(self, data: bytes) -> bytes:
        """Store a commit; gives its key."""
        key = digest(data)
        self._small(key, data, COMMIT)
        return key

    def publish(self) -> None:
        """Make everything stored so far durable and visible to readers (still without a ref)."""
        self._finish()
        while self._unpublished:
            writer = self._unpublished[0]
            self._lease.renew()
            self._blobs.upload(f"packs/{writer.path.name}", writer.path)
            self._unpublished.pop(0)
        self._lease.check()

    def close(self) -> None:
        """Give up what was not published, and the lease."""
        self._writer = None
        self._objects.warm = self._warm
        self._give_up()

    # --- the work --------------------------------------------------------------------------

    def _blocks(self, name: str, source: Source, previous: Mapping[str, TensorEntry]) -> Any:
        item = itemsize(source.dtype)
        step = max(item, self._block_size // item * item)
        unit = width(source.dtype)
        before = previous.get(name)
        keys = before.block_keys() if before is not None and before.dtype == source.dtype else []
        whole = None
        if not source.in_place and source.nbytes <= 8 * self._block_size:
            whole = source.read(0, source.nbytes)
        for number, start in enumerate(range(0, source.nbytes, step)):
            stop = min(start + step, source.nbytes)
            data = source.read(start, stop) if whole is None else whole[start:stop]
            yield _Block(data, unit, keys[number] if number < len(keys) else None)

    def _store(self, blocks: list[_Block]) -> list[_Stored]:
        return [self._store_one(block) for block in blocks]

    def _store_one(self, block: _Block) -> _Stored:
        key = digest(block.data)
        if self._known(key):
            self._keep_warm(key, self._objects.warm.get(key))
            return _Stored(key, len(block.data), None, NO_BASE, 0)
        # The tensor may be changed by another thread while it is encoded. What is stored is the
        # copy, under the copy's own hash, so an object is never other than its key says.
        data = block.data.copy()
        key = digest(data)
        self._keep_warm(key, data)
        base, base_data, depth = self._base(block.base, len(data))
        if len(data) < _SMALLEST_ENCODED:
            transform = codec.RAW
        else:
            transform = codec.choose(data, base_data, block.width)
        encoded = codec.encode(data, base_data, block.width, transform)
        if codec.is_delta(encoded.transform):
            return _Stored(key, len(data), encoded.payload, base, depth)
        return _Stored(key, len(data), encoded.payload, NO_BASE, 0)

    def _base(self, key: bytes | None, size: int) -> tuple[bytes, Bytes | None, int]:
        if key is None:
            return NO_BASE, None, 0
        found = self._objects.find(key, avoid=self._avoid)
        if found is None or found[1].raw != size or found[1].depth >= LONGEST_CHAIN:
            return NO_BASE, None, 0
        warm = self._objects.warm.get(key)
        if warm is not None:
            return key, warm, found[1].depth + 1
        data = np.empty(size, np.uint8)
        try:
            self._objects.read_block(key, data, "A delta")
        except (CorruptData, NotFound):
            # A damaged parent must not stop the next commit, nor may that build on it.
            return NO_BASE, None, 0
        return key, data, found[1].depth + 1

    def _keep_warm(self, key: bytes, data: Bytes | None) -> None:
        """Remember a block of this version, up to a limit, to take the next one's delta against."""
        if data is not None and key not in self._warm and self._warm_bytes < _WARM_BYTES:
            self._warm[key] = data
            self._warm_bytes += len(data)

    def _known(self, key: bytes) -> bool:
        return self._objects.find(key, avoid=self._avoid) is not None

    def _collect(self, future: Future[list[_Stored]], owners: list[_Pending]) -> None:
        for stored, owner in zip(future.result(), owners, strict=True):
            owner.keys.append(stored.key)
            if stored.encoded is None:
                continue
            if not any(stored.key in writer.records for writer in self._unpublished):
                self._open_writer().add(
                    stored.key,
                    stored.encoded,
                    raw=stored.raw,
                    kind=BLOCK,
                    base=stored.base,
                    depth=stored.depth,
                )
        self._lease.renew()

    def _small(self, key: bytes, data: bytes, kind: int) -> None:
        if not self._known(key):
            self._open_writer().add(key, frame(data), raw=len(data), kind=kind)

    def _open_writer(self) -> PackWriter:
        if self._writer is not None and self._writer.size > _PACK_BYTES:
            self._finish()
        if self._writer is None:
            self._writer = PackWriter(Path(self._blobs.scratch(), self._lease.next_pack()))
            self._unpublished.append(self._writer)
        return self._writer

    def _finish(self) -> None:
        if self._writer is not None:
            self._writer.finish()
            self._writer = None


def _give_up(unpublished: list[PackWriter], lease: Lease, owner: int) -> None:
    if os.getpid() != owner:
        return  # A fork of the process that stages: none of this is its own.
    for writer in unpublished:
        writer.abandon()
    unpublished.clear()
    lease.release()


def _typed(source: Source, weights: Weights, name: str) -> Source:
    """The source under the element type it was restored with, where numpy shows only bytes."""
    dtype = weights.dtypes.get(name)
    if dtype is None or source.dtype != "uint8":
        return source
    return Source(dtype, source.shape, source.read, source.memory, source.span, source.in_place)


def _threads() -> int:
    return min(4, max(2, os.cpu_count() or 2))
