"""Alerts on the page: what was found, and setting and removing them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from anew import Experiment, Store
from anew.alerts.sending import Sender
from anew.alerts.watching import Watch

from .test_access_of_pages import faults


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_an_alert_is_set_found_seen_and_removed(lab, project, opened, theme):
    with Experiment(f"{project}/first", root=str(lab.root), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 1.0}, step=0)
    page = opened(lab, f"?in={project}", theme=theme, alone=True)
    page.get_by_role("button", name="Alerts", exact=True).click()
    dialog = page.get_by_role("dialog", name="Alerts")
    dialog.get_by_role("button", name="Add an alert").click()
    dialog.get_by_label("Name").fill(f"broken {project}")
    dialog.get_by_label("When").fill("stalled for ever")
    dialog.get_by_role("button", name="Set the alert").click()
    expect(dialog.get_by_role("alert")).to_contain_text("says no length of time")
    dialog.get_by_label("When").fill("nan")
    dialog.get_by_role("button", name="Set the alert").click()
    watched = dialog.get_by_label("What is watched for")
    expect(watched).to_contain_text(f"in {project}")
    page.keyboard.press("Escape")
    with Experiment(f"{project}/second", root=str(lab.root), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": float("nan")}, step=7)
    with Store(str(lab.root)) as store:
        [alert] = [one for one in store.alerts.list() if one.project == project]
        assert (alert.when, alert.to) == ("nan", ())
        Watch(store.backend, Sender({})).step()
    page.reload()
    page.get_by_role(
        "button", name=re.compile(r"^Alerts: \d+ things? found since you looked")
    ).click()
    found = dialog.get_by_label("What was found").get_by_role(
        "row", name=f"broken {project} second"
    )
    expect(found).to_contain_text("loss")
    assert faults(page) == []
    watched.get_by_role("button", name=f"Remove the alert broken {project}").click()
    expect(watched).to_have_count(0)
    found.get_by_role("link", name="second").click()
    page.wait_for_url(f"**/{exp.id}**")
    expect(page.get_by_role("button", name="Alerts", exact=True)).to_be_visible()  # it was seen


@pytest.mark.parametrize("size", [(1440, 900), (1024, 700), (400, 800)])
def test_the_whole_form_is_in_sight_and_what_failed_says_why(lab, project, opened, size):
    with Store(str(lab.root)) as store:
        for name in ("first", "second"):
            store.alerts.add(f"{name} {project}", when="nan", to=["@nobody"], project=project)
        with Experiment(f"{project}/run", root=str(lab.root), quiet=True, system_metrics=0) as exp:
            exp.log_metrics({"loss": float("nan")}, step=7)
        Watch(store.backend, Sender({})).step()
        page = opened(lab, f"?in={project}", alone=True)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.get_by_role("button", name=re.compile("^Alerts")).first.click()
        dialog = page.get_by_role("dialog", name="Alerts")
        found = dialog.get_by_label("What was found").locator("tr", has_text=f"first {project}")
        expect(found).to_contain_text("ANEW_ALERT_PLACES")
        watched = dialog.get_by_label("What is watched for")
        expect(watched).to_contain_text(f"first {project} nan in {project}")
        news = dialog.get_by_label("What has changed")
        expect(news).to_contain_text(f"first {project}: loss")
        dialog.get_by_role("button", name="Add an alert").click()
        dialog.get_by_label("Name").fill("x")
        dialog.get_by_label("Tell").fill("nobody")
        dialog.get_by_role("button", name="Set the alert").click()
        expect(dialog.get_by_role("alert")).to_be_visible()
        cut = page.evaluate(
            """() => {
                const dialog = document.querySelector("dialog[open]"), form = dialog.querySelector("form");
                const outer = dialog.getBoundingClientRect(), inner = form.getBoundingClientRect();
                const wide = [...dialog.querySelectorAll(".inside")].some(one => one.scrollWidth > one.clientWidth);
                return [inner.bottom > outer.bottom - 1, outer.bottom > innerHeight, wide];
            }"""
        )
        assert cut == [False, False, False]
        page.wrong.clear()  # that the alert was refused, the console says
        for name in ("first", "second"):
            store.alerts.remove(f"{name} {project}", project=project)
