"""Logged pictures made smaller."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest

from anew.reading.pictures import EDGE, kind_of, smaller, still_of

Image = pytest.importorskip("PIL.Image")


def encoded(pixels: np.ndarray, kind: str = "PNG", **more: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **more)
    return out.getvalue()


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


def read(data: bytes):
    return Image.open(io.BytesIO(data))


def test_a_large_picture_is_made_smaller_and_a_small_one_stays():
    large, small = encoded(noise(1000, 500)), encoded(noise(20, 10))
    made, kind = smaller(large, "png")
    assert (kind, read(made).size) == ("jpeg", (EDGE, EDGE // 2))
    assert smaller(small, "png") == (small, "png")


def test_a_still_is_small_and_of_a_moving_picture_the_first_frame():
    made, media = still_of(encoded(noise(1000, 500)))
    assert (media, read(made).size) == ("image/jpeg", (256, 128))
    frames = [Image.fromarray(np.full((100, 100, 3), shade, np.uint8)) for shade in (200, 10)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    made, _ = still_of(out.getvalue())
    assert abs(read(made).convert("L").getpixel((50, 50)) - 200) < 8


def test_the_pixels_of_a_tiny_picture_are_seen_one_by_one():
    made, media = still_of(encoded(np.eye(8, dtype=np.uint8) * 255))
    picture = read(made).convert("L")
    assert (media, picture.size) == ("image/png", (128, 128))
    assert np.unique(np.asarray(picture)).tolist() == [0, 255]


def test_what_is_no_picture_or_has_too_many_pixels_is_none():
    assert kind_of(b"hello") is None
    assert still_of(b"hello") is None
    assert still_of(encoded(noise(20, 10))[:60]) is None
    bomb = encoded(np.zeros((1, 1), np.uint8)).replace(
        b"\x00\x00\x00\x01\x00\x00\x00\x01\x08", b"\x00\x00\x1f\x40\x00\x00\x1f\x40\x08", 1
    )
    head = bomb[12:29]
    bomb = bomb[:29] + zlib.crc32(head).to_bytes(4, "big") + bomb[33:]
    assert still_of(bomb) is None
