"""What lies beside the runs in a folder of MLflow's: data sets, models that runs logged, and versions in the registry."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ....importing.foreign import names_in

__all__ = ["datasets_of", "logged_models", "registered_models", "registered_versions"]

Meta = Callable[[str], "Mapping[str, Any] | None"]
"""Reads the document of a folder; None if it cannot be read, which is said."""
Texts = Callable[[str], "dict[str, str]"]
"""Reads the texts in a folder, by the names of their files."""

_STATUS = {1: "PENDING", 2: "READY", 3: "FAILED"}


def _folders(path: str) -> Iterator[str]:
    """The folders in a folder that have a document, by their names."""
    try:
        names = names_in(path)
    except OSError:
        return
    for name in names:
        at = os.path.join(path, name)
        if os.path.lexists(os.path.join(at, "meta.yaml")):
            yield at


def datasets_of(run: str, experiment: str, meta: Meta) -> list[dict[str, Any]]:
    """The data sets that a run was given.

    Args:
        run, experiment: Their folders.
    """
    found = []
    for at in _folders(os.path.join(run, "inputs")):
        given = meta(at) or {}
        name = os.path.basename(str(given.get("source_id") or ""))
        if given.get("source_type") != "DATASET" or not name:
            continue
        folder = os.path.join(experiment, "datasets", name)
        about = meta(folder) if os.path.lexists(os.path.join(folder, "meta.yaml")) else None
        names = ("name", "digest", "source_type", "source", "schema", "profile")
        facts: dict[str, Any] = (
            {key: str(about[key]) for key in names if about.get(key)} if about else {}
        )
        if isinstance(tags := given.get("tags"), dict) and tags:
            facts["tags"] = {str(name): str(value) for name, value in tags.items()}
        found.append(facts)
    return sorted(found, key=lambda one: (one.get("name", ""), one.get("digest", "")))


def logged_models(
    experiment: str, meta: Meta, texts: Texts
) -> dict[str, list[tuple[dict[str, Any], str]]]:
    """The models of an experiment, each with the address of its files, by the runs that logged them."""
    found: dict[str, list[tuple[dict[str, Any], str]]] = {}
    for at in _folders(os.path.join(experiment, "models")):
        about = meta(at)
        run = str((about or {}).get("source_run_id") or "")
        if about is None or not run or about.get("lifecycle_stage") == "deleted":
            continue
        status = about.get("status")
        model: dict[str, Any] = {
            "model_id": str(about.get("model_id") or os.path.basename(at)), "name": about.get("name"), "type": about.get("model_type"),
            "status": _STATUS.get(status, str(status)) if isinstance(status, int) else status, "created": about.get("creation_timestamp"),
            "params": texts(os.path.join(at, "params")), "tags": texts(os.path.join(at, "tags")),
            "metrics": list(_values(texts(os.path.join(at, "metrics")))),
        }  # fmt: skip
        uri = str(about.get("artifact_location") or about.get("artifact_uri") or "")
        found.setdefault(run, []).append((_known(model), uri))
    for models in found.values():
        models.sort(key=lambda one: (_number(one[0].get("created")), one[0]["model_id"]))
    return found


def _values(metrics: Mapping[str, str]) -> Iterator[list[Any]]:
    """The values of a model's metrics, as name, step, time and value."""
    for name, text in metrics.items():
        for line in text.splitlines():
            parts = line.split()
            if len(parts) >= 3:
                yield [
                    name,
                    *(
                        int(part) if part.lstrip("-").isdecimal() else part
                        for part in (parts[2], parts[0])
                    ),
                    parts[1],
                ]


def registered_models(registry: str, meta: Meta, texts: Texts) -> dict[str, dict[str, Any]]:
    """The registered models, by name: when each was made, its description and its tags."""
    found = {}
    for folder in _folders(registry):
        about = meta(folder) or {}
        found[str(about.get("name") or os.path.basename(folder))] = {
            "created": about.get("creation_timestamp"),
            "description": about.get("description"),
            "tags": texts(os.path.join(folder, "tags")),
        }
    return found


def registered_versions(registry: str, meta: Meta, texts: Texts) -> dict[str, list[dict[str, Any]]]:
    """The versions of models in the registry, by the runs that they come from; by "" those of none."""
    found: dict[str, list[dict[str, Any]]] = {}
    for folder in _folders(registry):
        aliases = {
            name: text.strip() for name, text in texts(os.path.join(folder, "aliases")).items()
        }
        for at in _folders(folder):
            version = meta(at)
            if version is None or version.get("current_stage") == "Deleted_Internal":
                continue
            number = version.get("version")
            facts = {
                "name": version.get("name"), "version": number, "created": version.get("creation_timestamp"), "user": version.get("user_id"),
                "stage": version.get("current_stage"), "source": version.get("source"), "description": version.get("description"),
                "tags": texts(os.path.join(at, "tags")),
                "aliases": sorted(name for name, which in aliases.items() if which == str(number)),
            }  # fmt: skip
            found.setdefault(str(version.get("run_id") or ""), []).append(_known(facts))
    for versions in found.values():
        versions.sort(key=lambda one: (str(one.get("name")), _number(one.get("version"))))
    return found


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}


def _number(value: Any) -> float:
    return value if isinstance(value, (int, float)) else 0
