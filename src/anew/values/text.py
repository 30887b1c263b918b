"""Texts: samples of a model, reports, prompts."""

from __future__ import annotations

from ..errors import InvalidValue
from ..record.secrets import mask_text
from .value import MAX_INLINE, Saved, check_caption, inline_size, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

__all__ = ["Text"]

_SUFFIXES = {"plain": "txt", "markdown": "md", "html": "html"}


class Text:
    """A text of any length; a short one is kept in the record itself.

    Args:
        text: The text.
        format: How to show it: "plain", "markdown" or "html".
        caption: A line to show with it.

    Raises:
        InvalidValue: It is no text.
    """

    kind: ClassVar[str] = "text"

    def __init__(self, text: str, format: str = "plain", caption: str | None = None) -> None:
        if not isinstance(text, str):
            raise InvalidValue(f"A Text is made from a str, not from {type(text).__name__}.")
        if format not in _SUFFIXES:
            raise InvalidValue(
                f"format must be one of {', '.join(_SUFFIXES)}, not {format!r}.", key="format"
            )
        self.text = str(text).encode("utf-8", "backslashreplace").decode()
        self.metadata: dict[str, Any] = {
            **check_caption(caption),
            "format": format,
            "characters": len(self.text),
        }

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Text({self.text if len(self.text) <= 60 else self.text[:57] + '...'!r})"

    def save(self, folder: str, stem: str) -> Saved:
        """Write the text's file, if it needs one (see `Value.save`); secrets in it are masked."""
        text = mask_text(self.text)
        if (inline_size(text) or 0) <= MAX_INLINE:
            return Saved(None, text, self.metadata)
        name = f"{stem}.{_SUFFIXES[self.metadata['format']]}"
        write_file(folder, name, lambda file: file.write(text.encode()))
        return Saved(name, None, self.metadata)

    @classmethod
    def load(cls, data: Any, path: str | None) -> Text:
        """The text as it was saved."""
        if path is not None:
            with open(path, "rb") as file:
                data = file.read().decode("utf-8", "replace")
        return cls(data)
