"""What results say, drawn and reckoned: the tab of analysis in a browser, its numbers held against numpy's and against those of Python."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import expect

from anew import Store

from .roots import RATES, SEEDS, STEPS, WIDTHS, loss
from .test_access_of_pages import faults

TAB = "?tab=analysis"
ALL = len(RATES) * len(WIDTHS) * len(SEEDS)


def said(page):
    return page.locator('section[aria-label="Analysis"] [role=status]')


def test_experiments_are_dots_that_are_marked_kept_and_opened(grid, opened):
    page = opened(grid, TAB)
    expect(said(page)).to_contain_text(f"{ALL} experiments · each drawn")
    page.get_by_label("across").select_option("params.lr")
    expect(page.get_by_label("log").first).to_be_checked()  # it spans two decades
    box = page.locator(".drawing").bounding_box()
    # The left half has the smallest rate.
    page.mouse.move(box["x"] + 70, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] - 30, steps=3)
    page.mouse.up()
    per_rate = ALL // len(RATES)
    expect(said(page)).to_contain_text(f"{per_rate} marked")
    page.get_by_role("button", name="Keep these only").click()
    expect(said(page)).to_contain_text(f"{per_rate} experiments")
    page.wait_for_url("**q=params.lr**")
    # The dots are found by the pointer, and lead to their pages.
    for share in np.linspace(0.05, 0.95, 40):
        page.mouse.move(box["x"] + box["width"] * 0.53, box["y"] + box["height"] * share)
        if page.locator(".tip").count():
            break
    page.locator(".tip b", has_text=re.compile("^lr0.003-")).wait_for()
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url("**/x/**")


def test_what_no_other_experiment_beats_stands_out_and_is_selected(grid, opened):
    page = opened(grid, f"{TAB}&setting=created_at&result=metrics.train/loss.min")
    expect(said(page)).to_contain_text(f"{ALL} experiments")
    page.get_by_label("front").select_option("low-low")
    best = np.inf
    improved = []
    for rate in RATES:
        for width in WIDTHS:
            for seed in SEEDS:
                low = min(loss(rate, width, seed, step) for step in range(STEPS))
                if low < best:
                    best = low
                    improved.append(f"lr{rate}-w{width}-s{seed}")
    assert 1 < len(improved) < ALL
    expect(said(page)).to_contain_text(
        f"front of {len(improved)}: best so far, low train/loss (min)"
    )
    page.get_by_role("button", name=f"Select these {len(improved)}").click()
    page.wait_for_url("**selected=**")
    ids = parse_qs(urlsplit(page.url).query)["selected"][0].split(",")
    with Store(str(grid.root)) as store:
        assert {store.get(one).name for one in ids} == set(improved)
    page.get_by_label("across").select_option("params.lr")
    expect(page.get_by_label("front").locator("option:checked")).to_have_text(
        "low lr, low train/loss (min)"
    )
    page.reload()
    expect(said(page)).to_contain_text("front of ")
    page.get_by_label("across").select_option("status")  # texts
    expect(page.get_by_label("front")).to_have_count(0)
    expect(said(page)).to_contain_text("no front of texts")


def test_a_part_of_an_axis_is_marked_by_keys_and_axes_change_places(grid, opened):
    page = opened(grid, f"{TAB}&plot=parallel&axes=params.lr,params.width,metrics.val/acc.max")
    expect(said(page)).to_contain_text(f"{ALL} experiments")
    head = page.get_by_role("button", name="Mark a part of width")
    head.focus()
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    expect(said(page)).to_contain_text(f"{ALL * 2 // 3} marked")
    page.get_by_role("button", name="Move width left").click()
    page.wait_for_url("**axes=params.width,params.lr,**")
    expect(said(page)).to_contain_text("marked")
    page.get_by_role("button", name="Keep these only").click()
    expect(said(page)).to_contain_text(f"{ALL * 2 // 3} experiments")
    page.keyboard.press("Escape")


def test_boxes_have_the_quantiles_of_numpy(grid, opened):
    page = opened(grid, f"{TAB}&plot=boxes&result=metrics.train/loss.last&setting=params.lr")
    page.get_by_text("as numbers").click()
    page.get_by_role("row", name="0.03").wait_for()
    rows = page.locator("details tbody tr")
    told = {}
    for at in range(rows.count()):
        name, n, mean, *_ = rows.nth(at).locator("th, td").all_inner_texts()
        told[float(name)] = (int(n), mean, rows.nth(at).locator("td").nth(1).get_attribute("title"))
    assert set(told) == set(RATES)
    for rate, (n, _, exact) in told.items():
        values = [loss(rate, width, seed, STEPS - 1) for width in WIDTHS for seed in SEEDS]
        assert n == len(values)
        assert float(exact) == pytest.approx(np.mean(values), rel=1e-5)


def test_two_groups_are_compared_as_python_compares_them(grid, opened):
    page = opened(grid, f"{TAB}&plot=compare&result=metrics.train/loss.last&setting=params.lr")
    page.get_by_label("Group A").select_option("0.003")
    page.get_by_label("Group B").select_option("0.3")
    expect(page.locator("dl")).to_contain_text("6 by width, seed")  # all else equal
    page.get_by_label("Pair by").select_option("-")
    with Store(str(grid.root)) as store:
        found = store.analysis.compare("metrics.train/loss.last", "params.lr == 0.003", "params.lr == 0.3").result  # fmt: skip
    table = page.get_by_role("table", name="Comparison")
    expect(table.get_by_role("row", name="A: 0.003")).to_contain_text("6")
    expect(page.locator("dd").first).to_have_attribute("title", str(found.difference))
    expect(page.locator(".verdict")).to_contain_text("A difference is shown.")
    expect(page.locator("dl")).to_contain_text("all 924 ways")
    for note in found.notes:
        expect(page.get_by_label("What this can and cannot tell")).to_contain_text(note)
    page.get_by_label("Pair by").select_option("params.width")
    expect(page.get_by_text("no experiment of A has a partner in B by width")).to_be_visible()
    page.get_by_role("button", name="Compare without pairs").click()
    expect(page.locator(".verdict")).to_be_visible()
    # Three of each: no test can show anything, and it is said.
    page.goto(f"{grid.url}{TAB}&plot=compare&setting=params.lr&pair=-&q=params.seed+==+0")
    expect(page.get_by_label("What this can and cannot tell")).to_contain_text("too few")


def test_settings_are_ranked_by_what_they_explain(grid, opened):
    page = opened(grid, f"{TAB}&plot=importance&result=metrics.train/loss.last")
    rows = page.get_by_role("table", name="How much settings explain").locator("tbody tr")
    expect(rows.first).to_contain_text("lr")
    with Store(str(grid.root)) as store:
        found = store.analysis.importance("metrics.train/loss.last", ["params.lr", "params.width", "params.seed"])  # fmt: skip
    assert rows.count() == len(found)
    expect(rows.first).to_contain_text(f"{100 * found[0].share:.1f} %")
    rows.first.get_by_role("button", name="lr").click()
    page.wait_for_url("**plot=boxes**")


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "plot", ["scatter", "parallel", "slices", "boxes", "compare", "importance"]
)
def test_everybody_can_read_and_use_the_analysis(grid, opened, plot, theme):
    page = opened(grid, f"{TAB}&plot={plot}", theme=theme)
    page.wait_for_load_state("networkidle")
    assert faults(page) == []
    narrow = opened(grid, f"{TAB}&plot={plot}", width=390, height=844, theme=theme)
    narrow.wait_for_load_state("networkidle")
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 390
    assert faults(narrow) == []
