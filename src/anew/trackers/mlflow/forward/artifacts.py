"""Files and values as the artifacts of an MLflow run."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ....forwarders.target import Mirror, NoPlace
from ....record.events import FileLogged, ValueLogged
from ....values import load
from ..names import artifact_path, image_key
from ..translate.facts import file_place
from .library import MlflowClient, waiting_for

__all__ = ["Artifacts"]

_MOST_OF_A_TABLE = (
    4 << 20
)  # bytes of Parquet; as JSON, for MLflow to show, it is several times that
_SUFFIX = {"plain": "txt", "markdown": "md", "html": "html"}
_KINDS = ("image", "video", "audio", "text", "table", "histogram", "figure")


class Artifacts:
    """The artifacts of one run. What is put twice is there once: a path depends on the record alone."""

    def __init__(self, client: MlflowClient, run_id: str, mirror: Mirror) -> None:
        self._client = client
        self._run_id = run_id
        self._mirror = mirror

    def file(self, record: FileLogged) -> None:
        """A logged file, below its prefix.

        Raises:
            NoPlace: It is no longer there.
        """
        path = self._path(record.path)
        place = file_place(record.prefix, record.name, record.metadata)
        self._upload(path, artifact_path(place))

    def value(self, record: ValueLogged) -> str | None:
        """A value beyond numbers; returns the artifact if it is a table, which MLflow wants to be told.

        Raises:
            NoPlace: It is of a kind that is not known here, or cannot be read.
        """
        if record.kind not in _KINDS:
            raise NoPlace(f"MLflow cannot hold values of the kind {record.kind!r}.")
        path = None if record.path is None else self._path(record.path)
        if record.kind == "image":
            self._image(record, path)
            return None
        if record.kind == "table" and (path is None or os.path.getsize(path) <= _MOST_OF_A_TABLE):
            columns, rows = self._table(record, path)
            content = json.dumps({"columns": columns, "data": rows}, ensure_ascii=False)
            return self.text(_place(record, "json"), content)
        if path is not None:
            self._upload(path, _place(record, _suffix(path)))
        elif record.kind == "text" and isinstance(record.data, str):
            suffix = _SUFFIX.get(str(record.metadata.get("format")), "txt")
            self.text(_place(record, suffix), record.data)
        else:
            suffix = "plotly.json" if record.kind == "figure" else "json"
            self.text(_place(record, suffix), json.dumps(record.data, ensure_ascii=False))
        return None

    def text(self, path: str, content: str) -> str:
        """A text at a path; returns the path."""
        with _folder() as folder:
            local = os.path.join(folder, path.rpartition("/")[2])
            with open(local, "wb") as file:
                file.write(content.encode("utf-8", "backslashreplace"))
            self._log(local, path)
        return path

    def logs(self) -> None:
        """The messages and the console of the experiment, as they are in its folder."""
        folder = os.path.join(self._mirror.folder, "logs")
        try:
            names = sorted(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not name.startswith("."):
                self._upload(path, artifact_path("logs", name))

    def _path(self, path: str) -> str:
        whole = os.path.join(self._mirror.folder, path)
        if not os.path.isfile(whole):
            raise NoPlace("The file is no longer in the experiment's folder.")
        return whole

    def _upload(self, path: str, to: str) -> None:
        """A file under another name, which MLflow takes from the file itself."""
        name = to.rpartition("/")[2]
        if os.path.basename(path) == name:
            self._log(path, to)
            return
        with _folder() as folder:
            local = os.path.join(folder, name)
            try:
                os.symlink(os.path.abspath(path), local)
            except OSError:
                shutil.copyfile(path, local)
            self._log(local, to)

    def _log(self, local: str, to: str) -> None:
        with waiting_for(os.path.getsize(local)):
            self._client.log_artifact(self._run_id, local, to.rpartition("/")[0] or None)

    def _image(self, record: ValueLogged, path: str | None) -> None:
        """An image, named as `MlflowClient.log_image` names those that MLflow shows by their steps.

        That call itself puts a random number into the name, and would double what is sent again.
        """
        import PIL.Image

        if path is None:
            raise NoPlace("The image has no file.")
        unique = uuid.UUID(bytes=_digest(record))
        step = record.step if record.step is not None else 0
        stem = f"{image_key(record.name)}+step+{step}+timestamp+{round(record.t * 1000)}+{unique}"
        with _folder() as folder:
            whole = os.path.join(folder, f"{stem}.png")
            small = os.path.join(folder, f"{stem}+compressed.webp")
            try:
                with PIL.Image.open(path) as picture:
                    if picture.format == "PNG":
                        shutil.copyfile(path, whole)
                    else:
                        picture.save(whole, "PNG")
                    thumbnail = picture.convert("RGBA")
                    thumbnail.thumbnail((256, 256))
                    thumbnail.save(small, "WEBP")
            except Exception as error:  # whatever Pillow raises on a file that is no image
                raise _unreadable(record, error) from error
            for local in (whole, small):
                self._log(local, f"images/{os.path.basename(local)}")

    def _table(self, record: ValueLogged, path: str | None) -> tuple[list[str], list[list[Any]]]:
        try:
            table = load("table", record.data, path)
            if table.rows or not len(table):
                rows = table.rows
            else:
                columns = [column.to_pylist() for column in table.to_arrow().columns]
                rows = [list(row) for row in zip(*columns, strict=True)]
        except Exception as error:  # whatever a damaged file or record makes a reader raise
            raise _unreadable(record, error) from error
        return table.columns, [[_cell(cell) for cell in row] for row in rows]


def _unreadable(record: ValueLogged, error: Exception) -> NoPlace:
    return NoPlace(
        f"A value of the kind {record.kind!r} cannot be read ({type(error).__name__}); the file or the record is damaged."
    )


def _place(record: ValueLogged, suffix: str) -> str:
    step = "" if record.step is None else f"{record.step:06d}-"
    return artifact_path("values", record.name) + f"/{step}{_digest(record).hex()[:8]}.{suffix}"


def _digest(record: ValueLogged) -> bytes:
    """What tells apart two values of one name and step, and is the same whenever the record is sent."""
    told = json.dumps([record.t, record.name, record.step, record.path, record.data])
    return hashlib.sha256(told.encode()).digest()[:16]


def _suffix(path: str) -> str:
    name = os.path.basename(path)
    return "plotly.json" if name.endswith(".plotly.json") else name.rpartition(".")[2]


def _cell(cell: Any) -> Any:
    if isinstance(cell, float) and not math.isfinite(cell):
        return None  # as pandas writes a table for MLflow
    return cell if cell is None or isinstance(cell, (str, int, float, bool)) else str(cell)


@contextmanager
def _folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="anew-mlflow-") as folder:
        yield folder
