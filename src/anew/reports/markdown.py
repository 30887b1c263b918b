"""The text of a report: where its blocks are, and the rest as HTML in which nothing runs and nothing is loaded.

There is one reading of Markdown for the page, for files and for the command line: CommonMark with tables and struck text. Tags that somebody wrote
are text, images are links (whoever serves an image learns who reads the report), and a link leads to the web, to a mail address, or to an experiment
(`anew:k7f3`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from markdown_it import MarkdownIt
from markdown_it.token import Token

__all__ = ["BLOCK", "SCHEME", "Run", "experiments_linked", "runs_of", "title_of", "to_html"]

BLOCK = "anew"
"""The language of a fenced block that shows something of the store."""
SCHEME = "anew:"
"""With an experiment behind it, the address that a link to it has."""
_LINKS = re.compile(r"(?:https?:|mailto:|anew:\w[\w./-]*$)", re.IGNORECASE)


class Run(msgspec.Struct, frozen=True):
    """A part of a report: Markdown that was read, or the YAML of a block."""

    tokens: tuple[Any, ...] = ()
    block: str | None = None


@functools.cache
def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    made.validateLink = lambda url: bool(_LINKS.match(url.strip()))  # type: ignore[method-assign]
    return made


def runs_of(text: str) -> list[Run]:
    """The parts of a report in their order."""
    found: list[Run] = []
    held: list[Token] = []
    for token in _parser().parse(text):
        if token.level == 0 and token.type == "fence" and token.info.split()[:1] == [BLOCK]:
            if held:
                found.append(Run(tuple(held)))
                held = []
            found.append(Run(block=token.content))
        else:
            held.append(token)
    if held:
        found.append(Run(tuple(held)))
    return found


def to_html(
    tokens: Sequence[Any], address: Callable[[str], str | None] = lambda ref: SCHEME + ref
) -> str:
    """HTML of a part of a report.

    Args:
        address: Where a link to an experiment leads; None for nowhere.
    """
    parser = _parser()
    shown = [_shown(one, address) for one in tokens]
    return str(parser.renderer.render(shown, parser.options, {}))


def _shown(token: Token, address: Callable[[str], str | None]) -> Token:
    style = str(token.attrs.get("style", ""))
    if style.startswith("text-align:"):  # the page's policy lets no styles stand in a document
        return token.copy(attrs={"align": style.removeprefix("text-align:")})
    if not token.children:
        return token
    return token.copy(children=list(_inline(token.children, address)))


def _inline(tokens: Sequence[Token], address: Callable[[str], str | None]) -> Iterator[Token]:
    for one in tokens:
        if one.type == "image":
            source = str(one.attrs.get("src", ""))
            yield Token("link_open", "a", 1, attrs={"href": source})
            yield Token("text", "", 0, content=one.content or source)
            yield Token("link_close", "a", -1)
        elif one.type == "link_open" and str(one.attrs.get("href", "")).startswith(SCHEME):
            href = address(str(one.attrs["href"]).removeprefix(SCHEME))
            yield one.copy(attrs={} if href is None else {"href": href})
        else:
            yield one


def experiments_linked(text: str) -> list[str]:
    """The experiments that links of a report lead to, as they are written."""
    found: dict[str, None] = {}
    for run in runs_of(text):
        for token in run.tokens:
            for one in token.children or ():
                href = str(one.attrs.get("href", "")) if one.type == "link_open" else ""
                if href.startswith(SCHEME):
                    found[href.removeprefix(SCHEME)] = None
    return list(found)


def title_of(text: str) -> str:
    """The first heading of a report; empty where there is none."""
    for run in runs_of(text):
        for token, inside in zip(run.tokens, run.tokens[1:], strict=False):
            if token.type == "heading_open":
                words = (one.content for one in inside.children or () if one.content)
                return "".join(words).strip()
    return ""
