"""Media and tables that a run logged, read back as wandb gives them: as files of the run."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re

from ..names import FACTS
from ..translate.logged import rows_of_table
from .media import Audio, Image, Video
from .table import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["LoggedFile", "logged_files", "table_of"]

_CELL = re.compile(r"<(image-file|audio-file|video-file) .*, row (\d+)>", re.DOTALL)
_CLASSES: dict[str, Any] = {"image-file": Image, "audio-file": Audio, "video-file": Video}


class LoggedFile:
    """A medium that was logged, as a file of the run.

    Args:
        view: The experiment.
        value: What it logged.
        name: Its path among the run's files.
    """

    def __init__(self, view: Any, value: Any, name: str) -> None:
        self._view, self._value = view, value
        self.name = name
        self._content: bytes | None = None

    @property
    def path(self) -> Any:
        """Where its bytes lie; None for what is kept in the record."""
        return self._value.path

    @property
    def time(self) -> float:
        """When it was logged, in seconds since the epoch."""
        return float(self._value.time)

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content())

    @property
    def hash(self) -> str:
        """The MD5 of its bytes in base64, as wandb has it."""
        digest = hashlib.md5(self.content(), usedforsecurity=False).digest()
        return base64.b64encode(digest).decode()

    def content(self) -> bytes:
        """Its bytes."""
        if self._content is None:
            value = self._value
            if value.kind == "table":
                said: Any = table_of(self._view, value).to_json()
                self._content = json.dumps(said).encode()
            elif value.path is None:
                data = value.data
                self._content = (data if isinstance(data, str) else json.dumps(data)).encode()
            else:
                self._content = value.read_bytes()
        return self._content

    def save(self, target: str, overwrite: bool = False) -> str:
        """Write it to a file of this machine."""
        os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
        with open(target, "wb" if overwrite else "xb") as file:
            file.write(self.content())
        return target


def logged_files(view: Any) -> Iterator[LoggedFile]:
    """All media that an experiment logged, in the order in which it did."""
    for value in view.values():
        said = value.metadata.get(FACTS) or {}
        path = said.get("path")
        # Of what Anew has no kind for, the value is a text that names a file, which is listed as one.
        if isinstance(path, str) and "file" not in said and "row" not in said:
            yield LoggedFile(view, value, path)


def table_of(view: Any, value: Any) -> Table:
    """A table as it was logged, with its pictures and sounds."""
    columns, rows = rows_of_table(value.data, None if value.path is None else value.read_bytes())
    cells: dict[tuple[str, int], Any] = {}
    if any(isinstance(cell, str) and _CELL.fullmatch(cell) for row in rows for cell in row):
        for one in view.values():
            row = (one.metadata.get(FACTS) or {}).get("row")
            if row is not None and one.step == value.step and one.path is not None:
                cells[one.name, row] = one
    return Table(
        columns=columns,
        data=[
            [_cell(cell, f"{value.name}/{column}", cells) for column, cell in zip(columns, row, strict=True)]
            for row in rows
        ],
    )  # fmt: skip


def _cell(cell: Any, name: str, cells: dict[tuple[str, int], Any]) -> Any:
    found = _CELL.fullmatch(cell) if isinstance(cell, str) else None
    value = None if found is None else cells.get((name, int(found[2])))
    if found is None or value is None:
        return cell
    return _CLASSES[found[1]](str(value.path), caption=value.metadata.get("caption"))
