"""What a base install weighs, and how long a list of a thousand experiments takes, beside starting Python."""

from __future__ import annotations

import importlib.metadata as metadata
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

from .harness import CHECKOUT, Bench, Row, duration, medians, times
from .synthetic import one_metric, write_experiment


def run(bench: Bench) -> Iterator[Row]:
    """Megabytes of the base and all it needs; seconds of `anew list`."""
    weight = sum(_bytes(name) for name in sorted(_needed("anew"))) / 1e6
    yield Row(
        "base install, with all it needs", f"{weight:.0f} MB", "", "", "≤ 250 MB", weight <= 250
    )
    count = bench.size(1_000, 20)
    with bench.folder("light") as root:
        for number in range(count):
            prefix = f"team/list/run-{number:04}"
            write_experiment(root, prefix, one_metric("loss", 10), params={"lr": number / count})
        ours = [sys.executable, "-m", "anew", "--root", str(root), "list"]
        floor = [sys.executable, "-c", "import click, msgspec, rich.table, sqlite3"]
        _seconds(ours)  # which makes the index
        taken = [(_seconds(ours), _seconds(floor)) for _ in range(bench.size(9, 2))]
        took, beside, ratio = medians(taken)
        label = f"{duration(beside)} (importing click, rich, msgspec, sqlite3)"
        what = f"`anew list` of {count:,} experiments"
        yield Row(what, duration(took), label, times(ratio), "≤ 350 ms", took <= 0.35)


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    # As installed: with bytecode, which a checkout that must write none would compile anew each time.
    subprocess.run(
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
    )
    return time.perf_counter() - began


def _needed(name: str) -> set[str]:
    """A distribution and all that it requires without extras, by name."""
    from packaging.requirements import Requirement

    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop().lower().replace("_", "-")
        if one in found:
            continue
        found.add(one)
        for line in _requirements(one):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def _requirements(name: str) -> list[str]:
    """What a distribution requires; of ours, what this checkout says."""
    if name == "anew":
        project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
        required: list[str] = project["dependencies"]
        return required
    return metadata.requires(name) or []


def _bytes(name: str) -> int:
    """What the files of a distribution take; of an editable install, its source."""
    if name == "anew":
        import anew

        folder = Path(anew.__file__).parent
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    files = metadata.files(name) or ()
    paths = (os.path.realpath(str(file.locate())) for file in files)
    return sum(os.path.getsize(path) for path in paths if os.path.exists(path))
