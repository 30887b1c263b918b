"""Where there is little: little room for names, filters and axes, and few experiments or none to reckon with."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from anew import Experiment, Histogram, Image, Table

from .conftest import Shown

_END_IS_SEEN = """one => {
    const walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
    let last;
    while (walker.nextNode()) if (walker.currentNode.data.trim()) last = walker.currentNode;
    const range = document.createRange();
    range.setStart(last, last.data.length - 8);
    range.setEnd(last, last.data.length);
    return range.getBoundingClientRect().right <= one.getBoundingClientRect().right + 1;
}"""
_APART = """all => {
    const boxes = all.map(one => one.getBoundingClientRect()).filter(one => one.width > 0);
    return boxes.every((one, at) => boxes.every((other, nth) =>
        nth <= at || one.right <= other.left + 1 || other.right <= one.left + 1 || one.bottom <= other.top + 1 || other.bottom <= one.top + 1));
}"""


@pytest.fixture
def alike(lab: Shown, project: str) -> list[str]:
    """Experiments of a sweep, whose long names differ at their ends."""
    names = [f"momentum-warmup-lr0.003-w32-s{seed}" for seed in range(3)]
    for at, name in enumerate([*names, "another-with-nothing-in-common"]):
        with Experiment(
            f"{project}/{name}", root=str(lab.root), quiet=True, system_metrics=0
        ) as exp:
            exp.log_metrics({"val/acc": 0.1 * at}, step=0)
            boxes = [
                {"class": "left of all the others", "box": (2, 2, 90, 70)},
                {"class": "at the edge, with a long name", "box": (60, 2, 98, 70)},
            ]
            exp.log_value("seen", Image(np.zeros((80, 100), np.uint8), boxes=boxes), step=0)
    return names


@pytest.mark.parametrize("tab", ["charts", "media&media=grid", "analysis"])
def test_the_end_of_a_long_name_is_seen(lab, project, alike, opened, tab):
    page = opened(lab, f"?in={project}&tab={tab}", width=1024, height=700)
    for name in alike:
        links = page.get_by_role("link", name=name, exact=True)
        links.first.wait_for()
        assert links.first.inner_text().strip().endswith(name[-8:])
        for at in range(links.count()):
            assert links.nth(at).evaluate(_END_IS_SEEN)


@pytest.mark.parametrize("width", [760, 1024, 1200])
def test_a_filter_can_be_read_at_every_width(grid, opened, width):
    page = opened(grid, width=width, height=700)
    field = page.get_by_role("combobox", name="Filter")
    assert field.bounding_box()["width"] >= 160
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_heads_of_many_axes_stand_apart(grid, opened):
    axes = "params.lr,params.width,params.seed,duration,metrics.val/acc.max,metrics.train/loss.min"
    page = opened(grid, f"?tab=analysis&plot=parallel&axes={axes}", width=400, height=800)
    page.locator("[data-plot=parallel][data-count]").wait_for()
    heads = page.locator(".heads .head")
    expect(heads).to_have_count(6)
    assert page.locator(".heads .head > button, .heads .mark").evaluate_all(_APART)
    heads.last.get_by_role("button", name="log scale").scroll_into_view_if_needed()
    box = heads.last.bounding_box()
    assert box["x"] + box["width"] <= 400
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_what_is_written_at_boxes_ends_within_the_picture_and_stands_apart(
    lab, project, alike, opened
):
    page = opened(lab, f"?in={project}&tab=media", width=400, height=800)
    picture = page.locator("figure").first
    tags = picture.locator(".tag")
    expect(tags).to_have_count(2)
    assert tags.evaluate_all(_APART)
    marks = picture.locator(".marks").bounding_box()
    for box in (tags.nth(at).bounding_box() for at in range(2)):
        assert box["x"] + box["width"] <= marks["x"] + marks["width"] + 1


_KINDS = ("scatter", "parallel", "slices", "boxes", "compare", "importance", "histograms", "tables")


def test_a_filter_that_nothing_meets_is_said_in_every_analysis(grid, opened):
    page = opened(grid, "?tab=analysis&q=lr > 5")
    for kind in _KINDS:
        page.goto(f"{grid.url}?tab=analysis&q=lr > 5&plot={kind}")
        page.get_by_text("No experiment meets the filter.").wait_for()


def test_one_experiment_alone_is_counted_as_one_and_no_groups_are_made_of_it(lab, project, opened):
    with Experiment(f"{project}/only", root=str(lab.root), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 0.5}, step=0)
    page = opened(lab, f"?in={project}&tab=analysis")
    analysis = page.get_by_role("region", name="Analysis")
    expect(analysis.locator("[role=status]")).to_contain_text("1 experiment ·")
    page.get_by_role("button", name="Compare two groups").click()
    analysis.get_by_text("choose a setting that differs between experiments").wait_for()
    page.get_by_role("button", name="What matters").click()
    analysis.get_by_text("No setting varies in enough experiments").wait_for()
    assert analysis.get_by_text("by chance").count() == 0


def test_two_groups_that_are_one_are_not_compared(grid, opened):
    page = opened(grid, "?tab=analysis&plot=compare&setting=params.lr&groups=0.3,0.3")
    page.get_by_text("A and B are the same group").wait_for()


def test_what_the_last_of_many_has_logged_is_found(lab, project, opened):
    for at in range(12):
        with Experiment(f"{project}/e{at}", root=str(lab.root), quiet=True, system_metrics=0) as exp:  # fmt: skip
            exp.log_metrics({"loss": 0.5}, step=0)
            if at == 0:
                exp.log_value("weights", Histogram(np.arange(50.0), bins=5), step=0)
                exp.log_value("scores", Table(["digit"], [[7]]), step=0)
            elif at < 10:
                exp.log_value("seen", Image(np.zeros((8, 8), np.uint8)), step=0)
    # The list begins with the newest, and shows eight of a kind.
    page = opened(lab, f"?in={project}&tab=analysis&plot=histograms")
    page.get_by_role("region", name="Histograms of e0").wait_for()
    page.get_by_text("1 of 12 experiments: the others have logged nothing that is shown").wait_for()
    page.get_by_role("button", name="Tables").click()
    page.get_by_text("rows 1 to 1 of 1").wait_for()
    page.get_by_role("link", name="Media", exact=True).click()
    page.get_by_text("10 of 12 experiments: the others have logged nothing").wait_for()
    page.get_by_label("Filter").fill("name == 'e11'")
    page.get_by_text("These experiments have logged no images").wait_for()
