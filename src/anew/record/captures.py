"""Which captured files the record has the hash of, so that one that was emptied or changed since is not believed."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["HASHED", "recorded_hash", "unchanged"]

HASHED = {
    "git.patch": ("git", "patch"),
    "pushed.patch": ("git", "pushed_patch"),
    "notebook.py": ("notebook", "source"),
    "requirements.txt": ("environment", "requirements"),
}
"""By the name of a file in `environment/`, the capture and the key that hold its SHA-256."""


def recorded_hash(captured: Mapping[str, Any], name: str) -> str | None:
    """The SHA-256 that was recorded of a captured file; None where none was."""
    what, key = HASHED.get(name, ("", ""))
    facts = captured.get(what)
    found = facts.get(key) if isinstance(facts, dict) else None
    return found if isinstance(found, str) else None


def unchanged(captured: Mapping[str, Any], name: str, data: bytes) -> bool:
    """Whether a captured file is still what was recorded; one without a recorded hash is taken as it is."""
    import hashlib

    wanted = recorded_hash(captured, name)
    return wanted is None or hashlib.sha256(data).hexdigest() == wanted
