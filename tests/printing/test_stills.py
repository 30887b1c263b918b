"""Small pictures of histograms and sounds."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from anew.printing.stills import bars, waves

Image = pytest.importorskip("PIL.Image")
PAPER = (0xF4, 0xF5, 0xF7)


def columns(png: bytes) -> np.ndarray:
    """How much of each column is drawn, from 0 to 1."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    return (np.abs(pixels - PAPER).sum(axis=2) > 0).mean(axis=0)


def sound(samples: np.ndarray, width: int = 2, channels: int = 1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def test_bars_are_as_high_as_their_counts():
    drawn = columns(bars([1, 4, 0, 2]))
    quarter = len(drawn) // 4
    assert [round(float(drawn[quarter * at + quarter // 2]), 1) for at in range(4)] == [0.2, 1.0, 0.0, 0.5]  # fmt: skip
    assert bars([0, 0]) is None
    assert bars([1, float("nan")]) is None


def test_waves_are_as_wide_as_the_sound_is_loud():
    loud = np.concatenate([np.tile([20_000, -20_000], 4000), np.tile([5_000, -5_000], 4000)])
    drawn = columns(waves(sound(loud.astype("<i2"))))
    assert drawn[100] > 0.9
    assert 0.2 < drawn[400] < 0.3
    assert waves(sound(np.array([128, 255, 0], "u1"), width=1)) is not None
    assert waves(sound(loud.astype("<i4"), width=4, channels=2)) is not None


@pytest.mark.parametrize("content", [b"", b"RIFF", b"hello" * 100, sound(np.array([], "<i2"))])
def test_what_is_no_sound_has_no_waves(content):
    assert waves(content) is None
