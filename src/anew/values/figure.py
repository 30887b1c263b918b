"""Figures of matplotlib and plotly."""

from __future__ import annotations

import sys

from ..errors import InvalidValue, MissingDependency
from .value import MAX_INLINE, Saved, check_caption, inline_size, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

__all__ = ["Figure", "figure_of", "figure_png"]


class Figure:
    """A matplotlib figure, kept as PNG (and SVG if wanted); or a plotly figure, kept as its JSON.

    Drawn when it is made, so the figure may be changed or closed afterwards.

    Args:
        figure: A matplotlib figure, axes, a seaborn grid or `pyplot` itself (its current figure), or a
            plotly figure.
        caption: A line to show with it.
        dpi: Dots per inch of the PNG; the figure's own if not given.
        svg: Whether to keep an SVG beside the PNG.

    Raises:
        InvalidValue: It is no figure.
    """

    kind: ClassVar[str] = "figure"

    def __init__(
        self,
        figure: Any,
        caption: str | None = None,
        *,
        dpi: float | None = None,
        svg: bool = False,
    ) -> None:
        self.metadata: dict[str, Any] = check_caption(caption)
        self._png: bytes | None = None
        self._svg: bytes | None = None
        self._json: Any = None
        if _is_plotly(figure):
            import json

            self.metadata |= {"library": "plotly", "format": "json"}
            self._json = json.loads(figure.to_json())
            return
        found = figure_of(figure)
        if found is None:
            raise InvalidValue(
                "A Figure is made from a matplotlib or plotly figure, not from "
                f"{type(figure).__name__}."
            )
        self._png = figure_png(found, dpi)
        self._svg = _rendered(found, "svg", dpi) if svg else None
        width = int.from_bytes(self._png[16:20], "big")  # PNG's header
        height = int.from_bytes(self._png[20:24], "big")
        self.metadata |= {
            "library": "matplotlib",
            "format": "png",
            "width": width,
            "height": height,
        }

    @classmethod
    def of_plotly(cls, json: Any, caption: str | None = None) -> Figure:
        """A plotly figure, made from its JSON (a mapping with `data` and mostly `layout`); plotly is not needed.

        Raises:
            InvalidValue: It is no figure of plotly's.
        """
        if not isinstance(json, dict) or not isinstance(json.get("data"), list):
            raise InvalidValue("The JSON of a plotly figure has a list of traces, `data`.")
        figure = cls.__new__(cls)
        figure._png = figure._svg = None
        figure._json = json
        figure.metadata = {**check_caption(caption), "library": "plotly", "format": "json"}
        return figure

    @property
    def png(self) -> bytes | None:
        """A matplotlib figure as it was drawn; None for one of plotly."""
        return self._png

    def save(self, folder: str, stem: str) -> Saved:
        """Write the figure's files (see `Value.save`)."""
        png, svg = self._png, self._svg
        if png is None:
            if (inline_size(self._json) or MAX_INLINE + 1) <= MAX_INLINE:
                return Saved(None, self._json, self.metadata)
            from ..record.encode import encode

            content = encode(self._json)
            name = write_file(folder, f"{stem}.plotly.json", lambda file: file.write(content))
            return Saved(name, None, self.metadata)
        if svg is not None:
            self.metadata["svg"] = write_file(folder, f"{stem}.svg", lambda file: file.write(svg))
        name = write_file(folder, f"{stem}.png", lambda file: file.write(png))
        return Saved(name, None, self.metadata)


def _is_plotly(figure: object) -> bool:
    module = sys.modules.get("plotly.basedatatypes")
    return module is not None and isinstance(figure, module.BaseFigure)


def figure_of(thing: Any) -> Any | None:
    """The matplotlib figure that `thing` is or belongs to; None if there is none."""
    module = sys.modules.get("matplotlib.figure")
    if module is None:
        return None
    if getattr(thing, "__name__", None) == "matplotlib.pyplot":
        return thing.gcf()
    for candidate in (thing, getattr(thing, "figure", None)):
        if isinstance(candidate, module.FigureBase):
            # A part of a figure is shown with the rest of it.
            while not isinstance(candidate, module.Figure):
                candidate = candidate.figure
            return candidate
    return None


def figure_png(figure: Any, dpi: float | None = None) -> bytes:
    """A matplotlib figure drawn as PNG."""
    found = figure_of(figure)
    if found is None:
        raise InvalidValue(f"{type(figure).__name__} is not a matplotlib figure.")
    return _rendered(found, "png", dpi)


def _rendered(figure: Any, format: str, dpi: float | None) -> bytes:
    import io

    buffer = io.BytesIO()
    figure.savefig(buffer, format=format, dpi=dpi if dpi is not None else "figure")
    return buffer.getvalue()


def load_figure(data: Any, path: str | None) -> Any:
    """A plotly figure as it was saved; of a matplotlib figure, the bytes of its picture.

    Raises:
        MissingDependency: plotly is not installed.
    """
    if path is not None and not path.endswith(".json"):
        with open(path, "rb") as file:
            return file.read()
    if path is not None:
        import json

        with open(path, "rb") as file:
            data = json.load(file)
    try:
        import plotly.graph_objects
    except ImportError:
        raise MissingDependency(
            "This figure needs plotly, which is not installed. Install it with: pip install plotly"
        ) from None
    # What another program, or another version, wrote may have parts that this one does not know.
    figure = plotly.graph_objects.Figure(data, skip_invalid=True)
    if "template" not in data.get("layout", {}):  # a new figure gets one that this one did not have
        figure.layout.template = None
    return figure
