"""What experiments were set to, out of their documents."""

from __future__ import annotations

from typing import Any

import msgspec

from ....record.packed import Unpacker
from ....record.plain import flatten, from_plain

__all__ = ["Document", "decoded", "value_of"]

_ABSENT: Any = object()


class Document(msgspec.Struct):
    """The part of an ExperimentState that columns are made of."""

    params: dict[str, Any] = {}
    config: dict[str, Any] | None = None
    tags: dict[str, str | None] = {}
    bindrs: list[str] = []


_documents = Unpacker(Document)


def decoded(state: bytes) -> Document:
    """The part of a state that is needed here."""
    return _documents.decode(state)


def value_of(one: Document, kind: str, name: str) -> Any:
    """The value of a "param" or a "config" key, or of whichever it is ("either"); None if there is none."""
    for own, nested in (("param", one.params), ("config", one.config or {})):
        if kind not in (own, "either"):
            continue
        value = nested.get(name, _ABSENT)
        if isinstance(value, dict) or value is _ABSENT:
            value = flatten(nested).get(name, _ABSENT)
        if value is not _ABSENT:
            return from_plain(value)
    return None
