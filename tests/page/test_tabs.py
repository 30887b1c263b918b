"""The tabs that show several experiments at once: what they logged beside metrics, what they said, how busy their machines were."""

from __future__ import annotations

import re

import numpy as np
import pytest

from anew import Experiment, Image

from .conftest import Shown


def _train(lab: Shown, prefix: str, shade: int) -> str:
    with Experiment(prefix, root=str(lab.root), quiet=True, system_metrics=0) as exp:
        for step in (0, 10):
            exp.log_value("drawn", Image(np.full((8, 8), shade + step, np.uint8)), step=step)
            exp.log_metrics(
                {"val/acc": 0.5, "system/cpu.percent": 50.0, "system/gpu.0.utilization": 90.0},
                step=step,
            )
        exp.log(f"the needle of {exp.name}")
        exp.log("hay", level="warning")
    return exp.id


@pytest.fixture
def three(lab: Shown, project: str) -> list[str]:
    """Three experiments of a test's own."""
    return [_train(lab, f"{project}/{name}", 40 * at) for at, name in enumerate("abc")]


def test_what_several_have_logged_stands_beside_each_other_at_one_step(lab, project, opened, three):
    page = opened(lab, f"?in={project}&tab=media")
    pictures = page.get_by_role("region", name="drawn").locator("figure")
    pictures.nth(2).wait_for()
    assert pictures.get_by_text("step 10", exact=True).count() == 3
    page.get_by_role("slider").first.fill("0")
    pictures.get_by_text("step 0", exact=True).nth(2).wait_for()
    shades = """all => all.map(async one => {
        await one.decode();
        const context = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
        context.drawImage(one, 0, 0, 1, 1);
        return context.getImageData(0, 0, 1, 1).data[0];
    })"""
    found = page.evaluate(f"Promise.all(({shades})([...document.querySelectorAll('figure img')]))")
    assert sorted(found) == [0, 40, 80]
    # What is selected is shown, and nothing else.
    page.get_by_role("button", name="Select b").click()
    pictures.nth(1).wait_for(state="detached")
    assert pictures.get_by_role("link").all_inner_texts() == ["b"]
    pictures.get_by_role("link").click()
    page.wait_for_url(f"**/x/{three[1]}**")


def test_the_logs_of_several_are_searched_together(lab, project, opened, three):
    page = opened(lab, f"?in={project}&tab=logs")
    page.get_by_text("the needle of b").wait_for()
    page.get_by_label("Level").select_option("warning")
    page.get_by_text("the needle of b").wait_for(state="detached")
    page.get_by_label("Level").select_option("")
    page.get_by_label("Search all of these logs").fill("needle of c")
    page.locator(".found").wait_for()
    page.get_by_text("Nothing in this log matches.").nth(1).wait_for()
    assert page.locator(".found").count() == 1


def test_how_busy_machines_were_is_drawn_along_the_time_and_nothing_else_is(
    lab, project, opened, three
):
    page = opened(lab, f"?in={project}&tab=system")
    panel = page.locator('section[aria-label="system/gpu.0.utilization"][data-exact]')
    panel.get_by_text("3 of 3").wait_for()
    assert page.get_by_role("heading", level=2).all_inner_texts() == [
        "▾ cpu 1 panel",
        "▾ gpu.0 1 panel",
    ]
    assert (
        page.locator("label", has_text="time since start").locator("select").input_value()
        == "relative"
    )
    # Of one of them alone, on its page, apart from what it measured itself.
    page.goto(f"{lab.url}x/{three[0]}")
    system = page.locator("#system")
    system.scroll_into_view_if_needed()
    system.locator("section[data-exact]").nth(1).wait_for()
    assert system.locator("section[data-exact]").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label'))"
    ) == ["system/cpu.percent", "system/gpu.0.utilization"]
    system.get_by_text("1 of 1").nth(1).wait_for()
    assert page.locator("#curves").get_by_text("system/").count() == 0
    assert page.locator("nav").get_by_role("link", name="System").count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("tab", ["media", "logs", "system"])
def test_everybody_can_read_and_use_the_tabs(lab, project, opened, three, axe, theme, tab):
    for width in (1440, 390):
        page = opened(lab, f"?in={project}&tab={tab}", theme=theme, width=width)
        # The first of them, whichever that is: where pictures are large, those further down are not made yet.
        page.locator(".view").get_by_text(re.compile("^[abc]$")).or_(page.locator("section.panel[data-exact]")).first.wait_for()  # fmt: skip
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
