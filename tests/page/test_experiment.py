"""The page of one experiment: everything of it on one page, nothing in it that runs."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from anew import Experiment, Store

from .conftest import enter
from .recorded import LINES


@pytest.fixture(scope="module")
def first(pages, browser):
    """The page of the experiment that has everything, opened once for tests that only look."""
    made, ids = pages
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    enter(made, page, f"x/{ids['first']}")
    page.get_by_role("heading", name="first").wait_for()
    yield page
    context.close()


def part(page, name: str):
    """A part of the page, brought near so that it is there."""
    found = page.locator(f"#{name}")
    found.scroll_into_view_if_needed()
    return found


def test_its_head_says_what_it_is(first):
    head = first.locator("header.head")
    assert "completed" in head.inner_text()
    assert "kind: page" in head.inner_text()
    assert (
        first.get_by_role("link", name="Reproduction")
        .get_attribute("href")
        .endswith("/reproduction")
    )


def test_its_configuration_is_a_tree_that_is_searched(first):
    settings = part(first, "settings")
    settings.get_by_text("optimizer").wait_for()
    box = settings.get_by_role("searchbox") if settings.get_by_role("searchbox").count() else None
    assert box is None  # few values need no search
    settings.get_by_role("button", name="optimizer").click()
    assert settings.get_by_text("adam").count() == 0
    settings.get_by_role("button", name="optimizer").click()
    assert settings.get_by_text("adam").count() == 1


def test_its_media_follow_one_slider(first):
    media = part(first, "media")
    picture = media.get_by_role("img", name="drawn")
    picture.wait_for()
    newest = picture.get_attribute("src")
    media.get_by_role("slider").fill("0")
    first.wait_for_function(
        "(before) => document.querySelector('#media img').getAttribute('src') !== before",
        arg=newest,
    )
    assert "step 0" in media.inner_text()
    assert media.get_by_role("img", name=re.compile("Histogram of weights")).count() == 1
    assert media.get_by_role("cell", name="b", exact=True).count() == 1


def test_its_pictures_are_zoomed_together_and_held_against_another_step(first):
    media = part(first, "media")
    media.get_by_role("slider", name="step").first.fill("2")
    drawn = media.get_by_role("button", name="Larger: drawn")
    mask = media.get_by_role("button", name="Larger: mask")
    media.get_by_role("button", name="Zoom in").click()
    shapes = {one.locator("img").evaluate("one => one.style.transform") for one in (drawn, mask)}
    assert len(shapes) == 1
    assert "scale(1.5)" in shapes.pop()
    media.get_by_role("button", name="Zoom out").click()

    media.get_by_role("checkbox", name="compare").check()
    media.get_by_role("slider", name="Other step", exact=True).fill("1")
    assert drawn.locator("img").count() == 2
    sources = [one.get_attribute("src") for one in drawn.locator("img").all()]
    assert sources[0] != sources[1]
    media.get_by_role("slider", name="How much of the other one").fill("0.25")
    for one in (drawn, mask):
        assert "75%" in one.locator(".over").evaluate("one => one.style.clipPath")
    for mode, count in (("beside", 2), ("difference", 0)):
        media.get_by_role("combobox", name="How pictures are compared").select_option(mode)
        assert drawn.locator("img").count() == count
    drawn.get_by_text("100 % of the pixels differ, by at most 100 of 255").wait_for()
    media.get_by_role("checkbox", name="compare").uncheck()
    assert drawn.locator("img").count() == 1


def test_its_files_are_previewed_page_by_page(first):
    files = part(first, "files")
    files.get_by_role("button", name=re.compile(r"scores\.csv")).click()
    files.get_by_role("cell", name="n99", exact=True).wait_for()
    files.get_by_role("button", name="After").click()
    files.get_by_role("cell", name="n199", exact=True).wait_for()
    assert "250" in files.inner_text()


def test_its_log_begins_at_the_end_and_is_read_back_to_its_start(first):
    logs = part(first, "logs")
    logs.get_by_text("because of this").wait_for()
    lines = logs.get_by_role("log")
    assert "\x1b" not in lines.inner_text()
    assert lines.locator(".line").count() < 200  # of thousands, those in view are drawn
    logs.get_by_role("button", name="Start").click()
    lines.get_by_text("line 0", exact=True).wait_for()
    assert lines.locator(".c2").first.inner_text() == "line 0"


def test_a_search_looks_at_all_of_the_log_and_leads_to_the_place(first):
    logs = part(first, "logs")
    box = logs.get_by_role("searchbox")
    box.fill("/n[e]+dle/")
    logs.get_by_text("2 matches").wait_for()
    assert logs.locator(".found").count() == 2
    assert logs.get_by_text("line 1499", exact=True).count() == 1  # a neighbour
    logs.get_by_role("button", name="Show the log around this line").last.click()
    logs.get_by_text("line 1510", exact=True).wait_for()
    logs.get_by_text("line 1495", exact=True).wait_for()
    assert box.input_value() == ""
    assert LINES > 1510


def test_a_step_of_a_curve_leads_to_what_was_said_then(first):
    logs = part(first, "logs")
    logs.get_by_role("button", name="End").click()
    logs.get_by_text("because of this").wait_for()
    box = logs.get_by_role("textbox", name="Go to a step")
    box.fill("59")
    box.press("Enter")
    logs.get_by_text("line 0", exact=True).wait_for()


def test_its_notes_are_markdown_and_are_changed_where_they_stand(pages, opened):
    made, ids = pages
    page = opened(made, f"x/{ids['first']}")
    notes = part(page, "notes")
    notes.get_by_role("heading", name="What was tried").wait_for()
    assert notes.get_by_role("checkbox").is_checked()
    assert notes.get_by_role("cell", name="2").count() == 1
    notes.get_by_role("button", name="Edit").click()
    notes.get_by_role("textbox").fill("Changed *here*.")
    notes.get_by_role("button", name="Save").click()
    notes.locator("em", has_text="here").wait_for()
    with Store(made.root) as store:
        assert store.get(ids["first"]).notes == "Changed *here*."


def test_a_page_of_what_has_ended_asks_for_nothing_more(pages, opened):
    made, ids = pages
    page = opened(made, f"x/{ids['third']}", height=4000)
    page.locator("#lineage").get_by_text("none came from it").wait_for()
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.wait_for_timeout(1000)
    assert asked == []


def test_a_part_is_a_link(pages, opened):
    made, ids = pages
    page = opened(made, f"x/{ids['second']}")
    page.get_by_role("navigation", name="Parts of this page").get_by_role(
        "link", name="Lineage"
    ).click()
    page.locator("#lineage").get_by_text("none came from it").wait_for()
    assert page.url.endswith("#lineage")
    page = opened(made, f"x/{ids['first']}#logs")
    page.locator("#logs").get_by_text("it failed").wait_for()
    expect(page.locator("#logs")).to_be_in_viewport()
    # What may scroll has, and not the window, where nobody could bring the bar back.
    assert page.evaluate("document.scrollingElement.scrollHeight - innerHeight") == 0
    assert page.locator("header").first.bounding_box()["y"] == 0


def test_nothing_that_an_experiment_holds_runs(pages, opened):
    made, ids = pages
    page = opened(made, f"x/{ids['hostile']}")
    for name in ("settings", "media", "files", "logs", "lineage", "notes"):
        part(page, name).locator(":scope > :nth-child(2)").wait_for()
    files = part(page, "files")
    for name in ("drawn.svg", "page.html"):
        files.get_by_role("button", name=re.compile(re.escape(name))).click()
        files.locator("pre", has_text="alert").wait_for()
    notes = part(page, "notes")
    notes.get_by_role("link", name="b").wait_for()
    assert notes.locator("script, iframe, style, img, svg").count() == 0
    links = [one.get_attribute("href") for one in notes.get_by_role("link").all()]
    assert not [one for one in links if one and one.startswith("javascript")]
    assert page.evaluate("({}).polluted") is None
    assert (
        "1\u2009152\u2009921\u2009504\u2009606\u2009846\u2009976"
        in page.locator("#curves").inner_text()
    )


@pytest.mark.slow
def test_nothing_of_it_runs_where_several_are_shown(pages, opened):
    made, ids = pages
    pair = f"ids={ids['hostile']},{ids['first']}"
    for path in ("?tab=charts", "?tab=table", "?tab=media", "?tab=logs", f"diff?{pair}", f"diff?{pair},{ids['second']}"):  # fmt: skip
        page = opened(made, path)
        page.get_by_text("hostile").first.wait_for()
        page.wait_for_load_state("networkidle")
        page.mouse.move(800, 300)
        page.keyboard.press("Control+k")
        page.keyboard.type("hostile")
        page.get_by_role("dialog").get_by_role("option", name="hostile").first.wait_for()
        page.keyboard.press("Escape")
        assert page.locator("main script, main iframe, img[onerror]").count() == 0
        page.close()


def test_it_is_edited_archived_and_put_in_the_trash_from_its_page(lab, project, opened):
    exp = Experiment(f"{project}/kept", root=str(lab.root), quiet=True, system_metrics=0)
    with exp:
        exp.log_metrics({"loss": 1.0}, step=0)
    page = opened(lab, f"x/{exp.id}")
    page.get_by_role("heading", name="kept").wait_for()
    page.keyboard.press("y")
    page.wait_for_url("**ylog=1**")
    page.keyboard.press("e")
    page.get_by_role("dialog").get_by_label("Name").fill("renamed")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("heading", name="renamed").wait_for()
    more = page.get_by_role("button", name="More to do")
    more.click()
    page.get_by_role("menuitem", name="Archive").click()
    tag = page.locator(".tag", has_text="archived")
    tag.wait_for()
    page.locator(".notice", has_text="archived").get_by_role("button", name="Undo").click()
    tag.wait_for(state="detached")
    more.click()
    page.get_by_role("menuitem", name="Put in the trash").click()
    page.get_by_role("button", name="Put in the trash", exact=True).click()
    page.get_by_text("This experiment was deleted").wait_for()
    page.locator(".notice", has_text="in the trash").get_by_role("button", name="Undo").click()
    page.get_by_text("This experiment was deleted").wait_for(state="detached")
    page.wrong[:] = [one for one in page.wrong if "404" not in one]


def test_one_that_is_deleted_while_it_is_open_says_so(lab, project, opened):
    exp = Experiment(f"{project}/gone", root=str(lab.root), quiet=True, system_metrics=0)
    with exp:
        exp.log_metrics({"loss": 1.0}, step=0)
    page = opened(lab, f"x/{exp.id}")
    page.get_by_role("heading", name="gone").wait_for()
    drawn = page.locator("section[aria-label=loss][data-curves='1']")
    drawn.wait_for()
    with Store(lab.root) as store:
        store.delete([exp.id])
    page.get_by_text("This experiment was deleted").wait_for()
    page.wait_for_timeout(1500)  # longer than what is shown takes to be asked for again
    assert drawn.count() == 1
    page.wrong.clear()  # what it asked for meanwhile is not there


def test_one_that_is_not_there_says_so(pages, opened):
    page = opened(pages[0], "x/nobody")
    page.get_by_text("There is no experiment").wait_for()
    page.wrong.clear()  # the console names the answer 404


def test_a_running_one_shows_what_it_says_as_it_says_it(lab, project, opened):
    exp = Experiment(f"{project}/live", root=str(lab.root), quiet=True, system_metrics=0)
    with exp:
        exp.log("the first line")
        page = opened(lab, f"x/{exp.id}")
        logs = part(page, "logs")
        logs.get_by_text("the first line").wait_for()
        assert logs.get_by_role("button", name="Live").count() == 1
        exp.log("the second line")
        logs.get_by_text("the second line").wait_for()
    page.locator("header.head .status.completed").wait_for()


def test_what_processes_say_and_print_is_merged_by_time_as_a_terminal_would_show_it(lab, project, opened):  # fmt: skip
    exp = Experiment(f"{project}/ranks", root=str(lab.root), quiet=True, system_metrics=0, console="off")  # fmt: skip
    program = (
        "import anew\n"
        f"with anew.Experiment('{project}/ranks', root={str(lab.root)!r}, resume={exp.id!r}, system_metrics=0, quiet=True) as exp:\n"
        "    exp.log('from another')\n"
        "    print('step 1 of 2', end='\\r'); print('step 2 of 2'); print('\\x1b[31mred\\x1b[0m and plain')\n"
    )
    with exp:
        exp.log("before")
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
        exp.log("after")
    page = opened(lab, f"x/{exp.id}")
    logs = part(page, "logs")
    logs.get_by_text("after", exact=True).wait_for()
    said = logs.get_by_role("log").locator(".text")
    expect(said).to_have_text(["before", "from another", "after"])
    processes = logs.get_by_label("Process")
    processes.select_option(index=2)
    expect(said).to_have_text(["from another"])
    processes.select_option(index=0)
    logs.get_by_role("button", name="Console").click()
    expect(said).to_have_text(["step 2 of 2", "red and plain"])


@pytest.mark.slow
def test_a_search_through_a_long_log_says_how_far_it_is_stops_and_goes_on(show, tmp_path, opened):
    with Experiment("lab/x/long", root=str(tmp_path), quiet=True, system_metrics=0, console="off") as exp:  # fmt: skip
        exp.log("the needle")
        for _ in range(120):
            exp.log("hay " * (1 << 18))
    page = opened(show(), f"x/{exp.id}")
    logs = part(page, "logs")
    logs.get_by_role("log").wait_for()
    held = []
    page.route(
        re.compile(r"/lines\?.*cursor=.*contains=|/lines\?.*contains=.*cursor="),
        lambda route: held.append(route),
    )
    logs.get_by_role("searchbox").fill("the needle")
    logs.get_by_text("0 matches").filter(has_text="searching").wait_for()
    while not held:
        page.wait_for_timeout(20)
    logs.get_by_role("button", name="Stop").click()
    page.unroute_all()
    said = logs.get_by_text(re.compile(r"0 matches .* MB of \d+ MB searched"))
    said.wait_for()
    logs.get_by_role("button", name="Search further back").click()
    logs.get_by_text("1 match · all of it was searched").wait_for()
    assert logs.locator(".found").count() == 1
    # Of a line of a megabyte, the beginning is shown.
    assert len(logs.locator(".line").last.inner_text()) < 20_000
