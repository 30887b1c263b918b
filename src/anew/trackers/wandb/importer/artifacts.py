"""The artifacts of a run whose files W&B has not uploaded yet, or keeps in its cache: out of its folders on this machine."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ....importing.folders import opening
from ....importing.foreign import open_plain, resolved
from ....importing.protobuf import fields
from ....importing.source import Finding, SourceFile
from .records import strings, text_of, tree

__all__ = ["Artifact", "Entry", "artifact_of", "files_of", "has_md5", "md5_of"]

_BLOCK = 1 << 20
_STAGING = ("artifacts", "staging")
_MADE_BY_TABLES = "run_table"  # the table lies among the run's files too


class Entry(NamedTuple):
    """A file of an artifact: its name, its MD5 in base 64, the address of one that W&B does not hold, and where it was put."""

    path: str
    digest: str
    ref: str
    local: str


class Artifact(NamedTuple):
    """An artifact that a run logged: what is kept of it, its files, and where its record stands."""

    facts: Mapping[str, Any]
    entries: Sequence[Entry]
    is_listed_elsewhere: bool
    log: str


def artifact_of(body: bytes, log: str) -> Artifact:
    """What a record says of an artifact.

    Raises:
        ValueError: It is no record.
    """
    found = tree(body)
    entries: list[Entry] = []
    elsewhere = False
    for manifest in found.get(12, []):
        if not isinstance(manifest, bytes):
            continue
        for number, value in fields(manifest):
            if number == 4 and isinstance(value, bytes):
                entry = tree(value)
                entries.append(Entry(*(text_of(entry, at) for at in (1, 2, 3, 6))))
            elif number == 5 and value:
                elsewhere = True
    facts: dict[str, Any] = {
        "name": text_of(found, 5), "type": text_of(found, 4), "digest": text_of(found, 6), "description": text_of(found, 7),
        "aliases": strings(found, 11), "tags": strings(found, 19), "metadata": _json(text_of(found, 8)),
        "references": {one.path: one.ref for one in entries if one.ref},
    }  # fmt: skip
    return Artifact(
        {name: value for name, value in facts.items() if value}, entries, elsewhere, log
    )


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return text


def files_of(
    artifacts: Sequence[Artifact], run: str, places: Sequence[str], findings: list[Finding]
) -> Iterator[SourceFile]:
    """The files of a run's artifacts that are on this machine; what is not is said.

    A log may come from anybody and name any file. Taken is only what lies where W&B puts files for artifacts, and has the
    checksum that the log tells.

    Args:
        places: W&B's folders for caches.
    """
    seen: dict[str, set[str]] = {}
    for one in artifacts:
        name, digest = str(one.facts.get("name", "")), str(one.facts.get("digest", ""))
        versions = seen.setdefault(name, set())
        if one.facts.get("type") == _MADE_BY_TABLES or digest in versions:
            continue
        folder = f"artifacts/{name}" if not versions else f"artifacts/{name}@{digest[:8]}"
        versions.add(digest)
        missing = [] if not one.is_listed_elsewhere else ["a list of its files that lies elsewhere"]
        for entry in one.entries:
            if entry.ref:
                continue  # W&B has its address alone too, and it is kept
            path = _found(entry, places)
            if path is None:
                missing.append(entry.path)
            else:
                yield SourceFile(folder, entry.path, opening(path), time=os.path.getmtime(path))
        if missing:
            what = f"Of the artifact {name}, {len(missing):,} files are not on this machine, such as {missing[0]}."
            findings.append(Finding(one.log, what, True, run))


def _found(entry: Entry, places: Sequence[str]) -> str | None:
    """Where the content of an entry lies on this machine."""
    digest = md5_of(entry.digest)
    if digest is None:
        return None
    text = digest.hex()
    cached = [
        os.path.join(place, "artifacts", "obj", "md5", text[:2], text[2:]) for place in places
    ]
    staged = os.path.normpath(entry.local) if entry.local and "\0" not in entry.local else ""
    if tuple(staged.split(os.sep)[-3:-1]) == _STAGING:
        cached.insert(0, os.path.join(resolved(os.path.dirname(staged)), os.path.basename(staged)))
    return next((path for path in cached if has_md5(digest, path)), None)


def md5_of(text: Any) -> bytes | None:
    """The MD5 that W&B writes in base 64, or in hexadecimal digits; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        digest = bytes.fromhex(text) if len(text) == 32 else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == 16 else None


def has_md5(digest: bytes, path: str) -> bool:
    """Whether a plain file has a content with this MD5, which is W&B's checksum."""
    found = hashlib.md5(usedforsecurity=False)
    try:
        with open_plain(path) as file:
            while data := file.read(_BLOCK):
                found.update(data)
    except OSError:
        return False
    return found.digest() == digest
