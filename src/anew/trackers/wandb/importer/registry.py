"""W&B's artifacts as models and inputs here: what they are called, which version they are, and which run made or used them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ....importing.logged import seconds_of
from ....importing.source import SourceModel, SourceVersion

__all__ = ["Registry", "folder_of", "used_artifacts"]

_MODEL = "model"
_REGISTERED = "ArtifactPortfolio"
_ARTIFACT = "wandb.artifact"
"""What of a version holds the name of the artifact that it is, as the dialect writes it."""


def folder_of(name: str, index: Any) -> str:
    """The folder that the files of a version of an artifact are filed under."""
    return f"artifacts/{name}" if index == 0 else f"artifacts/{name}@v{index}"


def used_artifacts(used: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What is captured of the artifacts that a run used, by which lineage finds them."""
    names = [name for one in used if (name := _called(one))]
    return {"wandb_used": {"artifacts": names}} if names else {}


def _called(facts: Mapping[str, Any]) -> str:
    name, version = str(facts.get("name") or ""), facts.get("version")
    return f"{name}:v{version}" if name and type(version) is int else name


class Registry:
    """The models of a project: its artifacts of the type "model", and what of its artifacts was linked into a registry.

    Args:
        entity, project: Whose they are.
    """

    def __init__(self, entity: str, project: str) -> None:
        self._place = f"{entity}/{project}"
        self._versions: dict[str, dict[int, SourceVersion]] = {}
        self._aliases: dict[str, dict[str, int]] = {}

    def take(self, artifact: Mapping[str, Any], facts: Mapping[str, Any], run: str) -> None:
        """An artifact that a run logged, as the service describes it, and what is kept of it."""
        name, index = str(facts.get("name") or ""), facts.get("version")
        if not name or type(index) is not int or index < 0:
            return
        aliases = artifact.get("aliases")
        own: list[str] = []
        linked: dict[str, list[str]] = {}
        for one in aliases if isinstance(aliases, list) else ():
            place = one.get("artifactCollection") if isinstance(one, dict) else None
            alias = str(one.get("alias") or "") if isinstance(one, dict) else ""
            if isinstance(place, dict) and place.get("__typename") == _REGISTERED:
                linked.setdefault(str(place.get("name") or ""), []).append(alias)
            elif alias:
                own.append(alias)
        if facts.get("type") == _MODEL:
            self._add(name, index, own, name, index, artifact, facts, run)
        for model, words in linked.items():
            number = next((found for word in words if (found := _number(word)) is not None), index)
            if model:
                self._add(model, number, words, name, index, artifact, facts, run)

    def _add(
        self, model: str, number: int, words: Iterable[str], name: str, index: int, artifact: Mapping[str, Any], facts: Mapping[str, Any], run: str,
    ) -> None:  # fmt: skip
        version = SourceVersion(
            number, run, "folder", folder_of(name, index), f"wandb-artifact://{self._place}/{name}:v{index}",
            seconds_of(artifact.get("createdAt")) or 0.0, "", facts.get("description"), dict.fromkeys(map(str, facts.get("tags") or ()), ""),
            {_ARTIFACT: f"{name}:v{index}"},
        )  # fmt: skip
        self._versions.setdefault(model, {})[number] = version
        known = self._aliases.setdefault(model, {})
        for word in words:
            if word and word != "latest" and _number(word) is None:  # those mean the same here
                known[word] = number

    def models(self) -> Iterator[SourceModel]:
        """Each model with its versions by number."""
        for name, found in sorted(self._versions.items()):
            versions = tuple(found[number] for number in sorted(found))
            yield SourceModel(
                name, min(one.created for one in versions), versions, self._aliases.get(name, {})
            )


def _number(alias: str) -> int | None:
    digits = alias[1:]
    is_number = alias[:1] == "v" and digits.isascii() and digits.isdecimal() and len(digits) < 10
    return int(digits) if is_number else None
