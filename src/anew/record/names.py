"""The rules for prefixes and for names of experiments, tags and metrics.

A prefix becomes folders, so each of its segments must be a plain file name on every system a shared
folder may be mounted on, must not be hidden and must not lead anywhere else.
"""

from __future__ import annotations

import unicodedata

from ..errors import InvalidName

__all__ = [
    "MAX_METRIC_NAME",
    "check_file_name",
    "check_label",
    "check_metric_name",
    "check_prefix",
    "folder_name",
    "numbered",
    "split_number",
]

MAX_SEGMENT_BYTES = 200  # file systems stop at 255; ours are suffixed with ids
MAX_PREFIX_BYTES = 1000
MAX_METRIC_NAME = 500
MAX_LABEL = 250
_FORBIDDEN = '<>:"|?*\\'
_TURNED = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # reorder the text around them
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))]
)
MAX_FOLDER_BYTES = 160  # with an id behind it still a segment
# Folders of an experiment: a child experiment of that name would sit inside its parent's record.
RESERVED = frozenset(
    {
        "journal",
        "metrics",
        "logs",
        "files",
        "values",
        "environment",
        "checkpoints",
        "outputs",
        "forwarded",
        "openings",
    }
)
ROOT_RESERVED = frozenset({"weights", "experiments.db"})
_ALLOWED = (
    "Segments are separated by '/' and may contain letters, digits, spaces and marks other than "
    f"{' '.join(_FORBIDDEN)}. A segment cannot be empty or start with a dot."
)


def _no_control(text: str, what: str) -> None:
    for char in text:
        category = unicodedata.category(char)
        if category in ("Cc", "Cs") or char in _TURNED:  # control, lone surrogate
            raise InvalidName(
                f"{what} {text!r} contains the character U+{ord(char):04X}, which cannot be "
                "shown or "
                "typed; leave it out.",
                name=text,
            )


def _check_segment(segment: str, whole: str, what: str) -> None:
    reason = None
    if not segment:
        reason = "has an empty segment"
    elif segment in (".", ".."):
        reason = f"has the segment {segment!r}, which would leave its folder"
    elif segment.startswith("."):
        reason = f"has the segment {segment!r}, which starts with a dot"
    elif segment != segment.strip() or segment.endswith("."):
        reason = (
            f"has the segment {segment!r}, which begins or ends with a space or ends with a dot"
        )
    elif len(segment.encode("utf-8", "replace")) > MAX_SEGMENT_BYTES:
        reason = f"has a segment of more than {MAX_SEGMENT_BYTES} bytes"
    elif _is_device(segment):
        reason = f"has the segment {segment!r}, which is a reserved device name on Windows"
    else:
        bad = next((c for c in segment if c in _FORBIDDEN), None)
        if bad is not None:
            reason = f"holds {bad!r}"
    if reason is not None:
        shown = whole if len(whole) <= 80 else whole[:77] + "..."
        raise InvalidName(f"The {what} {shown!r} {reason}. {_ALLOWED}", name=whole)


def _is_device(segment: str) -> bool:
    return segment.partition(".")[0].rstrip().lower() in _DEVICES


def check_prefix(prefix: object, *, what: str = "prefix") -> str:
    """The prefix in normal form (NFC), or an error that says what is allowed.

    Raises:
        InvalidName: A segment is empty, hidden, leads elsewhere, is reserved or cannot be a folder.
        InvalidValue: `prefix` is not a string.
    """
    if not isinstance(prefix, str):
        from ..errors import InvalidValue

        raise InvalidValue(
            f"A {what} must be a string such as 'alice/vision/resnet50', not {prefix!r}."
        )
    _no_control(prefix, f"The {what}")
    prefix = unicodedata.normalize("NFC", prefix)
    if prefix.startswith("/"):
        raise InvalidName(
            f"The {what} {prefix!r} is absolute, but prefixes are relative to the store's root. "
            "Leave out the leading '/' (root= or ANEW_ROOT chooses another root).",
            name=prefix,
        )
    segments = prefix.split("/")
    for segment in segments:
        _check_segment(segment, prefix, what)
    if len(prefix.encode()) > MAX_PREFIX_BYTES:
        raise InvalidName(f"The {what} is longer than {MAX_PREFIX_BYTES} bytes.", name=prefix)
    if segments[0] in ROOT_RESERVED or segments[0].startswith("experiments.db-"):
        raise InvalidName(
            f"The {what} {prefix!r} starts with {segments[0]!r}, which is reserved for the "
            "store. Choose another first segment.",
            name=prefix,
        )
    return prefix


def check_file_name(path: str) -> str:
    """A relative path inside an experiment's files, checked like a prefix.

    Raises:
        InvalidName: As `check_prefix`.
    """
    return check_prefix(path, what="file path")


def folder_name(name: str) -> str:
    """`name` as a folder name: characters that a folder name cannot contain become dashes."""
    text = unicodedata.normalize("NFC", name)
    kept = "".join(
        "-"
        if c in _FORBIDDEN or c == "/" or c in _TURNED or unicodedata.category(c) in ("Cc", "Cs")
        else c
        for c in text
    )
    kept = _trimmed(_trimmed(kept)[:80])
    if len(kept.encode()) > MAX_FOLDER_BYTES:
        kept = _trimmed(kept.encode()[:MAX_FOLDER_BYTES].decode("utf-8", "ignore"))
    if _is_device(kept):
        stem, dot, rest = kept.partition(".")
        kept = f"{stem.rstrip()}_{dot}{rest}"
    return unicodedata.normalize("NFC", kept) or "experiment"


def numbered(prefix: str, number: int) -> str:
    """The prefix of the experiment of that number, of those opened under one prefix: `a/b`, `a/b~2`, `a/b~3` …"""
    return prefix if number == 1 else f"{prefix}~{number}"


def split_number(prefix: str) -> tuple[str, int]:
    """The inverse of `numbered`; `a/b~1` is `a/b` too. The number is 0 where the prefix has none."""
    start, mark, digits = prefix.rpartition("~")
    is_number = digits.isascii() and digits.isdigit() and digits[0] != "0" and len(digits) < 10
    if mark and is_number and start and not start.endswith("/"):
        return start, int(digits)
    return prefix, 0


def _trimmed(text: str) -> str:
    """Without spaces of any kind, dots and dashes at its ends."""
    while text != (text := text.strip().strip(".-")):
        pass
    return text


def check_label(text: object, what: str) -> str:
    """A name, tag or bindr: a short line of visible text.

    Raises:
        InvalidName: It is empty, too long or holds control characters.
    """
    if not isinstance(text, str) or not text.strip():
        raise InvalidName(
            f"A {what} must be a string of at least one character, not {text!r}.", name=text
        )
    if len(text) > MAX_LABEL:
        raise InvalidName(
            f"The {what} {text[:40]!r}... is longer than {MAX_LABEL} characters.", name=text
        )
    _no_control(text, f"The {what}")
    return text


def check_metric_name(name: object) -> str:
    """A metric's name: any visible text, slashes included.

    Raises:
        InvalidName: It is not a string, is empty, too long or holds control characters.
    """
    if not isinstance(name, str):
        raise InvalidName(
            f"A metric's name must be a string, not {name!r} ({type(name).__name__}).", name=name
        )
    if not name or name != name.strip():
        raise InvalidName(
            f"The metric name {name!r} is empty, or begins or ends with a space.", name=name
        )
    if len(name) > MAX_METRIC_NAME:
        raise InvalidName(
            f"The metric name {name[:40]!r}... is longer than {MAX_METRIC_NAME} characters.",
            name=name,
        )
    _no_control(name, "The metric name")
    return name
