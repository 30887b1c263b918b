"""What curves are called: by what tells their experiments apart, or by the fields that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .fields import field_values
from .labels import labels, short_keys, shown

if TYPE_CHECKING:
    from ..reading.views import ExperimentView

__all__ = ["labels_of"]


def labels_of(experiments: Sequence[ExperimentView], fields: Sequence[str] = ()) -> dict[str, str]:
    """A label per experiment id: "lr=0.1, depth=50" for the fields given, or what tells the experiments apart.

    A name, prefix or id stands alone. Experiments that have the same values have the same label.

    Raises:
        NotFound: None of the experiments has such a field.
        QueryError: A short name can mean several fields.
    """
    if not fields:
        return labels(experiments)
    keys = short_keys(fields)
    columns = [field_values(experiments, field) for field in fields]
    out = {}
    for one, *values in zip(experiments, *columns, strict=True):
        parts = [
            str(value) if key in ("name", "prefix", "id") else f"{key}={shown(value)}"
            for key, value in zip(keys, values, strict=True)
            if value is not None
        ]
        out[one.id] = ", ".join(parts) or one.name
    return out
