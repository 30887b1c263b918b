"""Figures of matplotlib that a program shows or saves."""

from __future__ import annotations

import os
import sys
import weakref
from inspect import currentframe

from ..values.figure import Figure
from .names import tidy
from .patches import Point

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from ..tracking.experiment import Experiment

__all__ = ["POINTS"]

# Of each figure, the name it was recorded under and what it looked like: saved as PNG and as PDF and then shown, it
# is still one.
_seen: weakref.WeakKeyDictionary[Any, tuple[Any, str, bytes]] = weakref.WeakKeyDictionary()


def _saved(experiment: Experiment, figure: Any, fname: Any = None, *_: Any, **__: Any) -> None:
    if not _by_another():
        _keep(experiment, figure, fname if isinstance(fname, (str, os.PathLike)) else None)


def _shown(experiment: Experiment, figure: Any, *_: Any, **__: Any) -> None:
    _keep(experiment, figure, None)


def _all_shown(experiment: Experiment, *_: Any, **__: Any) -> None:
    for manager in sys.modules["matplotlib._pylab_helpers"].Gcf.get_all_fig_managers():
        _keep(experiment, manager.canvas.figure, None)


def _keep(experiment: Experiment, figure: Any, file: Any) -> None:
    import hashlib

    before = _seen.get(figure)
    name = _name(figure)
    if not name and file is not None:
        name = tidy(os.path.splitext(os.path.basename(os.fspath(file)))[0])
    if not name:
        name = before[1] if before else f"figure-{getattr(figure, 'number', 1)}"
    value = Figure(figure)
    looks = hashlib.sha256(value.png or b"").digest()
    if before is not None and before[0]() is experiment and before[1:] == (name, looks):
        return
    _seen[figure] = (weakref.ref(experiment), name, looks)
    metadata = None if file is None else {"saved_as": os.fspath(file)}
    experiment.log_value(name, value, metadata=metadata)


def _name(figure: Any) -> str:
    """What a figure calls itself: its label, its title, or that of its only axes."""
    label = figure.get_label()
    axes = figure.axes
    return (
        (tidy(label) if isinstance(label, str) else "")
        or tidy(figure.get_suptitle())
        or (tidy(axes[0].get_title()) if len(axes) == 1 else "")
    )


def _by_another() -> bool:
    """Whether the figure is saved by our own drawing, or as one picture of an animation."""
    frame: FrameType | None = currentframe()
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module == "matplotlib.animation":
            return True
        if not module.startswith(("matplotlib", "anew.autolog")):
            return module.startswith("anew.")
        frame = frame.f_back
    return False


POINTS = (
    Point("matplotlib", "matplotlib.figure", "Figure", "savefig", _saved),
    Point("matplotlib", "matplotlib.figure", "Figure", "show", _shown),
    # Figures are closed while they are shown, or by it: this one comes first.
    Point("matplotlib", "matplotlib.pyplot", "", "show", _all_shown, before=True),
)
