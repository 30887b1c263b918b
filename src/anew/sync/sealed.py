"""What a sealed part says of the lines that it stands for: by that, both sides of an upload compare it with lines."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import AnewError
from ..stores.series.parquet import PartFile

__all__ = ["Text", "text_of"]


class Text(NamedTuple):
    """The lines that a sealed part stands for: their bytes, and the BLAKE3 where that is on record."""

    size: int
    hash: str


def text_of(path: str) -> Text:
    """What a sealed part stands for; nothing for what is none."""
    try:
        with PartFile(path) as part:
            info = part.info
    except (AnewError, OSError):
        return Text(0, "")
    return Text(info.length if info.length is not None else info.end, info.blake3 or "")
