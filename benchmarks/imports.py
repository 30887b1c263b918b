"""`import anew` beside the seven standard modules that any such library needs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from .harness import Bench, Row, at_most, duration, medians

BESIDE = "json, dataclasses, pathlib, threading, datetime, enum, typing"
HEAVY = [
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "sqlalchemy",
    "sqlite3",
    "http.client",
    "httpx",
    "requests",
    "urllib3",
    "aiohttp",
    "rich",
    "matplotlib",
    "torch",
    "msgspec",
    "psutil",
    "yaml",
    "click",
]


def run(bench: Bench) -> Iterator[Row]:
    """Seconds of the import statement in a new interpreter, and what it loaded."""
    taken = []
    for number in range(bench.size(31, 2)):
        if number % 2:
            ours, beside = import_seconds("anew"), import_seconds(BESIDE)
        else:
            beside, ours = import_seconds(BESIDE), import_seconds("anew")
        taken.append((ours, beside))
    ours, beside, ratio = medians(taken[1:])
    yield Row("import anew", duration(ours), f"{duration(beside)} (7 modules)", *at_most(ratio, 3))
    loaded = _said(f"import sys, anew; print(*(m for m in {HEAVY!r} if m in sys.modules))")
    yield Row("heavy modules it loads", loaded or "none", "", "", "none", not loaded)


def import_seconds(modules: str) -> float:
    """Seconds that importing these takes in an interpreter that has just started."""
    return float(
        _said(
            "from time import perf_counter as now; start = now(); "
            f"import {modules}; print(now() - start)"
        )
    )


def _said(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
