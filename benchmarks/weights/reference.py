"""The floor: a difference of bit patterns through blosc2 with zstd level 3 and two threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import blosc2
import numpy as np


def difference(new: np.ndarray[Any, Any], old: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The zig-zag coded integer difference of two arrays' bits."""
    bits = f"i{new.itemsize}"
    delta = new.view(bits) - old.view(bits)
    return ((delta << 1) ^ (delta >> (8 * new.itemsize - 1))).view(f"u{new.itemsize}")


def compress(array: np.ndarray[Any, Any]) -> bytes:
    """The array through byte shuffle and zstd."""
    packed: bytes = blosc2.compress2(
        array,
        codec=blosc2.Codec.ZSTD,
        clevel=3,
        typesize=array.itemsize,
        filters=[blosc2.Filter.SHUFFLE],
        filters_meta=[0],
        nthreads=2,
    )
    return packed


def hash_all(arrays: list[np.ndarray[Any, Any]]) -> None:
    """BLAKE3 of the bytes of all arrays, with two threads."""
    import blake3

    for array in arrays:
        blake3.blake3(array.reshape(-1).view(np.uint8), max_threads=2).digest()


def encode_ours(new: list[np.ndarray[Any, Any]], old: list[np.ndarray[Any, Any]]) -> int:
    """Our codec alone on two threads, block by block; gives the bytes."""
    from anew.weights import codec
    from anew.weights.opening import BLOCK_SIZE

    blocks = []
    for left, right in zip(new, old, strict=True):
        a, b = left.view(np.uint8), right.view(np.uint8)
        for start in range(0, len(a), BLOCK_SIZE):
            blocks.append(
                (a[start : start + BLOCK_SIZE], b[start : start + BLOCK_SIZE], left.itemsize)
            )

    def encode(block: Any) -> int:
        data, base, width = block
        return len(codec.encode(data, base, width, codec.choose(data, base, width)).payload)

    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(encode, blocks))
