"""Every text as PostgreSQL can keep it, which has no character NUL.

Four control characters are kept as sequences of others. Texts that are so kept have the order of the texts that they stand for, and one
holds another where the texts do: no character that a sequence is made of stands for itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from psycopg.types.string import StrDumperUnknown, TextBinaryLoader

if TYPE_CHECKING:
    import psycopg

__all__ = ["keep_texts", "kept", "told"]

_SEQUENCES = {"\x00": "\x01\x02\x02", "\x01": "\x01\x02\x03", "\x02": "\x01\x03\x02", "\x03": "\x01\x03\x03"}  # fmt: skip
_CHARACTERS = {sequence: char for char, sequence in _SEQUENCES.items()}
_SPECIAL = re.compile("[\x00-\x03]")
_SEQUENCE = re.compile("\x01[\x02\x03][\x02\x03]")


def kept(text: str) -> str:
    """A text as it is kept."""
    return _SPECIAL.sub(lambda found: _SEQUENCES[found[0]], text)


def told(text: str) -> str:
    """The inverse of `kept`."""
    return _SEQUENCE.sub(lambda found: _CHARACTERS[found[0]], text)


def keep_texts(connection: psycopg.Connection[Any]) -> None:
    """Have a connection keep and tell texts so."""
    connection.adapters.register_dumper(str, _Kept)
    connection.adapters.register_loader("text", _Told)


class _Kept(StrDumperUnknown):
    def dump(self, obj: str) -> bytes:
        return (kept(obj) if _SPECIAL.search(obj) else obj).encode()


class _Told(TextBinaryLoader):
    def load(self, data: Any) -> str:
        text = str(data, "utf-8")
        return told(text) if "\x01" in text else text
