"""Values beyond numbers as what ClearML shows: plots, and files among the debug samples."""

from __future__ import annotations

import json
import math
import os
from typing import Any

from ...forwarders.target import NoPlace
from ...record.events import ValueLogged
from ...values import load

__all__ = ["Sample", "as_shown"]

_MOST_ROWS = 1000
_ENDS = {"plain": "txt", "markdown": "md", "html": "html"}


class Sample:
    """A debug sample: the file at `path`, or `content` to be written to one, whose name ends in `suffix`."""

    def __init__(self, suffix: str, path: str | None = None, content: bytes | None = None) -> None:
        self.suffix = suffix
        self.path = path
        self.content = content


def as_shown(value: ValueLogged, folder: str) -> Sample | str:
    """A file to show, or the JSON of a plot, for a value of an experiment with that folder.

    Raises:
        NoPlace: ClearML cannot show it.
    """
    path = None if value.path is None else os.path.join(folder, *value.path.split("/"))
    if path is not None and not os.path.isfile(path):
        raise NoPlace(f"The file {value.path} of this {value.kind} is no longer there.")
    try:
        if value.kind in ("audio", "image", "video"):
            return _sample(path)
        if value.kind == "text":
            text = str(load("text", value.data, path))
            return Sample(
                _ENDS.get(str(value.metadata.get("format")), "txt"), content=text.encode()
            )
        if value.kind == "table":
            return _table(value, path)
        if value.kind == "histogram":
            return _histogram(value, path)
        if value.kind == "figure":
            figure = load("figure", value.data, path)
            return _sample(path) if isinstance(figure, bytes) else str(figure.to_json())
    except NoPlace:
        raise
    except Exception as error:  # whatever libraries raise for files that are broken
        raise NoPlace(
            f"This {value.kind} cannot be read: {str(error)[:200].rstrip('.')}."
        ) from error
    raise NoPlace(f"ClearML has nothing to show a value of the kind {value.kind!r} with.")


def _sample(path: str | None) -> Sample:
    if path is None:
        raise NoPlace("Its record names no file.")
    return Sample(os.path.splitext(path)[1][1:] or "bin", path)


def _table(value: ValueLogged, path: str | None) -> str:
    table = load("table", value.data, path)
    if len(table) > _MOST_ROWS:
        raise NoPlace(
            f"ClearML shows tables as plots, which {len(table):,} rows are too many for: at most {_MOST_ROWS:,}."
        )
    rows = table.rows or table.to_arrow().to_pylist()
    cells = [list(row.values()) if isinstance(row, dict) else row for row in rows]
    columns = [[_cell(row[i]) for row in cells] for i in range(len(table.columns))]
    return _plot(
        value, {"type": "table", "header": {"values": table.columns}, "cells": {"values": columns}}
    )


def _cell(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _histogram(value: ValueLogged, path: str | None) -> str:
    histogram = load("histogram", value.data, path)
    left, right = histogram.edges[:-1], histogram.edges[1:]
    bars = {
        "type": "bar",
        "name": value.name,
        "x": ((left + right) / 2).tolist(),
        "width": (right - left).tolist(),
        "y": histogram.counts.tolist(),
    }
    return _plot(value, bars)


def _plot(value: ValueLogged, trace: dict[str, Any]) -> str:
    title = str(value.metadata.get("caption") or value.name)
    return json.dumps({"data": [trace], "layout": {"title": title, "bargap": 0}}, allow_nan=False)
