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
    else:
        suffix = obj.facts()["_type"]
        own = os.path.join(folder, f"media-{len(os.listdir(folder))}")
        saved = obj.native.save(own, "media")
        said = obj.told()
        if saved.path is None:
            said["data"] = saved.data
        else:
            source = os.path.join(own, saved.path)
            digest = md5_of(source)[0].replace("/", "_").replace("+", "-").rstrip("=")
            said["path"] = (
                f"media/{suffix.partition('-')[0]}s/{digest}{os.path.splitext(source)[1]}"
            )
            yield source, said["path"]
    path = os.path.join(folder, f"json-{len(os.listdir(folder))}")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(said, file)
    yield path, name if name.endswith(f".{suffix}.json") else f"{name}.{suffix}.json"


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
            return Table.from_json(said)
        made = _CLASSES.get(kind)
        if made is None or said.get("path") not in manifest.entries:
            return said
        return made(manifest.entries[said["path"]].local_path, caption=said.get("caption"))
    return None
