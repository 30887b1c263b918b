"""Many experiments as one Arrow table."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import MissingDependency
from .backend import Backend
from .experiment_columns import experiment_columns
from .frames import column, moments

try:
    import pyarrow as pa
except ModuleNotFoundError as error:
    raise MissingDependency.of("A table of Arrow, pandas or Polars", "pyarrow", "arrow") from error

__all__ = ["experiments_table"]

_TIMES = frozenset({"created_at", "started_at", "ended_at", "updated_at"})
_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "bool": pa.bool_(),
}  # fmt: skip


def experiments_table(backend: Backend, ids: Sequence[str]) -> pa.Table:
    """The columns of `experiment_columns`."""
    return pa.table(
        {
            one.name: column(one.values)
            if one.kind == "any"
            else moments(one.values)
            if one.name in _TIMES
            else pa.array(one.values, _TYPES[one.kind])
            for one in experiment_columns(backend, ids)
        }
    )
