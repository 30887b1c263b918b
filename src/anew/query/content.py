"""The question for bytes: of a logged file, a value, a capture or a file of the experiment's own."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Content", "ContentQuestion"]


class ContentQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A range of the bytes of something that an experiment keeps.

    Attributes:
        id: The experiment.
        kind: "file" is a logged file, "value" a logged value that has a file, "capture" something that was
            captured of the run, such as `git.patch`.
        name: Which: the path that `FileFact` or `ValueFact` gives, or the name of the capture.
        start: The first byte.
        length: At most this many bytes; up to the end if None. An answer may be shorter.
    """

    id: str
    kind: Literal["file", "value", "capture"]
    name: str
    start: int = 0
    length: int | None = None


class Content(msgspec.Struct, frozen=True):
    """The answer: the bytes from `start` on, and how many there are in all."""

    data: bytes
    start: int
    size: int
