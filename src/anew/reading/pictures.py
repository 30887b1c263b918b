"""Logged pictures made smaller, for files that are to stay small enough to be sent."""

from __future__ import annotations

import io

__all__ = ["EDGE", "kind_of", "smaller", "still_of"]

EDGE = 640
"""Pixels of the longer side of a picture that is made smaller."""
_SMALL_BYTES = 40_000
_MOST_PIXELS = 40_000_000
_STILL_EDGE = 256
_KINDS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))


def kind_of(data: bytes) -> str | None:
    """The kind of a picture that every browser shows; None for anything else."""
    for start, kind in _KINDS:
        if data.startswith(start):
            return kind
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def smaller(data: bytes, kind: str, edge: int = EDGE, *, still: bool = False) -> tuple[bytes, str]:
    """A large picture made smaller, where Pillow is installed; it as it is where that gains nothing.

    Args:
        kind: Of the picture, as `kind_of` tells it.
        still: Whether of a moving picture the first frame is meant, and not all of it.
    """
    if len(data) <= _SMALL_BYTES and not still:
        return data, kind
    try:
        from PIL import Image
    except ImportError:
        return data, kind
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "GIF", "WEBP")) as picture:
            moves = getattr(picture, "is_animated", False)
            fits = len(data) <= _SMALL_BYTES and max(picture.size) <= edge
            if (moves and not still) or (fits and not moves) or picture.width * picture.height > _MOST_PIXELS:  # fmt: skip
                return data, kind
            plain = picture.mode in ("1", "L", "RGB")
            small = picture.convert("RGB" if plain else "RGBA")
            small.thumbnail((edge, edge))
            out = io.BytesIO()
            small.save(out, "JPEG" if plain else "PNG", quality=88, optimize=True)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return data, kind
    made = out.getvalue()
    if len(made) < len(data) or moves:
        return made, "jpeg" if plain else "png"
    return data, kind


def still_of(data: bytes) -> tuple[bytes, str] | None:
    """A small still picture and its media type; None of bytes that are no picture."""
    kind = kind_of(data)
    if kind is None:
        return None
    found, kind = smaller(data, kind, _STILL_EDGE, still=True)
    return found, f"image/{kind}"
