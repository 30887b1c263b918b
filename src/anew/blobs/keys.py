"""Which texts may be keys, and why others may not."""

from __future__ import annotations

import re

from ..errors import InvalidName

__all__ = ["LONGEST_KEY", "LONGEST_PART", "check_folder", "check_key", "is_key"]

LONGEST_KEY = 1024
"""Bytes in a key: what S3 takes."""
LONGEST_PART = 255
"""Bytes between two slashes: what file systems take."""

# Nearly every key of ours; they need no closer look.
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}){0,9}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def check_key(key: str) -> str:
    """The key, if it can be one.

    Raises:
        InvalidName: It breaks a rule; the message gives the reason.
    """
    reason = "" if isinstance(key, str) and _PLAIN.fullmatch(key) else _refused(key)
    if reason:
        raise InvalidName(f"The key {key!r:.200} {reason}.", name=key)
    return key


def check_folder(folder: str) -> str:
    """The folder, if it can be one: a key, or "" for all keys.

    Raises:
        InvalidName: It is neither.
    """
    return folder and check_key(folder)


def is_key(text: str) -> bool:
    """Whether a text can be a key."""
    return _PLAIN.fullmatch(text) is not None or not _refused(text)


def _refused(key: object) -> str:
    """Why a text cannot be a key; "" if it can."""
    if not isinstance(key, str):
        return f"is a {type(key).__name__}; a key must be a string"
    if not key:
        return "is empty"
    try:
        encoded = key.encode()
    except UnicodeEncodeError:
        return "contains half of a surrogate pair, which cannot be encoded as UTF-8"
    if len(encoded) > LONGEST_KEY:
        return f"has {len(encoded)} bytes; the limit of buckets is {LONGEST_KEY}"
    if "\\" in key:
        return "contains a backslash, which separates folders on some systems"
    if _CONTROL.search(key):
        return "contains a control character, which buckets and terminals reject"
    for part in key.split("/"):
        if not part:
            return "begins or ends with '/', or contains '//'"
        if part in (".", ".."):
            return f"has the part {part!r}, which would lead to another folder"
        if len(part.encode()) > LONGEST_PART:
            return (
                f"has a part of more than {LONGEST_PART} bytes, which is too long for file systems"
            )
    return ""
