"""What `'…' in inputs` and `'…' in files` mean: a content is named by its name, by its hash, or by the start of its hash."""

from __future__ import annotations

import re

__all__ = ["MOST_HASH", "MOST_NAME", "hash_range", "is_called", "is_hash"]

MOST_NAME, MOST_HASH = 500, 128
"""Characters of names and hashes that are compared."""

_WHOLE = re.compile(r"[0-9a-f]{64}")
_START = re.compile(r"[0-9a-f]{8,63}")


def hash_range(text: str) -> tuple[str, str] | None:
    """Between which texts (the first with, the second without) hashes lie that begin so; None where a text is no start of one.

    Eight hexadecimal digits or more are one.
    """
    if _START.fullmatch(text) is None:
        return None
    return text, text + "g"  # behind the last digit


def is_hash(text: str) -> bool:
    """Whether a text is a whole hash, and so no name: 64 hexadecimal digits."""
    return _WHOLE.fullmatch(text) is not None


def is_called(text: str, name: str, hash: str) -> bool:
    """Whether a text names a content."""
    if hash and text[:MOST_HASH] == hash[:MOST_HASH]:
        return True
    if text[:MOST_NAME] == name[:MOST_NAME]:
        return not is_hash(text)
    between = hash_range(text)
    return between is not None and between[0] <= hash[:MOST_HASH] < between[1]
