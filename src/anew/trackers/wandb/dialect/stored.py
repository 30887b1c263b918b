"""Where a version of an artifact lies, and what it is called."""

from __future__ import annotations

import time

from .errors import UsageError
from .versions import Versions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    import anew

    class Runs(Protocol):
        """Where runs are found: `api.Api`."""

        @property
        def store(self) -> anew.Store:
            """The store that they are in."""
            ...

        def run_of(self, experiment: str) -> Any | None:
            """The run of an experiment's id; None if it is gone."""
            ...

        def run_in(self, projects: list[str], id: str) -> Any | None:
            """The run of an id in one of some projects; None if there is none."""
            ...

        def runs_using(self, project: str, artifact: str) -> list[Any]:
            """The runs of a project that used a version of an artifact."""
            ...


__all__ = ["Stored", "Unrecorded", "alias_of"]


class Stored:
    """Where a version of an artifact lies, and what it is called.

    Args:
        runs: Where to find the runs that logged and used it.
    """

    def __init__(self, versions: Versions, number: int, record: dict[str, Any], runs: Runs) -> None:
        self.versions, self.number, self.record = versions, number, record
        self.project: str = versions.project
        self.experiment: str = record["experiment"]
        self.time: float = record["time"]
        self.version = f"v{number}"
        self.aliases: list[str] = []
        self._runs = runs
        self.read_aliases()

    def read_aliases(self) -> None:
        """Make the list of aliases what they are now."""
        meant = self.versions.aliases().items()
        self.aliases = [alias for alias, number in meant if number == self.number]

    def keep_aliases(self) -> None:
        """Make the aliases what the list says."""
        known = self.versions.aliases()
        for alias in self.aliases:
            if alias != "latest" and known.get(alias) != self.number:
                self.versions.point(alias_of(alias), self.number)
        for alias, number in known.items():
            if number == self.number and alias not in self.aliases:
                self.versions.unpoint(alias)

    @property
    def store(self) -> anew.Store:
        """The store that it lies in."""
        return self._runs.store

    def logged_by(self) -> Any:
        """The run that logged it; None if it is gone."""
        return self._runs.run_of(self.experiment)

    def used_by(self, name: str) -> list[Any]:
        """The runs that used it."""
        return self._runs.runs_using(self.project, name)


class Unrecorded(Stored):
    """A version that a disabled run logged: it is nowhere."""

    def __init__(self, project: str, aliases: list[str]) -> None:
        self.number, self.version, self.project = 0, "v0", project
        self.experiment, self.time = "", time.time()
        self.aliases = [*aliases, "latest"]

    def keep_aliases(self) -> None:
        """Nothing to do."""

    def logged_by(self) -> None:
        """None: nothing was recorded."""

    def used_by(self, name: str) -> list[Any]:
        """None."""
        return []


def alias_of(alias: Any) -> str:
    text = str(alias)
    if not text or any(c in text for c in "/:") or text != text.strip():
        raise UsageError(f"An alias must be a string without '/' and ':', not {alias!r}.")
    if text[0] == "v" and text[1:].isdecimal():
        raise UsageError(f"The alias {alias!r} is reserved for version numbers.")
    return text
