"""What a repository says about weights: commits, and the tree of tensors each points to.

Both are kept as msgpack and named by the BLAKE3 of their bytes, so nothing in them can change
without changing the name. `docs/internals/weights-format.md` specifies them.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Mapping
from typing import Any

import msgspec

from anew.errors import CorruptData, InvalidValue, UnknownFormat
from anew.record.plain import parse_json
from anew.record.secrets import mask_secrets, mask_text
from anew.weights.structure import from_plain, to_plain

__all__ = [
    "KEY_BYTES",
    "Commit",
    "TensorEntry",
    "Tree",
    "View",
    "digest",
    "from_json",
    "pack_commit",
    "pack_tree",
    "to_json",
    "unpack_commit",
    "unpack_tree",
]

KEY_BYTES = 32
_TREE_VERSION = 1


class View(msgspec.Struct, frozen=True, array_like=True):
    """A tensor that shares memory with another: where it lies in it, in elements."""

    root: str
    offset: int
    strides: tuple[int, ...]


class TensorEntry(msgspec.Struct, frozen=True, array_like=True):
    """One tensor of a tree: its type, shape and the keys of its blocks, end to end."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    blocks: bytes = b""
    view: View | None = None
    # A hidden entry is memory that views share without any of them covering it all.
    hidden: bool = False

    def block_keys(self) -> list[bytes]:
        """The keys of the blocks, in order."""
        return [self.blocks[i : i + KEY_BYTES] for i in range(0, len(self.blocks), KEY_BYTES)]

    @property
    def size(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """How many bytes its elements take."""
        from anew.weights.dtypes import itemsize

        return self.size * itemsize(self.dtype)

    def same_content(self, other: TensorEntry) -> bool:
        """Whether both restore to the same tensor, bit for bit."""
        return (self.dtype, self.shape, self.blocks, self.view) == (
            other.dtype,
            other.shape,
            other.blocks,
            other.view,
        )


class Tree(msgspec.Struct, frozen=True, array_like=True):
    """All tensors of one version, and what was not a tensor as JSON."""

    version: int
    block_size: int
    tensors: tuple[TensorEntry, ...]
    structure: str = "{}"
    framework: str = ""

    def by_name(self) -> dict[str, TensorEntry]:
        """The tensors a reader sees, by name."""
        return {entry.name: entry for entry in self.tensors if not entry.hidden}


class _CommitRecord(msgspec.Struct, frozen=True, array_like=True):
    tree: bytes
    parents: tuple[bytes, ...]
    author: str
    time: float
    message: str
    experiment: str | None
    step: int | None
    metadata: str
    tensors: int
    nbytes: int


class Commit(msgspec.Struct, frozen=True):
    """One version of weights.

    `time` is seconds since the epoch, `nbytes` the size of all its tensors in memory, `experiment`
    and `step` what made it, where that is known.
    """

    commit_hash: str
    tree: bytes
    parents: tuple[str, ...]
    author: str
    time: float
    message: str
    experiment: str | None
    step: int | None
    metadata: dict[str, Any]
    tensors: int
    nbytes: int

    @property
    def short(self) -> str:
        """The start of the hash that people read."""
        return self.commit_hash[:12]


def digest(data: Any) -> bytes:
    """The BLAKE3 of bytes: the key of what they are."""
    import blake3

    return blake3.blake3(data).digest()


def pack_commit(
    *,
    tree: bytes,
    parents: tuple[str, ...],
    author: str,
    time: float,
    message: str,
    experiment: str | None,
    step: int | None,
    metadata: Mapping[str, Any],
    tensors: int,
    nbytes: int,
) -> bytes:
    """The bytes of a commit, whose BLAKE3 is its hash. Secrets in its message and metadata are masked.

    Raises:
        InvalidValue: a field that could be written and not be read again.
    """
    for name, text in {"message": message, "author": author, "experiment": experiment}.items():
        _check_text(name, text, may_be_none=name == "experiment")
    if step is not None:
        step = _whole(step)
    return msgspec.msgpack.encode(
        _CommitRecord(
            tree,
            tuple(bytes.fromhex(parent) for parent in parents),
            author,
            float(time),
            mask_text(message),
            experiment,
            step,
            to_json(mask_secrets(dict(metadata)), "metadata"),
            tensors,
            nbytes,
        )
    )


def _check_text(name: str, text: object, *, may_be_none: bool) -> None:
    if text is None and may_be_none:
        return
    try:
        if isinstance(text, str) and text.encode("utf-8") is not None:
            return
    except UnicodeEncodeError:
        pass
    raise InvalidValue(f"The {name} of a commit must be text, not {text!r}.", key=name)


def _whole(step: object) -> int:
    try:
        number = operator.index(step)  # type: ignore[arg-type]  # what has no index raises
    except TypeError:
        raise InvalidValue(
            f"The step of a commit must be a whole number, not {step!r}.", key="step"
        ) from None
    if not -(1 << 63) <= number < 1 << 63:
        raise InvalidValue(f"The step {number} is too large to be kept.", key="step")
    return number


def unpack_commit(key: bytes, data: bytes) -> Commit:
    """The commit of that key from its bytes."""
    try:
        raw = _COMMITS.decode(data)
    except msgspec.DecodeError as error:
        raise CorruptData(f"The commit {key.hex()[:12]} cannot be read: {error}.") from error
    return Commit(
        key.hex(),
        raw.tree,
        tuple(parent.hex() for parent in raw.parents),
        raw.author,
        raw.time,
        raw.message,
        raw.experiment,
        raw.step,
        from_json(raw.metadata),
        raw.tensors,
        raw.nbytes,
    )


def pack_tree(tree: Tree) -> bytes:
    """The bytes of a tree, whose BLAKE3 is its key."""
    return msgspec.msgpack.encode(tree)


def unpack_tree(key: bytes, data: bytes) -> Tree:
    """The tree of that key from its bytes."""
    try:
        tree = _TREES.decode(data)
    except msgspec.DecodeError as error:
        raise CorruptData(f"The tree {key.hex()[:12]} cannot be read: {error}.") from error
    if tree.version > _TREE_VERSION:
        raise UnknownFormat(
            f"The tree {key.hex()[:12]} has format {tree.version}; this version of Anew reads "
            f"up to {_TREE_VERSION}. Upgrade Anew."
        )
    return tree


def to_json(value: Any, where: str) -> str:
    """Plain values as JSON text that comes back equal, with NaN, infinities and tuples kept."""
    return json.dumps(to_plain(value, where), separators=(",", ":"))


def from_json(text: str) -> Any:
    """The value that `to_json` was given."""
    return from_plain(parse_json(text))


_COMMITS = msgspec.msgpack.Decoder(_CommitRecord)
_TREES = msgspec.msgpack.Decoder(Tree)
