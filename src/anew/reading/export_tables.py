"""Experiments written out as tables, for other programs."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from ..errors import MissingDependency
from ..query.integers import REST_OF_NONE, split
from ..query.points import PointsQuestion
from ..record.fold import ExperimentState
from ..record.plain import flatten, from_plain
from .frames import as_text
from .source import Source
from .table import experiments_table
from .views import ExperimentView

try:
    import pyarrow as pa
except ModuleNotFoundError as error:
    raise MissingDependency.of("A table of Arrow, pandas or Polars", "pyarrow", "arrow") from error

__all__ = ["export_tables"]

_FLUSH_ROWS = 500_000

_TEXT, _NUMBER, _WHOLE = pa.string(), pa.float64(), pa.int64()
PARAMS = pa.schema(
    {
        "experiment_id": _TEXT,
        "kind": _TEXT,
        "name": _TEXT,
        "number": _NUMBER,
        "text": _TEXT,
        "type": _TEXT,
    }
)
POINTS = pa.schema(
    {
        "experiment_id": _TEXT,
        "metric": _TEXT,
        "step": _WHOLE,
        "time": _NUMBER,
        "value": _NUMBER,
        "metadata": _TEXT,
    }
)


def export_tables(
    source: Source, views: Sequence[ExperimentView], target: str, format: str
) -> list[str]:
    """Write the tables `experiments`, `params` and `points` into a folder; their paths.

    Raises:
        FileExistsError: One of them is there already.
    """
    names = ("experiments", "params", "points")
    paths = [os.path.join(target, f"{name}.{format}") for name in names]
    for path in paths:
        if os.path.exists(path):
            raise FileExistsError(f"{path} already exists. Export to another folder.")
    os.makedirs(target, exist_ok=True)
    facts = experiments_table(source.backend, [view.id for view in views])
    if format == "csv":
        columns = {n: as_text(facts.column(at)) for at, n in enumerate(facts.column_names)}
        facts = pa.table(columns)
    open_writer = _WRITERS[format]
    for path, schema, batches in (
        (paths[0], facts.schema, [facts]),
        (paths[1], PARAMS, _param_batches(views)),
        (paths[2], POINTS, _point_batches(source, views)),
    ):
        part = f"{path}.part"
        try:
            writer = open_writer(part, schema)
            try:
                for batch in batches:
                    writer.write_table(batch)
            finally:
                writer.close()
            os.replace(part, path)
        except BaseException:
            if os.path.exists(part):
                os.remove(part)
            raise
    return paths


def _param_batches(views: Iterable[ExperimentView]) -> Iterator[pa.Table]:
    rows: list[tuple[Any, ...]] = []
    for view in views:
        state = view.facts.state or ExperimentState()
        for kind, nested in (("param", state.params), ("config", state.config or {})):
            for name, plain in flatten(nested).items():
                rows.append((view.id, kind, name, *_typed(from_plain(plain))))
        if len(rows) > _FLUSH_ROWS:
            yield _table(rows, PARAMS)
            rows = []
    yield _table(rows, PARAMS)


def _typed(value: Any) -> tuple[float | None, str | None, str]:
    kind = "null" if value is None else type(value).__name__
    if isinstance(value, (bool, int, float)):
        near, rest = split(value)
        # The digits too, of an integer that is not the float64 beside it.
        return float(near), None if rest == REST_OF_NONE else str(value), kind
    if value is None or isinstance(value, str):
        return None, value, kind
    return None, json.dumps(value, ensure_ascii=False), kind


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns: list[Sequence[Any]] = [*zip(*rows, strict=True)] if rows else [[] for _ in schema]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _point_batches(source: Source, views: Iterable[ExperimentView]) -> Iterator[pa.Table]:
    for view in views:
        question = PointsQuestion(ids=(view.id,), order="written", metadata=True)
        for one in source.series(question):
            count = len(one.steps)
            yield pa.Table.from_arrays(
                [
                    pa.array([one.id], pa.string()).take(pa.array([0] * count)),
                    pa.array([one.metric], pa.string()).take(pa.array([0] * count)),
                    pa.array(one.steps),
                    pa.array(one.times),
                    pa.array(one.values),
                    pa.array(one.metadata or [None] * count, pa.string()),
                ],
                schema=POINTS,
            )


class _Jsonl:
    """Writes a table as lines of JSON; what JSON has no number for is a text, as in the journal."""

    def __init__(self, path: str, schema: pa.Schema) -> None:
        self._file = open(path, "x", encoding="utf-8")  # noqa: SIM115  (closed by `close`)

    def write_table(self, table: pa.Table) -> None:
        for batch in table.to_batches(max_chunksize=20_000):
            for row in batch.to_pylist():
                plain = {key: _plain(value) for key, value in row.items()}
                self._file.write(json.dumps(plain, ensure_ascii=False, allow_nan=False) + "\n")

    def close(self) -> None:
        self._file.close()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):  # an integer of more than 64 bits
        return int(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _parquet(path: str, schema: pa.Schema) -> Any:
    import pyarrow.parquet

    return pyarrow.parquet.ParquetWriter(path, schema, compression="zstd")


def _csv(path: str, schema: pa.Schema) -> Any:
    import pyarrow.csv

    return pyarrow.csv.CSVWriter(path, schema)


_WRITERS: dict[str, Callable[[str, pa.Schema], Any]] = {
    "parquet": _parquet,
    "csv": _csv,
    "jsonl": _Jsonl,
}
