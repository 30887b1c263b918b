"""Experiments as one HTML file that needs nothing else: no network, no server, no Anew.

All text comes from records, and records may come from anybody. It is escaped where it stands in the page, and put in by
the script as text, never as markup. The page's own policy lets no other script run and nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..errors import InvalidValue
from ..plots.group import selected
from .content import Content, Field
from .gather import gather

if TYPE_CHECKING:
    from ..store import Ref, Store

__all__ = ["Written", "render", "write_html"]

_SHAPES = {"running": "●", "completed": "✓", "failed": "✕", "cancelled": "–", "pending": "○"}


@dataclass(frozen=True)
class Written:
    """A file that was written.

    Attributes:
        path: The file.
        bytes: Its size.
        experiments: The ids, in the order of the file.
        said: What was left out or thinned, in sentences; the page says so too.
    """

    path: Path
    bytes: int
    experiments: list[str]
    said: tuple[str, ...]


def write_html(
    store: Store,
    experiments: str | Iterable[Ref] | None,
    to: str | os.PathLike[str],
    *,
    metrics: Sequence[str] = (),
    title: str = "",
    pictures: bool = True,
) -> Written:
    """Write experiments to one HTML file: their curves, a table, what differs, and their pictures.

    Args:
        experiments: A filter, the experiments themselves, or None for all.
        to: The file; one that is there is replaced.
        metrics: The metrics to draw, the first one ranking the experiments; by default those that most of them logged.
        title: What stands at the top; by default what the prefixes have in common.
        pictures: Whether to put images and figures in.

    Raises:
        NotFound: There is no such experiment, or none logged one of the metrics.
        InvalidValue: The name of the file does not end in .html.
    """
    target = Path(to)
    if target.suffix.lower() not in (".html", ".htm"):
        raise InvalidValue(
            f"Give a name that ends in .html, not {target.name!r}.",
            key="to",
        )
    views = selected(store, experiments)
    about = experiments if isinstance(experiments, str) else ""
    content = gather(store, views, metrics=metrics, title=title, about=about, pictures=pictures)
    page = render(content).encode("utf-8", "replace")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part-{os.getpid()}")
    try:
        part.write_bytes(page)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return Written(target, len(page), [view.id for view in views], content.said)


def render(content: Content) -> str:
    """The page."""
    here = files(__package__)
    script = here.joinpath("page.js").read_text("utf-8")
    style = here.joinpath("page.css").read_text("utf-8")
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'"
    count = len(content.runs)
    of = f"{count} experiment{'' if count == 1 else 's'}"
    when = time.strftime("%Y-%m-%d %H:%M")
    sections = [
        _section("curves", "Curves", '<div id="panels"></div>') if content.curves else "",
        _section("differences", "Differences", _differences(content)),
        _section("parallel", "Parameters and result", '<div id="coordinates"></div>')
        if content.fields and content.main and count > 2
        else "",
        _section("table", "Table", _table(content)),
        _section("pictures", "Images and figures", _pictures(content)) if content.pictures else "",
    ]
    said = "".join(f"<p class=said>{escape(one)}</p>" for one in content.said)
    asked = f"<code>{escape(content.about)}</code>" if content.about else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(content.title)}</title>
<style>{style}</style>
</head>
<body>
<header><b>anew</b><h1>{escape(content.title)}</h1>{asked}<span class=muted>{of} · {when}</span>
<span id="controls"></span><button id="theme" title="Light or dark">◐</button></header>
<main>
<aside id="runs"></aside>
<div id="content">{said}
<noscript><p class=said>The curves need JavaScript, which is off here.</p></noscript>
{"".join(sections)}</div>
</main>
<div id="tip" hidden></div>
<template id="marks"><svg><path/><line/><text></text><rect/></svg></template>
<script type="application/json" id="data">{_data(content)}</script>
<script>{script}</script>
</body>
</html>
"""


def _section(name: str, title: str, body: str) -> str:
    return f'<section id="{name}"><h2>{title}</h2>{body}</section>' if body else ""


def _data(content: Content) -> str:
    """What the script draws, as JSON in which nothing can end the element that holds it."""
    main = next((one for one in content.curves if one.name == content.main), None)
    shown = {
        "runs": [(run.label, run.prefix, run.result) for run in content.runs],
        "main": content.main,
        "result": "" if main is None else _result(main.name, main.better),
        "curves": content.curves,
        "fields": content.fields,
    }
    text = msgspec.json.encode(shown).decode()
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _table(content: Content) -> str:
    fields = content.fields
    heads = ["Experiment", "Status"]
    better = {one.name: one.better for one in content.curves}
    heads += [_result(one.name, better.get(one.name)) for one in content.headline]
    again = any(run.verdict for run in content.runs)
    heads += [one.name for one in fields] + (["Reproduced"] if again else [])
    numeric = {at for at, one in enumerate((*content.headline, *fields), 2) if _is_numeric(one)}
    numeric |= {len(heads), len(heads) + 1}
    heads += ["Took", "Created", "Tags"]
    lines = [
        "".join(
            f'<th{" class=number" if at in numeric else ""}><button data-column="{at}">{escape(head)}</button></th>'
            for at, head in enumerate(heads)
        )
    ]
    best = [_extreme(content, at) for at in range(len(content.headline))]
    for number in _ranked(content):
        run = content.runs[number]
        cells = [
            f'<td class=name title="{escape(run.prefix)}&#10;{escape(run.id)}"><i class=key></i>{escape(run.label)}</td>',
            f'<td class="{escape(run.status)}">{_SHAPES.get(run.status, "")} {escape(run.status)}</td>',
        ]
        for at, column in enumerate(content.headline):
            value = column.values[number]
            mark = " class=best" if value is not None and value == best[at] else ""
            cells.append(_cell(value, mark))
        cells += [_cell(column.values[number]) for column in fields]
        cells += [f"<td>{escape((run.verdict or '–').lower())}</td>"] if again else []
        cells += [
            f'<td data-v="{run.duration or 0}">{_duration(run.duration)}</td>',
            f'<td data-v="{run.created_at}">{_moment(run.created_at)}</td>',
            f"<td>{escape(', '.join(run.tags))}</td>",
        ]
        lines.append(f'<tr data-run="{number}">{"".join(cells)}</tr>')
    same = (
        f"<p class=muted>The same in all: {escape(' · '.join(content.same[:40]))}"
        f"{f' and {len(content.same) - 40} more' if len(content.same) > 40 else ''}</p>"
        if content.same
        else ""
    )
    body = "\n".join(lines[1:])
    return f"{same}<div class=scroll><table id=runs-table><thead><tr>{lines[0]}</tr></thead><tbody>\n{body}\n</tbody></table></div>"


def _is_numeric(column: Field) -> bool:
    return not any(isinstance(value, str) for value in column.values)


def _ranked(content: Content) -> list[int]:
    """The experiments by their result, the best first; those without one at the end."""
    main = next((one for one in content.curves if one.name == content.main), None)
    sign = -1.0 if main is not None and main.better == "max" else 1.0

    def worth(number: int) -> tuple[bool, float]:
        result = content.runs[number].result
        return (result is None, sign * (result or 0.0))

    return sorted(range(len(content.runs)), key=worth)


def _extreme(content: Content, at: int) -> float | None:
    """The best of a column of the table, which it marks."""
    column = content.headline[at]
    numbers = [value for value in column.values if isinstance(value, float)]
    if len(numbers) < 2:
        return None
    curves = next((one for one in content.curves if one.name == column.name), None)
    if curves is None or curves.better is None:
        return None
    return max(numbers) if curves.better == "max" else min(numbers)


def _result(metric: str, better: str | None) -> str:
    """What the number of a metric is. Nobody knows the best of a metric without a direction: its smallest is shown."""
    return f"best {metric}" if better else f"min {metric}"


def _cell(value: float | str | None, mark: str = "") -> str:
    if value is None:
        return '<td class=muted data-v="">–</td>'
    if isinstance(value, float):
        text = f"{value:.0f}" if value.is_integer() and abs(value) < 1e6 else f"{value:.4g}"
        return f'<td data-v="{value!r}" title="{value!r}"{mark}>{text}</td>'
    whole = f' title="{escape(value)}"' if len(value) > 40 else ""  # it may be cut
    return f"<td{whole}>{escape(value)}</td>"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _moment(then: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(then))
    except (ValueError, OverflowError, OSError):
        return ""


def _differences(content: Content) -> str:
    parts = []
    if content.difference is not None:
        found = content.difference
        parts.append(f"<p><b>{escape(found.verdict)}</b> {escape(found.reason)}</p>")
        if found.causes:
            causes = "".join(f"<li>{escape(one)}</li>" for one in found.causes)
            parts.append(f"<ul>{causes}</ul>")
        if found.metrics:
            rows = "".join(
                f"<tr><td>{escape(name)}</td><td>{escape(verdict)}</td><td>{escape(reason)}</td></tr>"
                for name, verdict, reason in found.metrics
            )
            parts.append(f"<div class=scroll><table>{rows}</table></div>")
    elif content.rows:
        rows = "".join(
            f"<tr><th>{escape(row.what)}</th><td>{_values(row.values)}</td></tr>"
            for row in content.rows
        )
        parts.append(f"<div class=scroll><table class=counts>{rows}</table></div>")
    return "".join(parts)


def _values(values: Sequence[tuple[str, int]], most: int = 12) -> str:
    shown = " ".join(
        f"<span>{escape(text)}{f' <small>×{count}</small>' if count > 1 else ''}</span>"
        for text, count in values[:most]
    )
    return shown + (f" <small>and {len(values) - most} more</small>" if len(values) > most else "")


def _pictures(content: Content) -> str:
    names = sorted({one.name for one in content.pictures})
    parts = []
    for name in names:
        figures = "".join(
            f'<figure data-run="{one.run}"><img src="{escape(one.url)}" alt="{escape(name)}" loading=lazy>'
            f"<figcaption>{escape(content.runs[one.run].label)}"
            f"{'' if one.step is None else f' <small>step {one.step}</small>'}</figcaption></figure>"
            for one in content.pictures
            if one.name == name
        )
        parts.append(f"<h3>{escape(name)}</h3><div class=pictures>{figures}</div>")
    return "".join(parts)
