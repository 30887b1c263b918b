"""What experiments were set to in a few bytes each, so that which of it differs can be told of very many.

For each parameter, configuration key and tag that has a value there are the key of its name and 64 bits of a hash of the value: equal values
have equal numbers, and of a hundred thousand values, two that differ have the same one with a chance of one in four thousand million.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b

from ..protocol import Entry

__all__ = ["packed_settings"]

VALUE_BYTES = 8
_LONG = 100


def packed_settings(entry: Entry, keys: Mapping[tuple[str, str], int]) -> bytes:
    """The settings of an experiment, given whole, by the keys of names of a kind; a null is no value, a plain tag is True."""
    numbers: list[int] = []
    for kind, values in (("param", entry.params), ("config", entry.config)):
        for name, value in (values or {}).items():
            if value is not None:
                numbers += keys[kind, name], _number(repr(value))
    for name, text in (entry.tags or {}).items():
        numbers += keys["tag", name], _number("True" if text is None else repr(text))
    return struct.pack("<" + "IQ" * (len(numbers) // 2), *numbers)


def _number(text: str) -> int:
    return _hash(text) if len(text) > _LONG else _remembered(text)


@lru_cache(maxsize=4096)
def _remembered(text: str) -> int:
    return _hash(text)


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=VALUE_BYTES).digest(), "little")
