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


def ratio_of(
    count: int, ours: Callable[[], Any], floor: Callable[[], Any]
) -> tuple[float, float, float]:
    """Median seconds of both, and the median over the rounds of ours divided by the floor."""
    pairs = [(timed(floor), timed(ours)) for _ in range(count)]
    return (
        statistics.median(pair[1] for pair in pairs),
        statistics.median(pair[0] for pair in pairs),
        statistics.median(pair[1] / pair[0] for pair in pairs),
    )


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
