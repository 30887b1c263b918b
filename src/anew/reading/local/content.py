"""Bytes of what an experiment keeps, out of its folder and never from anywhere else."""

from __future__ import annotations

import os
import stat

from ...errors import CorruptData, NotFound
from ...journal.layout import is_missing
from ...query.content import Content, ContentQuestion
from ..files import inside

__all__ = ["read_content"]

_CAPTURES = "environment"
_MOST = 64 << 20
"""Bytes in one answer; a longer range takes several questions."""


def read_content(folder: str, question: ContentQuestion) -> Content:
    """The answer to a question about the experiment in a folder.

    Raises:
        NotFound: The file is gone.
        CorruptData: The file does not lie in the experiment's folder.
    """
    name = f"{_CAPTURES}/{question.name}" if question.kind == "capture" else question.name
    path = inside(folder, name, question.id)
    real = os.path.realpath(path)
    if os.path.commonpath([real, os.path.realpath(folder)]) != os.path.realpath(folder):
        raise CorruptData(
            f"{question.name!r} of {question.id} is a symbolic link that leads out of its folder. It was not opened.",
            path=question.name,
        )
    try:
        fd = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if not is_missing(error, real):
            raise
        raise NotFound(
            f"The file {question.name!r} of {question.id} is no longer there.",
            name=question.name,
        ) from None
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise NotFound(f"{question.name!r} of {question.id} is not a file.", name=question.name)
        start = max(0, question.start)
        length = _MOST if question.length is None else min(_MOST, max(0, question.length))
        pieces = []
        at, left = start, length
        while left > 0 and (piece := os.pread(fd, left, at)):
            pieces.append(piece)
            at, left = at + len(piece), left - len(piece)
        return Content(b"".join(pieces), start, found.st_size)
    finally:
        os.close(fd)
