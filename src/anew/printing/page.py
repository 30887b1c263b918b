"""A report as one HTML file: text, figures and tables, and nothing in it that runs or is loaded."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files

from ..reports.markdown import to_html
from .parts import Cell, Figure, Gallery, Part, Problem, Table, Text, Verdict

__all__ = ["render"]

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


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
            return _figure(part)
        case Table():
            return _table(part)
        case Gallery():
            return _gallery(part)
        case Verdict():
            return _verdict(part)
        case Problem():
            return f'<p class="problem">{escape(part.text)}</p>'


def _figure(part: Figure) -> str:
    found = []
    for words, image in part.charts:
        if image is None:
            found.append(f"<p>{escape(words)}</p>")
            continue
        url = f"data:image/svg+xml;base64,{base64.b64encode(image).decode()}"
        found.append(f'<img src="{url}" alt="{escape(words)}">')
    return f"<figure>{''.join(found)}{_below(part.caption, part.said)}</figure>"


def _below(caption: str, said: Sequence[str]) -> str:
    text = "".join(f'<p class="said">{escape(one)}</p>' for one in said)
    return f"<figcaption>{escape(caption)}</figcaption>{text}" if caption else text


def _table(part: Table) -> str:
    def cell(tag: str, at: int, text: str) -> str:
        kind = ' class="number"' if at in part.numeric else ""
        return f"<{tag}{kind}>{escape(text)}</{tag}>"

    head = "".join(cell("th", at, one) for at, one in enumerate(part.heads))
    rows = "\n".join(
        f"<tr>{''.join(cell('td', at, one) for at, one in enumerate(row))}</tr>"
        for row in part.rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"
    return f'<figure><div class="scroll">{table}</div>{_below(part.caption, part.said)}</figure>'


def _gallery(part: Gallery) -> str:
    sections = "".join(
        f'<p class="name">{escape(name)}</p><div class="cells">{"".join(map(_cell, cells))}</div>'
        for name, cells in part.sections
    )
    return f"<figure>{sections}{_below(part.caption, part.said)}</figure>"


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
