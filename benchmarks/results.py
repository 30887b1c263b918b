"""`RESULTS.md`: a section for each group, with its rows, when they were measured and on what.

A group is measured again alone, and its section takes the place of the one from its last run: the file keeps the others.
Ratios are always within one run of a group.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .environments import peers
from .harness import Row, table

RESULTS = Path(__file__).with_name("RESULTS.md")
LIBRARIES = ["orjson", "msgspec", "numpy", "pyarrow", "duckdb", "pandas", "pyyaml"]
_HEADING = "\n## "


@dataclass
class Group:
    """One group's rows, and when and how they were measured. `load` is what else kept the cores busy."""

    name: str
    rows: list[Row] = field(default_factory=list)
    load: float = 0.0
    seconds: float = 0.0
    failed: bool = False
    when: str = field(default_factory=lambda: time.strftime("%Y-%m-%d %H:%M", time.gmtime()))


def save(group: Group, place: Path = RESULTS) -> None:
    """Put a group's section into the page, in place of the one from its last run."""
    from .__main__ import GROUPS

    kept = sections(place.read_text()) if place.exists() else {}
    kept[group.name] = section(group)
    place.write_text(page({name: kept[name] for name in GROUPS if name in kept}))


def sections(text: str) -> dict[str, str]:
    """The sections of a page, by the names of their groups."""
    found = {}
    for part in text.split(_HEADING)[1:]:
        name, _, body = part.partition("\n")
        found[name] = body.strip()
    return found


def section(group: Group) -> str:
    """What the page says of a group."""
    how = (
        f"{group.when} UTC, in {group.seconds:.0f} s at a load of {group.load:.1f} before it, on {machine()}.\n"
        f"{libraries()}."
    )
    return f"{how}\n\n{table(group.rows)}"


def page(kept: Mapping[str, str]) -> str:
    """The page as Markdown."""
    rows = [line for body in kept.values() for line in body.splitlines() if line.startswith("|")]
    reached = [row.rstrip(" |").rpartition("|")[2].strip() for row in rows]
    yes, no = reached.count("yes"), reached.count("**no**")
    compared = ", ".join(what.replace("==", " ") for pins in peers().values() for what in pins)
    body = "\n\n".join(f"## {name}\n\n{text}" for name, text in kept.items())
    return f"""# Results

Written by `make bench`, and of a group by `python -m benchmarks GROUP`; what each row means is said at the top of its group's file in
this folder. {yes} of {yes + no} targets reached.

Times are medians; a ratio is the median of the ratios of paired rounds. Compared with {compared}.

{body}
"""


def machine() -> str:
    """Processor, memory and interpreter."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    return (
        f"{platform.system()} {platform.release().split('-')[0]}, {_processor()}, "
        f"{os.cpu_count()} cores, {memory:.0f} GB of memory, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def libraries() -> str:
    """The libraries that take part, with their versions."""
    found = []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
