"""Tables and media as files of an artifact, and back."""

from __future__ import annotations

import json
import os

from .manifest import Manifest, md5_of
from .media import Audio, Image, Media, Video
from .table import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["read", "written"]

# What stands at the end of a file's name, and the class to make of it again, where that is possible.
_CLASSES: dict[str, Any] = {
    "table": Table, "image-file": Image, "audio-file": Audio, "video-file": Video, "histogram": None, "html-file": None,
    "plotly-file": None, "object3D-file": None, "molecule-file": None,
}  # fmt: skip


def written(obj: Media, name: str, folder: str) -> Iterator[tuple[str, str]]:
    """Write a medium to files; where each lies, and its path in the artifact. The last one is what names it."""
    said: dict[str, Any]
    if isinstance(obj, Table):
        suffix, said = "table", obj.to_json()
        for row, cells in zip(said["data"], obj.data, strict=True):
            for at, cell in enumerate(cells):
                if isinstance(cell, Media) and cell.facts()["_type"] in _CLASSES:
                    row[at], files = _placed(cell, folder)
                    yield from files
    else:
        suffix = obj.facts()["_type"]
        said, files = _placed(obj, folder)
        yield from files
    path = os.path.join(folder, f"json-{len(os.listdir(folder))}")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(said, file)
    yield path, name if name.endswith(f".{suffix}.json") else f"{name}.{suffix}.json"


def _placed(obj: Media, folder: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """What an artifact says of a medium, and its file: where it lies, and its path in the artifact."""
    if isinstance(obj, Image) and obj.reference is not None:
        caption = {} if obj.caption is None else {"caption": obj.caption}
        return obj.facts() | caption | {"path": obj.reference}, []
    own = os.path.join(folder, f"media-{len(os.listdir(folder))}")
    saved = obj.native.save(own, "media")
    said = obj.told()
    if saved.path is None:
        return said | {"data": saved.data}, []
    source = os.path.join(own, saved.path)
    digest = md5_of(source)[0].replace("/", "_").replace("+", "-").rstrip("=")
    kind = said["_type"].partition("-")[0]
    said["path"] = f"media/{kind}s/{digest}{os.path.splitext(source)[1]}"
    return said, [(source, said["path"])]


def read(manifest: Manifest, name: str) -> Any:
    """The medium that was added under a name; None if there is none."""
    known = (name, *(f"{name}.{suffix}.json" for suffix in _CLASSES))
    for path, entry in manifest.entries.items():
        if not path.endswith(".json") or path not in known:
            continue
        assert entry.local_path is not None
        with open(entry.local_path, encoding="utf-8") as file:
            said = json.load(file)
        kind = said.get("_type")
        if kind == "table":
            table = Table.from_json(said)
            table.data = [[_read(manifest, cell) for cell in row] for row in table.data]
            return table
        return _read(manifest, said)
    return None


def _read(manifest: Manifest, said: Any) -> Any:
    """A medium of an artifact, from what it says of it; anything else as it is."""
    if not isinstance(said, dict):
        return said
    made, path = _CLASSES.get(str(said.get("_type"))), said.get("path")
    if made is None or not isinstance(path, str):
        return said
    if path in manifest.entries:
        return made(manifest.entries[path].local_path, caption=said.get("caption"))
    # An address stays one; a path of this machine that an artifact names is not followed.
    return made(path, caption=said.get("caption")) if made is Image and "://" in path else said
