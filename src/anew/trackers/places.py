"""Names and paths of other trackers as prefixes: nothing leads outside of the store, and no two names meet in one."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata

__all__ = ["prefix_of_path", "safe_path", "safe_segment"]

_FORBIDDEN = frozenset('<>:"|?*\\/\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?", re.IGNORECASE)
# Folders that an experiment or a store has for itself; one more underscore keeps these names apart too.
_KEPT = re.compile(
    r"_*(journal|metrics|logs|files|values|environment|checkpoints|outputs|forwarded|artifacts|openings)"
)
_KEPT_FIRST = re.compile(r"_*(journal|weights|experiments\.db.*)")
_LONGEST = 120


def safe_segment(text: str, first: bool = False) -> str:
    """One segment of a prefix that stands for `text`, another one for each text.

    A text that is a good segment stays as it is; any other is mended, and ends with a few characters of its hash.

    Args:
        text: Any text.
        first: Whether it is the first segment, which stands in the store's root.
    """
    given = unicodedata.normalize("NFC", text)
    kept = "".join(
        "-" if c in _FORBIDDEN or unicodedata.category(c) in ("Cc", "Cs") else c for c in given
    )
    kept = kept.encode("utf-8", "replace")[:_LONGEST].decode("utf-8", "ignore")
    while kept != (kept := kept.strip().strip(".")):
        pass
    if _DEVICES.fullmatch(kept):
        kept = f"_{kept}"
    if kept != given or not kept:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        kept = f"{kept}-{digest}" if kept else digest
    return f"_{kept}" if (_KEPT_FIRST if first else _KEPT).fullmatch(kept) else kept


def safe_path(text: str) -> str:
    """A relative path of safe segments; what would lead upwards or nowhere is left out."""
    parts = [p for p in re.split(r"[/\\]", text) if p not in ("", ".", "..")]
    return "/".join(safe_segment(part, not at) for at, part in enumerate(parts)) or "_"


def prefix_of_path(path: str | os.PathLike[str], root: str) -> str:
    """The prefix that a folder stands for, the same for each way of writing it.

    Inside of the store it is the folder's path there, inside of the working directory its path from there, anywhere else its
    whole path; a URL's scheme is its first segment.
    """
    text = os.fspath(path)
    scheme, found, rest = text.partition("://")
    if found and scheme != "file":
        return safe_path(f"{scheme}/{os.path.normpath('/' + rest)}")
    full = os.path.abspath(rest if found else text)
    for base in (os.path.abspath(root), os.getcwd()):
        if full == base:
            return safe_path(os.path.basename(base))
        if full.startswith(os.path.join(base, "")):
            return safe_path(os.path.relpath(full, base))
    return safe_path(full)
