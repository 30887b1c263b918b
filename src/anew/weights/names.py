"""Which names branches, tags and tensors may have, and how they become file names."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from anew.errors import InvalidName

__all__ = ["check_ref_name", "check_tensor_name", "to_folder", "to_name"]

_HEX = re.compile(r"[0-9a-f]{40,}")
_LONGEST_REF = 200
_LONGEST_TENSOR = 4096


def check_ref_name(name: str, kind: str) -> str:
    """The name, when a branch or tag can have it.

    Raises:
        InvalidName: with the reason.
    """
    reason = None
    if not isinstance(name, str) or not name:
        reason = "it is empty"
    elif name == "HEAD":
        reason = "HEAD means the commit you are on"
    elif any(ord(c) < 32 or ord(c) == 127 for c in name) or name != name.strip():
        reason = "it has control characters, or spaces at its ends"
    elif any(c in name for c in "~^:\\"):
        reason = "~ ^ : and \\ have a special meaning when naming a commit"
    elif name.startswith(("/", "-")) or name.endswith("/") or "//" in name:
        reason = "it starts with - or /, ends with / or has two slashes together"
    elif any(part in (".", "..") for part in name.split("/")):
        reason = "a part of it is . or .."
    elif _HEX.fullmatch(name):
        reason = "it looks like the hash of a commit"
    elif len(name.encode("utf-8", "surrogatepass")) > _LONGEST_REF:
        reason = f"it is longer than {_LONGEST_REF} bytes"
    elif not _is_text(name):
        reason = "it is not valid Unicode"
    if reason:
        raise InvalidName(
            f"{name!r} cannot name a {kind}: {reason}. Choose another name.", name=name
        )
    return name


def check_tensor_name(name: object) -> str:
    """The name, when a tensor can have it: any Unicode text, since it never becomes a file name."""
    if not isinstance(name, str):
        raise InvalidName(f"The tensor name {name!r} must be a string.", name=name)
    if not _is_text(name) or len(name) > _LONGEST_TENSOR:
        raise InvalidName(
            f"{name[:80]!r} cannot name a tensor: it is not valid Unicode, or longer than "
            f"{_LONGEST_TENSOR} characters.",
            name=name,
        )
    return name


def to_folder(name: str) -> str:
    """A ref's name as one safe part of a path: everything but letters, digits, - and _ escaped."""
    return quote(name, safe="").replace(".", "%2E").replace("~", "%7E")


def to_name(folder: str) -> str:
    """The ref's name that `to_folder` was given."""
    return unquote(folder)


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
