"""Small pictures of the images that were logged: each is made once, and kept on a disk of this machine under the hash of the image's bytes.

They are derived, and no part of a store: a folder that cannot be written, a bucket and another server have them as well, and all of them may be
deleted at any time.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, NamedTuple

import blake3
import msgspec

from ..address import local_folder
from ..blobs.folder import FolderBlobs
from ..errors import NotFound
from ..query.content import ContentQuestion
from ..reading.backend import Backend
from ..stores.open import DEFAULT_CACHE

if TYPE_CHECKING:
    import PIL.Image

__all__ = ["EDGE", "MOST_PIXELS", "MOST_SOURCE", "Thumbnail", "Thumbnails", "whole"]

EDGE = 256
"""The longer edge of a thumbnail in pixels, at most."""
MOST_SOURCE = 32 << 20
"""Bytes of an image beyond which nothing is made of it."""
MOST_PIXELS = 40_000_000
"""Pixels of an image beyond which it is not decoded: a small file can say that it is a very large picture."""
MOST_BYTES = 512 << 20
"""Bytes that all thumbnails take on the disk, about."""
_LIGHT = 64 << 10
"""Bytes up to which a small picture is its own thumbnail."""
_REMEMBERED = 100_000
_FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp", "BMP": ""}  # fmt: skip
"""What is decoded, and as what a browser shows it unchanged. Other formats have decoders that fewer have looked at."""
_MADE = "image/webp"


class Thumbnail(NamedTuple):
    """A small picture as it is sent, and the hash of the bytes that it stands for."""

    data: bytes
    media: str
    tag: str


class Thumbnails:
    """Makes thumbnails and keeps them, up to so many bytes. Any thread may use it.

    Args:
        cache: The folder of this machine for copies, below which they are kept; several processes may name the same.
        most: The bytes that they may take there; the oldest give way.
    """

    def __init__(self, cache: str = DEFAULT_CACHE, most: int = MOST_BYTES) -> None:
        self._cache = cache
        self._most = most
        self._blobs: FolderBlobs | None = None
        self._taken: int | None = None
        self._tags: OrderedDict[Hashable, str] = OrderedDict()
        self._guard = threading.Lock()
        # Decoding takes a processor and much memory: the other questions of the page are to be answered meanwhile.
        self._making = threading.BoundedSemaphore(max(1, (os.cpu_count() or 2) // 2))

    def of(self, key: Hashable, read: Callable[[], bytes]) -> Thumbnail:
        """The thumbnail of an image.

        Args:
            key: Names bytes that never change, so that those of a thumbnail that is kept need not be read.
            read: Gives them.

        Raises:
            NotFound: Nothing can be made of these bytes, or Pillow is not installed.
        """
        with self._guard:
            tag = self._tags.get(key)
        if tag is not None and (kept := self._kept(tag)) is not None:
            return Thumbnail(kept, _MADE, tag)
        source = read()
        tag = blake3.blake3(source).hexdigest()
        kept = self._kept(tag)
        if kept is None:
            with self._making:
                made = _made(source)
            if made.media != _MADE or made.data is source:
                return Thumbnail(made.data, made.media, tag)
            kept = made.data
            self._keep(tag, kept)
        with self._guard:
            self._tags[key] = tag
            if len(self._tags) > _REMEMBERED:
                self._tags.popitem(last=False)
        return Thumbnail(kept, _MADE, tag)

    def _kept(self, tag: str) -> bytes | None:
        try:
            found = self._place().read(_key(tag))
        except OSError:
            return None
        return found if found[:4] == b"RIFF" else None

    def _keep(self, tag: str, data: bytes) -> None:
        with contextlib.suppress(OSError):  # a full disk: it is made again the next time
            self._place().replace(_key(tag), data, lasting=False)
            self._count(len(data))

    def _count(self, more: int) -> None:
        """Count what was written, and have the oldest give way where that is too much."""
        blobs = self._place()
        with self._guard:
            if self._taken is None:
                self._taken = sum(one.size for one in blobs.list())
            else:
                self._taken += more
            if self._taken <= self._most:
                return
            found = sorted(blobs.list(), key=lambda one: one.modified)
            self._taken = sum(one.size for one in found)
            for one in found:
                if self._taken <= self._most * 0.8:
                    break
                blobs.delete(one.key)
                self._taken -= one.size

    def _place(self) -> FolderBlobs:
        if self._blobs is None:
            cache = local_folder(self._cache, what="cache", setting=None)
            self._blobs = FolderBlobs(os.path.join(cache, "thumbnails"), durable=False)
        return self._blobs


def whole(backend: Backend, question: ContentQuestion) -> bytes:
    """All bytes of an image.

    Raises:
        NotFound: It is gone, or larger than anything that a thumbnail is made of.
    """
    data = bytearray()
    while True:
        part = msgspec.structs.replace(question, start=len(data), length=MOST_SOURCE - len(data))
        found = backend.open(part)
        if found.size > MOST_SOURCE:
            raise _none(question.name, f"it is larger than {MOST_SOURCE >> 20} MB")
        data += found.data
        if len(data) >= found.size or not found.data:
            return bytes(data)


def _key(tag: str) -> str:
    return f"{tag[:2]}/{tag}.{EDGE}.webp"


def _none(what: str, why: str) -> NotFound:
    return NotFound(f"There is no thumbnail of {what}: {why}.", name=what)


class _Made(NamedTuple):
    data: bytes
    media: str


def _made(source: bytes) -> _Made:
    """A small picture of an image, or the image itself where that is one.

    Raises:
        NotFound: These bytes are no image that can be decoded.
    """
    try:
        import PIL.Image
        import PIL.ImageOps
    except ModuleNotFoundError:
        raise _none("this image", "Pillow is not installed on the server") from None
    _check_pixels(*(_size_of_webp(source) or (0, 0)))
    try:
        with PIL.Image.open(io.BytesIO(source), formats=tuple(_FORMATS)) as image:
            _check_pixels(*image.size)
            media = _FORMATS.get(image.format or "", "")
            moves = getattr(image, "is_animated", False)
            if media and not moves and max(image.size) <= EDGE and len(source) <= _LIGHT:
                return _Made(source, media)
            image.draft(None, (2 * EDGE, 2 * EDGE))  # a JPEG is decoded smaller
            picture = _plain(PIL.ImageOps.exif_transpose(image))
        picture.thumbnail((EDGE, EDGE), PIL.Image.Resampling.LANCZOS, reducing_gap=2.0)
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=80, method=1)
        return _Made(out.getvalue(), _MADE)
    except NotFound:
        raise
    except Exception as error:  # whatever decoders raise for what is broken
        raise _none("this image", f"it cannot be decoded ({str(error)[:100]})") from error


def _check_pixels(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        said = f"it has {width} × {height} pixels, more than {MOST_PIXELS:,}"
        raise _none("this image", said)


def _size_of_webp(source: bytes) -> tuple[int, int] | None:
    """How large a WebP says that it is: its decoder takes memory for all of that as soon as it is opened."""
    head = source[:32]
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP" or len(head) < 30:
        return None
    if head[12:16] == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    across, down = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
    return across & 0x3FFF, down & 0x3FFF


def _plain(image: PIL.Image.Image) -> PIL.Image.Image:
    """An image in one of the modes that can be made smaller and be saved, its first frame where it has several."""
    if image.mode in ("L", "RGB", "RGBA"):
        return image
    if image.mode.startswith("I"):  # 16 bits of grey, of which browsers show the upper 8
        import numpy as np
        import PIL.Image

        return PIL.Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.mode == "1":
        return image.convert("L")
    clear = image.mode in ("LA", "PA", "La", "RGBa") or "transparency" in image.info
    return image.convert("RGBA" if clear else "RGB")
