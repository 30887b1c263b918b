"""The small documents of an experiment's folder, for people and other programs.

They are derived from the journal and replaced atomically; nothing of Anew reads them but the
identity in `metadata.json`, which decides who was first in a new folder.
"""

from __future__ import annotations

import json
import os
import stat
import time

from ..record import encode as encoding
from ..record.ids import new_id
from ..record.plain import parse_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["claim_identity", "iso_time", "replace_document", "write_json"]


_MOST = 64 << 20  # bytes; what is longer is none of ours


def iso_time(t: float | None) -> str | None:
    """Seconds since the epoch as ISO 8601 in UTC, to the millisecond."""
    if t is None:
        return None
    whole, milliseconds = divmod(round(t * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{milliseconds:03d}Z"


def replace_document(path: str, data: bytes) -> None:
    """Replace a file so that a reader sees the old content or the new, never a part.

    Raises:
        OSError: It cannot be written; the old content stays.
    """
    temporary = f"{path}.{new_id()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise


def write_json(path: str, document: dict[str, Any]) -> None:
    """Replace a JSON document."""
    if encoding.is_fast():
        # The standard library indents in Python, which takes longer than all else at an experiment's end.
        import msgspec

        try:
            replace_document(path, msgspec.json.format(encoding.encode(document), indent=2) + b"\n")
            return
        except (TypeError, UnicodeEncodeError):  # something to be shown by its text
            pass
    text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    replace_document(path, text.encode("utf-8", "backslashreplace") + b"\n")


def claim_identity(path: str, document: dict[str, Any]) -> dict[str, Any] | None:
    """Create `metadata.json`, or return the one another process created first.

    Linking a finished file into place is atomic on local and network file systems alike, so of many
    processes that open one prefix at the same moment exactly one names the experiment.

    Raises:
        OSError: The folder cannot be written.
    """
    existing = read_identity(path)
    if existing is not None:
        return existing
    temporary = f"{path}.{new_id()}.tmp"
    with open(temporary, "wb") as file:
        file.write(json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n")
    try:
        os.link(temporary, path)
    except FileExistsError:
        return read_identity(path)
    except OSError:  # no hard links here: creating exclusively is the next best
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            return read_identity(path)
        with open(temporary, "rb") as source:
            os.write(fd, source.read())
        os.close(fd)
    finally:
        os.unlink(temporary)
    return None


def _read_plain(path: str) -> bytes:
    """The bytes of a small plain file; none of anything else that lies there, such as a link or a pipe."""
    try:
        fd = os.open(
            path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        )
    except FileNotFoundError:
        raise
    except OSError:
        return b"?"
    with open(fd, "rb") as file:
        found = os.fstat(fd)
        # Asked for more than there is, `read` takes the memory for all of it first.
        return file.read(min(_MOST, found.st_size + 1)) if stat.S_ISREG(found.st_mode) else b"?"


def _is_identity(found: Any) -> bool:
    """Whether a document says who the experiment is, in the types that it is written in."""
    return (
        isinstance(found, dict)
        and isinstance(found.get("experiment_id"), str)
        and bool(found["experiment_id"])
        and type(found.get("format", 1)) is int
    )


def read_identity(path: str) -> dict[str, Any] | None:
    """The document, or None where there is none. One being created by other means is waited for."""
    for _ in range(50):
        try:
            data = _read_plain(path)
        except FileNotFoundError:
            return None
        if data.strip():
            try:
                found = parse_json(data)
            except ValueError:
                return None
            return found if _is_identity(found) else None
        time.sleep(0.02)
    return None
