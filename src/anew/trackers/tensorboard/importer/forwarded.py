"""What Anew's forwarder writes into event files about the experiment, read as what it was."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ....record.plain import parse_json

__all__ = ["ABOUT", "LOGS", "OWN", "About", "about_of", "is_forwarded", "message_of", "text_of"]

ABOUT, LOGS = "anew/experiment", "anew/logs"
OWN = frozenset({ABOUT, LOGS, "anew/params"})
"""The tags that say what something else says."""
_FILE = re.compile(r"events\.out\.tfevents\.\d+\.anew\.[0-9a-z]+\.[01]-(?:about|records)")
_ESCAPED = re.compile(r"\\([\\|<*_`])")
_INDENT = "    "


class About(NamedTuple):
    """What an experiment was, beside its parameters and its end."""

    prefix: str
    name: str
    tags: dict[str, str | None]
    description: str | None
    notes: str | None
    kept: dict[str, str]


def is_forwarded(name: str) -> bool:
    """Whether the forwarder gave an event file this name."""
    return _FILE.fullmatch(name) is not None


def about_of(text: str) -> About:
    """What the text at `ABOUT` says: a table of facts, and below it description and notes."""
    text, _, notes = text.partition("\n\n## Notes\n\n")
    text, _, description = text.partition("\n\n## Description\n\n")
    rows = [_cells(line) for line in text.splitlines()]
    facts = {row[0]: row[1] for row in rows if len(row) == 2}
    tags: dict[str, str | None] = {}
    for tag in facts.pop("tags", "").split(", "):
        name, equals, value = tag.partition("=")
        if name:
            tags[name] = value if equals else None
    facts.pop("---", None)
    return About(
        facts.pop("experiment", ""), facts.pop("name", ""), tags, description or None, notes or None, facts
    )  # fmt: skip


def _cells(line: str) -> list[str]:
    """The cells of a line of a table; what Markdown would take for marks is written with a backslash."""
    return [
        _ESCAPED.sub(r"\1", cell)
        for cell in line.removeprefix("| ").removesuffix(" |").split(" | ")
    ]


def text_of(text: str) -> tuple[str, str]:
    """A text and its form: what was no Markdown is written as a block that Markdown leaves alone."""
    lines = text.split("\n")
    if text and all(line.startswith(_INDENT) for line in lines):
        return "\n".join(line.removeprefix(_INDENT) for line in lines), "plain"
    return text, "markdown"


def message_of(text: str) -> tuple[str, str, dict[str, Any]]:
    """Level, text and fields of a message."""
    level, _, rest = text_of(text)[0].partition(": ")
    start = rest.rfind(' {"')
    if start >= 0 and rest.endswith("}"):
        try:
            found = parse_json(rest[start + 1 :])
        except ValueError:
            found = None
        if isinstance(found, dict):
            return level, rest[:start], found
    return level, rest, {}
