"""Outlines of long series, kept in the description of a file of points.

A chart of ten million points shows a thousand: the smallest and the largest of each ten thousand. The outline of a
series has those of each `BLOCK` points, with their steps and times, so such a chart needs nothing else of the file.
It costs a twentieth of a byte a point.
"""

from __future__ import annotations

import base64
import binascii
import zlib

import numpy as np

from ...query.downsample import BLOCK, in_order, outlined
from .columns import Ints, Outline, Points, Stretch

__all__ = ["pack_outline", "unpack_outline"]

LONG = 16 * BLOCK
"""Points from which on a series has an outline."""
_BYTES = 32


def pack_outline(points: Points) -> str | None:
    """The outline of a series as text; None where it has none: it is short, or not in the order of its steps."""
    gaps = points.given is not None and not points.given.all()
    if len(points.value) < LONG or gaps or not in_order(points.step):
        return None
    at = outlined(points.value)
    columns = (at, points.step[at], points.time[at], points.value[at])
    data = b"".join(column.astype(column.dtype.newbyteorder("<")).tobytes() for column in columns)
    return base64.b64encode(zlib.compress(data, 1)).decode()


def unpack_outline(text: str, name: str, part: int, total: int) -> Outline | None:
    """The outline of a series of `total` points; None for a text that is damaged, which has a checksum of its own."""
    try:
        data = zlib.decompress(base64.b64decode(text, validate=True))
    except (binascii.Error, zlib.error, ValueError):
        return None
    count, over = divmod(len(data), _BYTES)
    if over or not count:
        return None
    at, step, time, value = (
        np.frombuffer(data, kind, count, number * 8 * count)
        for number, kind in enumerate(("<i8", "<i8", "<f8", "<f8"))
    )
    if not _fits(at, total):
        return None
    return Outline(Stretch(name, part, step, None, time, value), at, total)


def _fits(at: Ints, total: int) -> bool:
    return bool(at[0] == 0 and at[-1] == total - 1 and np.all(at[1:] > at[:-1]))
