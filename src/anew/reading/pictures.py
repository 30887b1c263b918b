"""Logged pictures made smaller, for files that are to stay small enough to be sent."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

__all__ = ["EDGE", "kind_of", "smaller", "still_of"]

EDGE = 640
"""Pixels of the longer side of a picture that is made smaller."""
_SMALL_BYTES = 40_000
_STILL_EDGE = 256
_TINY = 64
"""Pixels of the longer side of a picture whose pixels are to be seen one by one."""
_MOST_PIXELS = 40_000_000
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_KINDS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))


def kind_of(data: bytes) -> str | None:
    """The kind of a picture that every browser shows; None for anything else."""
    for start, kind in _KINDS:
        if data.startswith(start):
            return kind
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def smaller(data: bytes, kind: str) -> tuple[bytes, str]:
    """A large picture made smaller, where Pillow is installed; it as it is where that gains nothing.

    Args:
        kind: Of the picture, as `kind_of` tells it.
    """
    if len(data) <= _SMALL_BYTES:
        return data, kind
    try:
        from PIL import Image
    except ImportError:
        return data, kind
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            if getattr(picture, "is_animated", False):
                return data, kind
            small = _plain(picture)
            small.thumbnail((EDGE, EDGE))
            made, made_kind = _encoded(small)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return data, kind
    return (made, made_kind) if len(made) < len(data) else (data, kind)


def still_of(data: bytes, over: Callable[[Image], Image] | None = None) -> tuple[bytes, str] | None:
    """A small still picture and its media type: of a moving one its first frame. The pixels of a tiny one are seen one by one.

    None of bytes that are no picture, of one with too many pixels, and where Pillow is not installed.

    Args:
        over: Draws over the small picture.
    """
    try:
        from PIL import Image
    except ImportError:
        return None
    if kind_of(data) is None:
        return None
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                return None
            small = _plain(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    tiny = max(small.size) < _TINY
    if tiny:
        times = _STILL_EDGE // 2 // max(small.size)
        small = small.resize((small.width * times, small.height * times), Image.Resampling.NEAREST)
    else:
        small.thumbnail((_STILL_EDGE, _STILL_EDGE))
    made, kind = _encoded(small if over is None else over(small), exact=tiny)
    return made, f"image/{kind}"


def _plain(picture: Image) -> Image:
    """A picture in one of the modes that can be made smaller and be saved, its first frame where it has several."""
    return picture.convert("RGB" if picture.mode in ("1", "L", "RGB") else "RGBA")


def _encoded(picture: Image, *, exact: bool = False) -> tuple[bytes, str]:
    """A picture as a file, and its kind: a JPEG, unless it is clear in parts or every pixel matters."""
    kind = "png" if exact or picture.mode == "RGBA" else "jpeg"
    out = io.BytesIO()
    picture.save(out, kind.upper(), quality=88, optimize=True)
    return out.getvalue(), kind
