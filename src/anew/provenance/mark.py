"""The mark of a recipe: what tells a recipe that was recorded on this machine by this user from one that only says so.

A record is a text file, so whoever hands over a folder can write any name into it. The mark is a hash of everything that
decides what a re-run runs, with the machine's own id and the user's number as its key. The id is never recorded (see
`journal.liveness.machine_mark`), so nobody elsewhere can make the mark of a recipe that they made up or changed, and it goes
wherever the experiment's folder goes. On a machine that has no id, as in many containers, the key is random, and kept in a file that
only the user can read.
"""

from __future__ import annotations

import os

from ..journal.author import identity
from ..record.plain import to_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["MARKED", "recipe_mark"]

_BLOCK = 64
MARKED = ("command", "environment", "git", "notebook", "variables")
"""The captures that decide which code a re-run runs, and how."""


def recipe_mark(captured: Mapping[str, Any]) -> str:
    """The mark of what was captured; "" where there is no key to make it with."""
    here = identity()
    secret = here.machine or _own_key()
    if not secret:
        return ""
    parts = [f'"{what}": {_text(captured[what])}' for what in MARKED if what in captured]
    text = "{" + ", ".join(parts) + "}"
    key = f"anew recipe\0{secret}\0{here.user}"
    return _hmac(key.encode(), text.encode())


# The experiments of one process share most of what is captured of them.
_texts: dict[int, tuple[Any, str]] = {}
_MOST_TEXTS = 16


def _text(facts: Any) -> str:
    """What was captured as one text, whatever the order of its keys."""
    import json

    known = _texts.get(id(facts))
    if known is not None and known[0] is facts:
        return known[1]
    text = json.dumps(to_plain(facts), sort_keys=True, ensure_ascii=True, default=str)
    if len(_texts) >= _MOST_TEXTS:
        _texts.clear()
    _texts[id(facts)] = facts, text
    return text


def _hmac(key: bytes, data: bytes) -> str:
    """HMAC-SHA256 (RFC 2104), without what takes long to import where a program has just begun."""
    sha256 = _sha256()
    key = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner = sha256(bytes(byte ^ 0x36 for byte in key) + data).digest()
    found: str = sha256(bytes(byte ^ 0x5C for byte in key) + inner).hexdigest()
    return found


def _sha256() -> Any:
    for name in ("_sha2", "_sha256"):  # of Python 3.12 and later, and of 3.11
        try:
            return __import__(name).sha256
        except ImportError:
            continue
    import hashlib

    return hashlib.sha256


def _own_key() -> str:
    """The key of this user on a machine without an id, made when it is first wanted; "" where it cannot be kept."""
    path = os.path.expanduser(os.path.join("~", ".local", "state", "anew", "recipe-key"))
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        try:
            made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return _read_key(path)
        with open(made, "w") as file:
            file.write(os.urandom(32).hex())
        return _read_key(path)
    except OSError:
        return ""


def _read_key(path: str) -> str:
    """What is in the file, if it is whole and nobody else can have read or written it.

    Raises:
        OSError: It cannot be read.
    """
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))) as file:
        stat = os.fstat(file.fileno())
        getuid = getattr(os, "getuid", None)  # Windows has none, and no such rights
        if getuid is not None and (stat.st_uid != getuid() or stat.st_mode & 0o077):
            return ""
        key = file.read(65)
    return key if len(key) == 64 else ""
