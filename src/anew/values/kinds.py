"""The kinds of values by name: recognising them when they are logged, and reading them back."""

from __future__ import annotations

import sys

from .audio import Audio
from .figure import Figure, figure_of, load_figure
from .histogram import Histogram
from .image import Image
from .table import Table
from .text import Text
from .video import Video

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .value import Value

__all__ = ["KINDS", "as_value", "as_values", "load"]

KINDS: dict[str, type[Any]] = {
    kind.kind: kind for kind in (Audio, Figure, Histogram, Image, Table, Text, Video)
}


def as_value(thing: Any) -> Value | None:
    """`thing` as a loggable value: it may be one already, or an image, figure or data frame.

    PIL images, matplotlib and plotly figures, and data frames of pandas, polars and Arrow are recognised;
    for anything else, None. No library is imported to find out.
    """
    if isinstance(thing, tuple(KINDS.values())):
        return thing  # type: ignore[return-value]
    if _is_a(thing, "PIL.Image", "Image"):
        return Image(thing)
    if _is_a(thing, "plotly.basedatatypes", "BaseFigure") or figure_of(thing) is not None:
        return Figure(thing)
    for module, name in (
        ("pandas", "DataFrame"),
        ("polars", "DataFrame"),
        ("pyarrow", "Table"),
    ):
        if _is_a(thing, module, name):
            return Table(thing)
    return None


def as_values(thing: Any) -> list[Value]:
    """`thing` as loggable values: one, or those of a list or tuple that holds nothing else; empty for anything else."""
    several = thing if isinstance(thing, (list, tuple)) else [thing]
    found = [as_value(one) for one in several]
    return [] if None in found else found  # type: ignore[return-value]


def _is_a(thing: object, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(thing, kind)


def load(kind: str, data: Any, path: str | None) -> Any:
    """A value as it was saved.

    Args:
        kind: Its kind, such as "table".
        data: What its record holds, or None.
        path: Where its file is now, or None.

    Returns:
        A `Text`, `Table` or `Histogram`; a plotly figure; the bytes of an image, a sound, a video or a drawn
        figure; the data itself for a kind of a later version.

    Raises:
        CorruptData: It is not what was saved.
        OSError: The file cannot be read.
    """
    if kind == "figure":
        return load_figure(data, path)
    found = KINDS.get(kind)
    if found is not None and hasattr(found, "load"):
        return found.load(data, path)
    if path is not None:
        with open(path, "rb") as file:
            return file.read()
    return data
