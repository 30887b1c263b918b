"""How much each project holds, and whether it may hold more."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..query.question import FactsQuestion
from ..query.scope import project_of
from ..reading.backend import Backend
from ..reading.upkeep import Upkeep
from .limits import Limits

__all__ = ["Held", "Quotas", "held_by_projects"]

_EVERY = 60.0
"""Seconds after which it is counted again."""
_SHARE = 20
"""Of the time at most, counting takes a twentieth."""


class Held(NamedTuple):
    """What a project holds."""

    bytes: int = 0
    experiments: int = 0


def held_by_projects(backend: Backend, upkeep: Upkeep) -> dict[str, Held]:
    """What each project of a store holds."""
    sizes = upkeep.du().by_experiment
    found: dict[str, Held] = defaultdict(Held)
    for one in backend.facts(FactsQuestion(ids=tuple(sizes), now=time.time())):
        project = project_of(one.prefix, one.user)
        held = found[project]
        found[project] = Held(held.bytes + sizes[one.id], held.experiments + 1)
    return dict(found)


class Quotas:
    """Whether projects are full. Any thread may ask.

    What they hold is counted once a minute, by a thread; what this server accepts is added in between. So several servers of a group may
    together go beyond a quota by what they accept within that time.

    Args:
        count: Counts what each project holds.
        clock: Seconds that only go forwards.
    """

    def __init__(
        self,
        limits: Limits,
        count: Callable[[], Mapping[str, Held]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stored = limits.project_stored
        self._experiments = limits.project_experiments
        self._count = count
        self._clock = clock
        self._guard = threading.Lock()
        self._counting = threading.Lock()
        self._held: dict[str, Held] = {}
        self._added: dict[str, Held] = {}
        self._due = float("-inf")

    @property
    def on(self) -> bool:
        """Whether there are any."""
        return self._stored is not None or self._experiments is not None

    def full(self, project: str, *, more: int = 0) -> str:
        """Why a project takes nothing more; "" if it does.

        Args:
            more: How many experiments it is to get.

        Raises:
            OSError: It cannot be counted.
        """
        if not self.on:
            return ""
        self._refresh()
        with self._guard:
            known, added = self._held.get(project, Held()), self._added.get(project, Held())
        held = Held(known.bytes + added.bytes, known.experiments + added.experiments)
        said = ""
        if self._stored is not None and held.bytes >= self._stored:
            said = f"{held.bytes:,} of {self._stored:,} bytes (project.stored)"
        elif self._experiments is not None and more and held.experiments + more > self._experiments:
            said = (
                f"{held.experiments:,} of {self._experiments:,} experiments (project.experiments)"
            )
        if not said:
            return ""
        return (
            f"the project {project} is full: it holds {said}. It takes more within a minute or so after something of it was deleted for good, "
            "or when the server is started with a higher limit"
        )

    def add(self, project: str, *, bytes: int = 0, experiments: int = 0) -> None:
        """Note what a project was given."""
        if self.on:
            with self._guard:
                before = self._added.get(project, Held())
                self._added[project] = Held(before.bytes + bytes, before.experiments + experiments)

    def refresh(self) -> None:
        """Count now.

        Raises:
            OSError: It cannot be counted.
        """
        began = self._clock()
        with self._guard:  # what was noted so far is there when counting begins
            for project, more in self._added.items():
                known = self._held.get(project, Held())
                self._held[project] = Held(known.bytes + more.bytes, known.experiments + more.experiments)  # fmt: skip
            self._added = {}
        found = dict(self._count())
        with self._guard:
            self._held = found
            now = self._clock()
            self._due = now + max(_EVERY, _SHARE * (now - began))

    def _refresh(self) -> None:
        if self._clock() < self._due:
            return
        if self._due == float("-inf"):  # nothing is known yet
            with self._counting:
                if self._due == float("-inf"):
                    self.refresh()
            return
        if self._counting.acquire(blocking=False):
            self._due = self._clock() + _EVERY
            threading.Thread(target=self._again, name="anew-quotas", daemon=True).start()

    def _again(self) -> None:
        try:
            self.refresh()
        except OSError:
            pass  # the next one counts
        finally:
            self._counting.release()
