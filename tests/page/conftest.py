"""A real browser on a real `anew ui`: one browser and one page of each root for all tests of a process.

The browser is Debian's chromium. Where there is none, these tests are skipped; in continuous integration they fail.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
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
PATIENCE = int(os.environ.get("PATIENCE", "60000"))
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


def address(page: Any) -> str:
    """What the browser's bar says of a page: it is told after the frame that shows what it says."""
    page.evaluate("new Promise(told => requestAnimationFrame(() => setTimeout(told)))")
    return str(page.url)


class Starter:
    """Starts commands in processes of their own; see `forking.py`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forking.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def start(self, *arguments: str, powerless: bool = False) -> tuple[int, str]:
        """Start a command; its process, and the first line that it prints.

        Args:
            powerless: Have the rights of files hold for it even where the tests run as root.
        """
        self._count += 1
        output = self._folder / f"output-{self._count}"
        os.mkfifo(output)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SSH_")}
        environ["HOME"] = str(
            self._folder / "home"
        )  # small pictures and copies are kept in ~/.cache
        asked = {
            "arguments": arguments,
            "environ": environ,
            "output": str(output),
            "powerless": powerless,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        with open(output) as lines:
            return pid, lines.readline().strip()

    def end(self, pid: int) -> None:
        """End one of them at once, as a crash does."""
        os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Start nothing more."""
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()


class Shown:
    """A root that `anew ui` shows, in a process of its own."""

    def __init__(
        self, starter: Starter, root: Path | str, *options: str, powerless: bool = False
    ) -> None:
        self.starter = starter
        self.root = root
        self.options = options
        self.powerless = powerless
        self.pid = 0
        self.link = ""
        self.cookies: list[Any] = []
        self.start()

    @property
    def url(self) -> str:
        """Where the page begins, without what the link carries."""
        return self.link.partition("#")[0]

    def start(self, port: int = 0) -> None:
        """Start the process."""
        self.pid, self.link = self.starter.start(
            "ui", "--root", str(self.root), "--quiet", "--no-browser", "--port", str(port), *self.options, powerless=self.powerless,
        )  # fmt: skip
        assert self.link.startswith("http://127.0.0.1:"), self.link
        self.cookies = []

    def stop(self) -> None:
        """End the process at once, as a crash does."""
        if self.pid:
            self.starter.end(self.pid)
        self.pid = 0

    def again(self) -> None:
        """Start it once more where it was."""
        port = urlsplit(self.link).port or 0
        while not _is_free(port):
            time.sleep(0.01)
        self.start(port)


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    """What starts `anew ui`."""
    made = Starter(tmp_path_factory.mktemp("starts"))
    yield made
    made.close()


@contextlib.contextmanager
def shown(starter: Starter, root: Path | str, *options: str) -> Iterator[Shown]:
    """A root as `anew ui` shows it."""
    made = Shown(starter, root, *options)
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def grid(starter: Starter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Eighteen ended experiments that no test changes."""
    root = tmp_path_factory.mktemp("grid")
    record_grid(root)
    with shown(starter, root) as made:
        yield made


@pytest.fixture(scope="session")
def pages(
    starter: Starter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Shown, dict[str, str]]]:
    """Experiments to look at closely, to compare and to run again, and their ids by name."""
    told = record_pages(tmp_path_factory.mktemp("pages"))
    with shown(starter, told.root) as made:
        yield made, told.ids


@pytest.fixture
def show(starter: Starter, tmp_path: Path) -> Iterator[Callable[..., Shown]]:
    """Shows roots of a test's own."""
    with contextlib.ExitStack() as stack:
        yield lambda root=tmp_path, *options: stack.enter_context(shown(starter, root, *options))


@pytest.fixture(scope="session")
def lab(starter: Starter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A root that tests add experiments to, each in a `project` of its own."""
    with shown(starter, tmp_path_factory.mktemp("lab")) as made:
        yield made


_projects = itertools.count(1)


@pytest.fixture
def project() -> str:
    """Where in the `lab` a test's experiments lie; `?in=` shows them alone."""
    return f"lab/p{next(_projects)}"


@pytest.fixture(scope="package")
def windows(browser: Any) -> Iterator[Callable[..., Any]]:
    """Windows of a size and a theme, which keep what they have loaded from test to test."""
    made: dict[tuple[int, int, str], Any] = {}

    def window(width: int, height: int, theme: str) -> Any:
        key = (width, height, theme)
        if key not in made:
            made[key] = window_of(browser, width, height, theme)
        return made[key]

    yield window
    for one in made.values():
        one.close()


def window_of(browser: Any, width: int = 1440, height: int = 900, theme: str = "light") -> Any:
    """A window that shares nothing with others."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE)
    return context


@pytest.fixture
def opened(browser: Any, windows: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Opens the page; at the end nothing may have gone wrong in it.

    Nothing goes wrong when there was no dialog, no error of a script, no refusal of the content policy, and no request to another host.
    What a test means to go wrong, it takes off the page's list `wrong`. A page that is `alone` shares no session with others.
    """
    pages: list[Any] = []
    contexts: list[Any] = []
    wrong: list[str] = []

    def open_(
        made: Shown, path: str = "", *, width: int = 1440, height: int = 900, theme: str = "light", alone: bool = False
    ) -> Any:  # fmt: skip
        if alone:
            context = window_of(browser, width, height, theme)
            contexts.append(context)
        else:
            context = windows(width, height, theme)
        page = context.new_page()
        pages.append(page)
        page.wrong = wrong
        page.on("dialog", lambda one: _asked(one, wrong))
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
    for page in pages:
        page.close()
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


def _asked(dialog: Any, wrong: list[str]) -> None:
    """Whether to leave is answered with yes, everything else with no."""
    wrong.append(f"dialog: {dialog.message}")
    if dialog.type == "beforeunload":
        dialog.accept()
    else:
        dialog.dismiss()


def _heard(message: Any, wrong: list[str]) -> None:
    """What the console says; a filter that the server refuses is no fault of the page."""
    if message.type == "error" and "400 (Bad Request)" not in message.text:
        wrong.append(f"console: {message.text}")
