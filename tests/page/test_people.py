"""People in the page: comments on experiments and points, mentions, stars, pins, preferences and what is new."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from anew import Experiment, Store

from .test_access_of_pages import faults

HOSTILE = '<img src=x onerror="window.hit=1"> [go](javascript:window.hit=2) **bold**'


@pytest.fixture
def trained(lab, project: str) -> str:
    """An experiment with a curve; its id."""
    with Experiment(f"{project}/a", root=str(lab.root), quiet=True, system_metrics=0) as exp:
        for step in range(20):
            exp.log_metrics({"loss": 1 / (step + 1)}, step=step)
    return exp.id


def test_people_talk_about_an_experiment_and_settle_it(lab, trained, opened):
    with Store(str(lab.root)) as store:
        first = store.comments.add(trained, HOSTILE)
        page = opened(lab, f"x/{trained}", alone=True)
        page.get_by_role("link", name="Comments", exact=True).click()
        part = page.locator("section#comments")
        said = part.get_by_role("article")
        expect(said.get_by_text("bold")).to_be_visible()
        assert page.evaluate("window.hit") is None
        assert part.locator("img, a[href^='javascript']").count() == 0
        assert faults(page) == []
        said.get_by_role("button", name="Answer").click()
        part.get_by_label("An answer").fill("because of *that*")
        part.get_by_label("An answer").press("Control+Enter")
        expect(part.locator(".answers em", has_text="that")).to_be_visible()
        part.get_by_label("A comment").fill("another")
        part.get_by_role("button", name="Comment", exact=True).click()
        expect(said.filter(has_text="another")).to_be_visible()
        said.filter(has_text="another").get_by_role("button", name="Edit").click()
        part.get_by_role("textbox", name="The comment").fill("one more")
        part.get_by_role("button", name="Save").click()
        expect(said.filter(has_text="one more").get_by_text("edited")).to_be_visible()
        said.first.get_by_role("button", name="Settle").click()
        expect(part.get_by_text("Show 1 settled comment")).to_be_visible()
        found = {one.text: one for one in store.comments.list(trained)}
        assert found["because of *that*"].reply_to == first.id
        assert found["one more"].edited
        assert found[HOSTILE].resolved_by == first.user
        said.filter(has_text="one more").get_by_role("button", name="Remove").click()
        expect(said.filter(has_text="one more")).to_have_count(0)
        # Somebody else writes, and takes it back: what is asked for is that one comment.
        part.get_by_text("Show 1 settled comment").click()
        asked = []
        page.on("request", lambda one: "/comments" in one.url and asked.append(one.url))
        other = store.comments.add(None, "from elsewhere", reply_to=first.id)
        expect(said.filter(has_text="from elsewhere")).to_be_visible()
        store.comments.remove(other.id)
        expect(said.filter(has_text="from elsewhere")).to_have_count(0)
        assert [url for url in asked if url.endswith(f"?ids={other.id}")]
        assert not [url for url in asked if url.endswith("/comments")]


def test_what_was_written_and_not_sent_is_there_after_a_reload_and_in_no_other_place(
    lab, project, trained, opened
):
    page = opened(lab, f"x/{trained}#comments", alone=True)
    box = page.locator("section#comments").get_by_label("A comment", exact=True)
    box.fill("half a thought")
    page.reload()
    expect(box).to_have_value("half a thought")
    page.context.set_offline(True)
    page.get_by_role("button", name="Comment", exact=True).click()
    page.locator(".banner").wait_for()
    expect(box).to_have_value("half a thought")
    page.context.set_offline(False)
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_role("article").get_by_text("half a thought")).to_be_visible()
    expect(box).to_have_value("")
    page.reload()
    expect(page.get_by_role("article").get_by_text("half a thought")).to_be_visible()
    expect(box).to_have_value("")
    page.wrong.clear()  # that there was no network, the console says


def test_a_point_is_commented_where_it_is_pinned(lab, project, trained, opened):
    page = opened(lab, f"?in={project}&tab=charts&metrics=loss")
    plot = page.locator('section[aria-label="loss"][data-exact] .plot')
    plot.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Comment on this point").click()
    dialog = page.get_by_role("dialog", name="Comment on a point")
    dialog.get_by_label("A comment").fill("why here?")
    dialog.get_by_role("button", name="Comment", exact=True).click()
    expect(dialog).to_have_count(0)
    with Store(str(lab.root)) as store:
        (one,) = store.comments.list(trained)
    assert (one.about.kind, one.about.metric, one.text) == ("point", "loss", "why here?")
    assert 0 <= one.about.step < 20
    # Pointing at it shows what was said.
    plot.focus()
    page.keyboard.press("Escape")
    tip = page.locator(".tip")
    page.keyboard.press("ArrowRight")
    while not (tip.locator(".talk").count() or (shown := tip.inner_text()).endswith("step 19")):
        page.keyboard.press("ArrowRight")
        expect(tip).not_to_have_text(shown, use_inner_text=True)
    expect(tip.locator(".talk")).to_contain_text("why here?")


def test_who_is_mentioned_finds_it_in_the_bell_with_what_is_new(lab, trained, opened, monkeypatch):
    with Store(str(lab.root)) as store:
        me = store.comments.add(trained, "of my own").user
        page = opened(lab, alone=True)
        expect(page.get_by_role("button", name="Alerts", exact=True)).to_be_visible()
        monkeypatch.setenv("ANEW_USER", "somebody-else")
        with Store(str(lab.root)) as other:
            other.comments.add(trained, f"look at this, @{me}")
        page.get_by_role("button", name=re.compile(r"^Alerts: .*\d+ comments? for you")).click()
        dialog = page.get_by_role("dialog", name="Alerts")
        mine = dialog.get_by_label("Comments for you")
        expect(mine).to_contain_text("look at this")
        news = dialog.get_by_label("What has changed")
        expect(news.get_by_text("mentions you").first).to_be_visible()
        assert faults(page) == []
        news.get_by_role("button", name="Seen").click()
        expect(news).to_contain_text("Nothing has changed.")
        settle = mine.get_by_role("button", name="Settle")
        for left in reversed(range(settle.count())):
            settle.first.click()
            expect(settle).to_have_count(left)
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Alerts", exact=True)).to_be_visible()
        assert store.news().counts == {}


def test_stars_pins_and_preferences_follow_to_another_browser(lab, project, trained, opened):
    with Store(str(lab.root)) as store:
        try:
            page = opened(lab, f"x/{trained}", alone=True)
            page.get_by_role("button", name="Star", exact=True).click()
            page.get_by_role("button", name="Pin", exact=True).click()
            pinned = page.get_by_role("button", name="Pin", exact=True)
            expect(pinned).to_have_attribute("aria-pressed", "true")
            assert trained in {one.id for one in store.stars.list()}
            page.get_by_role("button", name=re.compile("^Account of")).click()
            page.get_by_role("menuitem", name="Preferences …").click()
            page.get_by_role("combobox", name="Theme").select_option("dark")
            page.get_by_role("combobox", name="Times").select_option("date")
            expect(page.locator("html")).to_have_attribute("data-theme", "dark")
            page.get_by_role("button", name="Close").click()
            while store.preferences.list().get("times") != "date":  # it is being sent
                page.wait_for_timeout(20)
            store.preferences.set("columns", ["name", "metrics.loss.min"])
            other = opened(
                lab, f"?in={project}&tab=table", alone=True
            )  # another browser: nothing is kept in it
            expect(other.locator("html")).to_have_attribute("data-theme", "dark")
            expect(other.locator(".head [title='metrics.loss.min']")).to_be_visible()
            other.get_by_role("link", name="Charts", exact=True).click()
            marked = other.get_by_role("navigation", name="Pinned and starred")
            expect(marked.get_by_role("link")).to_have_text("⊤ a")
        finally:
            store.preferences.clear()
            store.stars.remove(trained)


def test_a_filter_is_saved_for_oneself_and_changes_nothing_else(lab, project, trained, opened):
    page = opened(lab, f"?in={project}&q=params.lr+>+1&smooth=0.5&tab=charts")
    page.locator(".views button").first.click()
    page.get_by_role("menuitem", name="Save as …").click()
    page.get_by_label("Name", exact=True).fill(f"high {project}")
    page.get_by_label("For").select_option("mine")
    page.get_by_label("the filter alone").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("is saved.").wait_for()
    with Store(str(lab.root)) as store:
        saved = store.saved_views.get(f"high {project}", mine=True)
        assert saved.shows == {"filter": "params.lr > 1"}
        page.goto(page.url.replace("smooth=0.5", "smooth=0.25").replace("q=params.lr+%3E+1&", ""))
        page.locator(".views button").first.click()
        page.get_by_role("menuitemradio", name=f"high {project}").click()
        page.wait_for_url("**q=params.lr**")
        assert "smooth=0.25" in page.url
        store.saved_views.remove(f"high {project}", mine=True)
