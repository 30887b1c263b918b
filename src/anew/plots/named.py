"""What curves are called: by what tells their experiments apart, or by the fields that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .fields import field_value
from .labels import labels, short_keys, shown

if TYPE_CHECKING:
    from ..reading.views import ExperimentView

__all__ = ["labels_of"]


def labels_of(experiments: Sequence[ExperimentView], fields: Sequence[str] = ()) -> dict[str, str]:
    """A label per experiment id: "lr=0.1, depth=50" for the fields given, or what tells the experiments apart.

    A field's value stands alone when it is a text such as a name. Experiments that have the same values have the same label.
    """
    if not fields:
        return labels(experiments)
    keys = short_keys(fields)
    out = {}
    for one in experiments:
        parts = []
        for key, field in zip(keys, fields, strict=True):
            value = field_value(one, field)
            if key in ("name", "prefix", "id"):
                parts.append(str(value))
            elif value is not None:
                parts.append(f"{key}={shown(value)}")
        out[one.id] = ", ".join(parts) or one.name
    return out
