"""Columns → Arrow, pandas and Polars. All three come with extras, and are imported by whoever asks for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependency

try:
    import pyarrow as pa
except ModuleNotFoundError as error:
    raise MissingDependency.of("A table of Arrow, pandas or Polars", "pyarrow", "arrow") from error

if TYPE_CHECKING:
    import pandas
    import polars

__all__ = ["column", "pa", "to_pandas", "to_polars"]


def column(values: Sequence[Any]) -> pa.Array:
    """Values as an Arrow array: of one type where they have one, else of numbers or of texts."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass
    there = [v for v in values if v is not None]
    if all(isinstance(v, (int, float)) for v in there):
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    return pa.array([None if v is None else _text(v) for v in values], pa.string())


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def to_pandas(table: pa.Table) -> pandas.DataFrame:
    """The table as a pandas frame.

    Raises:
        MissingDependency: pandas is not installed.
    """
    _require("pandas")
    frame: pandas.DataFrame = table.to_pandas()
    return frame


def to_polars(table: pa.Table) -> polars.DataFrame:
    """The table as a Polars frame.

    Raises:
        MissingDependency: Polars is not installed.
    """
    _require("polars")
    import polars

    frame = polars.from_arrow(table)
    assert isinstance(frame, polars.DataFrame)
    return frame


def _require(package: str) -> None:
    import importlib

    try:
        importlib.import_module(package)
    except ImportError as error:
        raise MissingDependency.of(f"A frame of {package}", package, package) from error
