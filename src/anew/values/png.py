"""PNG without a library, for where Pillow is not installed."""

from __future__ import annotations

import struct
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["png_of"]

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # of that many channels


def png_of(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Pixels (height × width × 1 to 4 channels: grey, grey and alpha, RGB, RGBA) as a PNG file.

    The format is that of the PNG specification, third edition, with 8 bits a channel and no filter.
    """
    import numpy as np

    height, width, channels = pixels.shape
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = pixels.reshape(height, width * channels)
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 3)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
