"""`open`: one image, table, text or file of an experiment, shown as well as can be where somebody looks."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..commands.documents import open_document, place_of
from ..commands.kept import kept_document, one_kept, steps_of, steps_text
from .face import Face, complete_experiment, shared
from .table import Column
from .words import number, one_line, plural, size, value

if TYPE_CHECKING:
    from ..reading.files import FileView, ValueView
    from ..reading.views import ExperimentView
    from ..store import Store

    Kept = FileView | ValueView

__all__ = ["open_", "values_table"]

_MOST_ROWS = 50
_MOST_AT_ONCE = 1000
_MOST_BARS = 32
_MOST_TEXT = 1 << 20
_BARS = "▁▂▃▄▅▆▇█"
# What a viewer only draws or plays. A page or an SVG can run scripts, and a record may be somebody else's.
_SAFE = frozenset(
    {
        ".avi", ".bmp", ".flac", ".gif", ".jpeg", ".jpg", ".m4a", ".mkv", ".mov", ".mp3", ".mp4", ".ogg", ".pdf", ".png",
        ".tif", ".tiff", ".wav", ".webm", ".webp",
    }
)  # fmt: skip


@click.command("open")
@click.argument("experiment", shell_complete=complete_experiment)
@click.argument("name", required=False)
@click.option("--step", type=int, help="The one of this step; the newest if not given.")
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=_MOST_ROWS, help="Rows of a table to print."
)
@shared(quiet="Print the path alone.")
def open_(face: Face, experiment: str, name: str | None, step: int | None, limit: int) -> None:
    """Show an image, a table, a text or a file of an experiment.

    NAME is the name of a logged value or file, or a pattern with * and ?. Tables, texts and histograms are
    printed; images, sounds, videos and PDFs open in the system's viewer where there is a display. Of anything
    else, and where there is none, the path is printed. Without a NAME it lists what there is.

    \b
    Examples:
      anew open k7f3
      anew open k7f3 confusion
      anew open k7f3 samples/wrong --step 400
      anew open k7f3 'models/*.json' -q
    """
    with face.store() as store:
        view = store.get(experiment)
        if name is None:
            _overview(face, view)
            return
        one, found = one_kept(view, name, step)
        _show(face, store, view, one, found, limit)


def _overview(face: Face, view: ExperimentView) -> None:
    values, files = view.values(), list(view.files)

    def table() -> None:
        if values:
            values_table(face, values)
        if values and files:
            face.out.line()
        if files:
            named = {place_of(one): one for one in files}
            face.out.table(
                [
                    Column("FILE", [one_line(place) for place in named], least=16),
                    Column("SIZE", [size(one.size) for one in named.values()], True),
                ]
            )
        if values or files:
            face.out.say(f"`anew open {view.id} NAME` shows one.")
        else:
            face.out.say(f"{view.id} has logged neither values nor files.")

    face.out.emit(
        lambda: open_document(view),
        ids=[*map(place_of, values), *map(place_of, files)],
        table=table,
    )


def values_table(face: Face, values: Sequence[ValueView], indent: str = "") -> None:
    """A line for each name, with the steps that it was logged at."""
    by_name: dict[tuple[str, str], list[ValueView]] = {}
    for one in values:
        by_name.setdefault((one.name, one.kind), []).append(one)
    face.out.table(
        [
            Column(
                f"{indent}VALUE", [f"{indent}{one_line(name)}" for name, _ in by_name], least=14
            ),
            Column("KIND", [kind for _, kind in by_name]),
            Column(
                "COUNT",
                [f"{len(several):,}" for several in by_name.values()],
                True,
                3,
                styles="dim",
            ),
            Column(
                "STEPS",
                [steps_text(several) for several in by_name.values()],
                weight=2,
                styles="dim",
            ),
        ]
    )


def _show(
    face: Face, store: Store, view: ExperimentView, one: Kept, found: Sequence[Kept], limit: int
) -> None:
    if face.out.mode == "json":
        face.out.json(kept_document(one, found))
        return
    if face.out.mode == "quiet":
        face.out.ids([str(one.local_path)] if one.local_path is not None else [])
        return
    if len(found) > 1:
        at = "without a step" if one.step is None else f"of step {one.step}"
        face.out.say(f"The one {at}; {steps_of(found)}. --step chooses.")
    if one.metadata.get("caption"):
        face.out.line(one_line(str(one.metadata["caption"])), "bold")
    if getattr(one, "kind", "file") == "table" and getattr(one, "data", None) is None:
        _table_in_a_file(face, store, view, one, found, limit)
        return
    with _on_this_machine(one) as path:
        if _printed(face, one, path, limit):
            return
        _view(face, path)


@contextlib.contextmanager
def _on_this_machine(one: Kept) -> Any:
    """Where its bytes are; those of a store elsewhere are fetched to a temporary folder, which stays for the viewer."""
    if one.local_path is not None:
        yield one.local_path
    elif getattr(one, "data", None) is not None:
        yield None
    else:
        from ..reading.files import FileView

        target = Path(tempfile.mkdtemp(prefix="anew-"), os.path.basename(one.name) or "value")
        if isinstance(one, FileView):
            one.save(target)
        else:
            target.write_bytes(one.read_bytes())
        yield target


def _printed(face: Face, one: Kept, path: Path | None, limit: int) -> bool:
    """Print what can be read in a terminal; whether it was that."""
    kind = getattr(one, "kind", "file")
    if kind in ("table", "text", "histogram"):
        from ..values.kinds import load

        loaded = load(kind, getattr(one, "data", None), None if path is None else str(path))
        {"table": _table, "text": _text, "histogram": _histogram}[kind](face, loaded, limit)
        return True
    if kind == "file" and path is not None and path.suffix.lower() not in _SAFE:
        text = _readable(path)
        if text is not None:
            face.out.line(text.rstrip("\n"))
            return True
    return False


def _table_in_a_file(
    face: Face, store: Store, view: ExperimentView, one: Kept, found: Sequence[Kept], limit: int
) -> None:
    """Print the first rows of a table of any size: no others are read, and from a server no others come."""
    tables = [each for each in found if getattr(each, "kind", "file") == "table"]
    tables.sort(key=lambda each: (each.step is not None, each.step or 0, each.time))
    rows: list[tuple[Any, ...]] = []
    while True:
        page = store.analysis.table(
            view, one.name, place=tables.index(one), start=len(rows), limit=min(limit - len(rows), _MOST_AT_ONCE)
        )  # fmt: skip
        rows += page.rows
        if len(rows) >= min(limit, page.total):
            break
    _rows(face, [column.name for column in page.columns], rows, page.total)


def _table(face: Face, table: Any, limit: int) -> None:
    _rows(face, [str(title) for title in table.columns], table.rows[:limit], len(table))


def _rows(face: Face, titles: Sequence[str], rows: Sequence[Sequence[Any]], total: int) -> None:
    face.out.table(
        [
            Column(
                one_line(title),
                [one_line(_cell(row[at])) for row in rows],
                all(isinstance(row[at], (int, float)) for row in rows),
                least=6,
            )
            for at, title in enumerate(titles)
        ]
    )
    if total > len(rows):
        face.out.say(f"The first {len(rows)} of {plural(total, 'row')}; --limit shows more.")


def _cell(one: object) -> str:
    return number(one) if isinstance(one, float) else "" if one is None else value(one)


def _text(face: Face, text: Any, limit: int) -> None:
    for line in text.text.rstrip("\n").split("\n"):
        face.out.line(line)


def _histogram(face: Face, histogram: Any, limit: int) -> None:
    """One line of bars over its range, several bins in one bar where there are many."""
    counts = [float(count) for count in histogram.counts]
    together = math.ceil(len(counts) / _MOST_BARS)
    bars = [sum(counts[at : at + together]) for at in range(0, len(counts), together)]
    top = max(bars) or 1.0
    drawn = "".join(" " if not one else _BARS[min(7, int(one / top * 8))] for one in bars)
    if face.out.ascii_only:
        drawn = "".join(" " if not one else ".:-=+*#@"[min(7, int(one / top * 8))] for one in bars)
    low, high = number(float(histogram.edges[0])), number(float(histogram.edges[-1]))
    face.out.line(f"{low} {drawn} {high}")
    missed = histogram.nonfinite or 0
    more = f", and {missed:,} that are NaN or infinite" if missed else ""
    face.out.say(f"{sum(counts):,.0f} values in {len(counts)} bins{more}.")


def _readable(path: Path) -> str | None:
    """The text in a file; None for one that holds other bytes, or is long."""
    try:
        if path.stat().st_size > _MOST_TEXT:
            return None
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
    return None if "\0" in text else text


def _view(face: Face, path: Path | None) -> None:
    if path is None:
        face.out.say("It has nothing that can be shown.")
        return
    face.out.line(str(path))
    viewer = _viewer()
    if viewer is None or not face.out.terminal:
        return
    if path.suffix.lower() not in _SAFE:
        face.out.say("It is not opened by itself: what it holds may be run by its viewer.")
        return
    try:
        subprocess.Popen(
            [*viewer, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        face.out.warn(f"The viewer could not be started: {error.strerror or error}.")


def _viewer() -> list[str] | None:
    """The command that opens a file on this machine's display, if somebody sits there."""
    if sys.platform == "darwin":
        return ["open"] if "SSH_CONNECTION" not in os.environ else None
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        found = shutil.which("xdg-open")
        return [found] if found else None
    return None
