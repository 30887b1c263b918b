"""Which font has which character: what the report's own lacks is set in another, and what none has as its code."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any

__all__ = ["PLAIN", "Glyphs", "fonts_here"]

PLAIN = "ReportPlain"
"""The upright font in the place of bold and italic ones, which have fewer characters."""
_STYLES = ("Report", "Report-Bold", "Report-Italic", "Report-BoldItalic")
_TAGS = re.compile(r"(<[^>]*>|&\w+;)")
_KANA, _HANGUL = re.compile("[\u3040-\u30ff\uff66-\uff9f]"), re.compile("[\u1100-\u11ff\uac00-\ud7af]")  # fmt: skip
# Fonts that every program which shows East Asian text replaces by its own. The codec tells what their collections have:
# Adobe-Japan1, -Korea1, -GB1 and -CNS1 hold these character sets.
_EAST_ASIAN = {"HeiseiKakuGo-W5": "cp932", "HYGothic-Medium": "cp949", "STSong-Light": "gbk", "MSung-Light": "cp950"}  # fmt: skip
_INVISIBLE = ("Cc", "Cf", "Zs")
_TOLD = 12
"""Characters without a font that are listed."""


class Glyphs:
    """The fonts for the characters of one document, and what has to be said of them.

    Args:
        text: All that is to be set: of Chinese characters it tells in which language's form they are wanted.
    """

    def __init__(self, text: str) -> None:
        first = "HeiseiKakuGo-W5" if _KANA.search(text) else "HYGothic-Medium" if _HANGUL.search(text) else "STSong-Light"  # fmt: skip
        self._east = sorted(_EAST_ASIAN, key=lambda name: name != first)
        self._fonts: dict[str, str | None] = {}
        self._lent = False

    def fitted(self, markup: str, font: str = "") -> str:
        """Markup in which each character that its font lacks is in one that has it, or is its code.

        Args:
            font: The font that it is set in; the report's own in all of its styles if empty.
        """
        if markup.isascii():
            return markup
        found = []
        for part in _TAGS.split(markup):
            found.append(part if part.isascii() or part.startswith("<") else self._text(part, font))
        return "".join(found)

    def said(self) -> list[str]:
        """Sentences for the end of the document."""
        found = []
        if self._lent:
            found.append(
                "East Asian characters are set in a font that is not in this file: the program that shows it takes its own."
            )
        missing = sorted(one for one, font in self._fonts.items() if font is None)
        if missing:
            told = ", ".join(f"{_code(one)} {unicodedata.name(one, '')}".strip() for one in missing[:_TOLD])  # fmt: skip
            more = f" and {len(missing) - _TOLD} others" if len(missing) > _TOLD else ""
            found.append(f"No font here has these characters, and their codes stand for them: {told}{more}.")  # fmt: skip
        return found

    def runs(self, text: str, font: str = "") -> list[tuple[str, str]]:
        """A text in parts of one font each: "" for the font that it is set in. What has no font is its code."""
        found: list[tuple[str, str]] = []
        last, run = "", ""
        for one in (*text, ""):
            name = self._font(one, font) if one else "end"
            if name != last and run:
                found.append(("".join(f"[{_code(each)}]" for each in run), "") if last == "?" else (run, last))  # fmt: skip
                run = ""
            last = name
            run += one
        return found

    def _text(self, text: str, font: str) -> str:
        return "".join(f'<font face="{name}">{run}</font>' if name else run for run, name in self.runs(text, font))  # fmt: skip

    def _font(self, one: str, font: str) -> str:
        """The font for a character: "" where it may stay, "?" where there is none."""
        if all(ord(one) in _characters(name) for name in ((font,) if font else _STYLES)):
            return ""
        if unicodedata.category(one) in _INVISIBLE or "\ufe00" <= one <= "\ufe0f":
            return ""
        if one not in self._fonts:
            self._fonts[one] = self._another(one)
        return self._fonts[one] or "?"

    def _another(self, one: str) -> str | None:
        if ord(one) in _characters("Report"):
            return PLAIN
        embedded = _installed(one)
        if embedded is not None:
            return embedded
        for name in self._east:
            if unicodedata.east_asian_width(one) in "WFH" and _encodes(one, _EAST_ASIAN[name]):
                self._lent = True
                _register(name, _lent_font)
                return name
        return None


def _code(one: str) -> str:
    return f"U+{ord(one):04X}"


def _encodes(one: str, codec: str) -> bool:
    try:
        one.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=64)
def _characters(font: str) -> frozenset[int]:
    """What a font that is registered has."""
    from reportlab.pdfbase import pdfmetrics

    return frozenset(pdfmetrics.getFont(font).face.charToGlyph)


def _installed(one: str) -> str | None:
    """A font of this machine that has a character and can be put into the file."""
    from reportlab.pdfbase.ttfonts import TTFError

    for path, has in fonts_here():
        if ord(one) in has:
            try:
                _register(path, _embedded_font)
            except TTFError:  # outlines of another kind
                continue
            return path
    return None


@lru_cache(maxsize=1)
def fonts_here() -> tuple[tuple[str, frozenset[int]], ...]:
    """The fonts that matplotlib has found, and what each has; those with the most first."""
    from matplotlib import font_manager, ft2font

    found = []
    for path in sorted({one.fname for one in font_manager.fontManager.ttflist}):
        usable = path.lower().endswith((".ttf", ".ttc")) and '"' not in path
        if not usable or "LastResort" in path:  # which has a box for everything
            continue
        try:
            found.append((path, frozenset(ft2font.FT2Font(path).get_charmap())))
        except (OSError, RuntimeError):  # gone since, or damaged
            continue
    return tuple(sorted(found, key=lambda one: -len(one[1])))


def _embedded_font(path: str) -> Any:
    from reportlab.pdfbase.ttfonts import TTFont

    return TTFont(path, path)


def _lent_font(name: str) -> Any:
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    return UnicodeCIDFont(name)


def _register(name: str, made: Callable[[str], Any]) -> None:
    """Make a font known under a name, in all styles."""
    from reportlab.pdfbase import pdfmetrics

    if name not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(made(name))
        pdfmetrics.registerFontFamily(name, name, name, name, name)
