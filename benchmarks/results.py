"""`RESULTS.md`: the newest rows of every group, with versions and machine.

Groups are kept one by one, so one can be measured again alone; ratios are always within one run of a group.
"""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .environments import peers
from .harness import CHECKOUT, Row, table

KEPT = CHECKOUT / ".benchmarks" / "rows.json"
RESULTS = Path(__file__).with_name("RESULTS.md")
LIBRARIES = [
    "anew",
    "orjson",
    "msgspec",
    "numpy",
    "pyarrow",
    "duckdb",
    "pandas",
    "pyyaml",
]


@dataclass
class Group:
    """One group's rows, and when and how they were measured. `load` is what else kept the cores busy."""

    name: str
    rows: list[Row] = field(default_factory=list)
    load: float = 0.0
    seconds: float = 0.0
    failed: bool = False
    when: str = field(default_factory=lambda: time.strftime("%Y-%m-%d %H:%M", time.gmtime()))


def save(group: Group) -> None:
    """Keep a group's rows and write the page again."""
    from .__main__ import GROUPS

    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    kept[group.name] = asdict(group)
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(kept, indent=1))
    groups = [
        Group(**{**kept[name], "rows": [Row(**row) for row in kept[name]["rows"]]})
        for name in GROUPS
        if name in kept
    ]
    RESULTS.write_text(page(groups))


def page(groups: list[Group]) -> str:
    """The page as Markdown."""
    rows = [row for group in groups for row in group.rows]
    judged = [row for row in rows if row.reached is not None]
    measured = "\n".join(
        f"| {group.name} | {group.when} | {group.seconds:.0f} s | {group.load:.1f} |"
        for group in groups
    )
    compared = ", ".join(what.replace("==", " ") for pins in peers().values() for what in pins)
    return f"""# Results

Written by `make bench`; what each row means is said at the top of its group's file in this folder.
{sum(bool(row.reached) for row in judged)} of {len(judged)} targets reached.

{table(rows)}

Times are medians; a ratio is the median of the ratios of paired rounds.

## Machine and versions

{machine()}. {libraries()}. Compared with {compared}.

| group | measured (UTC) | took | load before it |
|---|---|---|---|
{measured}
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
