"""Small pictures of images: made once, of whatever can be decoded, and of nothing that is not what it says."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from anew.errors import NotFound
from anew.server.thumbnails import EDGE, MOST_PIXELS, Thumbnails


def encoded(image: PIL.Image.Image, format_: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format_, **options)
    return out.getvalue()


def large(mode: str = "RGB", size: tuple[int, int] = (600, 400)) -> PIL.Image.Image:
    return PIL.Image.new("RGB", size, (200, 100, 50)).convert(mode)


def opened(data: bytes) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(data))


def files(cache: Path) -> list[Path]:
    return sorted(one for one in cache.rglob("*") if one.is_file())


def test_a_thumbnail_is_made_once_for_all_images_of_the_same_bytes(tmp_path: Path):
    source = encoded(large())
    read: list[str] = []
    made = Thumbnails(str(tmp_path))
    first = made.of("a", lambda: read.append("a") or source)  # type: ignore[func-returns-value]
    assert opened(first.data).size == (EDGE, round(EDGE * 400 / 600))
    assert made.of("a", lambda: read.append("again") or source) == first  # type: ignore[func-returns-value]
    assert read == ["a"]
    # Another process, and another image of these bytes: what is kept is given as it is.
    (kept,) = files(tmp_path)
    mark = encoded(PIL.Image.new("RGB", (3, 3)), "WEBP")
    kept.write_bytes(mark)
    other = Thumbnails(str(tmp_path)).of("b", lambda: source)
    assert (other.data, other.tag) == (mark, first.tag)
    # What was cut short is made again.
    kept.write_bytes(b"")
    assert Thumbnails(str(tmp_path)).of("c", lambda: source).data == first.data


def _animated() -> bytes:
    frames = [PIL.Image.new("RGB", (40, 30), shade) for shade in ("red", "blue", "green")]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)


KINDS: dict[str, Callable[[], bytes]] = {
    "grey": lambda: encoded(large("L")),
    "black and white": lambda: encoded(large("1")),
    "grey and clear": lambda: encoded(large("LA")),
    "palette": lambda: encoded(large("P")),
    "clear palette": lambda: encoded(large("P"), transparency=0),
    "16 bits": lambda: encoded(PIL.Image.fromarray(np.full((300, 500), 0x8000, np.uint16))),
    "jpeg": lambda: encoded(large(size=(3000, 2000)), "JPEG"),
    "print": lambda: encoded(large("CMYK"), "JPEG"),
    "webp": lambda: encoded(large("RGBA"), "WEBP", lossless=True),
    "bmp": lambda: encoded(large(), "BMP"),
    "animation": _animated,
    "long": lambda: encoded(large(size=(20_000, 3))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_images_of_every_kind_have_thumbnails(tmp_path: Path, kind: str):
    source = KINDS[kind]()
    found = Thumbnails(str(tmp_path)).of("a", lambda: source)
    picture = opened(found.data)
    assert found.media == "image/webp"
    assert max(picture.size) <= EDGE
    assert not getattr(picture, "is_animated", False)
    red, green, blue = np.asarray(picture.convert("RGB")).reshape(-1, 3).mean(0)
    if kind == "16 bits":
        assert abs(red - 0x80) < 3
    elif kind == "animation":
        assert red > 200 > 50 > blue
    elif kind not in ("black and white", "grey", "grey and clear"):
        assert abs(red - 200) < 12
        assert abs(green - 100) < 12


def test_a_picture_lies_as_its_camera_was_held(tmp_path: Path):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    source = encoded(large(), "JPEG", exif=exif)
    picture = opened(Thumbnails(str(tmp_path)).of("a", lambda: source).data)
    assert picture.size == (round(EDGE * 400 / 600), EDGE)


def test_a_small_picture_is_its_own_thumbnail(tmp_path: Path):
    source = encoded(PIL.Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)))
    found = Thumbnails(str(tmp_path)).of("a", lambda: source)
    assert (found.data, found.media) == (source, "image/png")
    assert files(tmp_path) == []


def _png_of(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")  # fmt: skip


def _webp_of(edge: int) -> bytes:
    size = (edge - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("many pixels", _png_of(100_000, 100_000)),
        ("just too many", _png_of(MOST_PIXELS // 1000 + 1, 1000)),
        ("a WebP that is large in words", _webp_of(16_383)),
        ("cut short", encoded(large())[:500]),
        ("no picture", b"<svg onload='x()'>"),
        ("nothing", b""),
        ("another format", encoded(large(), "TIFF")),
    ],
)
def test_nothing_is_made_of_what_is_no_picture_or_too_large(
    tmp_path: Path, name: str, source: bytes
):
    with pytest.raises(NotFound):
        Thumbnails(str(tmp_path)).of(name, lambda: source)
    assert files(tmp_path) == []


def test_the_oldest_give_way_where_they_take_too_much(tmp_path: Path):
    sources = [encoded(large(size=(500, 400 + at))) for at in range(8)]
    most = 3 * len(Thumbnails(str(tmp_path / "one")).of("a", lambda: sources[0]).data) + 50
    made = Thumbnails(str(tmp_path / "all"), most)
    for at, source in enumerate(sources):
        found = made.of(at, lambda source=source: source)  # type: ignore[misc]
        newest = next(one for one in files(tmp_path / "all") if found.tag in one.name)
        os.utime(newest, (at, at))
        assert sum(one.stat().st_size for one in files(tmp_path / "all")) <= most
    assert newest.exists()


def test_where_nothing_can_be_kept_it_is_made_each_time(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.touch()
    made = Thumbnails(str(blocked))
    source = encoded(large())
    assert made.of("a", lambda: source) == made.of("a", lambda: source)
