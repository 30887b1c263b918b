"""Curves on a terminal: the rows of a chart in their colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["painted"]

# Rich's names for colours near those of the figures, told apart by colour-blind eyes too.
_COLORS = ("#3C9BE6", "#E8743B", "#19B28A", "#D98AB8", "#E6B01E", "#7CC7EE", "#A0A0A0")


def painted(row: Sequence[tuple[str, int | str | None]]) -> Text:
    """A line in the colours of its curves, told by number; None is dim, and a text is a style of its own."""
    from rich.text import Text

    line = Text(no_wrap=True, overflow="ellipsis")
    for text, color in row:
        style = color if isinstance(color, str) else "dim"
        line.append(text, _COLORS[color % len(_COLORS)] if isinstance(color, int) else style)
    return line
