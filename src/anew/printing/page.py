"""A report as one HTML file: text, figures and tables, and nothing in it that runs or is loaded."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files

from ..reports.markdown import to_html
from .parts import Cell, Chart, Figure, Gallery, Key, Part, Problem, Table, Text, Verdict

__all__ = ["render"]

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_LINE = 28
"""A cell of so many characters stays in one line."""


def render(
    parts: Sequence[Part], title: str, about: str, address: Callable[[str], str | None]
) -> str:
    """The file.

    Args:
        about: Who wrote it, and when.
        address: Where a link to an experiment leads; None for nowhere.
    """
    style = files(__package__).joinpath("report.css").read_text("utf-8")
    body = "\n".join(_part(one, address) for one in parts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
<footer>{escape(about)}</footer>
</body>
</html>
"""


def _part(part: Part, address: Callable[[str], str | None]) -> str:
    match part:
        case Text():
            return to_html(part.tokens, address)
        case Figure():
            return _figure(part, address)
        case Table():
            return _table(part)
        case Gallery():
            return _gallery(part)
        case Verdict():
            return _verdict(part)
        case Problem():
            return f'<p class="problem">{escape(part.text)}</p>'


def _figure(part: Figure, address: Callable[[str], str | None]) -> str:
    charts = "".join(_chart(one, address) for one in part.charts)
    return f"<figure>{charts}{_below(part.caption, part.said)}</figure>"


def _chart(chart: Chart, address: Callable[[str], str | None]) -> str:
    if chart.image is None:
        return f"<p>{escape(chart.words)}</p>"
    url = f"data:image/svg+xml;base64,{base64.b64encode(chart.image).decode()}"
    return f'<img src="{url}" alt="{escape(chart.words)}">{_keys(chart.keys, chart.more, address)}'


def _keys(keys: Sequence[Key], more: int, address: Callable[[str], str | None]) -> str:
    found = [_key(one, address) for one in keys]
    if more:
        found.append(f"<li>and {more:,} more</li>")
    return f'<ul class="keys">{"".join(found)}</ul>' if found else ""


def _key(key: Key, address: Callable[[str], str | None]) -> str:
    """A piece of a curve with its name."""
    shade, places, at = key.colour.shade, [], 0
    for number, length in enumerate(key.colour.dash):
        ink = "transparent" if number % 2 else shade
        places += [f"{ink} {at}px", f"{ink} {at + length}px"]
        at += length
    line = f"repeating-linear-gradient(90deg,{','.join(places)})" if places else shade
    href = address(key.id) if key.id else None
    name = f'<a href="{escape(href)}">{escape(key.name)}</a>' if href else escape(key.name)
    return f'<li><i style="background:{line}"></i>{name}</li>'


def _below(caption: str, said: Sequence[str]) -> str:
    text = "".join(f'<p class="said">{escape(one)}</p>' for one in said)
    return f"<figcaption>{escape(caption)}</figcaption>{text}" if caption else text


def _table(part: Table) -> str:
    def cell(tag: str, at: int, text: str) -> str:
        kind = "number" if at in part.numeric else "" if len(text) <= _LINE else "long"
        kind = f' class="{kind}"' if kind else ""
        return f"<{tag}{kind}>{escape(text)}</{tag}>"

    head = "".join(cell("th", at, one) for at, one in enumerate(part.heads)) if any(part.heads) else ""  # fmt: skip
    rows = "\n".join(
        f"<tr>{''.join(cell('td', at, one) for at, one in enumerate(row))}</tr>"
        for row in part.rows
    )
    table = f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>\n{rows}\n</tbody></table>"
    return f'<figure><div class="scroll">{table}</div>{_below(part.caption, part.said)}</figure>'


def _gallery(part: Gallery) -> str:
    sections = "".join(
        f'<p class="name">{escape(name)}</p><div class="cells">{"".join(map(_cell, cells))}</div>'
        for name, cells in part.sections
    )
    keys = _keys(part.keys, 0, lambda _: None)
    return f"<figure>{sections}{keys}{_below(part.caption, part.said)}</figure>"


def _cell(one: Cell) -> str:
    if one.image is None:
        shown = f"<pre>{escape(one.text)}</pre>"
    else:
        url = f"data:{one.media};base64,{base64.b64encode(one.image).decode()}"
        shown = f'<img src="{url}" alt="{escape(one.title)} {escape(one.detail)}">'
    detail = f'<span class="said">{escape(one.detail)}</span>' if one.detail else ""
    return f"<div>{shown}<span>{escape(one.title)}</span>{detail}</div>"


def _verdict(part: Verdict) -> str:
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(one)}</td>' for one in row)}</tr>" for row in part.metrics
    )
    causes = "".join(f"<li>{escape(one)}</li>" for one in part.causes)
    return (
        f"<figure><p><strong>{escape(part.verdict)}</strong> {escape(part.reason)}</p>"
        f'<p class="said">{escape(part.first)} and {escape(part.second)}</p>'
        f"{f'<div class=scroll><table><tbody>{rows}</tbody></table></div>' if rows else ''}"
        f"{f'<ul>{causes}</ul>' if causes else ''}{_below(part.caption, ())}</figure>"
    )
