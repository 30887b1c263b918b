"""Screenshots of every page at two widths in both themes: `python tools/screens.py FOLDER [NAME …]` writes them to look at.

The stores are made first: the demo's networks, experiments with everything that a page shows, one alone, a thousand, ten thousand, an
empty one, and a training that runs. Names such as `list` or `logs` choose some of the pages.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tools")]

SIZES = ((1440, 900), (390, 844))
THEMES = ("light", "dark")
TALLEST = 5000
DRAWN_MS = 2500


class Screen(NamedTuple):
    """A page: its store, its path below the page's address, and whether all of it is shown however long it is."""

    store: str
    path: str
    whole: bool = False


SCREENS = {
    "list": Screen("demo", ""),
    "table": Screen("demo", "?tab=table"),
    "groups": Screen("demo", "?tab=table&group=params.lr"),
    "grouped-charts": Screen("demo", "?tab=charts&group=params.lr"),
    "system": Screen("demo", "?tab=system"),
    "logs": Screen("pages", "?tab=logs"),
    "media": Screen("pages", "?tab=media"),
    "experiment": Screen("pages", "x/{first}", whole=True),
    "hostile": Screen("pages", "x/{hostile}", whole=True),
    "difference": Screen("pages", "diff?ids={first},{second}", whole=True),
    "difference-of-three": Screen("pages", "diff?ids={first},{second},{third}", whole=True),
    "reproduction": Screen("pages", "x/{first}/reproduction", whole=True),
    "no-reproduction": Screen("pages", "x/{second}/reproduction"),
    "not-there": Screen("pages", "x/zzzzzzzzzzzz"),
    "wrong-filter": Screen("demo", "?tab=table&q=params.lrr+%3E+0.1+and"),
    "no-match": Screen("demo", "?q=params.lr+%3E+5"),
    "sign-in": Screen("demo", "sign-in"),
    "empty": Screen("empty", ""),
    "one": Screen("one", ""),
    "running": Screen("running", ""),
    "thousand": Screen("thousand", "?tab=charts&each=1"),
    "many": Screen("many", ""),
    "many-table": Screen("many", "?tab=table"),
}


def demo(root: Path) -> dict[str, str]:
    """The demo's networks."""
    import pictures

    with contextlib.chdir(root):
        pictures.train()
    for one in (root / "experiments").iterdir():
        one.rename(root / one.name)
    return {}


def pages(root: Path) -> dict[str, str]:
    """Experiments with everything that a page shows, and a run again."""
    from tests.page.recorded import record_pages

    return record_pages(root).ids


def searched(root: Path, count: int) -> dict[str, str]:
    """The runs of a search."""
    from benchmarks.synthetic import write_experiment

    chance = random.Random(1)
    for number in range(count):
        rate, width = 10 ** chance.uniform(-4, -1), chance.choice((8, 32, 128))
        losses = (math.exp(-s * rate * width / 3) + chance.random() * 0.05 for s in range(20))
        lines = [
            f'{{"t":1790000000,"m":{{"val/loss":{one!r},"val/acc":{1 - one / 2!r}}},"s":{s}}}\n'
            for s, one in enumerate(losses)
        ]
        params = {"lr": rate, "width": width, "seed": number % 4}
        write_experiment(
            root, f"lab/search/run-{number:05d}", iter(["".join(lines).encode()]), params=params
        )
    return {}


def running(root: Path) -> dict[str, str]:
    """A training that runs until this program ends."""
    from anew import Experiment

    exp = Experiment("lab/now/running", root=str(root), quiet=True, params={"lr": 0.1}).__enter__()
    exp.log("epoch 1 begins")

    def train() -> None:
        for step in range(100_000):
            exp.log_metrics(
                {"train/loss": 1 / (step + 1), "val/acc": 1 - 1 / (step + 2)}, step=step
            )
            threading.Event().wait(0.2)

    threading.Thread(target=train, daemon=True).start()
    return {}


STORES: dict[str, Callable[[Path], dict[str, str]]] = {
    "demo": demo,
    "pages": pages,
    "one": lambda root: searched(root, 1),
    "thousand": lambda root: searched(root, 1000),
    "many": lambda root: searched(root, 10_000),
    "running": running,
    "empty": lambda root: {},
}


@contextlib.contextmanager
def shown(root: Path) -> Iterator[str]:
    """The link of the page that shows a store."""
    command = [sys.executable, "-m", "anew", "ui", "--root", str(root), "--port", "0", "--quiet", "--no-browser"]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SSH_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def take(browser: Any, link: str, name: str, screen: Screen, path: str, folder: Path) -> None:
    """The pictures of one page."""
    url, _, secret = link.partition("#")
    for theme in THEMES:
        for width, height in SIZES:
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
            )  # fmt: skip
            if context.cookies() == [] and screen.path != "sign-in":
                context.add_cookies(cookies_of(browser, url, secret))
            page = context.new_page()
            page.goto(url + ("" if screen.path == "sign-in" else path))
            page.wait_for_timeout(DRAWN_MS)  # all that is on the screen has been drawn
            if screen.whole:
                long = page.evaluate(
                    "Math.max(0, ...[...document.querySelectorAll('*')].filter(one => one.clientWidth > 300 && "
                    "getComputedStyle(one).overflowY !== 'visible').map(one => one.scrollHeight))"
                )
                page.set_viewport_size(
                    {"width": width, "height": max(height, min(long + 60, TALLEST))}
                )
                page.wait_for_timeout(DRAWN_MS)
            page.screenshot(path=str(folder / f"{name}-{width}-{theme}.png"))
            context.close()


_cookies: dict[str, Any] = {}


def cookies_of(browser: Any, url: str, secret: str) -> Any:
    """What lets a window in: a link does so once."""
    if url not in _cookies:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{url}#{secret}")
        page.locator("header").first.wait_for()
        _cookies[url] = context.cookies()
        context.close()
    return _cookies[url]


def main(folder: Path, names: list[str]) -> None:
    """Make the stores that are needed, and the pictures."""
    from playwright.sync_api import sync_playwright

    from anew import Store

    folder.mkdir(parents=True, exist_ok=True)
    chosen = {name: SCREENS[name] for name in names or SCREENS}
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("There is no Chromium.")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--disable-gpu", "--no-sandbox"])  # fmt: skip
        for store in dict.fromkeys(one.store for one in chosen.values()):
            root = Path(place, store)
            root.mkdir()
            ids = STORES[store](root)
            with Store(root) as opened:
                opened.refresh()  # so that the page shows what there is and not that it is read
            with shown(root) as link:
                for name, screen in chosen.items():
                    if screen.store == store:
                        take(browser, link, name, screen, screen.path.format(**ids), folder)
                        print(folder / name, flush=True)
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
