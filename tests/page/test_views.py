"""Saved views: what the page shows, saved, opened by default, arranged by hand, and saved by two at once."""

from __future__ import annotations

import pytest

from anew import Experiment, Store

from .conftest import Shown, address


@pytest.fixture
def trained(lab: Shown, project: str) -> str:
    """A project of two experiments with four metrics."""
    for name in "ab":
        with Experiment(
            f"{project}/{name}", root=str(lab.root), quiet=True, system_metrics=0
        ) as exp:
            for step in range(3):
                exp.log_metrics(
                    {"train/loss": 1.0, "train/acc": 0.5, "val/loss": 2.0, "lr": 0.1}, step=step
                )
    return project


def _panels(page) -> list[str]:
    return page.locator("section[data-exact]").evaluate_all(
        "all => all.map(one => one.getAttribute('aria-label'))"
    )


def _choose(page, item: str) -> None:
    page.get_by_role("button", name="Saved views").or_(page.locator(".views button")).first.click()
    page.get_by_role("menuitem", name=item).or_(
        page.get_by_role("menuitemradio", name=item)
    ).first.click()


def test_panels_are_arranged_saved_and_opened_by_default(lab, trained, opened):
    page = opened(lab, f"?in={trained}&smooth=0.5")
    page.locator('section[aria-label="val/loss"][data-exact]').wait_for()
    _choose(page, "Arrange the panels …")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Remove lr").click()
    dialog.get_by_role("button", name="Remove train/acc").click()
    dialog.get_by_label("Width of val/loss").select_option("2")
    dialog.get_by_role("button", name="Add a section").click()
    added = dialog.get_by_label("Name of the section").last
    added.fill("Rates")
    added.press("Tab")
    dialog.get_by_label("A metric to add to Rates").fill("l*")
    dialog.get_by_label("A metric to add to Rates").press("Enter")
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("heading", name="Rates 1 panel").wait_for()
    page.locator('section[aria-label="lr"][data-exact]').wait_for()
    assert sorted(_panels(page)) == ["lr", "train/loss", "val/loss"]
    wide = page.locator('section[aria-label="val/loss"]').bounding_box()["width"]
    assert wide > 1.8 * page.locator('section[aria-label="train/loss"]').bounding_box()["width"]
    _choose(page, "Save as …")
    page.get_by_label("Name", exact=True).fill("mine")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("The view mine is saved.").wait_for()
    _choose(page, "Open on it by default")
    with Store(str(lab.root)) as store:
        saved = store.saved_views.get("mine", trained)
        assert saved.shows["smooth"] == 0.5
        assert [one["name"] for one in saved.shows["panels"]][-1] == "Rates"
    page = opened(lab, f"?in={trained}")
    page.get_by_role("heading", name="Rates 1 panel").wait_for()
    assert "smooth=0.5" in address(page)
    _choose(page, "as usual")
    page.locator('section[aria-label="train/acc"]').wait_for()
    assert "smooth" not in address(page)


def test_two_who_save_one_view_are_told(lab, trained, opened):
    with Store(str(lab.root)) as store:
        store.saved_views.save("ours", {"smooth": 0.25, "y_log": True, "unheard_of": 1}, trained)
        page = opened(lab, f"?in={trained}")
        under_way = set()
        page.on("request", lambda one: "/api/v1/views" in one.url and under_way.add(one))
        for end in ("requestfinished", "requestfailed"):
            page.on(end, lambda one: under_way.discard(one))
        page.locator('section[aria-label="val/loss"][data-exact]').wait_for()
        _choose(page, "ours")
        page.get_by_text("parts that this page cannot read: unheard_of").wait_for()
        assert "ylog=1" in address(page)
        page.get_by_label("log y").uncheck()
        page.route("**/api/v1/views*", lambda route: route.abort())  # so that it cannot know yet
        while under_way:  # what was asked before would tell it
            page.wait_for_timeout(20)
        store.saved_views.save("ours", {"smooth": 0.75}, trained)
        page.locator(".views button").first.click()
        save = page.get_by_role("menuitem", name="Save ours")
        save.click()
        page.get_by_text("Somebody else has saved ours meanwhile").wait_for()
        assert store.saved_views.get("ours", trained).shows == {"smooth": 0.75}
        page.unroute("**/api/v1/views*")
        _choose(page, "Save over what")
        page.get_by_text("The view ours is saved.").wait_for()
        assert store.saved_views.get("ours", trained).shows == {"smooth": 0.25}
        _choose(page, "Remove ours")
        page.get_by_text("The view ours is removed.").wait_for()
        page.get_by_role("button", name="Undo").last.click()
        page.locator(".views button", has_text="ours").wait_for()
        assert store.saved_views.get("ours", trained).shows == {"smooth": 0.25}
    # The refusal, and the questions that were held back: the browser may tell of them much later.
    page.wrong[:] = [one for one in page.wrong if "ERR_FAILED" not in one and "409" not in one]
