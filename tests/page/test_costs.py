"""What the page costs while it is open, in bytes and requests: the same on any machine."""

from __future__ import annotations

import re
import time
from typing import Any

from anew import Experiment
from benchmarks.browsing import Received

from .test_charts import panel

_IN_ORDER = """
const wait = window.setTimeout;  // however slow the machine is, nothing comes because it was waited for too long
window.setTimeout = (call, after, ...more) => (after >= 300 && after <= 1000 ? 0 : wait(call, after, ...more));
const mark = performance.mark.bind(performance);
performance.mark = (...given) => {
    window.before = [".panel", "aside li a"].map(each => document.querySelectorAll(each).length);
    return mark(...given);
};
"""


def followed(page) -> tuple[Received, list[str]]:
    """What a page receives from now on, and what it asks for; its stream is one that is seen from its beginning."""
    received = Received(page)
    metric = "m" if page.locator('section[aria-label="m"]').count() else "train/loss"
    under_way: set[Any] = set()
    every: list[str] = []

    def began(request: Any) -> None:
        every.append(request.url.partition("/api/v1")[2].partition("?")[0])
        if not every[-1].startswith("/events"):
            under_way.add(request)

    page.on("request", began)
    for end in ("requestfinished", "requestfailed"):
        page.on(end, lambda one: under_way.discard(one))
    page.reload()
    panel(page, metric)
    # What nobody waits for is asked for after the first chart: that is over when the page has nothing to do for a while.
    seen = -1
    while len(every) > seen or under_way:
        seen = len(every)
        page.evaluate("new Promise(idle => setTimeout(() => requestIdleCallback(idle), 1500))")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url.partition("/api/v1")[2].partition("?")[0]))
    return received, asked


def test_a_page_on_which_nothing_happens_receives_nothing(grid, opened):
    page = opened(grid, "?tab=charts")
    panel(page)
    received, asked = followed(page)
    before = received.bytes
    page.wait_for_timeout(2500)
    assert asked == []
    assert received.bytes - before < 20  # a sign of life of the stream every fifteen seconds


def test_saved_views_are_not_asked_for_again_when_the_axis_is_another(grid, opened):
    page = opened(grid, "?tab=charts")
    panel(page)
    _, asked = followed(page)
    page.keyboard.press("y")
    page.wait_for_url("**ylog**")
    page.wait_for_timeout(300)
    assert "/views" not in asked


def test_a_point_costs_an_event_and_the_point(show, opened, tmp_path):
    ticks = 5
    with Experiment("lab/x/a", root=str(tmp_path), quiet=True, system_metrics=0) as exp:
        for step in range(3):
            exp.log_metrics({"m": float(step)}, step=step)
        page = opened(show(), "?tab=charts")
        panel(page, "m")
        received, asked = followed(page)
        finished: list[Any] = []
        page.on("requestfinished", lambda one: finished.append(one))
        before, requests, began = received.bytes, received.requests, time.monotonic()
        for step in range(3, 3 + ticks):
            exp.log_metrics({"m": 0.5 / step}, step=step)
            panel(page, "m").get_by_text(f"{step + 1} points").wait_for()
            page.wait_for_timeout(300)
        took = time.monotonic() - began
        while len(finished) < len(asked) or received.requests < requests + len(asked):
            page.wait_for_timeout(20)
    assert asked.count("/panel") <= ticks
    # Rows are looked at every three seconds, what tells most every ten: on a slow machine more often during as many points.
    others = [one for one in finished if not one.url.endswith("/panel")]
    assert len(others) <= 3 + took / 3 + took / 10
    sizes = [one.sizes() for one in others]
    points = (
        received.bytes
        - before
        - sum(one["responseHeadersSize"] + one["responseBodySize"] for one in sizes)
    )
    assert points < 1600 * ticks


def test_no_other_panel_is_asked_for_until_the_first_one_is_drawn(show, opened, tmp_path):
    with Experiment("lab/x/a", root=str(tmp_path), quiet=True, system_metrics=0) as exp:
        for step in range(20):
            exp.log_metrics({"a": step / 3, "b": step / 5, "c": step / 7}, step=step)
    page = opened(show(), "?tab=charts")
    for name in ("a", "b", "c"):
        panel(page, name)
    began = page.evaluate(
        """() => {
            const drawn = performance.getEntriesByName("anew-first-chart")[0].startTime;
            const all = performance.getEntriesByType("resource").filter(one => one.name.endsWith("/panel"));
            return all.map(one => one.startTime < drawn);
        }"""
    )
    assert began.count(True) == 1
    assert len(began) >= 3


def test_what_waits_for_the_first_chart_is_shown_also_where_that_takes_long(grid, opened):
    page = opened(grid, "?tab=charts")
    panel(page)
    page.route("**/api/v1/panel", lambda route: None)  # no chart is ever drawn
    page.reload()
    page.locator('section[aria-label="val/acc"]').wait_for()
    page.locator("aside li a").first.wait_for()
    assert page.evaluate('performance.getEntriesByName("anew-first-chart").length') == 0


def test_neither_other_panels_nor_rows_are_made_before_the_first_chart(grid, opened):
    page = opened(grid, "?tab=charts")
    panel(page)
    page.add_init_script(_IN_ORDER)
    page.reload()
    panel(page)
    page.locator("aside li a").first.wait_for()
    assert page.evaluate("before") == [1, 0]
    assert page.locator(".panel").count() > 1


def test_all_files_that_the_first_chart_needs_are_named_by_the_document(grid, opened):
    page = opened(grid, "?tab=charts")
    panel(page)
    document = page.request.get(grid.url).text()  # a script that loads more names it there too
    named = set(re.findall(r"assets/[^\"]+[.](?:js|css)", document))
    needed = page.evaluate(
        """() => {
            const drawn = performance.getEntriesByName("anew-first-chart")[0].startTime;
            const all = performance.getEntriesByType("resource").filter(one => /[.](js|css)$/.test(one.name));
            return all.filter(one => one.startTime < drawn).map(one => /assets.*/.exec(one.name)[0]);
        }"""
    )
    assert set(needed) <= named
    assert len(needed) <= 6  # each is a request


def test_a_panel_is_one_layer_until_it_is_pointed_at(grid, opened):
    page = opened(grid, "?tab=charts")
    one = panel(page)
    assert one.locator("canvas").count() == 1
    one.locator(".plot").hover()
    one.locator("canvas.over").wait_for()


def test_the_files_of_the_page_come_compressed_to_a_browser_on_this_machine_too(grid, opened):
    page = opened(grid, "?tab=charts")
    panel(page)
    sizes = page.evaluate(
        """performance.getEntriesByType("resource").filter(one => /[.](js|css)$/.test(one.name))
            .map(one => [one.encodedBodySize, one.decodedBodySize])"""
    )
    assert sum(came for came, _ in sizes) < 150_000
    assert sum(came for came, _ in sizes) < 0.5 * sum(whole for _, whole in sizes)
