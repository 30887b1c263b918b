"""A version of an artifact, found by what it is called and read from the experiment that logged it."""

from __future__ import annotations

import json

from anew.errors import NotFound

from .artifact import Artifact
from .errors import CommError
from .linking import linked
from .manifest import ArtifactManifestEntry, checked
from .plain import nearest
from .stored import Stored
from .table_artifacts import logged_tables, table_artifact
from .versions import Versions, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .stored import Runs

__all__ = ["found_artifact"]


def found_artifact(name: str, project: str, runs: Runs) -> Artifact:
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
    versions = Versions(runs.store, projects[0], plain_name)
    for one in projects[1:]:
        if not versions.records():
            versions = Versions(runs.store, one, plain_name)
    records = versions.records()
    if not records and (shown := _table_of_a_run(plain_name, alias or "latest", projects, runs)):
        return shown
    if not records:
        full = linked(runs.store, plain_name, alias or "latest")
        if full is not None and full != name:
            return found_artifact(full, project, runs)
    if not records:
        raise CommError(
            f"There is no artifact {plain_name!r} in the project {projects[0]!r}.{_others(runs, plain_name)}",
            name=name,
        )
    alias = alias or "latest"
    number: int | None = (
        int(alias[1:]) if alias[0] == "v" and alias[1:].isdecimal() and len(alias) < 12 else None
    )
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
    artifact.logged_as(Stored(versions, number, record, runs))
    _read_files(artifact, runs, record)
    return artifact


def _table_of_a_run(name: str, alias: str, projects: list[str], runs: Runs) -> Artifact | None:
    """The table that a run logged, if that is what a name means: `run-<id>-<key>`."""
    _, dash, rest = name.partition("run-")
    if not dash or name[:4] != "run-":
        return None
    # Both ids and keys may have dashes.
    parts = rest.split("-")
    for number in range(1, len(parts)):
        run = runs.run_in(projects, "-".join(parts[:number]))
        tables = {} if run is None else logged_tables(run.native, run.id)
        if run is not None and name in tables:
            return table_artifact(run.native, projects[0], name, alias, tables[name], runs)
    return None


def _others(runs: Runs, name: str) -> str:
    return nearest(name, names(runs.store))


def _read_files(artifact: Artifact, runs: Runs, record: dict[str, Any]) -> None:
    """Read what is in a version from the experiment that logged it.

    Raises:
        CommError: The experiment is gone.
    """
    try:
        view = runs.store.get(record["experiment"])
    except NotFound as error:
        raise CommError(
            f"The experiment {record['experiment']} that logged {artifact.name!r} is no longer in the store."
        ) from error
    files = {file.id: file for file in view.files}
    if record["manifest"] not in files:
        raise CommError(
            f"The files of {artifact.name!r} could not be written to disk when it was logged."
        )
    said = json.loads(files[record["manifest"]].read_text())
    artifact.description = said["description"]
    artifact.metadata = said["metadata"]
    artifact.tags = said["tags"]
    artifact.manifest.entries = {}
    for path, facts in said["entries"].items():
        entry = ArtifactManifestEntry(
            checked(path), facts["digest"], facts["size"], facts.get("ref")
        )
        if "file" in facts:
            entry.file = files.get(facts["file"])
            if entry.file is None:
                raise CommError(
                    f"The file {path!r} of {artifact.name!r} could not be written to disk when it was logged."
                )
            entry.local_path = str(entry.file.path)
        artifact.manifest.entries[path] = entry
