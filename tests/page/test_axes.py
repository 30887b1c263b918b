"""What runs along the axes of charts, how curves are smoothed and which panels there are: each number is held against numpy's over all points."""

from __future__ import annotations

import numpy as np
import pytest

from anew import Experiment, Store
from anew.query.smoothing import smoothed

from .test_charts import panel, rows, saved

COUNT = 400
VALUES = np.where(np.arange(COUNT) % 200 == 50, 1e6, np.sin(np.arange(COUNT) / 9))
NAMES = ("train/loss", "val/loss", "val/acc", "lr")


@pytest.fixture(scope="module")
def waves(lab) -> str:
    """The id of an experiment with spikes, in a project of its own."""
    with Experiment("lab/waves/a", root=str(lab.root), quiet=True, system_metrics=0) as exp:
        for step, value in enumerate(VALUES):
            exp.log_metrics({"train/loss": float(value)}, step=step)
        exp.log_metrics(dict.fromkeys(NAMES[1:], 1.0), step=0)
    return exp.id


def test_a_curve_is_smoothed_over_all_its_points(lab, waves, opened):
    page = opened(lab, "?in=lab/waves&tab=charts&metrics=train/loss&smooth=0.9")
    one = panel(page)
    one.get_by_text("smoothed on all points").wait_for()
    drawn = [float(row.get("value") or row["last"]) for row in rows(saved(page, one, "CSV"))]
    np.testing.assert_allclose(drawn, smoothed(VALUES, 0.9), rtol=1e-3)


def test_time_runs_along_x_since_the_start_or_of_the_day(lab, waves, opened):
    with Store(str(lab.root)) as store:
        times = store.history(waves, "train/loss")[0].times
    page = opened(lab, "?in=lab/waves&tab=charts&metrics=train/loss&x=time")
    placed = [float(row["time"]) for row in rows(saved(page, panel(page), "CSV"))]
    assert len(placed) == COUNT
    np.testing.assert_allclose(np.diff(placed), np.diff(times), atol=2e-3)
    page.goto(f"{lab.url}?in=lab/waves&tab=charts&metrics=train/loss&x=relative")
    placed = [float(row["relative"]) for row in rows(saved(page, panel(page), "CSV"))]
    np.testing.assert_allclose(np.array(placed) - placed[0], times - times[0], atol=2e-3)
    assert 0 <= placed[0] < 60


def test_extremes_are_left_out_of_the_axis_and_said(lab, waves, opened):
    page = opened(lab, "?in=lab/waves&tab=charts&metrics=train/loss")
    one = panel(page)
    assert "robust" not in page.url
    page.get_by_role("button", name="More").click()
    page.get_by_label("leave out extremes").check()
    one.locator(".said", has_text="axis of the middle 98 %").wait_for()
    text = saved(page, one, "SVG")
    assert ">1.0<" in text or ">1<" in text  # the ticks are those of the wave
    page.get_by_role("button", name="More").click()
    page.get_by_label("log x").check()
    one.locator(".said", has_text="1 ≤ 0 on the log axis of x").wait_for()


def test_panels_are_found_by_words_a_pattern_or_an_expression(lab, waves, opened):
    page = opened(lab, "?in=lab/waves&tab=charts")
    panel(page)
    search = page.get_by_role("searchbox", name="Metrics")
    for text, names in (("val/*", {"val/loss", "val/acc"}), ("loss", {"train/loss", "val/loss"}), ("/^(lr|val.a)/", {"lr", "val/acc"})):  # fmt: skip
        search.fill(text)
        page.get_by_text(f"{len(names)} panels").first.wait_for()
        for name in names:
            panel(page, name)
        assert page.locator(".panel").count() == len(names)
    search.fill("/(/")
    page.locator("input.mistaken").wait_for()
