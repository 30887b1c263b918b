"""The page of a reproduction: the verdict, what it rests on, each metric, the command."""

from __future__ import annotations

import re

import pytest


@pytest.mark.parametrize("asked", ["first", "again"])
def test_a_run_again_is_judged_metric_by_metric(pages, opened, asked):
    made, ids = pages
    page = opened(made, f"x/{ids[asked]}/reproduction")
    assert page.locator("h1 .verdict").inner_text() == "DIVERGED"
    row = page.get_by_role("button", name="loss")
    assert "from step 40 on" in row.inner_text()
    page.get_by_role("img", name="Difference of loss").wait_for()  # the first one to part is open
    assert "IDENTICAL" in page.get_by_role("button", name=re.compile("^acc ")).inner_text()
    assert page.get_by_text(f"anew reproduce {ids['first'][:8]}").count() == 1
    evidence = page.locator("dl").first.inner_text()
    assert "seed" in evidence
    assert "unknown" in evidence


def test_the_badge_says_the_verdict(pages, opened):
    made, ids = pages
    page = opened(made, f"x/{ids['first']}/reproduction")
    with page.expect_download() as download:
        page.get_by_role("button", name="Badge").click()
    assert ">diverged<" in download.value.path().read_text()


def test_one_that_was_never_run_again_says_what_to_type(pages, opened):
    made, ids = pages
    page = opened(made, f"x/{ids['second']}/reproduction")
    page.get_by_role("heading", name="was not run again yet").wait_for()
    assert page.get_by_text(f"anew reproduce {ids['second'][:8]}").count() == 1
