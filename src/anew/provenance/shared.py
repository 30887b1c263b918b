"""Captures stored once: named by their content under the root, hard-linked into each experiment."""

from __future__ import annotations

import os

from ..journal.permissions import set_mode
from ..record.ids import new_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..journal.layout import RootLayout

__all__ = ["digest", "place"]


def digest(data: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    import hashlib

    return hashlib.sha256(data).hexdigest()


def place(root: RootLayout, target: str, data: bytes, *, executable: bool = False) -> str:
    """Put `data` at the path `target`, sharing its bytes with every experiment that has the same; its SHA-256.

    The shared file is read-only: a change made in one experiment would show in all. Where the file system has no
    hard links the bytes are copied.

    Raises:
        OSError: It cannot be written.
    """
    hexdigest = digest(data)
    source = os.path.join(root.shared, f"{hexdigest[:32]}{'.x' if executable else ''}")
    for attempt in range(3):
        try:
            try:
                os.link(source, target)
            except FileExistsError:
                _link_over(source, target)
            return hexdigest
        except FileNotFoundError:
            if attempt == 0:
                os.makedirs(os.path.dirname(target), exist_ok=True)
            else:
                _write(source, data, 0o555 if executable else 0o444)
        except OSError:  # no hard links here, or too many of one file
            break
    _write(target, data, 0o755 if executable else 0o644)
    return hexdigest


def _link_over(source: str, target: str) -> None:
    temporary = f"{target}.{new_id()}.tmp"
    os.link(source, temporary)
    # A rename onto a link of the same file does nothing and leaves the temporary name.
    os.replace(temporary, target)
    if os.path.lexists(temporary):
        os.unlink(temporary)


def _write(path: str, data: bytes, mode: int) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{new_id()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
        set_mode(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
