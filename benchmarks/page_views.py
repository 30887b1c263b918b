"""A view with very many panels, and a report as one file: how long until they are drawn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from anew import Store
from anew.html_file import write_html

from .browsing import DRAWN, LIMIT_MS, shown
from .harness import Row, duration
from .page_data import POINTS, recorded

__all__ = ["forty_panels", "one_file"]

_SECTIONS = 4
_FIRST = """() => performance.getEntriesByName("anew-first-chart")[0]?.startTime / 1000"""
_TALL = {"width": 1440, "height": 6000}
"""All panels are in sight, so all are drawn."""


def forty_panels(browser: Any, place: Path, size: Callable[[int, int], int]) -> Iterator[Row]:
    """A saved view of 40 panels in sections, over 100 experiments, opened by its link."""
    count, panels, rounds = size(100, 3), size(40, 8), size(5, 1)
    root = place / "root"
    root.mkdir()
    recorded(root, count, panels)
    each = panels // _SECTIONS
    sections = [
        {"name": f"part {at}", "panels": [f"train/m{at * each + n}" for n in range(each)]}
        for at in range(_SECTIONS)
    ]
    with Store(root) as store:
        store.saved_views.save("many", {"panels": sections, "tab": "charts"})
        store.saved_views.set_default("many")
    firsts, lasts = [], []
    with shown(
        browser, root, "?tab=table"
    ) as site:  # its charts are folded: they are of one family
        path = _link(browser, site)
        for _ in range(rounds):
            context = browser.new_context(viewport=_TALL)
            context.set_default_timeout(LIMIT_MS)
            context.add_cookies(list(site.cookies))
            page = context.new_page()
            began = time.perf_counter()
            page.goto(path, wait_until="commit")
            page.locator(DRAWN).nth(panels - 1).wait_for(state="attached")
            lasts.append(time.perf_counter() - began)
            firsts.append(page.evaluate(_FIRST))
            context.close()
    what = f"a view of {panels} panels × {count} experiments × {POINTS:,} points"
    for name, taken, most in (("first chart", firsts, 1.0), ("last chart", lasts, 4.0)):
        seconds = statistics.median(taken)
        reached = seconds <= most
        yield Row(f"{what}: {name}", duration(seconds), "", "", f"≤ {duration(most)}", reached)


def _link(browser: Any, site: Any) -> str:
    """The address of the page once it has opened its default view."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(LIMIT_MS)
    context.add_cookies(list(site.cookies))
    page = context.new_page()
    page.goto(site.url)
    page.wait_for_url("**panels=**")
    address: str = page.url
    context.close()
    return address


_CURVES = """() => [...document.querySelectorAll("canvas")].reduce((sum, one) => sum + Number(one.dataset.curves), 0)"""
_TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def one_file(browser: Any, place: Path, size: Callable[[int, int], int]) -> Iterator[Row]:
    """A report of 20 experiments with 10 metrics: how large it is, and how long a browser takes to open it from the disk."""
    count, metrics, rounds = size(20, 3), size(10, 2), size(5, 1)
    root = place / "root"
    root.mkdir()
    recorded(root, count, metrics)
    with Store(root) as store:
        written = write_html(store, None, place / "report.html")
    taken = []
    for _ in range(rounds):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        began = time.perf_counter()
        page.goto(written.path.as_uri())
        page.evaluate(_TWO_FRAMES)
        taken.append(time.perf_counter() - began)
        assert page.evaluate(_CURVES) >= count
        context.close()
    what = f"one HTML file of {count} experiments × {metrics} metrics × {POINTS:,} points"
    said = f"{written.bytes / 1e6:.2f} MB"
    yield Row(f"{what}: size", said, "", "", "≤ 2 MB", written.bytes <= 2_000_000)
    seconds = statistics.median(taken)
    yield Row(f"{what}: opened", duration(seconds), "", "", "≤ 1 s", seconds <= 1.0)
