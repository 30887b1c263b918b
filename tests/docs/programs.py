"""Running the code of a page as its reader would, from top to bottom. The pages are spread over files by their room."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"


def name_of(page: Path) -> str:
    """What a page is called in the name of its test."""
    return str(page.relative_to(REPOSITORY))


def run_page(page: Path, folder: Path) -> None:
    """Run a page in a folder, every warning an error.

    Raises:
        AssertionError: It ended with another status than 0.
    """
    bare = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("ANEW_", "SLURM_")) or k == "ANEW_KEEP_COMMITS"
    }
    bin_folder = str(Path(sys.executable).parent)
    environment = bare | {
        "PATH": os.pathsep.join([bin_folder, bare.get("PATH", "")]),
        "HOME": str(folder / "home"),
        "MPLBACKEND": "agg",
        "COLUMNS": "120",
        "ANEW_FORWARD_WAIT": "300",  # the end of an experiment waits until all has arrived
    }
    work = folder / "work"
    work.mkdir()
    (work / "examples").symlink_to(REPOSITORY / "examples")  # what README runs
    (folder / "home").mkdir()
    result = subprocess.run(
        [sys.executable, "-W", "error", REPOSITORY / "tests" / "pages.py", page],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-6000:]
