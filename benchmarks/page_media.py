"""A grid of ten thousand images in a browser: how long frames take while all of it is scrolled through, and what memory the page takes.

The images are JPEGs of 480 × 360 pixels. Beside it stands a page that has all of them as lazily loaded `<img>` elements of the files
themselves, in the same browser and from the same server. The grid asks for no pictures while more than a tile (here 132 pixels) goes by with
each frame; rows at 100 pixels a frame are those in which pictures come while it moves.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import PIL.Image
import psutil

from anew import Experiment, Image

from .browsing import Site, shown, window
from .harness import Row, duration

__all__ = ["measured_grid"]

_TILE = 128
_SCROLLED = """async ([down, across, most]) => {
    const view = document.querySelector("[aria-label^='Grid of']") ?? document.scrollingElement;
    const frame = () => new Promise(requestAnimationFrame);
    const times = [];
    view.scrollTop = 0;
    view.scrollLeft = 0;
    let before = await frame();
    const moved = async () => {
        const now = await frame();
        times.push(now - before);
        before = now;
    };
    for (let turn = 0; times.length < most; turn += 1) {
        const end = turn % 2 ? 0 : view.scrollWidth - view.clientWidth;
        while (Math.abs(view.scrollLeft - end) > 1 && times.length < most) {
            view.scrollLeft += turn % 2 ? -across : across;
            await moved();
        }
        const top = view.scrollTop;
        view.scrollTop += down;
        await moved();
        if (view.scrollTop === top) break;
    }
    return times;
}"""
_PLAIN = """urls => {
    document.body.replaceChildren(...urls.map(url => Object.assign(document.createElement("img"), { loading: "lazy", width: 128, height: 128, src: url })));
    document.documentElement.style.overflow = document.body.style.overflow = "auto";
    document.body.style.height = document.documentElement.style.height = "auto";
}"""
_SEEN = "[...document.querySelectorAll('.tile img')].filter(one => one.complete && one.naturalWidth > 0).length"


def _record(root: Path, experiments: int, steps: int) -> None:
    """Pictures of a training that becomes sharper: smooth noise, as large in a file as photographs."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (64, 24, 32, 3), dtype=np.uint8)
    for number in range(experiments):
        with Experiment(
            f"lab/page/e{number:03}", root=str(root), quiet=True, system_metrics=0
        ) as exp:
            exp.log_metrics({"val/loss": 1.0}, step=0)
            for step in range(steps):
                exp.log_value("sample", Image(_jpeg(coarse[(number * 7 + step) % 64], number, step)), step=step * 100)  # fmt: skip


def _jpeg(coarse: Any, number: int, step: int) -> bytes:
    picture = PIL.Image.fromarray(coarse).resize((480, 360), PIL.Image.Resampling.BICUBIC)
    picture.paste((number * 2 % 256, step * 2 % 256, 128), (10, 10, 90, 60))  # no two are the same
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def measured_grid(browser: Any, place: Path, size: Callable[[int, int], int]) -> Iterator[Row]:
    """The rows of the grid."""
    experiments, steps, most = size(100, 4), size(100, 30), size(5000, 60)
    count = experiments * steps
    root = place / "root"
    root.mkdir()
    _record(root, experiments, steps)
    what = f"grid of {count:,} images"
    # Nothing has been made of these images before.
    home = mock.patch.dict(os.environ, HOME=str(place / "home"))
    with home, shown(browser, root) as site:
        with window(browser, site) as page:
            page.goto(f"{site.url}?tab=media&media=grid&tile={_TILE}&at=0")
            page.wait_for_function(f"() => {_SEEN} > 20")
            first = page.evaluate("performance.now()") / 1000
            cold = page.evaluate(_SCROLLED, [600, 200, most])
            warm = page.evaluate(_SCROLLED, [600, 200, most])
            slow = page.evaluate(_SCROLLED, [600, 100, most // 5])
            page.wait_for_timeout(1000)
            heap, process, nodes = _memory(page)
        yield Row(f"{what}: first pictures", duration(first), "", "", "", None)
        plain, beside = _beside(browser, site, most)
        yield from _frames(f"{what}, thumbnails yet to be made", cold, None)
        yield from _frames(f"{what}, thumbnails made", warm, plain)
        yield from _frames(f"{what}, thumbnails made, at 100 pixels a frame", slow, None)
        yield Row(f"heap, {what}", f"{heap:.0f} MB", f"{beside[0]:.0f} MB (plain)", "", "≤ 150 MB", heap <= 150)  # fmt: skip
        said = f"{beside[1]:.0f} MB (plain)"
        yield Row(f"process of the page, {what}", f"{process:.0f} MB", said, f"{process / beside[1]:.2f}")  # fmt: skip
        yield Row(f"elements, {what}", f"{nodes:,}", "", "", "≤ 4,000", nodes <= 4000)


def _frames(what: str, times: list[float], plain: list[float] | None) -> Iterator[Row]:
    """The median frame, and the slowest but for one in a hundred."""
    for name, share in (("median", 0.5), ("99 of 100 within", 0.99)):
        ours = float(np.quantile(times, share)) / 1000
        theirs = None if plain is None else float(np.quantile(plain, share)) / 1000
        said = "" if theirs is None else f"{duration(theirs)} (plain)"
        ratio = "" if theirs is None else f"{ours / theirs:.2f}"
        yield Row(f"a frame of the {what}: {name}, of {len(times):,}", duration(ours), said, ratio, "≤ 50 ms", ours <= 0.05)  # fmt: skip


def _beside(browser: Any, site: Site, most: int) -> tuple[list[float], tuple[float, float]]:
    """The same of a page without anything but the images."""
    with window(browser, site) as page:
        page.goto(site.url)
        urls = page.evaluate("""async () => {
            const ids = (await (await fetch("api/v1/experiments?limit=1000")).json()).ids;
            const found = await (await fetch("api/v1/media", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({ids, names: ["sample"]})})).json();
            return found.flatMap(one => one.series[0].paths.map(path => new URL(`api/v1/experiments/${one.id}/content/value/${path}`, document.baseURI).href));
        }""")
        page.evaluate(_PLAIN, urls)
        page.wait_for_timeout(2000)
        times = page.evaluate(_SCROLLED, [200, 0, most])
        page.wait_for_timeout(1000)
        heap, process, _ = _memory(page)
    return times, (heap, process)


def _memory(page: Any) -> tuple[float, float, int]:
    """Megabytes of the page's heap, and of its process beyond what it shares with others; and how many elements it has."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    sizes = []
    for one in psutil.Process().children(recursive=True):
        try:
            if "--type=renderer" in one.cmdline():
                sizes.append(one.memory_full_info().uss / 1e6)
        except psutil.Error:
            continue
    nodes: int = page.evaluate("document.querySelectorAll('*').length")
    return heap, max(sizes, default=float("nan")), nodes
