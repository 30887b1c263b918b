"""Identifiers: short, url-safe, random from the first character on."""

from __future__ import annotations

import os

__all__ = ["ID_LENGTH", "id_from_bytes", "is_like_id", "new_id"]

ID_LENGTH = 12
# No vowels and no look-alikes: an id is never a word and survives being read aloud.
_ALPHABET = "23456789bcdfghjkmnpqrstvwxyz3579"
_LETTERS = "bcdfghjkmnpqrstvwxyz"


def new_id() -> str:
    """A fresh id of 12 characters (58 random bits), starting with a letter.

    Random from the start, so that four or five characters name one experiment of a hundred thousand.
    """
    return id_from_bytes(os.urandom(ID_LENGTH))


def id_from_bytes(raw: bytes) -> str:
    """The id that 12 bytes stand for."""
    tail = "".join(_ALPHABET[byte & 31] for byte in raw[1:])
    return _LETTERS[raw[0] % len(_LETTERS)] + tail


def is_like_id(text: str) -> bool:
    """Whether a text may be an experiment's id or its beginning; ordinary words hardly ever are."""
    return 4 <= len(text) <= ID_LENGTH and text[0] in _LETTERS and set(text) <= set(_ALPHABET)
