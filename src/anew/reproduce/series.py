"""The curves of an experiment, as the verdict needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .verdict import Curve

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["curves_of"]


def curves_of(store: Store, view: ExperimentView) -> dict[str, Curve]:
    """Every metric that an experiment logged, system metrics too; every point of it."""
    names = list(view.metrics)
    if not names:
        return {}
    found = {s.metric: Curve(s.steps, s.values) for s in store.history(view, names).series}
    return {name: found[name] for name in names if name in found}
