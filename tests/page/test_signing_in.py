"""Who is let in, and how: by a link, from another tab, by a link that shows a project; and what is said to everybody else."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from anew import Experiment
from anew.server.callers import Grant, Role
from anew.server.identity.accounts import Accounts

from .conftest import enter, window_of
from .roots import record

PROVIDER = ("--url", "http://127.0.0.1", "--oidc-issuer", "https://id.example.org", "--oidc-client", "anew")  # fmt: skip


class Team:
    """A server with accounts, as a browser's tests need it."""

    def __init__(self, url: str, accounts: Accounts) -> None:
        self.url = url
        self.accounts = accounts
        self.cookies: list[object] = []
        self.link = ""

    def let_in(self, name: str) -> None:
        """Have the next page be opened by somebody."""
        self.link = f"{self.url}#link={self.accounts.link_for(name)}"
        self.cookies = []


@pytest.fixture(scope="module")
def team(starter, tmp_path_factory):
    root = tmp_path_factory.mktemp("team")
    for prefix in ("lab/vision/seen", "lab/audio/unseen"):
        with Experiment(prefix, root=str(root), quiet=True, system_metrics=0) as exp:
            exp.log_metrics({"loss": 1.0}, step=0)
    accounts = Accounts(str(root), trusting=False)
    accounts.add_user("olga", [Grant("lab/vision", Role.MAINTAINER)])
    starter_pid, url = starter.start("server", str(root), "--quiet", "--port", "0", *PROVIDER)
    yield Team(url.rstrip("/") + "/", accounts)
    accounts.close()
    starter.end(starter_pid)


def forgiving(page) -> None:
    """That somebody is not let in, the console names; nothing else may go wrong."""
    page.wrong[:] = [one for one in page.wrong if "401" not in one]


def test_whoever_is_not_known_is_told_what_to_do_and_asked_nothing_more(grid, browser):
    context = window_of(browser)
    page = context.new_page()
    page.goto(grid.url)
    page.get_by_role("heading", name="Sign in").wait_for()
    page.get_by_text("anew ui", exact=True).first.wait_for()
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.wait_for_timeout(
        2500
    )  # longer than the page waits between two questions to a server that is away
    assert asked == []
    assert "lr0" not in page.content()
    page.get_by_label("Paste the link").fill(f"{grid.url}#link=wrong")
    page.get_by_role("button", name="Open").click()
    page.get_by_role("alert").wait_for()
    context.close()


def test_a_link_that_is_pasted_lets_every_tab_of_the_browser_in(show, browser, tmp_path):
    record(tmp_path, 0.1, 8, 0)
    record(tmp_path, 0.1, 8, 1)
    made = show()
    context = window_of(browser)
    first, second = context.new_page(), context.new_page()
    for page in (first, second):
        page.goto(made.url)
        page.get_by_role("heading", name="Sign in").wait_for()
    first.get_by_label("Paste the link").fill(made.link)
    first.get_by_role("button", name="Open").click()
    for page in (first, second):
        page.get_by_role("link", name="lr0.1-w8-s1").wait_for()
    first.reload()
    first.get_by_role("link", name="lr0.1-w8-s1").wait_for()
    assert "link" not in first.url
    other = window_of(browser)
    page = other.new_page()
    page.goto(made.link)  # it was used
    page.get_by_role("alert").wait_for()
    for one in (context, other):
        one.close()


def test_a_page_says_who_is_in_and_lets_them_out(show, opened, tmp_path):
    record(tmp_path, 0.1, 8, 0)
    record(tmp_path, 0.1, 8, 1)
    page = opened(show(), alone=True)
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("menuitem", name="Log out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    assert page.get_by_role("link", name="lr0.1-w8-s0").count() == 0
    page.reload()
    page.get_by_role("heading", name="Sign in").wait_for()
    forgiving(page)


@pytest.mark.slow
def test_a_session_that_ends_is_said_beside_what_was_shown(show, opened, tmp_path):
    record(tmp_path, 0.1, 8, 0)
    made = show()
    page = opened(made, "?tab=table", alone=True)
    page.get_by_text("1 experiment").wait_for()
    made.stop()
    page.locator(".banner").wait_for()
    assert page.get_by_role("link", name="lr0.1-w8-s0").count() == 1
    page.get_by_role(
        "link", name="lr0.1-w8-s0"
    ).click()  # what it has not fetched is said to be missing, not shown as empty
    page.locator(".banner").wait_for()
    page.go_back()
    page.get_by_role("link", name="lr0.1-w8-s0").wait_for()
    record(tmp_path, 0.1, 8, 1)
    made.again()
    banner = page.locator(".banner", has_text="session has ended")  # sessions end with the process
    banner.wait_for()
    assert page.get_by_role("link", name="lr0.1-w8-s0").count() == 1
    banner.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    enter(made, page.context.new_page())
    page.get_by_role("link", name="lr0.1-w8-s1").wait_for()
    assert page.locator(".banner").count() == 0
    page.wrong[:] = [one for one in page.wrong if "ERR_" not in one and "401" not in one]


def test_a_server_with_a_provider_of_sign_on_leads_there(team, browser):
    context = window_of(browser)
    page = context.new_page()
    page.goto(team.url)
    way = page.get_by_role("link", name="Sign on with id.example.org")
    assert way.get_attribute("href") == f"{team.url}api/v1/login/oidc"
    context.close()


def test_a_project_is_shared_by_a_link_and_the_link_is_taken_back(team, opened, browser):
    team.let_in("olga")
    page = opened(team, "?tab=table&in=lab/vision", alone=True)
    page.get_by_role("link", name="seen", exact=True).wait_for()
    page.get_by_role("button", name="Account of olga").click()
    page.get_by_role("menuitem", name="Share with a link").click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_label("Project").input_value() == "lab/vision"
    dialog.get_by_label("Project").fill("lab/audio")
    dialog.get_by_role("button", name="Make a link").click()
    dialog.get_by_role("alert").wait_for()  # she does not maintain it
    dialog.get_by_label("Project").fill("lab/vision")
    dialog.get_by_label("for").select_option("7")
    dialog.get_by_role("button", name="Make a link").click()
    made = dialog.get_by_role("status").get_by_role("button")
    link = re.findall(r"(http\S+)\. ", made.get_attribute("aria-label"))[0]
    assert urlsplit(link).query == "in=lab/vision&tab=table"

    context = window_of(browser)
    guest = context.new_page()
    guest.goto(link)
    guest.get_by_role("link", name="seen", exact=True).wait_for()
    guest.get_by_text("read only").wait_for()
    guest.goto(f"{team.url}?tab=table")
    guest.get_by_role("link", name="seen", exact=True).wait_for()
    assert guest.get_by_role("link", name="unseen").count() == 0

    dialog.get_by_role("button", name="Take the link to lab/vision back").click()
    dialog.get_by_text("There is no link yet").wait_for()
    guest.reload()
    guest.get_by_role("heading", name="Sign in").wait_for()
    context.close()
    page.wrong[:] = [one for one in page.wrong if "403" not in one]


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_everybody_can_come_in_and_share(team, browser, axe, theme, width):
    context = window_of(browser, width=width, theme=theme)
    page = context.new_page()
    page.goto(team.url)
    page.get_by_role("link", name="Sign on with").wait_for()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    team.let_in("olga")
    page.get_by_label("paste the link").fill(team.link)
    page.get_by_role("button", name="Open").click()
    page.get_by_role("button", name="Account of olga").click()
    page.get_by_role("menuitem", name="Share with a link").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("There is no link yet").wait_for()
    expect(dialog.get_by_label("Project")).to_have_value("lab/vision")  # the only one that she sees
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_what_may_not_be_changed_has_no_buttons_and_what_may_has(team, opened):
    team.accounts.add_user("rita", [Grant("lab/vision", Role.READER)])
    team.accounts.add_user(
        "bert", [Grant("lab/vision", Role.READER), Grant("lab/audio", Role.REPORTER)]
    )
    for name, project, writes in (("rita", "vision", False), ("bert", "vision", False), ("bert", "audio", True)):  # fmt: skip
        team.let_in(name)
        page = opened(team, f"?in=lab/{project}", alone=True)
        page.get_by_role("link", name="seen" if project == "vision" else "unseen").first.click()
        comments = page.locator("section#comments")
        page.get_by_role("link", name="Comments", exact=True).click()
        comments.locator(".comments").wait_for()
        for part, name_of in ((comments, "Comment"), (page, "+ tag")):
            expect(part.get_by_role("button", name=name_of, exact=True)).to_have_count(int(writes))
        page.get_by_role("button", name=re.compile("^Alerts")).first.click()
        page.get_by_role("dialog", name="Alerts").get_by_label("What was found").wait_for()
        assert page.get_by_role("button", name="Add an alert").count() == 0
        page.keyboard.press("Escape")
