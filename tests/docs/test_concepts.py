"""The pages that explain and specify: what they show runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from .programs import DOCS, name_of, run_page

PAGES = [
    *sorted(DOCS.glob("concepts/*.md")),
    DOCS / "internals" / "format.md",
    DOCS / "reference" / "filter-language.md",
]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_code_of_a_page_runs_from_top_to_bottom(page: Path, tmp_path: Path):
    run_page(page, tmp_path)
