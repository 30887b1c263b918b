"""The mark of a recipe: what tells a recipe that was recorded on this machine by this user from one that only says so.

A record is a text file, so whoever hands over a folder can write any name into it. The mark is a hash of everything that
decides what a re-run runs, with the machine's own id and the user's number as its key. The id is never recorded (see
`journal.liveness.machine_mark`), so nobody elsewhere can make the mark of a recipe that they made up or changed, and it goes
wherever the experiment's folder goes.
"""

from __future__ import annotations

from ..journal.author import identity
from ..record.plain import to_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["MARKED", "recipe_mark"]

_BLOCK = 64
MARKED = ("command", "environment", "git", "variables")
"""The captures that decide which code a re-run runs, and how."""


def recipe_mark(captured: Mapping[str, Any]) -> str:
    """The mark of what was captured; "" on a machine that has no id of its own."""
    import json

    here = identity()
    if not here.machine:
        return ""
    facts = {what: to_plain(captured[what]) for what in MARKED if what in captured}
    text = json.dumps(facts, sort_keys=True, ensure_ascii=True, default=str)
    key = f"anew recipe\0{here.machine}\0{here.user}"
    return _hmac(key.encode(), text.encode())


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
