"""The tables that a run logged, as the artifacts that wandb makes of them."""

from __future__ import annotations

from ..names import FACTS
from ..translate.logged import artifact_name
from .artifact import Artifact
from .logged import table_of
from .stored import Unrecorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .stored import Runs

__all__ = ["logged_tables", "table_artifact"]


def logged_tables(view: Any, run_id: str) -> dict[str, list[Any]]:
    """The tables that an experiment logged, by the name of wandb's artifact of them, in their order."""
    found: dict[str, list[Any]] = {}
    for value in view.values():
        if value.kind == "table" and (value.metadata.get(FACTS) or {}).get("path"):
            found.setdefault(artifact_name(run_id, value.name), []).append(value)
    return found


class _Logged(Unrecorded):
    """A table that was logged, as a version of an artifact that exists nowhere else."""

    def __init__(self, project: str, runs: Runs, view: Any, number: int, newest: bool) -> None:
        super().__init__(project, [])
        self.number, self.version = number, f"v{number}"
        self.aliases = ["latest"] if newest else []
        self.experiment, self._runs = view.id, runs

    def logged_by(self) -> Any:
        """The run that logged it."""
        return self._runs.run_of(self.experiment)


def table_artifact(
    view: Any, project: str, name: str, alias: str, tables: list[Any], runs: Runs
) -> Artifact | None:
    """The artifact of a table that was logged; None if there is no such version.

    Args:
        alias: "latest", or a version such as "v0".
        tables: The tables that were logged under its key.
    """
    numbers = {f"v{number}": number for number in range(len(tables))}
    number = numbers.get(alias, len(tables) - 1 if alias == "latest" else None)
    if number is None:
        return None
    artifact = Artifact(name, "run_table", _of_a_run=True)
    artifact.add(table_of(view, tables[number]), tables[number].name)
    artifact.logged_as(_Logged(project, runs, view, number, number == len(tables) - 1))
    return artifact
