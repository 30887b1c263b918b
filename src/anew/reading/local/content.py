"""Bytes of what an experiment keeps, and never of anything else."""

from __future__ import annotations

import errno

from ...errors import CorruptData, NotFound
from ...journal.storage import Storage
from ...query.content import Content, ContentQuestion
from ..files import inside

__all__ = ["read_content"]

_CAPTURES = "environment"
_MOST = 64 << 20
"""Bytes in one answer; a longer range takes several questions."""


def read_content(storage: Storage, question: ContentQuestion) -> Content:
    """The answer to a question about the experiment with these files.

    Raises:
        NotFound: The file is gone.
        CorruptData: It is not one of the experiment's.
    """
    name = f"{_CAPTURES}/{question.name}" if question.kind == "capture" else question.name
    inside("", name, question.id)  # which refuses what leads elsewhere
    start = max(0, question.start)
    length = _MOST if question.length is None else min(_MOST, max(0, question.length))
    try:
        found = storage.fetch(name, start, length)
    except FileNotFoundError:
        raise NotFound(
            f"The file {question.name!r} of {question.id} is no longer there.",
            name=question.name,
        ) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise CorruptData(
                f"{question.name!r} of {question.id} is a symbolic link that leads out of its folder. It was not "
                "opened.",
                path=question.name,
            ) from None
        if error.errno == errno.EINVAL:
            raise NotFound(
                f"{question.name!r} of {question.id} is not a file.", name=question.name
            ) from None
        raise
    return Content(found.data, start, found.size)
