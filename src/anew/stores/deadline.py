"""The time that one question may take: set where it comes in, asked wherever much is read.

A thread that works for the same question sees it if it was started with a copy of the context, as `asyncio.to_thread` does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..errors import TookTooLong

__all__ = ["check_time", "seconds_left", "unlimited", "within"]

_until: ContextVar[tuple[float, float] | None] = ContextVar("until", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let what is asked in this block take so many seconds, and no longer than an outer block allows."""
    outer = _until.get()
    mine = time.monotonic() + seconds, seconds
    token = _until.set(mine if outer is None else min(mine, outer))
    try:
        yield
    finally:
        _until.reset(token)


@contextmanager
def unlimited() -> Iterator[None]:
    """Let what is done in this block take as long as it takes: work that others need as well, such as the index."""
    token = _until.set(None)
    try:
        yield
    finally:
        _until.reset(token)


def seconds_left() -> float | None:
    """How long the question may still take; None for as long as it takes."""
    until = _until.get()
    return None if until is None else max(0.0, until[0] - time.monotonic())


def check_time() -> None:
    """See that the question has time left.

    Raises:
        TookTooLong: It has none.
    """
    until = _until.get()
    if until is not None and time.monotonic() > until[0]:
        raise TookTooLong(
            f"The question took longer than {until[1]:g} seconds, and was ended. Ask for fewer experiments, metrics or points."
        )
