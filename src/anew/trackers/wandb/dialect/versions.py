"""Which versions of an artifact there are, in which experiment each lies, and which aliases point to them.

All of it is events of the root's journal (`Store.versions`, `Store.aliases`), in the scope of the artifact's project.
"""

from __future__ import annotations

from ...places import safe_segment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import anew

__all__ = ["KIND", "Versions", "names"]

KIND = "wandb.artifact"


class Versions:
    """The versions of one artifact.

    Args:
        store: Where they are.
        project: `entity/project`, or `project`.
        name: The artifact's name.
    """

    def __init__(self, store: anew.Store, project: str, name: str) -> None:
        self.project, self.name = project, name
        self._store, self._scope = store, _scope(project)

    def records(self) -> dict[int, dict[str, Any]]:
        """What is known of each version, by its number."""
        return {
            version.number: {
                **version.body,
                "digest": version.digest,
                "experiment": version.target,
                "time": version.time,
            }
            for version in self._store.versions(KIND, self.name, scope=self._scope)
        }

    def aliases(self) -> dict[str, int]:
        """The aliases, and the version that each means; "latest" is the newest."""
        versions = self.records()
        found = {
            alias.alias: alias.number
            for alias in self._store.aliases(KIND, self.name, scope=self._scope)
            if alias.number is not None and alias.number in versions
        }
        return found | ({"latest": max(versions)} if versions else {})

    def take(self) -> int:
        """The number of a new version, which no other process gets."""
        return self._store.claim_version(KIND, self.name, scope=self._scope, first=0)

    def keep(self, number: int, experiment: str, digest: str, facts: dict[str, Any]) -> None:
        """A version is whole now: say which experiment has it."""
        self._store.set_version(
            KIND, self.name, number, experiment, digest=digest, body=facts, scope=self._scope
        )

    def point(self, alias: str, number: int) -> None:
        """Have an alias mean a version from now on."""
        self._store.set_alias(KIND, self.name, alias, number, scope=self._scope)

    def unpoint(self, alias: str) -> None:
        """Take an alias away."""
        self._store.set_alias(KIND, self.name, alias, None, scope=self._scope)


def names(store: anew.Store) -> list[str]:
    """The names of all artifacts in a store."""
    return sorted({version.name for version in store.versions(KIND)})


def _scope(project: str) -> str:
    return "project/" + "/".join(safe_segment(part) for part in project.split("/"))
