"""Numbers in cursors, so that those who lack the key learn nothing from them: a Feistel network."""

from __future__ import annotations

from hashlib import blake2b

__all__ = ["hidden", "shown"]

_HALF = 1 << 32
_TURNS = 4


def hidden(number: int, key: bytes) -> int:
    """A number of 64 bits as another one."""
    left, right = divmod(number, _HALF)
    for turn in range(_TURNS):
        left, right = right, left ^ _mixed(right, turn, key)
    return left * _HALF + right


def shown(number: int, key: bytes) -> int:
    """The number that `hidden` made another one of."""
    left, right = divmod(number, _HALF)
    for turn in reversed(range(_TURNS)):
        left, right = right ^ _mixed(left, turn, key), left
    return left * _HALF + right


def _mixed(half: int, turn: int, key: bytes) -> int:
    text = bytes((turn,)) + half.to_bytes(4, "little")
    return int.from_bytes(blake2b(text, key=key, digest_size=4).digest(), "little")
