"""Waiting for libraries that may block, but not for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["within"]


def within(seconds: float, work: Callable[[], object]) -> bool:
    """Do something that may block in a thread of its own, and wait at most that long; whether it was done.

    Raises:
        BaseException: What `work` raised in that time.
    """
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (raised again where it was asked for)
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    return not thread.is_alive()
