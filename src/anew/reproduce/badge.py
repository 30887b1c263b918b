"""A badge that says what a project's verdicts are: an image, or an answer for shields.io."""

from __future__ import annotations

import json

__all__ = ["badge_json", "badge_svg"]

_LABEL = "reproduced"
_COLORS = {"good": "#16733b", "bad": "#b3202a", "open": "#8a5a00"}


def _tone(held: int, missed: int) -> str:
    return "open" if not held else "bad" if missed else "good"


def _message(held: int, missed: int) -> str:
    if not held:
        return "nothing held"
    return f"{held - missed} of {held}"


def badge_json(held: int, missed: int) -> str:
    """The document that https://shields.io/badges/endpoint-badge makes a badge of."""
    document = {
        "schemaVersion": 1, "label": _LABEL, "message": _message(held, missed), "color": _COLORS[_tone(held, missed)],
    }  # fmt: skip
    return json.dumps(document) + "\n"


def badge_svg(held: int, missed: int) -> str:
    """An image that needs nothing from elsewhere."""
    word = _message(held, missed)
    left, right = 74, round(len(word) * 6.6 + 16)
    width = left + right
    fill = _COLORS[_tone(held, missed)]

    def text(x: float, content: str, length: int) -> str:
        return f'<text x="{x:g}" y="14" textLength="{length}" lengthAdjust="spacingAndGlyphs">{content}</text>'

    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{_LABEL}: {word}">'
        f'<title>{_LABEL}: {word}</title><rect width="{width}" height="20" rx="3" fill="#3c4248"/>'
        f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{left}z" fill="{fill}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f"{text(left / 2, _LABEL, left - 14)}{text(left + right / 2, word, right - 14)}</g></svg>\n"
    )
