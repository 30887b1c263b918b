"""How the bytes of one block are stored: raw, as byte planes, or as byte planes of a difference.

A block is a run of elements of one width. Its bytes are regrouped so that all lowest bytes stand
together, then all second bytes, and so on (a byte shuffle): in trained weights the high planes
(sign and exponent) are predictable and the low ones are noise. Each plane is kept by itself as it
is, as one repeated byte, or through zstd, whichever is smallest.

Against an earlier version of the same block, either the difference of the bit patterns read as
integers (zig-zag coded, so that small differences of either sign are small numbers) or their XOR
is stored instead of the bits. Both undo exactly: nothing here ever looks at a float's value, so
NaN payloads and -0.0 come back as they were.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anew.errors import CorruptData, MissingDependency

try:
    import zstandard
except ModuleNotFoundError as error:
    raise MissingDependency.of("A repository of weights", "zstandard", "weights") from error

__all__ = ["DIFFERENCE", "PLAIN", "RAW", "XOR", "Encoded", "choose", "decode", "encode"]

Bytes = NDArray[np.uint8]

# The first byte of an encoded block: what was done to the bits before they were split into planes.
RAW = 0
PLAIN = 1
DIFFERENCE = 2
XOR = 3

_STORED, _CONSTANT, _ZSTD = 0, 1, 2
_HEAD = struct.Struct("<BB")
_PLANE = struct.Struct("<BI")

# A plane that zstd shrinks by less than this is kept as it is: reading it back is then a copy.
_WORTHWHILE = 0.985
_SAMPLE_BYTES = 16 * 1024
_SAMPLES = 3

_local = threading.local()


@dataclass(frozen=True, slots=True)
class Encoded:
    """An encoded block: the transform applied and the bytes to store."""

    transform: int
    payload: bytes


def choose(new: Bytes, base: Bytes | None, width: int) -> int:
    """The transform whose sampled size is smallest; a delta must win by 2 % to be worth its chain."""
    pieces = _sample(len(new), width)
    plain = _sampled_size(new, None, width, PLAIN, pieces)
    taken = sum(stop - start for start, stop in pieces)
    best, size = (PLAIN, plain) if plain < taken * _WORTHWHILE else (RAW, taken)
    if base is not None:
        for transform in (DIFFERENCE, XOR):
            candidate = _sampled_size(new, base, width, transform, pieces)
            if candidate < min(size, plain) * 0.98:
                best, size = transform, candidate
    return best


def encode(new: Bytes, base: Bytes | None, width: int, transform: int) -> Encoded:
    """The block `new` as bytes to store, against `base` when `transform` is a delta.

    Falls back to RAW when the planes come out no smaller than the block.
    """
    if transform != RAW:
        payload = _encode_planes(new, base, width, transform)
        if len(payload) < len(new):
            return Encoded(transform, payload)
    return Encoded(RAW, _HEAD.pack(RAW, width) + new.tobytes())


def decode(payload: bytes | memoryview, out: Bytes) -> None:
    """Write the block into `out`, which for a delta holds the base's bytes already.

    Raises:
        CorruptData: the payload does not describe a block of that size.
    """
    view = memoryview(payload)
    if len(view) < _HEAD.size:
        raise CorruptData("An encoded block is shorter than its header.")
    transform, width = _HEAD.unpack_from(view)
    if transform == RAW:
        if len(view) - _HEAD.size != len(out):
            raise CorruptData("The length of a raw block differs from the one in its index.")
        out[:] = np.frombuffer(view, np.uint8, offset=_HEAD.size)
        return
    if transform not in (PLAIN, DIFFERENCE, XOR) or width not in (1, 2, 4, 8) or len(out) % width:
        raise CorruptData("An encoded block has an unknown header.")
    _decode_planes(view, out, width, transform)


def is_delta(transform: int) -> bool:
    """Whether decoding needs the bytes of another block first."""
    return transform in (DIFFERENCE, XOR)


def _encode_planes(new: Bytes, base: Bytes | None, width: int, transform: int) -> bytes:
    count = len(new) // width
    bits = _transformed(new, base, width, transform)
    shifted = _scratch("shifted", len(new)).view(f"u{width}")
    plane = _scratch("plane", count)
    parts = [_HEAD.pack(transform, width)]
    compressor = _compressor()
    for index in range(width):
        if width == 1:
            np.copyto(plane, bits)
        else:
            np.right_shift(bits, 8 * index, out=shifted)
            np.copyto(plane, shifted, casting="unsafe")
        if not count or (plane[0] == plane[-1] and not np.any(plane != plane[0])):
            parts += [_PLANE.pack(_CONSTANT, 1), plane[:1].tobytes()]
            continue
        packed = compressor.compress(plane.data)
        if len(packed) < count * _WORTHWHILE:
            parts += [_PLANE.pack(_ZSTD, len(packed)), packed]
        else:
            parts += [_PLANE.pack(_STORED, count), plane.tobytes()]
    return b"".join(parts)


def _transformed(new: Bytes, base: Bytes | None, width: int, transform: int) -> NDArray[Any]:
    bits = new.view(f"u{width}")
    if transform == PLAIN or base is None:
        return bits
    out = _scratch("bits", len(new)).view(f"u{width}")
    before = base.view(f"u{width}")
    if transform == XOR:
        np.bitwise_xor(bits, before, out=out)
        return out
    np.subtract(bits, before, out=out)
    sign = _scratch("shifted", len(new)).view(f"i{width}")
    np.right_shift(out.view(f"i{width}"), 8 * width - 1, out=sign)
    np.left_shift(out, 1, out=out)
    np.bitwise_xor(out, sign.view(f"u{width}"), out=out)
    return out


def _decode_planes(view: memoryview, out: Bytes, width: int, transform: int) -> None:
    count = len(out) // width
    target = out if transform == PLAIN else _scratch("bits", len(out))
    _join(_planes(view, count, width), target.view(f"u{width}"))
    bits = target.view(f"u{width}")
    if transform == XOR:
        np.bitwise_xor(out.view(f"u{width}"), bits, out=out.view(f"u{width}"))
    elif transform == DIFFERENCE:
        sign = _scratch("shifted", len(out)).view(f"u{width}")
        np.bitwise_and(bits, 1, out=sign)
        np.negative(sign, out=sign)
        np.right_shift(bits, 1, out=bits)
        np.bitwise_xor(bits, sign, out=bits)
        np.add(out.view(f"u{width}"), bits, out=out.view(f"u{width}"))


def _planes(view: memoryview, count: int, width: int) -> list[Bytes | int]:
    """The planes of a block from the lowest, one that repeats a byte as that byte."""
    planes: list[Bytes | int] = []
    position = _HEAD.size
    for _ in range(width):
        if len(view) - position < _PLANE.size:
            raise CorruptData("An encoded block ends in the middle of a plane.")
        kind, size = _PLANE.unpack_from(view, position)
        position += _PLANE.size
        body = view[position : position + size]
        position += size
        if len(body) != size:
            raise CorruptData("An encoded block ends in the middle of a plane.")
        planes.append(_plane(kind, body, count))
    if position != len(view):
        raise CorruptData("An encoded block has bytes after its last plane.")
    return planes


def _join(planes: list[Bytes | int], bits: NDArray[Any]) -> None:
    """Put the planes together again, from the highest down; high planes of zeros cost nothing."""
    empty = True
    for plane in reversed(planes):
        if empty:
            if isinstance(plane, int) and plane == 0:
                continue
            bits[:] = plane
            empty = False
            continue
        np.left_shift(bits, 8, out=bits)
        if not (isinstance(plane, int) and plane == 0):
            np.bitwise_or(bits, plane, out=bits)
    if empty:
        bits[:] = 0


def _plane(kind: int, body: memoryview, count: int) -> Bytes | int:
    if kind == _CONSTANT and len(body) == 1:
        return body[0]
    if kind == _STORED and len(body) == count:
        return np.frombuffer(body, np.uint8)
    if kind == _ZSTD:
        try:
            # Asked first: a damaged frame may claim any size, and would be given the memory for it.
            if zstandard.frame_content_size(body) != count:
                raise CorruptData(
                    "The size of a plane differs from the one recorded in the encoded block."
                )
            plain = _decompressor().decompress(body)
        except zstandard.ZstdError as error:
            raise CorruptData(f"A plane of an encoded block cannot be read: {error}.") from error
        if len(plain) == count:
            return np.frombuffer(plain, np.uint8)
    raise CorruptData("The length of a plane differs from the one recorded in the encoded block.")


def _sample(size: int, width: int) -> list[tuple[int, int]]:
    if size <= _SAMPLES * _SAMPLE_BYTES:
        return [(0, size)]
    last = size - _SAMPLE_BYTES
    starts = [last * index // (_SAMPLES - 1) // width * width for index in range(_SAMPLES)]
    return [(start, start + _SAMPLE_BYTES) for start in starts]


def _sampled_size(
    new: Bytes, base: Bytes | None, width: int, transform: int, pieces: list[tuple[int, int]]
) -> int:
    return sum(
        len(_encode_planes(new[a:b], None if base is None else base[a:b], width, transform))
        for a, b in pieces
    )


def _scratch(name: str, size: int) -> Bytes:
    """A buffer of this thread, used again for every block: fresh pages cost more than the work."""
    held: dict[str, Bytes] = _local.__dict__.setdefault("buffers", {})
    buffer = held.get(name)
    if buffer is None or len(buffer) < size:
        buffer = held[name] = np.empty(max(size, 1), np.uint8)
    return buffer[:size]


def _compressor() -> zstandard.ZstdCompressor:
    found = _local.__dict__.get("compressor")
    if found is None:
        # Level 1: on planes of weights it is smaller than level 3 as well as faster, since there
        # is nothing to match and its entropy stage is what counts.
        found = _local.compressor = zstandard.ZstdCompressor(level=1)
    return found


def _decompressor() -> zstandard.ZstdDecompressor:
    found = _local.__dict__.get("decompressor")
    if found is None:
        found = _local.decompressor = zstandard.ZstdDecompressor()
    return found
