"""Tables among the artifacts of a run, with pictures in their cells."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from typing import Any

import anew

from ..translate import facts as translated
from . import writing
from .exceptions import MixedColumn

__all__ = ["log_table"]

_ARTIFACTS = "mlflow.loggedArtifacts"
"""The tag with the tables of a run."""


def log_table(native: anew.Experiment, data: Any, artifact_file: str) -> None:
    """Add rows to a table; each call is a table of its own in the record, and they are read together."""
    path = writing.checked(artifact_file)
    if isinstance(data, Mapping) and not any(_is_column(value) for value in data.values()):
        data = [dict(data)]
    data = _with_pictures(native, data)
    with writing.told():
        native.log_value(path, anew.Table(data), metadata=translated.table_metadata(path))
    known = json.loads(native.tags.get(_ARTIFACTS) or "[]")
    if (mine := {"path": path, "type": "table"}) not in known:
        writing.set_tags(native, {_ARTIFACTS: json.dumps([*known, mine])})


def _with_pictures(native: anew.Experiment, data: Any) -> Any:
    """A table with each picture in its cells kept as a file among the artifacts, and the cell saying where.

    Raises:
        MixedColumn: A column has pictures and something else.
    """
    columns: dict[Any, list[Any]]
    if hasattr(data, "columns") and hasattr(data, "to_dict"):
        columns = {name: data[name].tolist() for name in data.columns}
    elif isinstance(data, Mapping):
        columns = {name: list(cells) for name, cells in data.items()}
    elif isinstance(data, list) and len(data) == 1 and isinstance(data[0], Mapping):
        columns = {name: [cell] for name, cell in data[0].items()}
    else:
        return data
    pictured = [name for name, cells in columns.items() if any(map(_is_picture, cells))]
    for name in pictured:
        if not all(map(_is_picture, columns[name])):
            raise MixedColumn(
                f"Column `{name}` contains a mix of images and non-images.",
                "INVALID_PARAMETER_VALUE",
            )
        columns[name] = [_kept(native, cell) for cell in columns[name]]
    return columns if pictured else data


def _is_picture(cell: Any) -> bool:
    return hasattr(cell, "resize") and hasattr(cell, "save")


def _kept(native: anew.Experiment, picture: Any) -> dict[str, str]:
    path = f"images/{secrets.token_hex(16)}.png"
    with tempfile.TemporaryDirectory(prefix="anew-") as folder:
        file = os.path.join(folder, "picture.png")
        picture.save(file)
        writing.save(native, path, file)
    return {"type": "image", "filepath": path, "compressed_filepath": path}


def _is_column(value: Any) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, (str, bytes, Mapping))
