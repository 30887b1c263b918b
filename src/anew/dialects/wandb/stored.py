"""Artifacts in the store: where a version lies, and how it is found and read again."""

from __future__ import annotations

import json
import time

import anew
from anew.errors import NotFound

from .artifact import Artifact
from .errors import CommError, UsageError
from .manifest import ArtifactManifestEntry, checked
from .plain import nearest
from .table import Table
from .versions import Versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .draft import Draft
    from .facts import RunFacts as Run

__all__ = ["Stored", "Unrecorded", "alias_of", "found_artifact", "read", "use_artifact"]


class Stored:
    """Where a version of an artifact lies, and what it is called."""

    def __init__(self, versions: Versions, number: int, record: dict[str, Any]) -> None:
        self.versions, self.number = versions, number
        self.project: str = versions.project
        self.experiment: str = record["experiment"]
        self.time: float = record["time"]
        self.version = f"v{number}"
        self.aliases = [alias for alias, meant in versions.aliases().items() if meant == number]

    def keep_aliases(self, artifact: Artifact) -> None:
        """Make the aliases what the list says."""
        known = self.versions.aliases()
        for alias in self.aliases:
            if alias != "latest" and known.get(alias) != self.number:
                self.versions.point(alias_of(alias), self.number)
        for alias, number in known.items():
            if number == self.number and alias not in self.aliases:
                self.versions.unpoint(alias)

    def logged_by(self) -> Any:
        """The run that logged it; None if it is gone."""
        from .api import Api

        try:
            return Api(root=self.versions.root)._by_id(self.experiment)
        except CommError:
            return None

    def used_by(self, name: str) -> list[Any]:
        """The runs that used it."""
        from .api import Api

        api = Api(root=self.versions.root)
        views = api._views(self.project)
        return [
            api._run(view)
            for view in views
            if name in view.captured.get("wandb_used", {}).get("artifacts", ())
        ]


class Unrecorded(Stored):
    """A version that a disabled run logged: it is nowhere."""

    def __init__(self, project: str, aliases: list[str]) -> None:
        self.number, self.version, self.project = 0, "v0", project
        self.experiment, self.time = "", time.time()
        self.aliases = [*aliases, "latest"]

    def keep_aliases(self, artifact: Artifact) -> None:
        """Nothing to do."""

    def logged_by(self) -> None:
        """None: nothing was recorded."""

    def used_by(self, name: str) -> list[Any]:
        """None."""
        return []


def alias_of(alias: Any) -> str:
    text = str(alias)
    if not text or any(c in text for c in "/:") or text != text.strip():
        raise UsageError(f"An alias is a text without '/' and ':', not {alias!r}.")
    if text[0] == "v" and text[1:].isdigit():
        raise UsageError(f"The alias {alias!r} is kept for versions.")
    return text


def use_artifact(run: Run, given: Any, kind: str | None) -> Artifact:
    """A version of an artifact, noted as used by the run.

    Raises:
        CommError: There is none of that name.
        ValueError: It is of another type.
    """
    if isinstance(given, Artifact):
        artifact = given
        if artifact.is_draft():
            from .committing import log_artifact

            log_artifact(run, artifact, None, None, None, None)
    else:
        own = "/".join(part for part in (run.entity, run.project) if part)
        artifact = found_artifact(run.native.root, str(given), own)
    if kind is not None and artifact.type != kind:
        raise UsageError(
            f"Expected artifact of type {kind!r}, and {artifact.name} is of type {artifact.type!r}."
        )
    if artifact._stored is not None and artifact.qualified_name not in run._used_artifacts:
        run._used_artifacts.append(artifact.qualified_name)
        run.native.capture("wandb_used", {"artifacts": run._used_artifacts})
    return artifact


def found_artifact(root: str, name: str, project: str) -> Artifact:
    """The version that `[[entity/]project/]name[:alias or version]` means; without either, the latest.

    Raises:
        CommError: There is none.
    """
    path, _, alias = name.partition(":")
    *before, plain_name = path.strip("/").split("/")
    projects = ["/".join(before)] if before else [project]
    if len(before) == 2:
        projects.append(before[1])  # a project that was opened without its entity
    if len(before) == 1 and "/" in project:
        projects.append(f"{project.split('/')[0]}/{before[0]}")
    versions = Versions(root, projects[0], plain_name)
    for one in projects[1:]:
        if not versions.records():
            versions = Versions(root, one, plain_name)
    records = versions.records()
    if not records:
        raise CommError(
            f"There is no artifact {plain_name!r} in the project {projects[0]!r}.{_others(root, plain_name)}",
            name=name,
        )
    alias = alias or "latest"
    number: int | None = int(alias[1:]) if alias[0] == "v" and alias[1:].isdigit() else None
    if number is None:
        number = versions.aliases().get(alias)
    if number is None or number not in records:
        known = [*(f"v{n}" for n in records), *versions.aliases()]
        raise CommError(
            f"The artifact {plain_name!r} has no version {alias!r}; it has {', '.join(known)}.",
            name=name,
        )
    record = records[number]
    artifact = Artifact(plain_name, record["type"])
    artifact._stored = Stored(versions, number, record)
    _read_files(artifact, root, record)
    return artifact


def _others(root: str, name: str) -> str:
    from .versions import collections

    return nearest(name, [one["name"] for one in collections(root)])


def _read_files(artifact: Artifact, root: str, record: dict[str, Any]) -> None:
    """Read what is in a version from the experiment that logged it.

    Raises:
        CommError: The experiment is gone.
    """
    try:
        view = anew.Store(root).get(record["experiment"])
    except NotFound as error:
        raise CommError(
            f"The experiment {record['experiment']} that logged {artifact.name!r} is not in the store any more."
        ) from error
    files = {file.id: file for file in view.files}
    if record["manifest"] not in files:
        raise CommError(
            f"What is in {artifact.name!r} was not kept: the disk failed when it was logged."
        )
    said = json.loads(files[record["manifest"]].read_text())
    artifact.description = said["description"]
    artifact._metadata = said["metadata"]
    artifact.tags = said["tags"]
    artifact.manifest.entries = {}
    for path, facts in said["entries"].items():
        entry = ArtifactManifestEntry(
            checked(path), facts["digest"], facts["size"], facts.get("ref")
        )
        if "file" in facts:
            entry._file = files.get(facts["file"])
            if entry._file is None:
                raise CommError(
                    f"The file {path!r} of {artifact.name!r} was not kept: the disk failed."
                )
            entry.local_path = str(entry._file.path)
        artifact.manifest.entries[path] = entry


def read(artifact: Draft, name: str) -> Any:
    """The medium that was added under a name; None if there is none."""
    from . import media

    for path, entry in artifact.manifest.entries.items():
        if not path.endswith(".json") or path not in (
            name,
            *(f"{name}.{s}.json" for s in _SUFFIXES),
        ):
            continue
        assert entry.local_path is not None
        with open(entry.local_path, encoding="utf-8") as file:
            said = json.load(file)
        kind = said.get("_type")
        if kind == "table":
            return Table.from_json(said)
        made: Any = getattr(media, _SUFFIXES.get(kind, ""), None)
        if made is None or "path" not in said:
            return said
        source = artifact.get_entry(said["path"]).local_path
        return made(source, caption=said.get("caption"))
    return None


_SUFFIXES = {
    "table": "Table", "image-file": "Image", "audio-file": "Audio", "video-file": "Video", "histogram": "",
    "html-file": "", "plotly-file": "", "object3D-file": "", "molecule-file": "",
}  # fmt: skip
