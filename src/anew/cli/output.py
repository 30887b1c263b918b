"""The one place that prints. Data goes to standard output, everything else to standard error.

Three modes: "human" (tables; through Rich on a terminal, plain aligned text elsewhere), "json" (one
document with the keys of the reference; NaN and infinities are the strings "NaN", "Infinity", "-Infinity",
because JSON has no numbers for them) and "quiet" (ids and paths alone, one per line).
"""

from __future__ import annotations

import json
import math
import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

from .table import Column, fitted, folded, plain_rows
from .words import one_line, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.text import Text

__all__ = ["Column", "Mode", "Output", "as_json", "as_line"]

# Controls, and marks that turn or hide the text around them; JSON itself escapes those below 0x20.
_CONTROLS = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
Mode = Literal["human", "json", "quiet"]


class Output:
    """Prints for one command, in one mode.

    Attributes:
        terminal: Whether standard output is a terminal, and somebody looks at it.
        ascii_only: Whether standard output cannot take more than ASCII.
    """

    def __init__(self, mode: Mode = "human", *, color: bool = True) -> None:
        self.mode = mode
        self.color = color
        # Asked once: while Rich draws live, standard output is a stand-in that answers for itself.
        self.terminal = mode == "human" and sys.stdout.isatty()
        encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
        self.ascii_only = not encoding.startswith("utf")
        self._consoles: dict[bool, Console] = {}

    # -- what it prints to -------------------------------------------------------------------------

    def console(self, *, stderr: bool = False) -> Console:
        """Rich's console for one of the two streams."""
        if stderr not in self._consoles:
            from rich.console import Console

            self._consoles[stderr] = Console(
                stderr=stderr,
                no_color=None if self.color else True,
                highlight=False,
                markup=False,
                emoji=False,
                soft_wrap=True,
            )
        return self._consoles[stderr]

    @property
    def width(self) -> int:
        """Characters in a line of the terminal."""
        return self.console().width

    @property
    def dot(self) -> str:
        """What stands between the parts of a line."""
        return " | " if self.ascii_only else " · "

    # -- data --------------------------------------------------------------------------------------

    def emit(
        self,
        data: Any,
        *,
        table: Callable[[], object] | Sequence[Column] | str = "",
        ids: Iterable[str] = (),
    ) -> None:
        """Print what a command found, in the mode that was asked for.

        Args:
            data: The document for --json, or a function that makes it.
            table: For people: a function that prints, the columns of a table, or a line.
            ids: For --quiet, one per line.
        """
        if self.mode == "json":
            self.json(data() if callable(data) else data)
        elif self.mode == "quiet":
            self.ids(ids)
        elif callable(table):
            table()
        elif isinstance(table, str):
            if table:
                self.line(table)
        else:
            self.table(table)

    def json(self, document: Any) -> None:
        """Print a document, indented on a terminal."""
        print(as_line(document, indent=2 if sys.stdout.isatty() else None))

    def ids(self, ids: Iterable[str]) -> None:
        """Print ids, or paths, one per line."""
        for one in ids:
            print(one_line(one))

    def line(self, text: str | Text = "", style: str = "") -> None:
        """Print one line of data for people; nothing in it is obeyed by a terminal."""
        if not self.terminal:
            print(printable(text if isinstance(text, str) else text.plain))
            return
        from rich.text import Text

        if isinstance(text, str):
            text = Text(printable(text), style)
        elif printable(text.plain) != text.plain:  # styles go by position: they are lost
            text = Text(printable(text.plain), text.style)
        self.console().print(text)

    def table(self, columns: Sequence[Column]) -> list[str]:
        """Print a table that fits the terminal; the titles of the columns left out for that.

        What all rows share stands in one line above. Elsewhere than on a terminal nothing is left out,
        folded or cut.
        """
        if not self.terminal:
            for row in plain_rows(columns):
                print(row)
            return []
        lines, dropped = self.picture(columns)
        for line in lines:
            self.console().print(line)
        return dropped

    def picture(self, columns: Sequence[Column]) -> tuple[list[Text], list[str]]:
        """The lines of a table as wide as the terminal, and the titles of the columns left out for that."""
        from rich.text import Text

        above, kept = folded(columns, self.width, self.dot)
        shown, widths, dropped = fitted(kept, self.width)
        heading = [Text(above, "dim", no_wrap=True)] if above else []
        return [*heading, *self.rows(shown, widths)], dropped

    def rows(self, columns: Sequence[Column], widths: Sequence[int]) -> Iterator[Text]:
        """The lines of a table for a terminal, its titles first."""
        from rich.text import Text

        count = max((len(column.cells) for column in columns), default=0)
        for row in range(-1, count):
            line = Text(no_wrap=True)
            for index, (column, width) in enumerate(zip(columns, widths, strict=True)):
                cell = Text(column.cell(row, width), "bold dim" if row < 0 else column.style(row))
                last = index == len(columns) - 1
                space = " " * (width - cell.cell_len)
                line.append_text(Text(space) + cell if column.right else cell)
                if not last:
                    line.append("  " if column.right else space + "  ")
            yield line

    # -- everything else ---------------------------------------------------------------------------

    def say(self, text: str = "", style: str = "dim") -> None:
        """A remark for people, on standard error."""
        if self.mode == "human":
            self._to_stderr(text, style)

    def warn(self, text: str) -> None:
        """Something the user should know, in every mode, on standard error."""
        self._to_stderr(text, "yellow")

    def _to_stderr(self, text: str, style: str) -> None:
        text = printable(text)
        if not sys.stderr.isatty():
            print(text, file=sys.stderr)
            return
        from rich.text import Text

        self.console(stderr=True).print(Text(text, style))

    def confirm(self, question: str) -> bool:
        """Ask on a terminal; False without one."""
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        print(f"{printable(question)} [y/N] ", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    @contextmanager
    def progress(self, what: str, *, after: float = 1.0) -> Iterator[Callable[..., None]]:
        """A progress bar on standard error for anything that takes longer than `after` seconds.

        Yields a function of `(done, total)`; a total of None shows a count alone. Nothing appears when
        standard error is no terminal, or in the other modes.
        """
        bar = _Bar(self.console(stderr=True), what, after) if self._shows_progress else None

        def report(done: float, total: float | None = None, *_: Any) -> None:
            if bar is not None:
                bar.update(done, total)

        try:
            yield report
        finally:
            if bar is not None:
                bar.stop()

    @contextmanager
    def status(self, first: str = "", *, every: float = 30.0) -> Iterator[Callable[[str], None]]:
        """Where something stands, on standard error: a line that changes on a terminal, elsewhere a new line
        after `every` seconds when there is something new.

        Yields a function that takes the line; on a terminal, `first` stands there until it is called.
        """
        if self.mode != "human":
            yield lambda text: None
            return
        if not sys.stderr.isatty():
            yield _Occasionally(self, every).tell
            return
        from rich.status import Status

        shown = Status(
            first, console=self.console(stderr=True), spinner="line" if self.ascii_only else "dots"
        )
        with shown:
            yield lambda text: shown.update(printable(text))

    @property
    def _shows_progress(self) -> bool:
        return self.mode == "human" and sys.stderr.isatty()


class _Occasionally:
    """A line now and then, for a log that somebody reads later."""

    def __init__(self, out: Output, every: float) -> None:
        self._out, self._every = out, every
        self._told_at = time.monotonic()
        self._last = ""

    def tell(self, text: str) -> None:
        now = time.monotonic()
        if text != self._last and now - self._told_at >= self._every:
            self._told_at, self._last = now, text
            self._out.say(text)


class _Bar:
    """Rich's progress bar, made only once it is worth showing; it moves also when nobody reports."""

    def __init__(self, console: Console, what: str, after: float) -> None:
        self._console, self._what = console, what
        self._progress: Progress | None = None
        self._task: Any = None
        self._state: tuple[float, float | None] = (0, None)
        self._stopped = False
        self._lock = threading.Lock()
        self._timer = threading.Timer(after, self._start)
        self._timer.daemon = True
        self._timer.start()

    def update(self, done: float, total: float | None) -> None:
        with self._lock:
            self._state = (done, total)
            self._draw()

    def _start(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        with self._lock:
            if self._stopped:
                return
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[count]}"),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._task = self._progress.add_task(self._what, total=None, count="")
            self._progress.start()
            self._draw()

    def _draw(self) -> None:
        if self._progress is not None:
            done, total = self._state
            count = "" if total is None else f"{done:,.0f} of {total:,.0f}"
            self._progress.update(self._task, completed=done, total=total, count=count)

    def stop(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._stopped = True
            if self._progress is not None:
                self._progress.stop()


def as_line(document: Any, *, indent: int | None = None) -> str:
    """A document as JSON in which nothing is left that a terminal would obey."""
    text = json.dumps(as_json(document), ensure_ascii=False, allow_nan=False, indent=indent)
    if indent is None and text.isprintable():
        return text
    # Outside of its texts JSON has none of these, and inside of them an escape says the same.
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_json(value: Any) -> Any:
    """A value as what JSON can say: mappings, lists, texts, finite numbers, booleans, null."""
    if isinstance(value, Enum):
        return as_json(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(inner) for inner in value]
    if isinstance(value, PathLike):
        return fspath(value)
    if hasattr(value, "tolist"):
        return as_json(value.tolist())
    return str(value)
