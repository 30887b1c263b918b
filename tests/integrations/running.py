"""Running an example as its reader would, and the store it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from anew import Store

REPOSITORY = Path(__file__).resolve().parents[2]


def run_example(
    name: str, folder: Path, *arguments: str, strict: bool = True, but: str = ""
) -> Store:
    """Run `examples/<name>.py` in a folder, every warning an error if `strict`; the store it wrote.

    Warnings that begin with `but` are a framework's own.
    """
    bare = {
        k: v for k, v in os.environ.items() if not k.startswith("ANEW_") or k == "ANEW_KEEP_COMMITS"
    }
    result = subprocess.run(
        [
            sys.executable,
            *(("-W", "error") if strict else ()),
            *(("-W", f"ignore:{but}") if but else ()),
            REPOSITORY / "examples" / f"{name}.py",
            *arguments,
        ],
        cwd=folder,
        env=bare | {"MPLBACKEND": "agg", "ANEW_SYSTEM_METRICS": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-6000:]
    return Store(str(folder / "experiments"))
