"""Points that a store was offered and has not written yet."""

from __future__ import annotations

from .columns import Block, PartName
from .protocol import ExperimentFolder, Source

__all__ = ["Pending"]

_SPILL_BYTES = 32 << 20
"""Of lines, as many as are kept back of an experiment: a long first look must not hold all that it has decoded."""


class Pending:
    """Keeps what was offered, by experiment and part, as long as it follows what was offered before."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[PartName, list[tuple[Source, Block]]]] = {}

    def add(self, place: ExperimentFolder, source: Source, block: Block) -> bool:
        """Keep something; whether it is time to write what is kept of the experiment."""
        waiting = self._kept.setdefault(place.experiment_id, {})
        blocks = waiting.setdefault((source.writer, source.part), [])
        if blocks and blocks[-1][0].end != source.start:
            blocks.clear()
        blocks.append((source, block))
        kept = sum(s.end - s.start for pieces in waiting.values() for s, _ in pieces)
        return kept >= _SPILL_BYTES

    def pop(self, experiment_id: str) -> dict[PartName, list[tuple[Source, Block]]]:
        """Give out what is kept of an experiment."""
        return self._kept.pop(experiment_id, {})
