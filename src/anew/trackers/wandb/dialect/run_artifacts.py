"""The artifacts that a run logs and uses."""

from __future__ import annotations

import os

import anew

from .artifact import Artifact
from .errors import UsageError
from .finding import found_artifact
from .saving import save_as
from .stored import Stored, Unrecorded, alias_of
from .versions import Versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .stored import Runs

__all__ = ["RunArtifacts"]


class RunArtifacts:
    """The artifacts of a run.

    Args:
        native: The experiment.
        run_id: The run's id.
        project: `entity/project`, or `project`.
        before: What earlier openings of the run captured.
        runs: Where to find the runs that logged and used an artifact.
    """

    def __init__(
        self,
        native: anew.Experiment,
        run_id: str,
        project: str,
        before: Mapping[str, Any],
        runs: Runs,
    ) -> None:
        self._native, self._run_id, self._project, self._runs = native, run_id, project, runs
        self._logged: dict[str, Any] = dict(before.get("wandb_artifacts", {}))
        self._used: list[str] = list(before.get("wandb_used", {}).get("artifacts", ()))

    def log(
        self, given: Any, name: str | None, kind: str | None, aliases: Any, tags: Any
    ) -> Artifact:
        """Keep a version of an artifact, unless its content is that of the latest one.

        Raises:
            ValueError: The name, an alias or a path cannot be.
        """
        artifact = (
            given if isinstance(given, Artifact) else self._of_path(os.fspath(given), name, kind)
        )
        wanted = [
            alias_of(one) for one in ([aliases] if isinstance(aliases, str) else aliases or [])
        ]
        if not self._native.folder:  # nothing is recorded
            artifact.logged_as(Unrecorded(self._project, wanted))
            return artifact
        versions = Versions(self._runs.store, self._project, artifact.base_name)
        stored = artifact.stored
        if stored is None:
            artifact.tags = list(tags or artifact.tags)
            stored = self._same(versions, artifact) or self._kept(versions, artifact)
            artifact.logged_as(stored)
        for alias in wanted:
            if alias != "latest":
                stored.versions.point(alias, stored.number)
        stored.read_aliases()
        return artifact

    def _of_path(self, path: str, name: str | None, kind: str | None) -> Artifact:
        if name is not None and ":" in name:
            raise UsageError(
                f"Artifact name may only contain alphanumeric characters, dashes, underscores, and dots. "
                f"Invalid name: {name!r}"
            )
        basename = os.path.basename(path.rstrip("/")) or "files"
        if name is None:
            name = f"run-{self._run_id}-" + "".join(
                c if c.isalnum() or c in "._-" else "-" for c in basename
            )
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

    def _same(self, versions: Versions, artifact: Artifact) -> Stored | None:
        """The latest version, if it is what the artifact is."""
        records = versions.records()
        if not records:
            return None
        number = max(records)
        record = records[number]
        if record["type"] != artifact.type:
            raise UsageError(
                f"The artifact {artifact.base_name!r} already has the type {record['type']!r}, not {artifact.type!r}."
            )
        return (
            Stored(versions, number, record, self._runs)
            if record["digest"] == artifact.digest
            else None
        )

    def _kept(self, versions: Versions, artifact: Artifact) -> Stored:
        """Copy the files into the experiment, then say that the version is there."""
        number = versions.take()
        prefix = f"artifacts/{artifact.base_name}/v{number}"
        entries: dict[str, dict[str, Any]] = {}
        saved: dict[str, Any] = {}
        for path, entry in sorted(artifact.manifest.entries.items()):
            said: dict[str, Any] = {"digest": entry.digest, "size": entry.size}
            if entry.ref is not None:
                said["ref"] = entry.ref
            else:
                if entry.digest not in saved:  # what is in it twice is kept once
                    assert entry.local_path is not None
                    saved[entry.digest] = save_as(self._native, prefix, entry.local_path, path)
                said["file"] = saved[entry.digest].file_id
                entry.local_path = saved[entry.digest].path  # no longer what was staged
            entries[path] = said
        facts = {
            "name": artifact.base_name, "type": artifact.type, "version": number, "description": artifact.description,
            "metadata": artifact.metadata, "tags": artifact.tags, "digest": artifact.digest, "entries": entries,
        }  # fmt: skip
        manifest: Any = self._native.files("artifacts").save(
            facts, f"{artifact.base_name}-v{number}.json"
        )
        where = {"type": artifact.type, "manifest": manifest.file_id}
        said = {"project": versions.project, "name": artifact.base_name, "version": number}
        self._logged[f"{artifact.base_name}:v{number}"] = (
            said | where | {"digest": artifact.digest, "experiment": self._native.id}
        )
        self._native.capture("wandb_artifacts", self._logged)
        versions.keep(number, self._native.id, artifact.digest, where)
        artifact.drop_staged()
        return Stored(versions, number, versions.records()[number], self._runs)

    def log_code(
        self,
        root: str,
        name: str,
        include: Callable[..., bool] | None,
        exclude: Callable[..., bool] | None,
    ) -> Artifact | None:
        """Keep source files as an artifact; the store, hidden folders and environments are left out."""
        own = os.path.abspath(self._native.root)
        artifact = Artifact(name, "code")
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
        return self.log(artifact, None, None, None, None) if artifact.manifest.entries else None

    def use(self, given: Any, kind: str | None) -> Artifact:
        """A version of an artifact, noted as used by the run.

        Raises:
            CommError: There is none of that name.
            ValueError: It is of another type.
        """
        if isinstance(given, Artifact):
            artifact = given
            if artifact.is_draft():
                self.log(artifact, None, None, None, None)
        else:
            artifact = found_artifact(str(given), self._project, self._runs)
        if kind is not None and artifact.type != kind:
            raise UsageError(
                f"Expected artifact of type {kind!r}, but {artifact.name} is of type {artifact.type!r}."
            )
        if artifact.stored is not None and artifact.qualified_name not in self._used:
            self._used.append(artifact.qualified_name)
            self._native.capture("wandb_used", {"artifacts": self._used})
        return artifact


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
