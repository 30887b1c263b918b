"""Which versions of an artifact there are, in which experiment each lies, and which aliases point to them.

A folder an artifact in the store's `.anew/artifacts/`, named by a hash: `v0.json` … say where the versions are, `alias-<hash>.json`
which one an alias means. All of it is also in the experiments, so the folder can be deleted: it is made again from them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["Versions", "collections"]

_RECORD = re.compile(r"v(\d+)\.json")
_TAKEN = re.compile(r"v(\d+)(\.json|\.taken)")


class Versions:
    """The versions of one artifact.

    Args:
        root: The root folder of the store.
        project: `entity/project`, or `project`.
        name: The artifact's name.
    """

    def __init__(self, root: str, project: str, name: str) -> None:
        self.root, self.project, self.name = root, project, name
        key = hashlib.sha256(f"{project}\0{name}".encode()).hexdigest()[:40]
        _made(root)
        self.folder = os.path.join(_base(root), key)

    def records(self) -> dict[int, dict[str, Any]]:
        """What is known of each version."""
        return dict(sorted(_records(self.folder)))

    def aliases(self) -> dict[str, int]:
        """The aliases, and the version that each means; "latest" is the newest."""
        versions = self.records()
        found: dict[str, int] = {}
        for name in _names(self.folder):
            if name.startswith("alias-"):
                said = _read(os.path.join(self.folder, name))
                if said and said["version"] in versions:
                    found[said["alias"]] = said["version"]
        return found | ({"latest": max(versions)} if versions else {})

    def take(self) -> int:
        """The number of a new version, which no other process gets."""
        os.makedirs(self.folder, exist_ok=True)
        taken = [int(m[1]) for name in _names(self.folder) if (m := _TAKEN.fullmatch(name))]
        number = max(taken, default=-1) + 1
        while True:
            try:
                path = os.path.join(self.folder, f"v{number}.taken")
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                return number
            except FileExistsError:
                number += 1

    def keep(self, number: int, record: dict[str, Any]) -> None:
        """A version is whole now: say where it is."""
        said = {"project": self.project, "name": self.name, "version": number, **record}
        _write(os.path.join(self.folder, f"v{number}.json"), said)

    def point(self, alias: str, number: int) -> None:
        """Have an alias mean a version from now on."""
        said = {"alias": alias, "version": number, "time": time.time()}
        _write(self._alias(alias), said)

    def unpoint(self, alias: str) -> None:
        """Forget an alias."""
        try:
            os.unlink(self._alias(alias))
        except FileNotFoundError:
            pass

    def _alias(self, alias: str) -> str:
        key = hashlib.sha256(alias.encode()).hexdigest()[:40]
        return os.path.join(self.folder, f"alias-{key}.json")


def collections(root: str) -> Iterator[dict[str, Any]]:
    """The newest version of each artifact in a store."""
    _made(root)
    for name in _names(_base(root)):
        found = dict(_records(os.path.join(_base(root), name)))
        if found:
            yield found[max(found)]


def _base(root: str) -> str:
    return os.path.join(root, ".anew", "artifacts")


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def _records(folder: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for name in _names(folder):
        match = _RECORD.fullmatch(name)
        said = _read(os.path.join(folder, name)) if match else None
        if match and said:
            yield int(match[1]), said


def _read(path: str) -> dict[str, Any] | None:
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _write(path: str, data: dict[str, Any]) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}.part"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(data, file)
    os.replace(temporary, path)


def _made(root: str) -> None:
    """Make the folder again from the experiments, if there is none."""
    if os.path.isdir(_base(root)) or not os.path.isdir(root):
        return
    import anew

    os.makedirs(_base(root), exist_ok=True)
    aliases: list[tuple[float, str, str, str, int]] = []
    for view in anew.Store(root).list(filter="file_count > 0", sort="created_at"):
        for said in view.captured.get("wandb_artifacts", {}).values():
            versions = Versions(root, said["project"], said["name"])
            number = said["version"]
            record = {
                k: v for k, v in said.items() if k not in ("aliases", "project", "name", "version")
            }
            versions.keep(number, record | {"experiment": view.id})
            for alias, when in said.get("aliases", {}).items():
                aliases.append((when, said["project"], said["name"], alias, number))
    for _, project, name, alias, number in sorted(aliases):
        Versions(root, project, name).point(alias, number)
