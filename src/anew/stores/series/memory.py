"""Series in memory: the simplest thing that keeps the promises, and the model others are tested against."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from .columns import (
    Block,
    Columns,
    ManyColumns,
    Outline,
    PartName,
    Stretch,
    after_lines,
    assemble,
    gathered,
    stretches_of,
)
from .protocol import ExperimentFolder, Reached, Sealed, Source

__all__ = ["MemorySeries"]


class MemorySeries:
    """A `SeriesStore` that is gone with the process."""

    def __init__(self) -> None:
        self._blocks: dict[str, dict[PartName, dict[int, Block]]] = {}

    def take(self, place: ExperimentFolder, source: Source, block: Block) -> None:
        """See `SeriesStore.take`."""
        parts = self._blocks.setdefault(place.experiment_id, {})
        parts.setdefault((source.writer, source.part), {})[source.start] = block

    def flush(
        self,
        place: ExperimentFolder,
        finished: Collection[str] = (),
        *,
        small: bool = False,
        may_seal: Callable[[str, int], bool] = lambda text, size: True,
    ) -> Sealed:
        """See `SeriesStore.flush`: there is nothing to do."""
        return Sealed(0, 0, 0)

    def read(
        self,
        place: ExperimentFolder,
        names: Sequence[str] | None = None,
        *,
        start: int | None = None,
        stop: int | None = None,
        rows: bool = False,
        metadata: bool = False,
    ) -> Columns:
        """See `SeriesStore.read`."""
        parts = sorted(self._blocks.get(place.experiment_id, {}))
        stretches = self._stretches(place, names, rows, metadata)
        return assemble(stretches, parts, names, rows=rows, start=start, stop=stop)

    def read_since(
        self,
        place: ExperimentFolder,
        names: Sequence[str] | None,
        since: Mapping[PartName, Reached],
        *,
        start: int | None = None,
        stop: int | None = None,
        metadata: bool = False,
    ) -> tuple[Columns, dict[PartName, Reached]]:
        """See `SeriesStore.read_since`."""
        columns = self.read(place, names, start=start, stop=stop, rows=True, metadata=metadata)
        reached = dict(since)
        for part, pieces in self._blocks.get(place.experiment_id, {}).items():
            last = max((int(block.row.max()) for block in pieces.values() if len(block)), default=0)
            reached[part] = max(Reached(last, 0), reached.get(part, Reached(0, 0)))
        return after_lines(columns, {part: one.line for part, one in since.items()}), reached

    def read_many(
        self, experiments: Sequence[ExperimentFolder], names: Sequence[str], *, times: bool = True
    ) -> ManyColumns:
        """See `SeriesStore.read_many`."""
        wanted = list(dict.fromkeys(names))
        found = ((i, self.read(one, wanted)) for i, one in enumerate(experiments))
        return gathered(found, wanted, times=times)

    def outlines(
        self,
        place: ExperimentFolder,
        names: Sequence[str],
        *,
        whole: bool = False,
        within: tuple[int, int] | None = None,
        times: bool = True,
    ) -> list[Outline]:
        """See `SeriesStore.outlines`."""
        found = self._stretches(place, names, rows=False, metadata=False)
        return [Outline.whole(stretch) for stretch in found]

    def _stretches(
        self, place: ExperimentFolder, names: Sequence[str] | None, rows: bool, metadata: bool
    ) -> list[Stretch]:
        parts = sorted(self._blocks.get(place.experiment_id, {}).items())
        return [
            stretch
            for index, (_, pieces) in enumerate(parts)
            for _, block in sorted(pieces.items())
            for stretch in stretches_of(block, index, names, rows=rows, metadata=metadata)
        ]

    def drop(self, experiment_id: str) -> int:
        """See `SeriesStore.drop`."""
        parts = self._blocks.pop(experiment_id, {})
        return sum(8 * len(block) for pieces in parts.values() for block in pieces.values())

    def settle(self, places: Sequence[ExperimentFolder]) -> list[str]:
        """See `SeriesStore.settle`: there are no copies."""
        return []

    def tidy(self) -> int:
        """See `SeriesStore.tidy`: there are no copies."""
        return 0

    def derived(self) -> dict[str, int]:
        """See `SeriesStore.derived`."""
        return {
            experiment_id: sum(8 * len(b) for pieces in parts.values() for b in pieces.values())
            for experiment_id, parts in self._blocks.items()
        }

    def close(self) -> None:
        """See `SeriesStore.close`: there are none."""
