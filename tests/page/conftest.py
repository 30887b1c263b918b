"""A real browser on a real `anew ui`: one browser and one page of each root for all tests of a process.

The browser is Debian's chromium. Where there is none, these tests are skipped; in continuous integration they fail.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from anew.server.static import is_built

from .recorded import record_pages
from .roots import record_grid

WEB = Path(__file__).resolve().parents[2] / "web"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--disable-gpu", "--no-sandbox", "--disable-dev-shm-usage"]
PATIENCE = 60_000
"""Milliseconds that a test waits for what is to happen; none waits this long but on a machine that is overloaded."""


def _missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{what}: in continuous integration the page is tested")
    pytest.skip(what)


# Not for the whole session: Playwright's event loop counts as running in the thread for as long as it is there.
@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Chromium, started once."""
    if not is_built():
        _missing("the page is not built: python web/build.py")
    path = shutil.which("chromium") or CHROMIUM
    if not os.path.exists(path):
        _missing("there is no chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


class Shown:
    """A root that `anew ui` shows, in a process of its own."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        self.options = options
        self.process: subprocess.Popen[str] | None = None
        self.link = ""
        self.cookies: list[Any] = []
        self.start()

    @property
    def url(self) -> str:
        """Where the page begins, without what the link carries."""
        return self.link.partition("#")[0]

    def start(self, port: int = 0) -> None:
        """Start the process."""
        command = [sys.executable, "-m", "anew", "ui", "--root", str(self.root), "--quiet", "--no-browser"]  # fmt: skip
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SSH_")}
        self.process = subprocess.Popen(
            [*command, "--port", str(port), *self.options], stdout=subprocess.PIPE, text=True, env=environ
        )  # fmt: skip
        assert self.process.stdout is not None
        self.link = self.process.stdout.readline().strip()
        assert self.link.startswith("http://127.0.0.1:"), self.link
        self.cookies = []

    def stop(self) -> None:
        """End the process at once, as a crash does."""
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def again(self) -> None:
        """Start it once more where it was."""
        self.start(urlsplit(self.link).port or 0)


@contextlib.contextmanager
def shown(root: Path, *options: str) -> Iterator[Shown]:
    """A root as `anew ui` shows it."""
    made = Shown(root, *options)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Eighteen ended experiments that no test changes."""
    root = tmp_path_factory.mktemp("grid")
    record_grid(root)
    with shown(root) as made:
        yield made


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shown, dict[str, str]]]:
    """Experiments to look at closely, to compare and to run again, and their ids by name."""
    told = record_pages(tmp_path_factory.mktemp("pages"))
    with shown(told.root) as made:
        yield made, told.ids


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Callable[..., Shown]]:
    """Shows roots of a test's own."""
    with contextlib.ExitStack() as stack:
        yield lambda root=tmp_path, *options: stack.enter_context(shown(root, *options))


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens the page in a window of its own; at the end nothing may have gone wrong in it.

    Nothing goes wrong when there was no dialog, no error of a script, no refusal of the content policy, and no request to another host.
    What a test means to go wrong, it takes off the page's list `wrong`.
    """
    contexts: list[Any] = []
    wrong: list[str] = []

    def open_(
        made: Shown, path: str = "", *, width: int = 1440, height: int = 900, theme: str = "light"
    ) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.wrong = wrong
        page.on("dialog", lambda one: (wrong.append(f"dialog: {one.message}"), one.dismiss()))
        page.on("pageerror", lambda one: wrong.append(f"error: {one}"))
        page.on("console", lambda one: _heard(one, wrong))
        host = urlsplit(made.url).netloc
        page.on(
            "request",
            lambda one: (
                None
                if urlsplit(one.url).netloc == host or one.url.startswith(("data:", "blob:"))
                else wrong.append(f"request: {one.url}")
            ),
        )
        enter(made, page, path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture
def axe() -> Callable[[Any], list[str]]:
    """What axe-core finds against WCAG 2.2 AA, one text for each kind of fault."""
    source = WEB / "node_modules" / "axe-core" / "axe.min.js"
    if not source.exists():
        _missing("axe-core is not installed: python web/build.py")
    text = source.read_text()

    def found(page: Any) -> list[str]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(text)  # by the debugger: the page's own policy stays as it is
        told = page.evaluate(
            "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"
        )
        return [
            f"{one['id']}: {one['nodes'][0]['html'][:200]} ({len(one['nodes'])})"
            for one in told["violations"]
        ]

    return found


def enter(made: Shown, page: Any, path: str = "") -> None:
    """Open the page: the first time by the link that was printed, then with the session that it began."""
    if made.cookies:
        page.context.add_cookies(made.cookies)
        page.goto(made.url + path)
        return
    page.goto(f"{made.url}{path}#{made.link.partition('#')[2]}")
    page.locator("header").first.wait_for()
    made.cookies = page.context.cookies()


def _heard(message: Any, wrong: list[str]) -> None:
    """What the console says; a filter that the server refuses is no fault of the page."""
    if message.type == "error" and "400 (Bad Request)" not in message.text:
        wrong.append(f"console: {message.text}")
