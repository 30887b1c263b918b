"""The files of a run: `mlflow.artifacts`."""

from __future__ import annotations

import json
import os
import posixpath
import tempfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import anew

from ..translate.facts import file_place, point_time, table_place
from . import places
from .entities import FileInfo
from .exceptions import MlflowException, missing
from .registered import source_of
from .runs import artifact_uri as uri_of
from .runs import view_of
from .writing import checked

if TYPE_CHECKING:
    import pandas
    import PIL.Image

__all__ = ["download_artifacts", "list_artifacts", "load_dict", "load_image", "load_text"]


def contents(view: Any) -> dict[str, Any]:
    """What a run keeps by its path: the newest file of each, all parts of each table, and the pictures that were logged with a key."""
    found: dict[str, Any] = {}
    for file in view.files:
        found[file_place(file.prefix, file.name, file.metadata)] = file
    for value in view.values(kind="table"):
        path = table_place(value.metadata)
        if path:
            parts = found.setdefault(path, [])
            if isinstance(parts, list):
                parts.append(value)
    for number, value in enumerate(view.values(kind="image")):
        for path, entry in _pictured(value, number):
            found.setdefault(path, entry)
    return found


class _Made:
    """A file that a run has among its artifacts, and that is kept as something else."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self.read_bytes = read

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.read_bytes())

    def save(self, target: str, *, overwrite: bool = False) -> None:
        """Write it to a file."""
        with open(target, "wb" if overwrite else "xb") as file:
            file.write(self.read_bytes())


def _pictured(value: Any, number: int) -> Iterator[tuple[str, _Made]]:
    """What MLflow has of a picture with a key: a file, and one of JSON that says of what it is."""
    step, at = value.step or 0, point_time(value.time, value.metadata)
    key = value.name.replace("/", "~")
    path = f"images/{key}+step+{step}+timestamp+{at}+{number:08x}"
    kind = value.metadata.get("format", "png")
    said = {"filepath": f"{path}.{kind}", "key": value.name, "step": step, "timestamp": at}
    yield f"{path}.{kind}", _Made(value.read_bytes)
    yield f"{path}.json", _Made(lambda: json.dumps(said).encode())


def table(parts: list[Any]) -> pandas.DataFrame:
    """The rows of all parts of a table."""
    import pandas

    frames = [
        anew.Table.load(part.data, None if part.path is None else str(part.path)).to_pandas()
        for part in parts
    ]
    return pandas.concat(frames, ignore_index=True)


def _bytes(entry: Any, path: str) -> bytes:
    if not isinstance(entry, list):
        data: bytes = entry.read_bytes()
        return data
    frame = table(entry)
    if path.endswith(".parquet"):
        import io

        buffer = io.BytesIO()
        frame.to_parquet(buffer)
        return buffer.getvalue()
    text: str = frame.to_json(orient="split", index=False, date_format="iso")
    return text.encode()


def _inside(path: str | None, folder: str) -> bool:
    return not folder or (path or "").startswith(f"{folder}/")


def _listed(view: Any, path: str | None) -> list[FileInfo]:
    folder = "" if path in (None, "", ".") else checked(str(path))
    entries = contents(view)
    found: dict[str, FileInfo] = {}
    for full, entry in entries.items():
        if not _inside(full, folder):
            continue
        rest = full[len(folder) + 1 :] if folder else full
        name, deeper, _ = rest.partition("/")
        at = f"{folder}/{name}" if folder else name
        if deeper:
            found[at] = FileInfo(at, True, None)
        else:
            size = len(_bytes(entry, full)) if isinstance(entry, list) else entry.size
            found.setdefault(at, FileInfo(at, False, size))
    return [found[at] for at in sorted(found)]


def _meant(uri: str | None, run_id: str | None, path: str | None) -> tuple[Any, str]:
    """The run and the path in it that are meant.

    Raises:
        MlflowException: Not exactly one of an URI and a run is given, or there is no such run.
    """
    if (uri is None) == (run_id is None):
        raise MlflowException.invalid_parameter_value(
            "Exactly one of `artifact_uri` and `run_id` must be given."
        )
    if run_id is not None:
        return view_of(run_id), path or ""
    assert uri is not None
    uri = source_of(uri)
    scheme, colon, rest = uri.partition(":")
    if colon and scheme == "runs":
        run, _, inside = unquote(rest).lstrip("/").partition("/")
        return view_of(run), inside
    # What a file is called may look like a query or a fragment: only the scheme and the host are taken off.
    whole = unquote(rest.removeprefix("//")) if colon and scheme == "file" else uri
    store = places.store()
    at = whole.find("/files")
    while at >= 0 and store is not None:
        if os.path.isabs(whole) and whole[:at] in store:
            return store.get(whole[:at]), whole[at + len("/files") :].strip("/")
        at = whole.find("/files", at + 1)
    raise missing(f"There is no run whose artifacts are at {uri!r}.")


def list_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    tracking_uri: str | None = None,
) -> list[FileInfo]:
    """The files and folders directly in a folder of a run's artifacts."""
    view, path = _meant(artifact_uri, run_id, artifact_path)
    return _listed(view, path)


def download_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    dst_path: str | os.PathLike[str] | None = None,
    tracking_uri: str | None = None,
    registry_uri: str | None = None,
) -> str:
    """Copy a file, or a folder with all in it, into a folder (a fresh one if none is given); returns where it is.

    Raises:
        MlflowException: There is nothing at that path.
    """
    view, path = _meant(artifact_uri, run_id, artifact_path)
    plain = "" if path in ("", ".") else checked(path)
    entries = contents(view)
    wanted = {p: e for p, e in entries.items() if p == plain or _inside(p, plain)}
    if not wanted and plain:
        raise missing(
            f"Failed to download artifacts from path {path!r}, please ensure that the path is correct."
        )
    target = os.fspath(dst_path) if dst_path is not None else tempfile.mkdtemp(prefix="anew-")
    for full, entry in wanted.items():
        # As MLflow does: a file goes into the folder itself, a folder keeps its path.
        to = os.path.join(
            target, *(full.split("/") if full != plain else [full.rpartition("/")[2]])
        )
        os.makedirs(os.path.dirname(to), exist_ok=True)
        if isinstance(entry, list):
            with open(to, "wb") as file:
                file.write(_bytes(entry, full))
        else:
            entry.save(to, overwrite=True)
    if plain in entries:
        return os.path.join(target, plain.rpartition("/")[2])
    os.makedirs(os.path.join(target, *plain.split("/")), exist_ok=True)
    return os.path.join(target, *plain.split("/")) if plain else target


def _read(artifact_uri: str) -> bytes:
    view, path = _meant(artifact_uri, None, None)
    entry = contents(view).get(checked(path))
    if entry is None:
        raise missing(f"There is no file at {artifact_uri!r}.")
    return _bytes(entry, path)


def load_text(artifact_uri: str) -> str:
    """The text of a file: `load_text("runs:/<run_id>/notes.txt")`."""
    return _read(artifact_uri).decode()


def load_dict(artifact_uri: str) -> dict[str, Any]:
    """What a JSON or YAML file says."""
    import yaml

    text = load_text(artifact_uri)
    try:
        found: Any = json.loads(text)
    except ValueError:
        try:
            found = yaml.safe_load(text)
        except yaml.YAMLError:
            found = text
    if isinstance(found, str):
        raise MlflowException.invalid_parameter_value(
            f"Unable to form a JSON object from file content: {text[:80]!r}"
        )
    loaded: dict[str, Any] = found
    return loaded


def load_image(artifact_uri: str) -> PIL.Image.Image:
    """A picture."""
    import io

    import PIL.Image

    try:
        return PIL.Image.open(io.BytesIO(_read(artifact_uri)))
    except PIL.UnidentifiedImageError as error:
        raise MlflowException.invalid_parameter_value(
            f"Unable to form a PIL Image object from file content: {error}"
        ) from error


def get_artifact_uri(folder: str, artifact_path: str | None) -> str:
    """The URI of a path among the artifacts of an experiment's folder."""
    base = uri_of(folder)
    if not artifact_path or posixpath.normpath(artifact_path) == ".":
        return base
    return f"{base}/{checked(artifact_path)}"
