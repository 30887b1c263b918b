"""Plain PyTorch: `watch(model)` records histograms of a model's gradients and parameters while it trains."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import anew
from anew import Experiment
from anew.errors import InvalidValue

from .requiring import require
from .watching import Watch

torch: Any = require("torch", "torch")

__all__ = ["Watch", "unwatch", "watch"]

_KINDS = {"gradients": (True, False), "parameters": (False, True), "all": (True, True)}
_watches: weakref.WeakKeyDictionary[Any, list[Watch]] = weakref.WeakKeyDictionary()


def watch(
    model: Any,
    experiment: Experiment | None = None,
    *,
    log: str = "gradients",
    every: int = 100,
    bins: int = 64,
    step: Callable[[], int] | None = None,
    prefix: str = "",
) -> Watch:
    """Record histograms of a model's gradients and parameters, and the norm of all its gradients together.

    A pass is one run of `backward` that reaches the model's parameters; the first is recorded and then each `every`-th.
    Gradients are those of the pass: before they are added to `.grad`, averaged over ranks, unscaled or clipped. The
    histograms are `gradients/<parameter>` and `parameters/<parameter>`, the norm is the metric `gradients/norm`.
    Watched again for the same experiment and prefix, the new watch takes the old one's place.

    Args:
        model: A module, also one wrapped for several devices or by `torch.compile`.
        experiment: Where to record; the current one if not given. Of several ranks, rank 0 records.
        log: "gradients", "parameters" or "all".
        every: How many passes from one that is recorded to the next.
        bins: How many bins a histogram has, 1 to 512.
        step: Gives the step when a pass begins; without it, it is the number of passes before.
        prefix: What the names begin with, for several models.

    Raises:
        InvalidValue: The model is none, or none of its parameters needs a gradient; or an argument cannot be.
        NotRunning: There is no current experiment.
    """
    if not isinstance(model, torch.nn.Module):
        raise InvalidValue(f"watch takes a torch.nn.Module, not {type(model).__name__}.")
    if log not in _KINDS:
        raise InvalidValue(f"log must be one of {', '.join(_KINDS)}, not {log!r}.", key="log")
    for key, number, most in (("every", every, 1 << 62), ("bins", bins, 512)):
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
            raise InvalidValue(f"{key} must be an integer of at least 1, not {number!r}.", key=key)
    made = Watch(model, experiment or anew.current(), _KINDS[log], every, bins, step, prefix)
    before = [one for one in _watches.get(model, []) if one.active]
    for other in before:
        if other.records_as(made):
            other.stop()
    _watches[model] = [*(one for one in before if one.active), made]
    return made


def unwatch(model: Any) -> None:
    """Record nothing more of a model; nothing happens if it is not watched."""
    for one in _watches.pop(model, []):
        one.stop()
