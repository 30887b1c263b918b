"""README and the first pages: what they show runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from .programs import DOCS, REPOSITORY, name_of, run_page

SLOW = {"README.md", "tour.md"}  # run every example, or train with PyTorch
PAGES = [
    pytest.param(page, id=name_of(page), marks=[pytest.mark.slow] if page.name in SLOW else [])
    for page in (REPOSITORY / "README.md", DOCS / "index.md", *sorted(DOCS.glob("start/*.md")))
]


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs_from_top_to_bottom(page: Path, tmp_path: Path):
    run_page(page, tmp_path)
