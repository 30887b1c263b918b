"""Small pictures of logged values that are none: the bars of a histogram, the waves of a sound."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .colours import STRONG

if TYPE_CHECKING:
    from ..reading.files import Stored

__all__ = ["bars", "content_of", "waves"]

_ACROSS, _DOWN = 256, 96
_FINER = 2
"""A picture is drawn so many times larger, for printing."""
_MOST_SOURCE = 32 << 20
"""Bytes of a value beyond which no picture is made of it."""
_MOST_SECONDS = 600
_DEPTHS: dict[int, np.dtype[Any]] = {1: np.dtype("u1"), 2: np.dtype("<i2"), 4: np.dtype("<i4")}


def content_of(stored: Stored) -> bytes:
    """The bytes of a value; none of one that is too large to be looked at for a small picture."""
    with stored.open() as file:
        found = file.read(_MOST_SOURCE + 1)
    return found if len(found) <= _MOST_SOURCE else b""


def bars(counts: Sequence[float]) -> bytes | None:
    """The bars of a histogram as a PNG; None where there is nothing to draw, or no Pillow to draw it."""
    heights = np.asarray(counts, np.float64)
    if not len(heights) or not np.isfinite(heights).all() or heights.max() <= 0:
        return None
    edges = np.linspace(0, _ACROSS, len(heights) + 1)
    tops = _DOWN * (1 - np.maximum(heights, 0) / heights.max())
    boxes = [(left, top, max(right - 1, left + 0.5), _DOWN) for left, right, top in zip(edges[:-1], edges[1:], tops, strict=True) if top < _DOWN]  # fmt: skip
    return _drawn(boxes)


def waves(content: bytes) -> bytes | None:
    """The loudness of a WAV file along its time as a PNG; None where it cannot be read."""
    try:
        with wave.open(io.BytesIO(content)) as sound:
            kind = _DEPTHS.get(sound.getsampwidth())
            if kind is None:
                return None
            channels = sound.getnchannels()
            frames = sound.readframes(min(sound.getnframes(), _MOST_SECONDS * sound.getframerate()))
    except (wave.Error, EOFError, OSError, ValueError):
        return None
    samples = np.frombuffer(frames[: len(frames) // kind.itemsize * kind.itemsize], kind)
    samples = samples.astype(np.float64) - (128 if kind.itemsize == 1 else 0)
    if not len(samples):
        return None
    parts = np.array_split(samples, min(_ACROSS, -(-len(samples) // channels)))
    most = max(float(np.abs(samples).max()), 1e-9)
    middle = _DOWN / 2
    boxes = []
    for at, part in enumerate(parts):
        high, low = middle * (1 - part.max() / most), middle * (1 - part.min() / most)
        width = _ACROSS / len(parts)
        boxes.append((at * width, high, (at + 1) * width, max(low, high + 0.5)))
    return _drawn(boxes)


def _drawn(boxes: Sequence[tuple[float, float, float, float]]) -> bytes | None:
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        return None
    picture = Image.new("RGB", (_FINER * _ACROSS, _FINER * _DOWN), "#F4F5F7")
    pen = ImageDraw.Draw(picture)
    for box in boxes:
        left, top, right, bottom = (_FINER * float(one) for one in box)
        pen.rectangle((left, top, max(right - 1, left), max(bottom - 1, top)), fill=STRONG)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
