"""Copies of what a version of a model is."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import NotFound
from .views import ModelVersion

__all__ = ["save_version"]


def save_version(version: ModelVersion, to: str | os.PathLike[str]) -> list[Path]:
    """Copy the files of a version into a folder, checked against their hashes, or its weights as one .safetensors file; the paths.

    Paths are those below the version's folder; a single file keeps its name alone.

    Raises:
        NotFound: It has neither, or what it points to is gone.
        FileExistsError: There is a file of that name already.
        CorruptData: A file is not what was registered.
    """
    folder = Path(to)
    if version.fact.points_to == "weights":
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{version.model}.safetensors"
        if target.exists():
            raise FileExistsError(f"{target} already exists.")
        return [version.weights().save(target)]
    files = version.files()
    if not files:
        raise NotFound(
            f"{version} has no files of its own: it points to {version.fact.ref}.",
            name=str(version),
        )
    if version.fact.points_to == "file":
        return [files[0].save(folder / os.path.basename(files[0].name))]
    start = version.fact.ref.strip("/") + "/"
    written = []
    for one in files:
        path = "/".join(filter(None, (one.prefix.strip("/"), one.name))).removeprefix(start)
        if any(part in ("", ".", "..") for part in path.split("/")):
            raise NotFound(f"{version} has a file {path!r} that cannot be written here.", name=path)
        written.append(one.save(folder / path))
    return written
