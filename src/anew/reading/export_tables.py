"""Experiments written out as tables, for other programs."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

from ..query.integers import REST_OF_NONE, split
from ..query.points import PointsQuestion
from ..record.fold import ExperimentState
from ..record.plain import flatten, from_plain
from .experiment_columns import experiment_columns
from .source import Source
from .views import ExperimentView

__all__ = ["TableFormat", "export_tables"]

TableFormat = Literal["parquet", "csv", "jsonl"]

# The columns of a table, each with the type that DuckDB has for it.
_Schema = dict[str, str]
_Rows = Iterator[Sequence[Any]]
_TEXT, _NUMBER, _WHOLE, _BOOL = "VARCHAR", "DOUBLE", "BIGINT", "BOOLEAN"
_WIDE = "DECIMAL(38, 0)"  # for integers of more than 64 bits
_TYPES = {"text": _TEXT, "integer": _WHOLE, "number": _NUMBER, "bool": _BOOL}
_PARAMS: _Schema = {
    "experiment_id": _TEXT,
    "kind": _TEXT,
    "name": _TEXT,
    "number": _NUMBER,
    "text": _TEXT,
    "type": _TEXT,
}
_POINTS: _Schema = {
    "experiment_id": _TEXT,
    "metric": _TEXT,
    "step": _WHOLE,
    "time": _NUMBER,
    "value": _NUMBER,
    "metadata": _TEXT,
}


def export_tables(
    source: Source, views: Sequence[ExperimentView], target: str, format: TableFormat
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
    write = _WRITERS[format]
    for path, (schema, rows) in zip(
        paths,
        (_experiments(source, views), (_PARAMS, _params(views)), (_POINTS, _points(source, views))),
        strict=True,
    ):
        part = f"{path}.part"
        try:
            write(part, schema, rows)
            os.replace(part, path)
        finally:
            if os.path.exists(part):
                os.remove(part)
    return paths


# -- tables ----------------------------------------------------------------------------------------


def _experiments(source: Source, views: Sequence[ExperimentView]) -> tuple[_Schema, _Rows]:
    columns = experiment_columns(source.backend, [view.id for view in views])
    schema = {
        one.name: _TYPES[one.kind] if one.kind in _TYPES else _type_of(one.values)
        for one in columns
    }
    return schema, zip(*(one.values for one in columns), strict=True)


def _type_of(values: Sequence[Any]) -> str:
    """The narrowest type that holds all values as they are; texts, with JSON for what is none, where there is none."""
    kinds = {_type(value) for value in values if value is not None}
    if kinds == {_WHOLE, _WIDE}:
        return _WIDE
    if kinds == {_WHOLE, _NUMBER}:
        return _NUMBER if all(map(_is_exact, values)) else _TEXT
    if kinds == {f"{_WHOLE}[]", f"{_NUMBER}[]"}:
        return f"{_NUMBER}[]" if all(map(_is_exact, values)) else _TEXT
    return kinds.pop() if len(kinds) == 1 else _TEXT


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return _BOOL
    if isinstance(value, int):
        return _WHOLE if -(2**63) <= value < 2**63 else _WIDE if abs(value) < 10**38 else _TEXT
    if isinstance(value, float):
        return _NUMBER
    if isinstance(value, (list, tuple)) and value and None not in value:
        inner = _type_of(value)
        if inner in (_BOOL, _WHOLE, _NUMBER) or all(isinstance(one, str) for one in value):
            return f"{inner}[]"
    return _TEXT


def _is_exact(value: Any) -> bool:
    """Whether a float64 holds a value, or each of a list."""
    if isinstance(value, (list, tuple)):
        return all(map(_is_exact, value))
    return not isinstance(value, int) or split(value)[1] == REST_OF_NONE


def _params(views: Iterable[ExperimentView]) -> _Rows:
    for view in views:
        state = view.facts.state or ExperimentState()
        for kind, nested in (("param", state.params), ("config", state.config or {})):
            for name, plain in flatten(nested).items():
                yield (view.id, kind, name, *_typed(from_plain(plain)))


def _typed(value: Any) -> tuple[float | None, str | None, str]:
    kind = "null" if value is None else type(value).__name__
    if isinstance(value, (bool, int, float)):
        near, rest = split(value)
        # The digits too, of an integer that is not the float64 beside it.
        return float(near), None if rest == REST_OF_NONE else str(value), kind
    return None, None if value is None else _as_text(value), kind


def _points(source: Source, views: Iterable[ExperimentView]) -> _Rows:
    for view in views:
        question = PointsQuestion(ids=(view.id,), order="written", metadata=True)
        for one in source.series(question):
            count = len(one.steps)
            yield from zip(
                [one.id] * count,
                [one.metric] * count,
                one.steps.tolist(),
                one.times.tolist(),
                one.values.tolist(),
                one.metadata or [None] * count,
                strict=True,
            )


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else _JSON.encode(_plain(value))


def _plain(value: Any) -> Any:
    """What JSON has no number for is a text, as in the journal."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    return value


_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=str)


# -- formats ---------------------------------------------------------------------------------------


def _write_jsonl(path: str, schema: _Schema, rows: _Rows) -> None:
    _write_lines(path, schema, rows)


def _write_lines(path: str, schema: _Schema, rows: _Rows) -> int:
    """Write lines of JSON; returns the length of the longest one."""
    names = [*schema]
    longest = 0
    with open(path, "x", encoding="utf-8", errors="backslashreplace") as file:
        for row in rows:
            line = _JSON.encode(dict(zip(names, map(_plain, row), strict=True)))
            longest = max(longest, len(line))
            file.write(line + "\n")
    return longest


def _write_csv(path: str, schema: _Schema, rows: _Rows) -> None:
    with open(path, "x", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(schema)
        for row in rows:
            writer.writerow(map(_cell, row))


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _as_text(value) if isinstance(value, (list, tuple, dict)) else value


def _write_parquet(path: str, schema: _Schema, rows: _Rows) -> None:
    import duckdb

    lines = f"{path}.jsonl"
    texts = [kind in (_TEXT, _WIDE) for kind in schema.values()]
    try:
        # JSON is read as texts where it has no such type.
        longest = _write_lines(
            lines,
            schema,
            (
                [
                    _as_text(value) if text and value is not None else value
                    for value, text in zip(row, texts, strict=True)
                ]
                for row in rows
            ),
        )
        columns = ", ".join(f"{_quoted(name)}: '{kind}'" for name, kind in schema.items())
        with duckdb.connect() as engine:
            engine.execute(
                f"COPY (SELECT * FROM read_json({_quoted(lines)}, format = 'newline_delimited', "
                f"columns = {{{columns}}}, maximum_object_size = {max(16 << 20, 8 * longest)})) "
                f"TO {_quoted(path)} (FORMAT parquet, COMPRESSION zstd)"
            )
    finally:
        if os.path.exists(lines):
            os.remove(lines)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_WRITERS: dict[TableFormat, Callable[[str, _Schema, _Rows], None]] = {
    "parquet": _write_parquet,
    "csv": _write_csv,
    "jsonl": _write_jsonl,
}
