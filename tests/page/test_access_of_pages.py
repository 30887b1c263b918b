"""The pages of one experiment, of a difference and of a reproduction, judged by axe in both themes, and at the width of a phone."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from anew import Experiment, Image, Store, Table

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def paths(ids: dict[str, str]) -> dict[str, str]:
    return {
        "experiment": f"x/{ids['first']}",
        "difference": f"diff?ids={ids['first']},{ids['second']}",
        "matrix": f"diff?ids={ids['first']},{ids['second']},{ids['third']}",
        "reproduction": f"x/{ids['first']}/reproduction",
        "hostile": f"x/{ids['hostile']}",
        "not there": "x/nobody",
        "no match": "?q=name+%3D%3D+'nobody'",
        "wrong filter": "?tab=table&q=params.nothing+%3E",
    }


def beyond(page) -> list:
    """The links of the page's own parts that lie outside of what is seen."""
    return page.evaluate(
        "[...document.querySelectorAll('nav a')].filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.innerText)"
    )


def faults(page) -> list:
    """What axe finds."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found = page.evaluate("(rules) => axe.run(document, {runOnly: rules})", RULES)["violations"]
    return [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found]


@pytest.mark.parametrize(
    ("which", "theme"),
    [
        ("difference", "dark"),
        *(
            pytest.param(which, theme, marks=pytest.mark.slow)
            for which, theme in (
                ("experiment", "light"),
                ("experiment", "dark"),
                ("difference", "light"),
                ("matrix", "light"),
                ("matrix", "dark"),
                ("reproduction", "light"),
                ("reproduction", "dark"),
                ("hostile", "light"),
                ("hostile", "dark"),
                ("not there", "light"),
                ("no match", "dark"),
                ("wrong filter", "light"),
                ("wrong filter", "dark"),
            )
        ),
    ],
)
def test_everybody_can_read_and_use_the_page(pages, opened, which, theme):
    made, ids = pages
    # So high that all of it is there, and so narrow that a phone shows it.
    page = opened(made, paths(ids)[which], width=1280, height=6000, theme=theme)
    page.wait_for_load_state("networkidle")
    assert faults(page) == []
    page.wrong[:] = [one for one in page.wrong if "404" not in one]


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_what_opens_over_the_page(grid, opened, theme):
    page = opened(grid, "?tab=table&group=params.lr", theme=theme)
    page.get_by_text("every member counted").wait_for()
    assert faults(page) == []
    page = opened(grid, "?tab=table", theme=theme)
    page.get_by_role("link", name="lr0.3-w8-s0").wait_for()
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    for opening in (
        lambda: page.keyboard.press("?"),
        lambda: page.keyboard.press("Control+k"),
        lambda: page.keyboard.press("e"),
        lambda: page.keyboard.press("Delete"),
        lambda: page.get_by_role("button", name="Columns").click(),
        lambda: page.get_by_label("Column params.lr", exact=True).click(),
        lambda: page.get_by_title("Which are shown").click(),
        lambda: page.get_by_role("button", name="More to do").click(),
    ):
        opening()
        page.get_by_role("dialog").or_(page.get_by_role("menu")).wait_for()
        assert faults(page) == []
        page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("params.lr == 0.3 and val")
    page.get_by_role("option").first.wait_for()
    assert faults(page) == []


@pytest.fixture(scope="module")
def marked(lab) -> str:
    """An experiment with an image in which something is marked, and a table; the project it is in."""
    with Experiment("marks/a", root=str(lab.root), quiet=True, system_metrics=0) as exp:
        box = {"class": "cat", "box": (1, 1, 3, 3), "score": 0.9}
        for step in (0, 1):
            exp.log_value("seen", Image(np.full((4, 4, 3), 255, np.uint8), boxes=[box]), step=step)
            exp.log_value("said", Table(columns=["id", "p"], data=[[1, 0.5]]), step=step)
    blocks = ("plot: boxes\nsetting: name", "plot: tables", "plot: parallel", "names: [seen, said]")
    with Store(str(lab.root)) as store:
        text = "\n".join(f"```anew\n{one}\n```\n" for one in blocks)
        store.reports.save("drawn", text, "marks")
    return "marks"


@pytest.mark.slow
@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_everybody_can_use_what_shows_media_reports_and_people(lab, marked, opened, theme, width):
    inside = f"?in={marked}"
    page = opened(lab, f"{inside}&tab=media", theme=theme, width=width)
    page.get_by_role("button", name="Larger: seen, cat score 0.9").click()
    assert faults(page) == []
    for path, there in (
        (f"{inside}&tab=media&media=grid", page.get_by_role("region", name="Grid of 2 pictures")),
        (f"{inside}&tab=analysis&plot=tables", page.get_by_role("table")),
        (f"{inside}&tab=analysis&plot=scatter", page.get_by_role("combobox").first),
        (f"reports{inside}&at=marks:drawn", page.locator(".plot td, [data-media] img")),
        (f"reports{inside}", page.get_by_role("button", name="New report")),
    ):
        page.goto(lab.url + path)
        there.first.wait_for()
        assert faults(page) == []
    page.get_by_role("button", name="New report").click()
    page.get_by_role("button", name="Write", exact=True).wait_for()
    assert faults(page) == []
    page.goto(f"{lab.url}{inside}&tab=charts")
    page.get_by_role("button", name="Alerts", exact=True).click()
    page.get_by_role("button", name="Add an alert").click()
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("^Account of")).click()
    page.get_by_role("menuitem", name="Preferences …").click()
    page.get_by_role("dialog", name="Preferences").wait_for()
    assert faults(page) == []


@pytest.mark.parametrize(
    "which",
    [
        "experiment",
        *(
            pytest.param(one, marks=pytest.mark.slow)
            for one in ("difference", "matrix", "reproduction")
        ),
    ],
)
def test_a_phone_shows_all_of_it_without_scrolling_sideways(pages, opened, which):
    made, ids = pages
    page = opened(made, paths(ids)[which], width=390, height=844)
    page.wait_for_load_state("networkidle")
    wide = page.evaluate(
        "[...document.querySelectorAll('main > *, main .page, main section')].filter((one) => one.scrollWidth > one.clientWidth + 1)"
        ".map((one) => one.className || one.id)"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert wide == []
    assert beyond(page) == []
