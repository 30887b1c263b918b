"""A rank that does the lead's work, where no lead has opened its experiment.

The ranks of a launch need not record one experiment: `srun` may start tasks that are experiments of their own. Then there is
no rank 0 to record configuration, parameters, code and the machine. A rank cannot know that when it opens its experiment, so it looks a
little later, and at the latest at its end.
"""

from __future__ import annotations

import re

from ..journal.writer import LEAD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..journal.layout import ExperimentLayout

__all__ = ["LOOK_AFTER", "StandIn"]

LOOK_AFTER = 1.5  # seconds in which the lead has usually opened the experiment too
_RANK = re.compile(r"^\d+-rank(\d+)-")


class StandIn:
    """Begins the lead's work once, if this is the lowest rank of an experiment without a lead.

    Args:
        layout: The experiment's folder.
        rank: This process's rank.
        lead: Does what the lead does at the start.
    """

    def __init__(self, layout: ExperimentLayout, rank: int, lead: Callable[[], None]) -> None:
        self._layout = layout
        self._rank = rank
        self._lead = lead
        self._done = False

    def look(self) -> None:
        """Begin, if that is this rank's to do."""
        if self._done:
            return
        self._done = True
        writers = self._layout.writers()
        ranks = [int(found[1]) for found in map(_RANK.match, writers) if found]
        if any(LEAD in writer for writer in writers) or min(ranks, default=0) < self._rank:
            return
        self._lead()
