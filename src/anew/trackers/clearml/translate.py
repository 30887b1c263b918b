"""Records as what ClearML shows: scalars, plots, debug samples, hyperparameters. Nothing is sent from here."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from typing import Any

from ...record.events import ValueLogged
from ...record.plain import flatten, from_plain
from ...values import load

__all__ = [
    "NotShown",
    "Sample",
    "as_shown",
    "file_name",
    "level_name",
    "section",
    "texts",
    "title_and_series",
]

_MOST_ROWS = 1000
_LEVELS = frozenset(
    ("notset", "debug", "verbose", "info", "warn", "warning", "error", "fatal", "critical")
)
_ENDS = {"plain": "txt", "markdown": "md", "html": "html"}


class NotShown(Exception):
    """ClearML cannot show a value; the text says why, as a sentence."""


class Sample:
    """A debug sample: the file at `path`, or `content` to be written to one, whose name ends in `suffix`."""

    def __init__(self, suffix: str, path: str | None = None, content: bytes | None = None) -> None:
        self.suffix = suffix
        self.path = path
        self.content = content


def as_shown(value: ValueLogged, folder: str) -> Sample | str:
    """A file to show, or the JSON of a plot, for a value of an experiment with that folder.

    Raises:
        NotShown: ClearML cannot show it.
    """
    path = None if value.path is None else os.path.join(folder, *value.path.split("/"))
    if path is not None and not os.path.isfile(path):
        raise NotShown(f"The file {value.path} of this {value.kind} is no longer there.")
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
    except NotShown:
        raise
    except Exception as error:  # whatever libraries raise for files that are broken
        raise NotShown(
            f"This {value.kind} cannot be read: {str(error)[:200].rstrip('.')}."
        ) from error
    raise NotShown(f"ClearML cannot show values of the kind {value.kind!r}.")


def _sample(path: str | None) -> Sample:
    if path is None:
        raise NotShown("Its record does not name a file.")
    return Sample(os.path.splitext(path)[1][1:] or "bin", path)


def _table(value: ValueLogged, path: str | None) -> str:
    table = load("table", value.data, path)
    if len(table) > _MOST_ROWS:
        raise NotShown(
            f"ClearML shows tables as plots of at most {_MOST_ROWS:,} rows; this one has {len(table):,}."
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


def title_and_series(name: str) -> tuple[str, str]:
    """The plot and the line in it for a metric: `train/loss` is the line `loss` of the plot `train`.

    A name without two parts that differ is both, so that no two names come to the same place.
    """
    title, _, series = name.partition("/")
    return (title, series) if title and series and title != series else (name, name)


def section(section: str, params: dict[str, Any]) -> dict[str, Any]:
    """Nested parameters as a section of ClearML's, where slashes part names and all values are texts."""
    flat = {name.replace(".", "/"): from_plain(v) for name, v in flatten(params).items()}
    return {
        name: {
            "section": section,
            "name": name,
            "value": "" if value is None else _text(value),
            "type": type(value).__name__,
            "description": "",
        }
        for name, value in flat.items()
    }


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else str(value)


def texts(**given: Any) -> dict[str, str]:
    """Those of some facts that are texts and not empty."""
    return {k: v for k, v in given.items() if isinstance(v, str) and v}


def file_name(text: str) -> str:
    """A text as one part of a path, short enough for any file system, and its own."""
    plain = re.sub(r"[^\w. -]", "_", text)[:80].strip(". ") or "_"
    return plain if plain == text else f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def level_name(level: str) -> str:
    """A level of a message by ClearML's name for it."""
    return level.lower() if level.lower() in _LEVELS else "info"
