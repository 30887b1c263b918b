"""Columns → Arrow, pandas and Polars. All three come with extras, and are imported by whoever asks for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependency

try:
    import pyarrow as pa
except ModuleNotFoundError as error:
    raise MissingDependency.of("A table of Arrow, pandas or Polars", "pyarrow", "arrow") from error

if TYPE_CHECKING:
    import pandas
    import polars

__all__ = ["column", "moments", "pa", "to_pandas", "to_polars"]


_EXACT = 2**53
_LATEST = 2.5e11
"""Seconds from the epoch to some year before 10000."""
_WHOLE = (pa.int64(), pa.uint64(), pa.decimal128(38, 0), pa.decimal256(76, 0))
"""The types for integers, of which a column takes the first that holds all of them."""


def column(values: Sequence[Any]) -> pa.Array:
    """Values as an Arrow array: of one type where they have one, else of numbers or of texts.

    No integer is rounded: those beyond 64 bits make a column of decimals without places, and those beyond 76 digits, or
    beside fractions where a float64 does not hold them, one of texts.
    """
    try:
        return pa.array(values)  # refuses an integer beside fractions that a float64 does not hold
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass
    there = [v for v in values if v is not None]
    kinds = set(map(type, there))
    if kinds == {int}:
        return _whole(values)
    wide = any(type(v) is int and abs(v) > _EXACT for v in there)
    if kinds <= {bool, int, float} and not wide:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    return pa.array([None if v is None else _text(v) for v in values], pa.string())


def moments(times: Any) -> pa.Array:
    """Seconds since the epoch as timestamps in UTC; what lies outside of the years that a calendar has is null."""
    import numpy as np

    if not isinstance(times, np.ndarray):  # an array has no None in it, and may be long
        times = [np.nan if one is None else one for one in times]
    seconds = np.asarray(times, np.float64)
    there = np.abs(seconds) < _LATEST  # not of NaN
    whole = np.where(there, seconds, 0.0)
    return pa.array(np.round(whole * 1e6).astype(np.int64), pa.timestamp("us", "UTC"), mask=~there)


def _whole(values: Sequence[Any]) -> pa.Array:
    for kind in _WHOLE:
        try:
            decimals = pa.types.is_decimal(kind)
            return pa.array(
                [None if v is None else Decimal(v) for v in values] if decimals else values, kind
            )
        except (pa.ArrowInvalid, OverflowError):
            continue
    return pa.array([None if v is None else str(v) for v in values], pa.string())


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
    for at, field in enumerate(table.schema):
        # pandas would make floats of integers beside missing values, and has no decimals of its own.
        if pa.types.is_decimal(field.type) or (
            pa.types.is_integer(field.type) and table.column(at).null_count
        ):
            values = [None if v is None else int(v) for v in table.column(at).to_pylist()]
            if any(v is not None and abs(v) > _EXACT for v in values):
                frame.isetitem(at, _objects(values))
    return frame


def _objects(values: list[Any]) -> Any:
    import numpy as np

    array = np.empty(len(values), np.object_)
    array[:] = values
    return array


def to_polars(table: pa.Table) -> polars.DataFrame:
    """The table as a Polars frame.

    Raises:
        MissingDependency: Polars is not installed.
    """
    _require("polars")
    import polars

    for at, field in enumerate(table.schema):
        if pa.types.is_decimal256(field.type):  # Polars has none that wide
            values = [None if v is None else str(v) for v in table.column(at).to_pylist()]
            table = table.set_column(at, field.name, pa.array(values, pa.string()))
    frame = polars.from_arrow(table)
    assert isinstance(frame, polars.DataFrame)
    return frame


def _require(package: str) -> None:
    import importlib

    try:
        importlib.import_module(package)
    except ImportError as error:
        raise MissingDependency.of(f"A frame of {package}", package, package) from error
