"""The events of an offline session: each line of `metrics.jsonl` and `log.jsonl` is a list of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from ....errors import CorruptData, InvalidValue
from ....importing.source import Finding
from ....record.plain import parse_json
from ....values import Audio, Figure, Image, Table, Text, Video
from .container import Container

__all__ = ["events_in", "named", "shown", "step_of"]

_LONGEST_LINE = 64 << 20
_MOST = 256 << 20
_NO_STEP = -(1 << 31)
"""The iteration of what was reported as a single value."""
_PASS = re.compile(r"(.*) \(pass \d+\)", re.DOTALL)
_MEDIA: dict[str, tuple[str, Any]] = {
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "bmp", "webp", "tif", "tiff"), ("image", Image)),
    **dict.fromkeys(("wav", "flac", "ogg", "mp3", "m4a"), ("audio", Audio)),
    **dict.fromkeys(("mp4", "webm", "avi"), ("video", Video)),
}
_TEXTS = {"txt": "plain", "log": "plain", "md": "markdown", "html": "html", "htm": "html"}


def events_in(
    container: Container, name: str, run: str, findings: list[Finding]
) -> Iterator[dict[str, Any]]:
    """The events of a file, in their order. A last line that has no end was being written, and is left out."""
    if container.size(name) is None:
        return
    where = f"{container.path}: {name}"
    try:
        with container.open(name) as file:
            number = 0
            while line := file.readline(_LONGEST_LINE):
                number += 1
                try:
                    found = parse_json(line)
                except ValueError as error:
                    lost = line.endswith(b"\n")
                    what = (
                        f"Line {number} is damaged: {error!s:.200}"
                        if lost
                        else "Its end was not written."
                    )
                    findings.append(Finding(where, what, lost, run))
                    continue
                yield from (
                    (one for one in found if isinstance(one, dict))
                    if isinstance(found, list)
                    else ()
                )
    except (CorruptData, OSError) as error:
        findings.append(Finding(where, str(error), True, run))


def named(event: Mapping[str, Any], ours: bool) -> str:
    """The name of what an event reports: title and series, or the title alone if both are the same.

    Args:
        ours: Whether Anew wrote the session: what came again at a step is then in a series of its own.
    """
    title, series = str(event.get("metric") or ""), str(event.get("variant") or "")
    if ours and (found := _PASS.fullmatch(series)):
        series = found[1]
    return title if title == series or not series else f"{title}/{series}" if title else series


def step_of(event: Mapping[str, Any]) -> int | None:
    """The iteration of an event; None for a value that has none."""
    step = event.get("iter")
    return step if type(step) is int and step != _NO_STEP and -(1 << 63) <= step < 1 << 63 else None


def shown(
    event: Mapping[str, Any], container: Container, sample: str | None
) -> tuple[str, Any] | None:
    """The kind that a plot or debug sample has here, and what makes it; None for what has no kind here.

    Args:
        sample: The name of a debug sample's file in the session.
    """
    if event.get("type") == "plot":
        try:
            plot = json.loads(str(event.get("plot_str")))
        except (ValueError, RecursionError):
            return None
        traces = plot.get("data") if isinstance(plot, dict) else None
        if not isinstance(traces, list):
            return None
        if len(traces) == 1 and isinstance(traces[0], dict) and traces[0].get("type") == "table":
            return "table", partial(_table, traces[0])
        return "figure", partial(Figure.of_plotly, plot)
    if sample is None:
        return None
    ending = sample.rpartition(".")[2].lower()
    if ending in _MEDIA:
        kind, make = _MEDIA[ending]
        return kind, partial(_media, make, container, sample)
    if ending in _TEXTS:
        return "text", partial(_text, container, sample, _TEXTS[ending])
    return None


def _table(trace: Mapping[str, Any]) -> Table:
    try:
        names = [one[-1] if isinstance(one, list) else one for one in trace["header"]["values"]]
        columns = [list(one) for one in trace["cells"]["values"]]
        rows = [list(row) for row in zip(*columns, strict=True)]
        return Table(columns=_apart([str(name) for name in names]), data=rows)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise InvalidValue(f"The plot of a table cannot be read: {error}.", key="table") from error


def _apart(names: list[str]) -> list[str]:
    """Columns of one name are told apart by their places."""
    seen: set[str] = set()
    found = []
    for at, name in enumerate(names):
        found.append(f"{name} ({at + 1})" if name in seen else name)
        seen.add(found[-1])
    return found


def _media(make: Any, container: Container, name: str) -> Any:
    return make(_read(container, name))


def _text(container: Container, name: str, form: str) -> Text:
    return Text(_read(container, name).decode("utf-8", "replace"), form)


def _read(container: Container, name: str) -> bytes:
    size = container.size(name)
    if size is None or size > _MOST:
        raise InvalidValue(f"{name} is too large to be shown.", key=name)
    try:
        with container.open(name) as file:
            return file.read()
    except CorruptData as error:
        raise InvalidValue(str(error), key=name) from error
