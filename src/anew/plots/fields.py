"""What charts need of an experiment: a field's values, and its result as one number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import NotFound, QueryError
from ..query.fields import Target
from ..reading.fields import values_of

if TYPE_CHECKING:
    from ..reading.views import ExperimentView

__all__ = ["field_values", "metric_result"]


def field_values(experiments: Sequence[ExperimentView], field: str | Target) -> list[Any]:
    """The values of a field by the name it has in filters, None where an experiment has none.

    A short name is a parameter or configuration key rather than a metric. Lists and mappings come as text, so that
    experiments can be grouped by them.

    Raises:
        NotFound: None of the experiments has such a field; `.nearest` are likely meanings.
        QueryError: A short name can mean several; `.candidates` are what.
        InvalidValue: It is no name at all.
    """
    try:
        values = values_of(experiments, field, prefer="either")
    except QueryError as error:
        if error.candidates:
            raise
        near = [] if error.suggestion is None else [error.suggestion]
        hint = f" Did you mean {near[0]}?" if near else ""
        raise NotFound(
            f"None of these experiments has {field!r}.{hint}", name=str(field), nearest=near
        ) from None
    return [
        value if value is None or isinstance(value, bool | int | float) else str(value)
        for value in values
    ]


def metric_result(experiment: ExperimentView, metric: str, mode: str) -> float | None:
    """The result of an experiment as one number: mode "last", "min", "max" or "best" (by the metric's name)."""
    if metric not in experiment.metrics:
        return None
    view = experiment.metrics[metric]
    value = {"last": view.last, "min": view.min, "max": view.max}.get(mode)
    if mode == "best":
        value = view.best()
    return None if value is None or math.isnan(value) else float(value)
