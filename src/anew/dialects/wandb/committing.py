"""`log_artifact` and `log_code`: how a version of an artifact gets into the store."""

from __future__ import annotations

import json
import os
import shutil
import time

from .artifact import Artifact
from .errors import UsageError
from .manifest import md5_of
from .media import Media
from .saving import save_as
from .stored import Stored, Unrecorded, alias_of
from .table import Table
from .versions import Versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .facts import RunFacts as Run

__all__ = ["log_artifact", "log_code", "written"]


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
    wanted = [alias_of(one) for one in ([aliases] if isinstance(aliases, str) else aliases or [])]
    experiment = run.native
    project = "/".join(part for part in (run.entity, run.project) if part)
    if not experiment.folder:  # nothing is recorded
        artifact._stored = Unrecorded(project, wanted)
        return artifact
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


def written(obj: Media, name: str, folder: str) -> Iterator[tuple[str, str]]:
    """Write a medium to files; where each lies, and its path in the artifact. The last one is what names it."""
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
