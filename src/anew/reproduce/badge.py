"""Badges: a label and what is said of it, as an image, or as an answer for shields.io."""

from __future__ import annotations

import json
from html import escape
from typing import Literal, NamedTuple

__all__ = ["Badge", "Tone", "badge_json", "badge_svg"]

Tone = Literal["good", "bad", "open", "plain"]
_COLORS: dict[Tone, str] = {"good": "#16733b", "bad": "#b3202a", "open": "#8a5a00", "plain": "#0b5cad"}  # fmt: skip
_MOST = 60
"""Characters of a label, and of what is said."""


class Badge(NamedTuple):
    """A label and what is said of it; `tone` gives the colour."""

    label: str
    message: str
    tone: Tone

    @property
    def color(self) -> str:
        """The colour behind what is said, as `#rrggbb`."""
        return _COLORS[self.tone]

    def to_json(self) -> str:
        """The document that https://shields.io/badges/endpoint-badge makes a badge of."""
        document = {
            "schemaVersion": 1, "label": self.label, "message": self.message, "color": self.color,
        }  # fmt: skip
        return json.dumps(document) + "\n"

    def to_svg(self) -> str:
        """An image that needs nothing from elsewhere."""
        label, word = (escape(_short(one)) for one in (self.label, self.message))
        left = round(len(_short(self.label)) * 6 + 14)
        right = round(len(_short(self.message)) * 6.6 + 16)
        width = left + right

        def text(x: float, content: str, length: int) -> str:
            return f'<text x="{x:g}" y="14" textLength="{length}" lengthAdjust="spacingAndGlyphs">{content}</text>'

        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}: {word}">'
            f'<title>{label}: {word}</title><rect width="{width}" height="20" rx="3" fill="#3c4248"/>'
            f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{left}z" fill="{self.color}"/>'
            '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
            f"{text(left / 2, label, left - 14)}{text(left + right / 2, word, right - 14)}</g></svg>\n"
        )


def _short(text: str) -> str:
    """A line of visible text that an image has room for; "–" for none."""
    line = "".join(ch if ch.isprintable() else " " for ch in text).strip() or "–"
    return line if len(line) <= _MOST else line[: _MOST - 1] + "…"


def _reproduced(held: int, missed: int) -> Badge:
    if not held:
        return Badge("reproduced", "nothing held", "open")
    return Badge("reproduced", f"{held - missed} of {held}", "bad" if missed else "good")


def badge_json(held: int, missed: int) -> str:
    """What a project's verdicts are, for shields.io."""
    return _reproduced(held, missed).to_json()


def badge_svg(held: int, missed: int) -> str:
    """What a project's verdicts are, as an image."""
    return _reproduced(held, missed).to_svg()
