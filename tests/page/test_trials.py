"""The page of a sweep: its trials, as agents run them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from anew.sweeps import Stopped, create_sweep, run_agent

LOSSES = {0.1: 3.0, 0.2: 2.0, 0.3: 2.5, 0.4: 1.0, 0.5: 4.0}


@pytest.fixture
def sweep(lab, project):
    """A sweep over five rates, three trials of which have ended; the rest is run by the test."""
    config = {"method": "grid", "metric": {"name": "val/loss", "goal": "minimize"}, "parameters": {"lr": {"values": list(LOSSES)}}}  # fmt: skip
    with create_sweep(config, f"{project}/search", root=str(lab.root)) as made:
        yield made


def _try_one(trial) -> None:
    loss = LOSSES[trial.params["lr"]]
    trial.experiment.log_metrics({"val/loss": loss}, step=0)
    if loss == 2.5:
        raise Stopped("stopped early")


def test_trials_are_drawn_ranked_and_counted_while_agents_run(lab, sweep, opened):
    page = opened(lab, f"x/{sweep.id}")
    part = page.locator("section", has=page.get_by_role("heading", name="Trials"))
    expect(part).to_contain_text("No trial has begun")
    expect(part.get_by_text(f"anew agent {sweep.id}")).to_be_visible()
    assert run_agent(sweep, _try_one, count=3) == 3
    expect(part).to_contain_text("3 trials: 2 completed, 1 stopped early.")
    assert run_agent(sweep, _try_one) == 2
    expect(part).to_contain_text("5 trials: 4 completed, 1 stopped early.")
    # 3.0, 2.0 and 1.0 were the best of their time.
    best_so_far = "front of 3: best so far, low val/loss (min)"
    expect(part.locator(".said")).to_contain_text(best_so_far, timeout=20_000)
    rows = part.get_by_role("region", name="Best trials").locator("tbody tr")
    expect(rows.first).to_contain_text("0.4")
    assert [one.split()[0] for one in rows.locator("a").all_inner_texts()] == [f"trial-{at}" for at in (4, 2, 3, 1, 5)]  # fmt: skip
    part.get_by_role("button", name="Settings").click()
    expect(part.locator('[data-plot="parallel"]')).to_have_attribute("data-count", "5")
    part.get_by_role("button", name="History").click()
    part.get_by_role("button", name="Select these 3").click()
    page.wait_for_url("**selected=**")
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.go_back()
    part.get_by_role("link", name="All in the analysis").click()
    expect(page.locator('section[aria-label="Analysis"] [role=status]')).to_contain_text(
        "front of 3"
    )
    sweep.stop()
    page.goto(f"{lab.url}x/{sweep.id}")
    expect(part).to_contain_text("No further trial is begun.")


def test_an_experiment_that_is_no_sweep_has_no_trials(grid, opened):
    from anew import Store

    with Store(str(grid.root)) as store:
        one = store.list(limit=1)[0].id
    page = opened(grid, f"x/{one}")
    page.get_by_role("heading", name="Curves").wait_for()
    expect(page.get_by_role("heading", name="Trials")).to_have_count(0)
    expect(page.locator("nav.parts [aria-current]")).to_have_text("Curves")
