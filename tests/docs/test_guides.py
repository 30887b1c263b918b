"""The guides: what they show runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from .programs import DOCS, name_of, run_page

# They train with real frameworks, draw with matplotlib, make environments or start many programs, and take seconds.
SLOW = {
    "capture.md",
    "charts.md",
    "configuration.md",
    "dialects.md",
    "disk.md",
    "files-and-values.md",
    "find-and-compare.md",
    "forwarding.md",
    "from-wandb.md",
    "integrations.md",
    "leave.md",
    "logging.md",
    "many-processes.md",
    "notebooks.md",
    "programs.md",
    "reports.md",
    "reproduce.md",
    "resume.md",
    "sharing.md",
    "sweeps.md",
    "troubleshooting.md",
    "weights.md",
}
PAGES = [
    pytest.param(page, id=name_of(page), marks=[pytest.mark.slow] if page.name in SLOW else [])
    for page in sorted(DOCS.glob("guides/*.md"))
]


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs_from_top_to_bottom(page: Path, tmp_path: Path):
    run_page(page, tmp_path)
