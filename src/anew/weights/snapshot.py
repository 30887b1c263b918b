"""One version of weights, read as far as asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from anew.errors import CorruptData, InvalidValue, NotFound, WeightsError
from anew.record.plain import parse_json
from anew.weights.bundle import Weights, closest, strided
from anew.weights.codec import Bytes
from anew.weights.dtypes import itemsize, numpy_dtype
from anew.weights.loading import load_into
from anew.weights.objects import Objects
from anew.weights.records import Commit, TensorEntry, Tree, View
from anew.weights.structure import from_plain

__all__ = ["Snapshot"]

# Types that numpy shows as bytes: the name is kept beside the array.
_OPAQUE = ("float4_e2m1fn_x2",)


class Snapshot(Mapping[str, Any]):
    """The tensors of one commit, by name; a tensor is read and verified when it is looked up."""

    def __init__(self, objects: Objects, commit: Commit, tree: Tree) -> None:
        self._objects = objects
        self.commit = commit
        self.tree = tree
        self.framework = tree.framework
        self._entries = {entry.name: entry for entry in tree.tensors}
        self._shown = tree.by_name()

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        return self.read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._shown)

    def __len__(self) -> int:
        return len(self._shown)

    def __repr__(self) -> str:
        return f"<Snapshot {self.commit.short}: {len(self)} tensors, {self.commit.nbytes:,} bytes>"

    @cached_property
    def structure(self) -> dict[str, Any]:
        """The plain forms of nested values; see `Weights.structure`."""
        return dict(parse_json(self.tree.structure))

    @cached_property
    def dtypes(self) -> dict[str, str]:
        """Element types that numpy can only show as bytes, by tensor."""
        return {e.name: e.dtype for e in self.tree.tensors if e.dtype in _OPAQUE}

    def entry(self, name: str) -> TensorEntry:
        """What is known of a tensor without reading it.

        Raises:
            NotFound: there is no tensor of that name; says which are close.
        """
        try:
            return self._shown[name]
        except KeyError:
            near = closest(name, self._shown)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise NotFound(
                f"The commit {self.commit.short} has no tensor {name!r}.{hint}",
                name=name,
                nearest=near,
            ) from None

    def shape_of(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, without reading it."""
        return self.entry(name).shape

    def read(self, name: str, rows: slice | int | None = None) -> np.ndarray[Any, Any]:
        """One tensor, or the rows of its first dimension that a slice selects.

        Only the blocks that hold these rows are read and verified.

        Raises:
            NotFound: no tensor of that name, or its bytes are missing.
            CorruptData: its bytes are damaged.
            InvalidValue: rows of a tensor that has none.
        """
        entry = self.entry(name)
        if rows is not None:
            return self._read_rows(entry, rows)
        if entry.view is not None:
            root = self._entry_of_root(entry)
            return strided(self._whole([root])[root.name], entry.shape, entry.view)
        return self._whole([entry])[name]

    def all(self, *, only: Iterable[str] | None = None, skip_damaged: bool = False) -> Weights:
        """All tensors, or those named; each array is new and writable.

        With `skip_damaged`, tensors that cannot be read are left out and named in `.damaged`.

        Raises:
            CorruptData, NotFound: a tensor cannot be read; the message names it.
        """
        wanted = (
            [self.entry(name) for name in only] if only is not None else list(self._shown.values())
        )
        stored = {e.name: e for e in wanted if e.view is None}
        for entry in wanted:
            if entry.view is not None:
                root = self._entry_of_root(entry)
                stored[root.name] = root
        damaged: dict[str, str] = {}
        arrays = self._whole(list(stored.values()), damaged if skip_damaged else None)
        tensors: dict[str, Any] = {}
        views: dict[str, View] = {}
        hidden: dict[str, Any] = {}
        for entry in wanted:
            if entry.view is None:
                if entry.name in arrays:
                    tensors[entry.name] = arrays[entry.name]
            elif entry.view.root in arrays:
                tensors[entry.name] = strided(arrays[entry.view.root], entry.shape, entry.view)
                views[entry.name] = entry.view
                if entry.view.root not in tensors:
                    hidden[entry.view.root] = arrays[entry.view.root]
            else:
                damaged[entry.name] = damaged[entry.view.root]
        result = Weights(tensors, structure=self.structure, framework=self.framework)
        result.views, result.hidden = views, hidden
        result.damaged = {
            name: why for name, why in damaged.items() if not self._entries[name].hidden
        }
        result.dtypes = {name: dtype for name, dtype in self.dtypes.items() if name in tensors}
        return result

    def nested(self, root: str = "tree") -> Any:
        """A nested value (an optimizer's state, a pytree) with its tensors; see `Weights.nested`."""
        if root not in self.structure:
            raise NotFound(f"The commit {self.commit.short} does not contain {root!r}.", name=root)
        return from_plain(self.structure[root], self.read)

    def load_into(self, target: Any) -> Any:
        """Put the weights into a module or model, one tensor at a time; see `Weights.load_into`."""
        return load_into(self, target)

    def save(self, path: str | Path, *, only: Iterable[str] | None = None) -> Path:
        """Write to a `.safetensors` (block by block), `.npz` or `.pt` file, complete or not at all."""
        target = Path(path)
        if target.suffix != ".safetensors":
            return self.all(only=only).save(target)
        from anew.weights import safefile

        names = list(self._shown) if only is None else list(only)
        streams: dict[str, Any] = {}
        for name in names:
            entry = self.entry(name)
            streams[name] = (entry.dtype, entry.shape, lambda entry=entry: self._stream(entry))
        metadata = {"format": "pt"} if self.framework == "torch" else {}
        safefile.write(target, streams, metadata)
        return target

    def differing(
        self, entry: TensorEntry, other: Snapshot, theirs: TensorEntry
    ) -> Iterator[tuple[Bytes, Bytes]]:
        """The bytes of both tensors wherever their blocks differ; both have one type and shape."""
        if (
            entry.view is not None
            or theirs.view is not None
            or self.tree.block_size != other.tree.block_size
        ):
            pair = (self.read(entry.name), other.read(theirs.name))
            left, right = (np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in pair)
            yield left, right
            return
        for (mine, start, stop), (yours, _, _) in zip(
            self._parts(entry), other._parts(theirs), strict=True
        ):
            if mine != yours:
                left, right = np.empty(stop - start, np.uint8), np.empty(stop - start, np.uint8)
                self._objects.read_block(mine, left, _what(entry, self.commit))
                other._objects.read_block(yours, right, _what(theirs, other.commit))
                yield left, right

    def range(self, name: str, low: int, high: int) -> Bytes:
        """Bytes `low` to `high` of a tensor in C order."""
        entry = self.entry(name)
        data = np.empty(high - low, np.uint8)
        if entry.view is not None:
            return np.ascontiguousarray(self.read(name)).reshape(-1).view(np.uint8)[low:high]
        for start, stop, block in self._covering(entry, low, high):
            data[start - low : stop - low] = block
        return data

    # --- reading ---------------------------------------------------------------------------

    def _whole(
        self, entries: list[TensorEntry], damaged: dict[str, str] | None = None
    ) -> dict[str, np.ndarray[Any, Any]]:
        tasks = [(entry, *part) for entry in entries for part in self._parts(entry)]
        buffers = {entry.name: np.empty(entry.nbytes, np.uint8) for entry in entries}
        tasks.sort(key=lambda task: -task[2])

        def read(task: tuple[TensorEntry, bytes, int, int]) -> tuple[str, str | None]:
            entry, key, start, stop = task
            try:
                self._objects.read_block(
                    key, buffers[entry.name][start:stop], _what(entry, self.commit)
                )
            except (CorruptData, NotFound) as error:
                if damaged is None:
                    raise
                return entry.name, str(error)
            return entry.name, None

        if len(tasks) < 4:
            results = [read(task) for task in tasks]
        else:
            with ThreadPoolExecutor(_threads(), thread_name_prefix="anew-weights") as pool:
                results = list(pool.map(read, tasks))
        for name, problem in results:
            if problem is not None and damaged is not None:
                damaged[name] = problem
                buffers.pop(name, None)
        return {
            entry.name: buffers[entry.name].view(numpy_dtype(entry.dtype)).reshape(entry.shape)
            if entry.nbytes
            else np.empty(entry.shape, numpy_dtype(entry.dtype))
            for entry in entries
            if entry.name in buffers
        }

    def _read_rows(self, entry: TensorEntry, rows: slice | int) -> np.ndarray[Any, Any]:
        if not entry.shape:
            raise InvalidValue(
                f"{entry.name!r} is a single number, so it has no rows.", key=entry.name
            )
        if isinstance(rows, int):
            index = range(entry.shape[0])[rows]
            return self._read_rows(entry, slice(index, index + 1))[0]  # type: ignore[no-any-return]
        if entry.view is not None:
            return self.read(entry.name)[rows]
        chosen = range(entry.shape[0])[rows]
        if not len(chosen) or not entry.nbytes:
            return np.empty((len(chosen), *entry.shape[1:]), numpy_dtype(entry.dtype))
        low, high = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1]) + 1
        row = entry.nbytes // entry.shape[0]
        data = np.empty((high - low) * row, np.uint8)
        for start, stop, block in self._covering(entry, low * row, high * row):
            data[start - low * row : stop - low * row] = block
        table = data.view(numpy_dtype(entry.dtype)).reshape(high - low, *entry.shape[1:])
        picked = table[:: chosen.step] if chosen.step > 0 else table[::-1][:: -chosen.step]
        return picked if chosen.step == 1 else np.ascontiguousarray(picked)

    def _covering(
        self, entry: TensorEntry, low: int, high: int
    ) -> Iterator[tuple[int, int, Bytes]]:
        for key, start, stop in self._parts(entry):
            if start < high and stop > low:
                block = np.empty(stop - start, np.uint8)
                self._objects.read_block(key, block, _what(entry, self.commit))
                begin, end = max(start, low), min(stop, high)
                yield begin, end, block[begin - start : end - start]

    def _stream(self, entry: TensorEntry) -> Iterator[Any]:
        if entry.view is not None:
            yield np.ascontiguousarray(self.read(entry.name)).reshape(-1).view(np.uint8).data
            return
        for _, _, block in self._covering(entry, 0, entry.nbytes):
            yield block.data

    def _parts(self, entry: TensorEntry) -> list[tuple[bytes, int, int]]:
        """Each block's key and the bytes of the tensor that it holds."""
        item = itemsize(entry.dtype)
        step = max(item, self.tree.block_size // item * item)
        keys = entry.block_keys()
        if min(entry.shape, default=0) < 0 or len(keys) != -(-entry.nbytes // step):
            raise WeightsError(
                f"{_what(entry, self.commit)} has a number of blocks that does not fit its size."
            )
        return [
            (key, number * step, min((number + 1) * step, entry.nbytes))
            for number, key in enumerate(keys)
        ]

    def _entry_of_root(self, entry: TensorEntry) -> TensorEntry:
        assert entry.view is not None
        root = self._entries.get(entry.view.root)
        if root is None or root.view is not None or root.dtype != entry.dtype:
            raise WeightsError(
                f"{_what(entry, self.commit)} shares memory with a tensor that does not exist."
            )
        return root


def _what(entry: TensorEntry, commit: Commit) -> str:
    return f"The tensor {entry.name!r} of commit {commit.short}"


def _threads() -> int:
    return min(8, max(2, os.cpu_count() or 2))
