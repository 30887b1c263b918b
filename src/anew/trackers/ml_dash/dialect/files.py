"""`exp.files(prefix)`: files kept, listed and fetched by glob."""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from anew.errors import InvalidValue, NotFound

from ..translate import DELETED, FILES, iso
from .recorded import Recorded
from .unsupported import no_attribute

__all__ = ["FilesOf"]

_GLOB = frozenset("*?[")


class FilesOf:
    """`exp.files(prefix)`."""

    def __init__(self, experiment: Recorded) -> None:
        self._experiment = experiment

    def __call__(self, prefix: str = "") -> Files:
        return Files(self._experiment, prefix.strip("/"))

    def __getattr__(self, name: str) -> Any:
        # Without a prefix, what a prefix can do is done at the top: `exp.files.upload("model.pth")`.
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self(), name)


class Files:
    """Files under a prefix (or one file, for `download`). Every save is kept; the newest of a name counts.

    A file is told as `{id, path, filename, sizeBytes, checksum, description, tags, metadata, uploadedAt}`; the
    checksum is its BLAKE3 hash.
    """

    def __init__(self, experiment: Recorded, prefix: str) -> None:
        self._experiment = experiment
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        raise no_attribute("files(prefix)", name)

    def save(
        self,
        content: Any,
        *,
        to: str | None = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Keep a file by its path; or bytes, plain data (as JSON), an array (as an image) or a figure.

        Args:
            to: What the file is called; the source's own name if not given.

        Raises:
            FileNotFoundError: There is no file at that path.
            InvalidValue: The content needs a name, or is of a kind that cannot be saved.
        """
        if hasattr(content, "__array_interface__"):
            content = _image_bytes(content, to)
        about = {"description": description, "tags": None if tags is None else list(tags)}
        said = {**(metadata or {}), **{k: v for k, v in about.items() if v is not None}}
        saved = self._experiment.native.files(self._prefix).save(content, to, metadata=said)
        if isinstance(saved, list):  # a folder, whose files are told one by one by `list`
            return {"path": self._prefix, "filename": to or str(content), "files": len(saved)}
        return _told(
            saved.file_id, saved.prefix, saved.name, saved.size, saved.hash, saved.metadata
        )

    def upload(
        self, file: str | os.PathLike[str], *, to: str | None = None, **about: Any
    ) -> dict[str, Any]:
        """Keep a file by its path; takes what `save` takes."""
        return self.save(file, to=to, **about)

    def save_text(self, content: str, *, to: str) -> dict[str, Any]:
        """Keep a text as a UTF-8 file."""
        return self.save(content.encode(), to=to)

    def save_json(self, content: Any, *, to: str) -> dict[str, Any]:
        """Keep plain data as JSON."""
        if isinstance(content, (Mapping, list, tuple)):
            return self.save(dict(content) if isinstance(content, Mapping) else content, to=to)
        import json

        return self.save(json.dumps(content).encode(), to=to)

    def save_blob(self, data: bytes, *, to: str) -> dict[str, Any]:
        """Keep bytes."""
        return self.save(bytes(data), to=to)

    def save_torch(self, model: Any, *, to: str) -> dict[str, Any]:
        """Keep a module's state dict, or any state that `torch.save` takes."""
        import io

        import torch

        buffer = io.BytesIO()
        state = model.state_dict() if isinstance(model, torch.nn.Module) else model
        torch.save(state, buffer)
        return self.save(buffer.getvalue(), to=to)

    def save_image(self, image: Any, *, to: str) -> dict[str, Any]:
        """Keep an array (height, width, channels) as an image; floats are from 0 to 1."""
        return self.save(_image_bytes(image, to), to=to)

    def save_fig(self, figure: Any = None, *, to: str) -> dict[str, Any]:
        """Keep a matplotlib figure, the current one if none is given."""
        if figure is None:
            from matplotlib import pyplot

            figure = pyplot.gcf()
        return self.save(figure, to=to)

    def list(self, pattern: str | None = None) -> list[dict[str, Any]]:
        """The files under the prefix, of all openings; `pattern` is a glob of the name or the whole path."""
        found = self._newest(pattern)
        later = self._experiment.view("files").captured.get(FILES) or {} if found else {}
        return [
            _told(
                f.id,
                f.prefix,
                f.name,
                f.size,
                f.hash,
                {**f.metadata, **later.get(f.id, {})},
                f.time,
            )
            for f in found
        ]

    def download(
        self, pattern: str | None = None, *, to: str | os.PathLike[str] | None = None
    ) -> str | builtins.list[str]:
        """Copy files out, each checked against its checksum.

        `files("models/model.pth").download(to="copy.pth")` copies one file and gives its path;
        `files("models").download("*.pth", to="folder")` copies those that fit, and gives their paths;
        `files.download("models/model.pth", to="copy.pth")` copies one file.

        Raises:
            NotFound: There is no such file.
            CorruptData: A file is not what was saved.
        """
        if pattern is None and not self._prefix:
            raise InvalidValue(
                "Name the files to download: exp.files.download('*.pth').", key="pattern"
            )
        found = self._newest(pattern)
        if pattern is None:  # the prefix is a file's path then, not a folder's
            found = [file for file in found if _path(file) == self._prefix]
        if not found:
            raise NotFound(
                f"There is no file {pattern or self._prefix!r}"
                + (f" under {self._prefix!r}." if pattern and self._prefix else "."),
                name=pattern or self._prefix,
            )
        one = pattern is not None and not self._prefix and not _GLOB.intersection(pattern)
        if pattern is None or (one and len(found) == 1):
            target = os.path.basename(found[-1].name) if to is None else to
            return str(found[-1].save(target, overwrite=True))
        folder = Path("." if to is None else to)
        saved = []
        for file in found:
            # Folders below the prefix stay folders: files of one name do not overwrite one another.
            inner = _path(file).removeprefix(self._prefix).lstrip("/") or os.path.basename(
                file.name
            )
            saved.append(str(file.save(folder / inner, overwrite=True)))
        return saved

    def delete(self, pattern: str | None = None) -> builtins.list[dict[str, Any]]:
        """Take files out of what `list` and `download` show, as `{id, path, filename}` each.

        What was recorded stays in the experiment's folder until the experiment is deleted.

        Raises:
            NotFound: There is no such file.
            InvalidValue: Neither a pattern nor a prefix says which.
        """
        if pattern is None and not self._prefix:
            raise InvalidValue(
                "Name the files to delete: exp.files.delete('*.tmp').", key="pattern"
            )
        found = self._newest(pattern)
        if not found:
            raise NotFound(
                f"There is no file {pattern or self._prefix!r}.", name=pattern or self._prefix
            )
        view = self._experiment.view("files.delete")
        paths = {_path(file) for file in found}
        ids = _deleted(view) | {file.id for file in view.files if _path(file) in paths}
        self._experiment.native.capture(DELETED, {"ids": sorted(ids)})
        return [{"id": f.id, "path": f.prefix, "filename": f.name} for f in found]

    def _newest(self, pattern: str | None) -> Sequence[Any]:
        view = self._experiment.view("files")
        newest: dict[str, Any] = {}
        deleted = set() if view is None else _deleted(view)
        for file in () if view is None else view.files:
            if file.id in deleted:
                continue
            path = _path(file)
            inside = not self._prefix or path == self._prefix or path.startswith(self._prefix + "/")
            wanted = (
                pattern is None or fnmatch(file.name, pattern) or fnmatch(path, pattern.lstrip("/"))
            )
            if inside and wanted:
                newest.pop(path, None)
                newest[path] = file
        return tuple(newest.values())


def _deleted(view: Any) -> set[str]:
    """The ids of the files that were deleted: an event of the experiment says which."""
    return set((view.captured.get(DELETED) or {}).get("ids", ()))


def _path(file: Any) -> str:
    return "/".join(part for part in (file.prefix, file.name) if part)


def _told(
    file_id: str,
    prefix: str,
    name: str,
    size: int,
    checksum: str,
    metadata: Mapping[str, Any],
    time: float | None = None,
) -> dict[str, Any]:
    rest = dict(metadata)
    rest.pop("sha256", None)  # what ml-dash's own client sent of a file that it uploaded
    rest.pop("content_type", None)
    return {
        "id": file_id,
        "path": prefix,
        "filename": name,
        "sizeBytes": size,
        "checksum": checksum,
        "description": rest.pop("description", None),
        "tags": rest.pop("tags", []),
        "metadata": rest,
        "uploadedAt": iso(datetime.now(UTC).timestamp() if time is None else time),
    }


def _image_bytes(image: Any, name: str | None) -> bytes:
    import io

    import numpy as np
    from PIL import Image

    if not name or "." not in name:
        raise InvalidValue(
            "Saving an array as an image needs a name that ends in .png or .jpg: to='frame.png'.",
            key="to",
        )
    array = np.asarray(image)
    if array.dtype.kind == "f":
        array = (np.clip(array, 0, 1) * 255).round()
    buffer = io.BytesIO()
    picture = Image.fromarray(array.astype(np.uint8).squeeze())
    suffix = name.rpartition(".")[2].lower()
    picture.save(buffer, format="JPEG" if suffix in ("jpg", "jpeg") else suffix)
    return buffer.getvalue()
