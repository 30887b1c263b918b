"""Artifacts in the store: how a version is logged, found again and read."""

from __future__ import annotations

import json
import os
import shutil
import time

import reenact
from reenact.errors import NotFound

from .artifact import Artifact, ArtifactManifestEntry
from .errors import CommError, UsageError
from .media import Media
from .plain import nearest
from .saving import save_as
from .table import Table
from .versions import Versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .runs import Run

__all__ = [
    "Stored",
    "found_artifact",
    "log_artifact",
    "log_code",
    "read",
    "use_artifact",
    "written",
]


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
                self.versions.point(_alias(alias), self.number)
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


# -- logging ---------------------------------------------------------------------------------------


def log_artifact(
    run: Run,
    given: Any,
    name: str | None,
    kind: str | None,
    aliases: Any,
    tags: Any,
) -> Artifact:
    """Keep a version of an artifact, unless its content is that of the latest one.

    Raises:
        ValueError: The name, an alias or a path cannot be.
    """
    artifact = given if isinstance(given, Artifact) else _of_path(run, os.fspath(given), name, kind)
    wanted = [_alias(one) for one in ([aliases] if isinstance(aliases, str) else aliases or [])]
    experiment = run.native
    if not experiment.folder:  # nothing is recorded
        return artifact
    project = "/".join(part for part in (run.entity, run.project) if part)
    versions = Versions(experiment.root, project, artifact._name)
    stored = artifact._stored
    if stored is None:
        artifact.tags = list(tags or artifact.tags)
        stored = _same(versions, artifact) or _kept(run, versions, artifact)
        artifact._stored = stored
    now = time.time()
    for alias in wanted:
        if alias != "latest":
            stored.versions.point(alias, stored.number)
    if wanted:
        said = run._logged_artifacts.setdefault(
            f"{artifact._name}:{stored.version}", _record_of(artifact, stored)
        )
        said["aliases"] = said.get("aliases", {}) | dict.fromkeys(wanted, now)
        experiment.capture("wandb_artifacts", run._logged_artifacts)
    stored.aliases = [a for a, n in stored.versions.aliases().items() if n == stored.number]
    return artifact


def _of_path(run: Run, path: str, name: str | None, kind: str | None) -> Artifact:
    if name is not None and ":" in name:
        raise UsageError(
            f"Artifact name may only contain alphanumeric characters, dashes, underscores, and dots. "
            f"Invalid name: {name!r}"
        )
    basename = os.path.basename(path.rstrip("/")) or "files"
    if name is None:
        name = f"run-{run.id}-" + "".join(c if c.isalnum() or c in "._-" else "-" for c in basename)
    artifact = Artifact(name, kind or "unspecified")
    if os.path.isfile(path):
        artifact.add_file(path)
    elif os.path.isdir(path):
        artifact.add_dir(path)
    elif "://" in path:
        artifact.add_reference(path)
    else:
        raise UsageError(
            f"Path must be a file, directory or external reference like s3://bucket/path; there is no {path!r}."
        )
    return artifact


def _same(versions: Versions, artifact: Artifact) -> Stored | None:
    """The latest version, if it is what the artifact is."""
    records = versions.records()
    if not records:
        return None
    number = max(records)
    record = records[number]
    if record["type"] != artifact.type:
        raise UsageError(
            f"The artifact {artifact._name!r} is of type {record['type']!r} already, and not of {artifact.type!r}."
        )
    return Stored(versions, number, record) if record["digest"] == artifact.digest else None


def _kept(run: Run, versions: Versions, artifact: Artifact) -> Stored:
    """Copy the files into the experiment, then say that the version is there."""
    number = versions.take()
    prefix = f"artifacts/{artifact._name}/v{number}"
    entries: dict[str, dict[str, Any]] = {}
    saved: dict[str, Any] = {}
    for path, entry in sorted(artifact.manifest.entries.items()):
        said: dict[str, Any] = {"digest": entry.digest, "size": entry.size}
        if entry.ref is not None:
            said["ref"] = entry.ref
        else:
            if entry.digest not in saved:  # what is in it twice is kept once
                assert entry.local_path is not None
                saved[entry.digest] = save_as(run.native, prefix, entry.local_path, path)
            said["file"] = saved[entry.digest].file_id
            entry.local_path = saved[entry.digest].path  # no longer what was staged
        entries[path] = said
    facts = {
        "name": artifact._name, "type": artifact.type, "version": number, "description": artifact.description,
        "metadata": artifact.metadata, "tags": artifact.tags, "digest": artifact.digest, "entries": entries,
    }  # fmt: skip
    manifest: Any = run.native.files("artifacts").save(facts, f"{artifact._name}-v{number}.json")
    record = {
        "type": artifact.type, "digest": artifact.digest, "experiment": run.native.id, "manifest": manifest.file_id,
        "time": time.time(),
    }  # fmt: skip
    said_of = {"project": versions.project, "name": artifact._name, "version": number}
    run._logged_artifacts[f"{artifact._name}:v{number}"] = said_of | record
    run.native.capture("wandb_artifacts", run._logged_artifacts)
    versions.keep(number, record)
    if artifact._staging is not None:
        shutil.rmtree(artifact._staging, ignore_errors=True)
    return Stored(versions, number, record)


def _record_of(artifact: Artifact, stored: Stored) -> dict[str, Any]:
    record = stored.versions.records()[stored.number]
    return {k: v for k, v in record.items() if k != "aliases"}


def _alias(alias: Any) -> str:
    text = str(alias)
    if not text or any(c in text for c in "/:") or text != text.strip():
        raise UsageError(f"An alias is a text without '/' and ':', not {alias!r}.")
    if text[0] == "v" and text[1:].isdigit():
        raise UsageError(f"The alias {alias!r} is kept for versions.")
    return text


def log_code(
    run: Run,
    root: str,
    name: str | None,
    include: Callable[..., bool] | None,
    exclude: Callable[..., bool] | None,
) -> Artifact | None:
    """Keep source files as an artifact; the store, hidden folders and environments are left out."""
    own = os.path.abspath(run.native.root)
    artifact = Artifact(name or f"source-{_fit(run.project)}", "code")
    base = os.path.abspath(root)
    for parent, folders, files in os.walk(base):
        folders[:] = sorted(
            f
            for f in folders
            if not f.startswith(".")
            and f not in ("wandb", "__pycache__", "node_modules", "site-packages")
            and os.path.join(parent, f) != own
            and not os.path.isfile(os.path.join(parent, f, "pyvenv.cfg"))
        )
        for file in sorted(files):
            full = os.path.join(parent, file)
            chosen = _is_source(full) if include is None else _asked(include, full, base)
            if chosen and not (exclude is not None and _asked(exclude, full, base)):
                artifact.add_file(full, os.path.relpath(full, base))
    return (
        log_artifact(run, artifact, None, None, None, None) if artifact.manifest.entries else None
    )


def _fit(text: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in text)


def _is_source(path: str) -> bool:
    name = os.path.basename(path)
    return (
        name.endswith(".py") or "requirements" in name or name in ("Dockerfile", "pyproject.toml")
    )


def _asked(function: Callable[..., bool], path: str, root: str) -> bool:
    import inspect

    return bool(
        function(path, root) if len(inspect.signature(function).parameters) > 1 else function(path)
    )


# -- finding ---------------------------------------------------------------------------------------


def use_artifact(run: Run, given: Any, kind: str | None) -> Artifact:
    """A version of an artifact, noted as used by the run.

    Raises:
        CommError: There is none of that name.
        ValueError: It is of another type.
    """
    if isinstance(given, Artifact):
        artifact = given
        if artifact.is_draft():
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
        view = reenact.Store(root).get(record["experiment"])
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
    from .artifact import _checked

    for path, facts in said["entries"].items():
        entry = ArtifactManifestEntry(
            _checked(path), facts["digest"], facts["size"], facts.get("ref")
        )
        if "file" in facts:
            entry._file = files.get(facts["file"])
            if entry._file is None:
                raise CommError(
                    f"The file {path!r} of {artifact.name!r} was not kept: the disk failed."
                )
            entry.local_path = str(entry._file.path)
        artifact.manifest.entries[path] = entry


# -- tables and pictures in an artifact ------------------------------------------------------------


def written(obj: Media, name: str, folder: str) -> Iterator[tuple[str, str]]:
    """Write a medium to files; where each lies, and its path in the artifact. The last one is what names it."""
    from .artifact import md5_of

    said: dict[str, Any]
    if isinstance(obj, Table):
        suffix, said = "table", obj.to_json()
    else:
        suffix = obj._type
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


def read(artifact: Artifact, name: str) -> Any:
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
