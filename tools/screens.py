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
    """A page: its store, its path below the page's address, and what is done on it before its picture is taken."""

    store: str
    path: str
    whole: bool = False
    """Whether all of it is shown however long it is."""
    act: Callable[[Any], None] = lambda page: None
    narrow: bool = True
    """Whether there is a picture of it on a phone: what is done can be done there."""


def keys(*pressed: str, text: str = "") -> Callable[[Any], None]:
    """Press keys, and type a text."""

    def act(page: Any) -> None:
        for one in pressed:
            page.keyboard.press(one)
        page.keyboard.type(text)

    return act


def clicks(*selectors: str) -> Callable[[Any], None]:
    """Click what these selectors find, one after the other."""

    def act(page: Any) -> None:
        for one in selectors:
            page.locator(one).first.click()
            page.wait_for_timeout(200)

    return act


def points(page: Any) -> None:
    """Pin two points of the first panel, and point at a third."""
    box = page.locator(".panel .plot").first.bounding_box()
    for across, down in ((0.3, 0.15), (0.6, 0.9)):
        page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.3 * box["height"])


def searches(page: Any) -> None:
    """Search the log of an experiment."""
    page.get_by_role("searchbox", name="Search the log").fill("needle")
    page.get_by_text("2 matches").wait_for()
    page.locator("#logs").scroll_into_view_if_needed()


def previews(page: Any) -> None:
    """Look at a file of an experiment."""
    page.get_by_role("button", name="scores.csv").click()


def looks_beside(page: Any) -> None:
    """Hold the pictures of an experiment against those of another step."""
    page.locator("#media").get_by_label("compare").check()
    page.locator("#media").scroll_into_view_if_needed()


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
    "scatter": Screen("demo", "?tab=analysis&logs=params.lr&setting=params.lr"),
    "parallel": Screen("demo", "?tab=analysis&plot=parallel"),
    "scatter-of-many": Screen("many", "?tab=analysis"),
    "parallel-of-many": Screen("many", "?tab=analysis&plot=parallel"),
    "slices": Screen("demo", "?tab=analysis&plot=slices"),
    "boxes": Screen("demo", "?tab=analysis&plot=boxes"),
    "compare-groups": Screen("demo", "?tab=analysis&plot=compare", whole=True),
    "importance": Screen("demo", "?tab=analysis&plot=importance"),
    "colours": Screen("demo", "?tab=table", act=clicks(".dot"), narrow=False),
    "alerts": Screen("demo", "", act=clicks("[aria-label='Alerts']")),
    "alert-form": Screen("demo", "", act=clicks("[aria-label='Alerts']", "text=Add an alert")),
    "saved-views": Screen("demo", "", act=clicks(".views button")),
    "keys": Screen("demo", "", act=keys("?")),
    "palette": Screen("demo", "", act=keys("Control+k", text="w128")),
    "completion": Screen("demo", "", act=keys("/", text="params.lr > 0.001 and val")),
    "chips": Screen("demo", "?q=params.lr+%3E+0.001+and+status+%3D%3D+%27completed%27"),
    "column-menu": Screen(
        "demo", "?tab=table", act=clicks("[aria-label='Column params.lr']"), narrow=False
    ),
    "columns": Screen("demo", "?tab=table", act=clicks("text=Columns"), narrow=False),
    "sorting": Screen("demo", "?tab=table", act=clicks("[title='Sort by']")),
    "grouping": Screen("demo", "?tab=charts", act=clicks("[title='Group by']")),
    "more": Screen("demo", "?tab=charts", act=clicks("text=More")),
    "facets": Screen("demo", "?tab=charts&group=params.lr&dash=params.seed&facet=params.width"),
    "pinned": Screen("demo", "?tab=charts", act=points, narrow=False),
    "selected": Screen("demo", "?tab=charts", act=keys("j", "x", "j", "x"), narrow=False),
    "selected-table": Screen("demo", "?tab=table", act=keys("j", "x", "j", "x")),
    "editing": Screen("demo", "?tab=table", act=keys("j", "e")),
    "editing-several": Screen("demo", "?tab=table", act=keys("j", "x", "j", "x", "e")),
    "deleting": Screen("demo", "?tab=table", act=keys("j", "x", "j", "x", "Delete")),
    "trash": Screen("demo", "?tab=table", act=clicks("[title='Which are shown']", "text=Trash …")),
    "account": Screen("demo", "", act=clicks("button.who")),
    "log-search": Screen("pages", "x/{first}#logs", act=searches),
    "preview": Screen("pages", "x/{first}#files", act=previews),
    "media-compare": Screen("pages", "x/{first}#media", act=looks_beside),
    "demo-experiment": Screen("demo", "x/{best}", whole=True),
    "demo-difference": Screen("demo", "diff?ids={best},{worst}", whole=True),
    "talked": Screen("talked", "x/{one}#comments"),
    "talked-charts": Screen("talked", "?tab=charts", act=points, narrow=False),
    "talked-bell": Screen("talked", "", act=clicks("[aria-label^='Alerts']")),
    "preferences": Screen("talked", "", act=clicks("button.who", "text=Preferences …")),
    "many": Screen("many", ""),
    "many-table": Screen("many", "?tab=table"),
}


def demo(root: Path) -> dict[str, str]:
    """The demo's networks."""
    import pictures

    from anew import Store

    with contextlib.chdir(root):
        pictures.train()
    for one in (root / "experiments").iterdir():
        one.rename(root / one.name)
    with Store(root) as store:
        found = [one.id for one in store.list(sort="-metrics.val/acc.max")]
    return {"best": found[0], "worst": found[-1]}


def pages(root: Path) -> dict[str, str]:
    """Experiments with everything that a page shows, and a run again."""
    from tests.page.recorded import record_pages

    return record_pages(root).ids


def talked(root: Path) -> dict[str, str]:
    """Experiments that people talked about, and who looks was mentioned."""
    from anew import Store
    from anew.journal.author import login_name

    searched(root, 5)
    os.environ["ANEW_USER"] = "ana"
    with Store(root) as store:
        one = store.get("lab/search/run-00002").id
        asked = store.comments.add(one, "Why does it **fall** here?", metric="val/loss", step=6)
        store.comments.add(None, "The learning rate, see `config.lr`.", reply_to=asked.id)
        store.comments.add(
            one, f"Could you look at this, @{login_name()}?\n\n- the seed\n- the width"
        )
        done = store.comments.add(one, "Which seed?")
        store.comments.resolve(done.id)
        store.pins.add(one)
    del os.environ["ANEW_USER"]
    with Store(root) as store:
        store.comments.add(one, "One of my own.")
        store.stars.add("lab/search/run-00004")
    return {"one": one}


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
    "talked": talked,
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
            if width < 600 and not screen.narrow:
                continue
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
            )  # fmt: skip
            if context.cookies() == [] and screen.path != "sign-in":
                context.add_cookies(cookies_of(browser, url, secret))
            page = context.new_page()
            page.goto(url + ("" if screen.path == "sign-in" else path))
            page.wait_for_timeout(DRAWN_MS)  # all that is on the screen has been drawn
            screen.act(page)
            page.wait_for_timeout(600)
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
