"""Waiting for libraries that may block, but not for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["answer_within", "within"]

T = TypeVar("T")


def within(seconds: float, work: Callable[[], object]) -> bool:
    """Do something that may block in a thread of its own, and wait at most that long; whether it was done.

    Raises:
        BaseException: What `work` raised in that time.
    """
    return bool(_answers(seconds, work))


def answer_within(seconds: float, work: Callable[[], T], whose: str) -> T:
    """What `work` returns, if it does so in that time.

    Raises:
        TimeoutError: It did not; the message says whose answer was waited for.
        BaseException: What `work` raised.
    """
    answers = _answers(seconds, work)
    if not answers:
        raise TimeoutError(f"{whose} did not answer within {seconds:g} seconds.")
    return answers[0]


def _answers(seconds: float, work: Callable[[], T]) -> list[T]:
    """What `work` returned in that time: one, or none."""
    answers: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as error:  # noqa: BLE001  (raised again where it was asked for)
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    return list(answers)
