"""What was logged over steps, the slices of results, the machines, and programs of what is drawn: in a browser, held against Python."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import expect

from anew import Experiment, Histogram, Store, Table
from later import later
from stores.journals import Journal

from .conftest import Shown, shown
from .roots import RATES, SEEDS, WIDTHS
from .test_access_of_pages import faults

pa = later("pyarrow")
ROWS = 2500
STEPS = (0, 10, 20)
START = 1_700_000_000.0
ALL = len(RATES) * len(WIDTHS) * len(SEEDS)


def rows(step: int) -> pa.Table:
    """Too large for the record. The label of every five-hundredth row goes with the step."""
    ids = np.arange(ROWS)
    labels = [("cat", "dog", "owl")[(one + (step if one % 500 == 0 else 0)) % 3] for one in ids]
    return pa.table({"id": ids, "label": labels, "loss": np.cos(ids)})


def record(root: str) -> None:
    for name, scale in (("one", 1.0), ("two", 2.0)):
        with Experiment(f"lab/{name}", root=root, quiet=True, system_metrics=0) as exp:
            for step in STEPS:
                exp.log_value("weights", Histogram(np.arange(1000.0) * scale * (1 + step), bins=20), step=step)  # fmt: skip
                exp.log_value("predictions", Table(rows(step)), step=step)
    journal = Journal(root, "lab/slow", t=START - 1).opened()
    noise = np.random.default_rng(1)
    for step in range(300):
        slow = 120 <= step < 150
        journal.points([(step, {"throughput": (30 if slow else 100) + noise.normal()})], t=START + step)  # fmt: skip
        if step % 5 == 0:
            busy = {f"system/gpu.{one}.utilization": 0.0 if one == 3 or (slow and one == 0) else 90 + noise.normal() for one in range(4)}  # fmt: skip
            journal.points([(None, {**busy, "system/memory.percent": 50 + noise.normal()})], t=START + step)  # fmt: skip
    journal.t = START + 300
    journal.closed().announce()


@pytest.fixture(scope="module")
def logged(starter, tmp_path_factory) -> Iterator[Shown]:
    root = tmp_path_factory.mktemp("logged")
    record(str(root))
    with shown(starter, root) as made:
        yield made


def said(page):
    return page.locator('section[aria-label="Analysis"] p[role=status]')


def test_histograms_over_steps_tell_the_counts_as_they_were_recorded(logged, opened):
    page = opened(logged, "?tab=analysis&plot=histograms")
    expect(said(page)).to_contain_text("6 histograms, all counted")
    plot = page.get_by_role("region", name="Histograms of two").get_by_role("application")
    plot.focus()
    page.keyboard.press("ArrowRight")  # from the first step on
    counts, _ = np.histogram(np.arange(1000.0) * 2 * 11, bins=20)
    tip = plot.get_by_role("status")
    expect(tip).to_contain_text("step 10")
    assert set(counts.tolist()) == {50}
    expect(tip).to_contain_text("50 of 1 000")
    # All stand on the same axes, and ridges are of the same histograms.
    page.locator("select", has_text="ridges").select_option("ridges")
    page.wait_for_url("**form=ridges**")
    expect(said(page)).to_contain_text("6 histograms, all counted")


def test_tables_are_paged_filtered_and_sorted_by_the_server(logged, opened):
    page = opened(logged, "?tab=analysis&plot=tables&q=name+==+'one'")
    answers: list[int] = []
    page.on("response", lambda one: answers.append(len(one.body())) if one.url.endswith("/analysis/table") else None)  # fmt: skip
    table = page.get_by_role("region", name="Rows of predictions")
    expect(said(page)).to_contain_text("rows 1 to 100 of 2 500")
    assert table.locator("tbody tr").count() == 100
    page.get_by_role("button", name="Rows after").click()
    expect(said(page)).to_contain_text("rows 101 to 200 of 2 500")
    page.get_by_label("Filter of rows").fill("label == 'owl' and loss > 0.9")
    page.keyboard.press("Enter")
    frame = rows(20).to_pandas()
    kept = frame[(frame.label == "owl") & (frame.loss > 0.9)]
    expect(said(page)).to_contain_text(f"rows 1 to 100 of {len(kept)}, of 2 500 rows")
    table.get_by_role("button", name="loss").click()
    page.wait_for_url("**order=loss**")
    expect(table.locator("tbody tr").first.locator("td").nth(1)).to_have_text(str(kept.sort_values("loss").id.iloc[0]))  # fmt: skip
    assert max(answers) < 20_000
    page.get_by_label("Filter of rows").fill("losss > 1")
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("no column 'losss'")
    # The slider leads to the step before.
    page.get_by_label("Filter of rows").fill("id == 500")
    page.keyboard.press("Enter")
    expect(table.locator("tbody")).to_contain_text(rows(20).to_pandas().label[500])
    page.get_by_role("slider", name="step").press("ArrowLeft")
    page.wait_for_url("**at=10**")
    expect(table.locator("tbody")).to_contain_text(rows(10).to_pandas().label[500])


@pytest.mark.slow
def test_two_tables_differ_in_rows_that_were_added_removed_and_changed(logged, opened):
    page = opened(logged, "?tab=analysis&plot=tables&q=name+in+('one','two')")
    expect(said(page)).to_contain_text("of 2 500")
    page.get_by_label("difference to").select_option("step")
    changed = [one for one in range(ROWS) if one % 500 == 0]
    table = page.get_by_role("region", name="Difference of predictions")
    expect(page.get_by_role("group", name="Kinds of rows")).to_contain_text(
        f"~ {len(changed)} changed"
    )
    expect(table.locator("tbody tr")).to_have_count(len(changed))
    before, after = rows(10).to_pandas().label[500], rows(20).to_pandas().label[500]
    row = table.locator("tbody tr").nth(1)
    expect(row.locator("del")).to_have_text(before)
    expect(row.locator("ins")).to_have_text(after)
    # By a key, and of two experiments, which logged the same.
    page.get_by_role("button", name="Rows go together by").click()
    page.get_by_role("menuitemradio", name="id", exact=True).click()
    expect(said(page)).to_contain_text("together by id")
    page.get_by_label("difference to").select_option(index=2)
    expect(page.get_by_role("group", name="Kinds of rows")).to_contain_text(
        f"{ROWS // 1000} 500 same"
    )


def test_slices_show_the_result_against_each_setting(grid, opened):
    page = opened(grid, "?tab=analysis&plot=slices")
    expect(said(page)).to_contain_text(f"{ALL} experiments · each drawn")
    rate = page.get_by_role("region", name="Slice of lr")
    expect(page.get_by_role("region", name=re.compile("^Slice of"))).to_have_count(2)
    # Two decades: a logarithmic axis unless somebody wants another.
    log = rate.get_by_role("button", name="log scale of lr")
    expect(log).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="log scale of width")).to_have_attribute("aria-pressed", "false")  # fmt: skip
    log.click()
    page.wait_for_url("**logs=-params.lr**")
    log.click()
    rate.get_by_role("button", name="lr", exact=True).click()
    page.wait_for_url("**setting=params.lr**")
    expect(page.get_by_label("log").first).to_be_checked()


def picture_of(page, click) -> dict:
    """What the page tells the server of what it draws, and that the answer is a program."""
    with page.expect_request("**/plot/program") as asked, page.expect_download() as download:
        click()
    compile(download.value.path().read_text(encoding="utf-8"), "program.py", "exec")
    return json.loads(asked.value.post_data)["picture"]


@pytest.mark.slow
def test_the_page_and_anew_plot_draw_from_one_description(grid, opened):
    plots, charts_in = later("anew.plots"), later("anew.plots.chart").charts_in
    with Store(str(grid.root)) as store:
        (curves,) = charts_in(plots.plot_metric(store, store.list(), "val/loss"))
        (dots,) = charts_in(plots.plot_scatter(store, None, "params.lr", "val/acc"))
        (strands,) = charts_in(plots.plot_parallel(store, None, ["params.lr", "params.width"], "val/acc"))  # fmt: skip
    page = opened(grid, "?metrics=val/loss")
    panel = page.get_by_role("region", name="val/loss")
    panel.hover()
    panel.get_by_role("button", name="Save this chart").click()
    told = picture_of(page, lambda: panel.get_by_role("button", name="matplotlib code").click())
    assert (told["title"], told["x"], told["log_y"]) == (curves.title, curves.x, curves.log_y)
    theirs = np.array(sorted([*one["x"], *one["y"]] for one in told["curves"]))
    ours = np.array(sorted([*one.x, *one.y] for one in curves.curves))
    assert theirs == pytest.approx(ours, rel=1e-6)  # a chart is told in seven digits
    page.goto(f"{grid.url}?tab=analysis&setting=params.lr&result=metrics.val/acc.max")
    save = page.get_by_role("button", name="save ▾")

    def code() -> None:
        save.click()
        page.get_by_text("matplotlib code").click()

    told = picture_of(page, code)
    assert [told[axis]["kind"] for axis in "xy"] == [dots.x.kind, dots.y.kind] == ["log", "linear"]
    assert sorted(zip(told["xs"], told["ys"], strict=True)) == sorted(zip(dots.xs.tolist(), dots.ys.tolist(), strict=True))  # fmt: skip
    page.goto(
        f"{grid.url}?tab=analysis&plot=parallel&axes=params.lr,params.width,metrics.val/acc.max"
    )
    told = picture_of(page, code)
    assert [one["kind"] for one in told["rulers"]] == [one.kind for one in strands.rulers]
    assert sorted(zip(*told["values"], strict=True)) == sorted(zip(*(one.tolist() for one in strands.values), strict=True))  # fmt: skip


@pytest.mark.slow
def test_a_drop_on_a_curve_leads_to_what_the_machine_did(logged, opened):
    page = opened(logged, "?q=name+==+'slow'&metrics=throughput&range=120..149")
    panel = page.get_by_role("region", name="throughput")
    panel.hover()
    panel.get_by_role("button", name="What the machine did in this part").click()
    page.wait_for_url("**tab=system**during=step:120..149:throughput**")
    out = page.get_by_role("table", name="What stood out of slow")
    expect(out.locator("tbody tr")).to_have_count(1)
    expect(out).to_contain_text("gpu.0.utilization")
    expect(page.get_by_label("What the machines did")).to_contain_text("does not say which of them brought the other about")  # fmt: skip
    idle = page.get_by_role("table", name="Idle time").locator("tbody tr")
    expect(idle).to_contain_text("100 %")
    # The devices stand beside each other, on one axis of values, around that time.
    section = page.get_by_role("button", name=re.compile("gpu utilization"))
    expect(section).to_contain_text("4 panels")
    page.wait_for_url("**range=**")
    page.get_by_role("button", name="Draw only these").click()
    expect(section).to_have_count(0)
    page.get_by_role("button", name="Show the whole time").click()
    expect(page.get_by_role("table", name="Idle time")).to_contain_text("10 % of 5m")
    with Store(str(logged.root)) as store:
        told = {one.device: one.share for one in store.analysis.machine("slow").devices}
    assert told["gpu.0"] == pytest.approx(0.1)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "theme"), [(1440, "dark"), (390, "light")])
def test_everybody_can_read_and_use_them(logged, opened, width, theme):
    for path in ("?tab=analysis&plot=histograms", "?tab=analysis&plot=tables", "?tab=analysis&plot=tables&against=10&key=id", "?tab=system&during=step:120..149:throughput"):  # fmt: skip
        page = opened(logged, path, width=width, height=844, theme=theme)
        page.wait_for_load_state("networkidle")
        assert faults(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        page.close()
