"""What a source has and Anew has no place for: it is kept as it is beside the experiment, and said.

Fields of a document are kept with what is known of the import (`Run.kept`); records and rows of kinds that nobody knows become a file of the run.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO, cast

from .source import Finding, SourceFile

__all__ = ["delimited", "document", "kept_records", "line_of", "say_kept"]

_IN_MEMORY = 1 << 20
_MOST_NAMED = 5
FOLDER = "unplaced"

Records = Callable[[], Iterator[tuple[str, bytes]]]
"""The records that have no place, each with what it is called, as they are to stand in a file; the same each time."""


def document(
    found: Mapping[str, Any],
    placed: Collection[str],
    told: Collection[str],
    where: str,
    run: str,
    findings: list[Finding],
) -> dict[str, Any]:
    """What is kept of a document: all but what has a place. What is kept and not expected is said.

    Args:
        placed: The fields that come as something else.
        told: Those that are kept, as the guide says.
        where: The document, for people.
    """
    kept = {n: v for n, v in found.items() if n not in placed and v not in (None, "", [], {})}
    say_kept([name for name in kept if name not in told], where, run, findings)
    return kept


def say_kept(names: Collection[str], where: str, run: str, findings: list[Finding]) -> None:
    """Say which fields have no place."""
    if names:
        shown = ", ".join(sorted(map(str, names))[:_MOST_NAMED])
        more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
        what = f"There is no place for {shown:.300}{more}: it is kept as it is with the experiment."
        findings.append(Finding(where, what, False, run))


def kept_records(
    kind: str, where: str, run: str, findings: list[Finding], records: Records
) -> Iterator[SourceFile]:
    """Records that have no place, as a file for each name that they have.

    Args:
        kind: The kind of source, which the files are filed under.
    """
    counts = Counter(name for name, _ in records())
    for name, count in sorted(counts.items()):
        what = f"There is no place for {name!r:.100}: {count:,} are kept as they are, in {kind}/{FOLDER}/{name:.100}."
        findings.append(Finding(where, what, False, run))
        yield SourceFile(f"{kind}/{FOLDER}", name, partial(_opened, records, name))


def delimited(record: bytes) -> bytes:
    """A message of Protocol Buffers in a file of several: its length comes before it."""
    length, head = len(record), b""
    while length > 0x7F:
        head += bytes([length & 0x7F | 0x80])
        length >>= 7
    return head + bytes([length]) + record


def line_of(row: Mapping[str, Any]) -> bytes:
    """A row as a line of JSON; bytes in hexadecimal digits."""
    return json.dumps(row, ensure_ascii=False, default=_text).encode("utf-8", "replace") + b"\n"


def _text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _opened(records: Records, wanted: str) -> BinaryIO:
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  (it is given away)
    for name, data in records():
        if name == wanted:
            file.write(data)
    file.seek(0)
    return cast("BinaryIO", file)
