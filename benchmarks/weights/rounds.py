"""Rows of the table, paired rounds, and the numbers that stand for weights."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Row:
    """One line: what was measured, ours, what stands beside it, the target, and whether it was met."""

    what: str
    ours: str
    beside: str = ""
    target: str = ""
    reached: bool | None = None


def timed(call: Callable[[], Any]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def rounds(count: int, *calls: Callable[[], Any]) -> list[float]:
    """The median seconds of each call over rounds in which each is called once, one after the other."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(count):
        for seconds, call in zip(taken, calls, strict=True):
            seconds.append(timed(call))
    return [statistics.median(seconds) for seconds in taken]


@dataclass(frozen=True)
class Ratio:
    """Ours and the floor over rounds: median seconds of each, and median ratios of time and of CPU time."""

    ours: float
    floor: float
    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} ×, CPU time {self.cpu:.2f} ×"


def ratio_of(count: int, ours: Callable[[], Any], floor: Callable[[], Any]) -> Ratio:
    """Both in rounds of one call each. The CPU time says what a machine without other work would show."""
    seen = []
    for _ in range(count):
        start = time.process_time()
        beside = timed(floor)
        middle = time.process_time()
        mine = timed(ours)
        seen.append(
            (mine, beside, mine / beside, (time.process_time() - middle) / (middle - start))
        )
    return Ratio(*(statistics.median(column) for column in zip(*seen, strict=True)))


def fresh(count: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """float32 numbers distributed like a trained layer's."""
    return (np.random.default_rng(seed).standard_normal(count, dtype=np.float32) * 0.02).astype(
        np.float32
    )


def moved(array: np.ndarray[Any, Any], by: float, seed: int = 1) -> np.ndarray[Any, Any]:
    """The array after a relative change of that size."""
    noise = np.random.default_rng(seed).standard_normal(array.size, dtype=np.float32)
    return (array.astype(np.float32) * (1 + np.float32(by) * noise)).astype(array.dtype)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum((Path(d) / f).stat().st_size for d, _, files in os.walk(path) for f in files)


def rate(nbytes: int, seconds: float) -> str:
    """Gigabytes a second."""
    return f"{nbytes / seconds / 1e9:.2f} GB/s"


def megabytes(nbytes: float) -> str:
    """Megabytes."""
    return f"{nbytes / 1e6:,.1f} MB"


def milliseconds(seconds: float) -> str:
    """Milliseconds."""
    return f"{seconds * 1e3:,.1f} ms"
