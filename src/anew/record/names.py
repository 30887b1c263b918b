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
    "check_prefix",
    "folder_name",
    "metric_name",
    "natural",
    "numbered",
    "split_number",
    "stored_path",
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
        "artifacts",
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
        if _cannot_be_shown(char):
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
    if any(segment.casefold() == "journal" for segment in segments):
        raise InvalidName(
            f"The {what} {prefix!r} has the segment 'journal', which would make the folder around it look like an "
            "experiment. Choose another name for that segment.",
            name=prefix,
        )
    if segments[0] in ROOT_RESERVED or segments[0].startswith("experiments.db-"):
        raise InvalidName(
            f"The {what} {prefix!r} starts with {segments[0]!r}, which is reserved for the "
            "store. Choose another first segment.",
            name=prefix,
        )
    return prefix


def check_file_name(path: object) -> str:
    """The name of a file that a program keeps: a relative path, otherwise as it is (hidden, with a colon, …).

    Raises:
        InvalidName: It is no text, empty, absolute, or leads outside.
    """
    reason = None
    if not isinstance(path, str) or not path:
        reason = "is empty or no text"
    elif path.startswith("/"):
        reason = "is absolute"
    elif "\0" in path:
        reason = "contains the character U+0000"
    elif any(segment in (".", "..") for segment in path.split("/")):
        reason = "has the segment '.' or '..', which could leave its folder"
    elif not all(path.split("/")):
        reason = "has an empty segment"
    if reason is not None:
        raise InvalidName(
            f"The file name {path!r} {reason}. Give a relative path of names separated by '/'.",
            name=path,
        )
    return path  # type: ignore[return-value]  # a text, or it was refused


def stored_path(name: str) -> str:
    """Where a file of that name is stored: the same path where every file system can hold it.

    In a segment that some system cannot hold (`10:00:00.log`, `aux.pt`, a trailing dot), the characters in question
    are percent-encoded. A segment that is too long is shortened, and of a path that is too long only the last
    segment is left: the record keeps the whole name.
    """
    segments = [_stored_segment(segment) for segment in name.split("/")]
    whole = "/".join(segments)
    return whole if len(whole.encode()) <= MAX_PREFIX_BYTES else segments[-1]


def _stored_segment(segment: str) -> str:
    normal = unicodedata.normalize("NFC", segment) == segment
    last = len(segment) - 1
    device = _is_device(segment)
    kept = "".join(
        "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
        if char in _FORBIDDEN
        or char in _TURNED
        or unicodedata.category(char) in ("Cc", "Cs")
        or (ord(char) > 127 and not normal)
        or (at == last and char == ".")
        or (at in (0, last) and char.isspace())
        or (at == 0 and device)
        else char
        for at, char in enumerate(segment)
    )
    if len(kept.encode()) <= MAX_SEGMENT_BYTES:
        return kept
    stem, dot, ending = kept.rpartition(".")
    if not stem or len(ending.encode()) > 40:
        stem, dot, ending = kept, "", ""
    room = MAX_SEGMENT_BYTES - len((dot + ending).encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + dot + ending


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


def natural(text: str, digits: int = 11) -> int | None:
    """The number that `text` writes in at most so many ASCII digits; None if it is anything else.

    `str.isdigit` is true of "²" too, which `int` refuses, and of "٣", which it reads; and a name of a file holds
    numbers that no column of a database does.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def numbered(prefix: str, number: int) -> str:
    """The prefix of the experiment of that number, of those opened under one prefix: `a/b`, `a/b~2`, `a/b~3` …"""
    return prefix if number == 1 else f"{prefix}~{number}"


def split_number(prefix: str) -> tuple[str, int]:
    """The inverse of `numbered`; `a/b~1` is `a/b` too. The number is 0 where the prefix has none."""
    start, mark, digits = prefix.rpartition("~")
    number = natural(digits, 9)
    if mark and number and digits[0] != "0" and start and not start.endswith("/"):
        return start, number
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


def metric_name(name: object) -> str:
    """A metric's name as it is kept: any text, slashes and spaces included.

    Names come out of data (the classes of a data set), so one that cannot be shown does not stop a training:
    characters that cannot be displayed are escaped, and a name that is too long is shortened.

    Raises:
        InvalidName: It is not a text, or is empty.
    """
    if not isinstance(name, str) or not name:
        raise InvalidName(
            f"A metric's name must be a string and cannot be empty, but it is {name!r}.", name=name
        )
    if not name.isprintable():
        name = "".join(_escaped(c) if _cannot_be_shown(c) else c for c in name)
    if len(name) > MAX_METRIC_NAME:
        from zlib import crc32

        name = f"{name[: MAX_METRIC_NAME - 9]}~{crc32(name.encode()):08x}"
    return name


def _cannot_be_shown(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs") or char in _TURNED


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()
