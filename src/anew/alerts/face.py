"""`store.alerts`: adding, removing and looking at alerts."""

from __future__ import annotations

import builtins
import time
from collections.abc import Sequence

from ..reading.backend import Backend
from .firing import Fired, all_fired, count_fired, newest_fired
from .rules import Alert, add_alert, all_alerts, one_alert, remove_alert

__all__ = ["Alerts"]


class Alerts:
    """The alerts of a store.

    They are evaluated by its server, or on a folder by `anew alert run --watch`. Each tells once of an experiment.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __repr__(self) -> str:
        return f"<the alerts of {self._backend.about().where}>"

    def list(self) -> list[Alert]:
        """The alerts, by name."""
        return all_alerts(self._backend)

    def fired(self, *, newest: int | None = None) -> builtins.list[Fired]:
        """What they found, newest first, and who has been told.

        Args:
            newest: Only so many.
        """
        if newest is not None:
            return newest_fired(self._backend, newest)[0]
        return all_fired(self._backend)

    def count(self, name: str, *, project: str | None = None) -> int:
        """How many experiments an alert has found, also one that was removed."""
        return count_fired(self._backend, name, project)

    def get(self, name: str, *, project: str | None = None) -> Alert:
        """One alert.

        Raises:
            NotFound: There is none of that name.
        """
        return one_alert(self._backend, name, project)

    def add(
        self,
        name: str,
        *,
        when: str,
        filter: str = "",
        to: Sequence[str] = (),
        project: str | None = None,
    ) -> Alert:
        """Add an alert; one of the same name is replaced.

        Args:
            when: `nan`, `nan METRIC`, `stalled 30m`, `stalled 30m METRIC`, `ended`, `ended failed`, `verdict DIVERGED`, or an expression of the
                filter language such as `metrics.loss.last > 10`.
            filter: Which experiments; all if empty.
            to: Who is told: a mail address, an `https://` URL, `slack:` and a URL, or `@name` for a destination that whoever sends knows. Without
                one, it is seen here only.
            project: Only experiments below this prefix.

        Raises:
            InvalidValue: The condition or a destination cannot be read.
            InvalidName: The name cannot be kept.
            QueryError: The filter cannot be read.
        """
        made = Alert(
            name=name, filter=filter, when=when, to=tuple(to), project=project, time=time.time()
        )
        add_alert(self._backend, made)
        return self.get(name, project=project)

    def remove(self, name: str, *, project: str | None = None) -> Alert:
        """Remove an alert; what it found stays on record. Returns it.

        Raises:
            NotFound: There is none of that name.
        """
        return remove_alert(self._backend, name, project)
