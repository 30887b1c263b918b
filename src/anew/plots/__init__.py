"""Figures of experiments, drawn by matplotlib with no global state touched.

    from anew.plots import plot_metric
    plot_metric(store, store.search("'vae' in tags"), "val/loss", save="loss.png")

Where to find what: a file per chart (`metric`, `metrics`, `group`, `parallel`, `scatter`, and for the terminal
`sparklines` and `braille`); `lines`, `band`, `fields` and `labels` turn records into arrays and words; `chart` says what
a chart of curves shows, `draw` and `style` put it on axes, and `code` writes it as a program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .braille import Curve, braille_chart
    from .group import plot_group
    from .metric import plot_metric
    from .metrics import plot_metrics
    from .parallel import plot_parallel
    from .scatter import plot_scatter
    from .sparklines import sparkline

__all__ = [
    "Curve",
    "braille_chart",
    "plot_group",
    "plot_metric",
    "plot_metrics",
    "plot_parallel",
    "plot_scatter",
    "sparkline",
]

_HOMES = {
    "Curve": "braille",
    "braille_chart": "braille",
    "plot_group": "group",
    "plot_metric": "metric",
    "plot_metrics": "metrics",
    "plot_parallel": "parallel",
    "plot_scatter": "scatter",
    "sparkline": "sparklines",
}


def __getattr__(name: str) -> Any:
    # A sparkline in a table must not wait for numpy.
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
