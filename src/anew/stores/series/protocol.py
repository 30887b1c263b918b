"""The series seam: what keeps the points of all experiments and hands them out as columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from ...journal.storage import Share
    from .columns import Block, Columns, ManyColumns, Outline, PartName

__all__ = ["ExperimentFolder", "Health", "Reached", "Sealed", "SeriesStore", "Source"]


class ExperimentFolder(NamedTuple):
    """An experiment and where it lies; its share, where several lie in one folder."""

    experiment_id: str
    folder: str
    share: Share | None = None


class Source(NamedTuple):
    """Where points came from: bytes `start` to `end` of a part, which are `lines` lines from number `line`.

    `broken` are those among them that gave no points because they are not records, with the reason.
    """

    writer: str
    part: int
    start: int
    end: int
    line: int
    lines: int
    broken: tuple[tuple[int, str], ...] = ()


class Reached(NamedTuple):
    """How far a part was read: its first `line` lines, which are `end` bytes (0 where only the lines are known)."""

    line: int
    end: int


class Health(NamedTuple):
    """Whether the engine of a store can be used: `failing` says why not, and `failures` how often it could not."""

    failing: str
    failures: int


class Sealed(NamedTuple):
    """What sealing did: files turned into columns, and their bytes before and after."""

    files: int
    before: int
    after: int


class SeriesStore(Protocol):
    """Keeps points as columns.

    Promises:

    - *Order.* A series is read in as-written order: by writer, part, line. Nothing is merged, dropped or
      rounded: repeated and descending steps, NaN, ±infinity and -0.0 come back as they went in.
    - *Steps.* A point without a step has its position in the whole series as its step, whatever part of
      the series is read.
    - *Again.* `take` may offer the same source again (after a crash); it is kept once.
    - *Failures.* What cannot be read is passed over and named in `Columns.problems`; everything else is
      still there. Only a missing experiment folder reads as empty.
    - *Threads.* Any number of threads and processes may read; one at a time, holding the index's lock, may
      call the other methods, also while others read.
    """

    def take(self, place: ExperimentFolder, source: Source, block: Block) -> None:
        """Offer new points. They may be kept back until `flush`."""
        ...

    def flush(
        self,
        place: ExperimentFolder,
        finished: Collection[str] = (),
        *,
        small: bool = False,
        may_seal: Callable[[str, int], bool] = lambda text, size: True,
    ) -> Sealed:
        """Make what was taken durable where that pays.

        Args:
            finished: The writers that will write no more: their parts may be sealed, which replaces a file
                of lines by one of columns. A part that a later one follows may be sealed as well.
            small: Seal parts too small to be worth it, too.
            may_seal: Asked of a part that would be sealed, by the path and bytes of its lines: whether no other reader needs them.
        """
        ...

    def settle(self, places: Sequence[ExperimentFolder]) -> list[str]:
        """Copy experiments that have ended to where questions over many find them, if the store does that.

        Returns:
            The ids of those for which it is too early: they were written to a moment ago.
        """
        ...

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
        """The points of some or all series (names not found are left out; order as asked, else sorted).

        Args:
            start: The first step to read.
            stop: The step to stop before.
            rows: Whether to say which line of which part each point is.
            metadata: Whether to read the metadata of points too.
        """
        ...

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
        """The points of the lines after those that were read before, as `read` gives them; and how far that goes.

        What was read before is not read again where that can be avoided; a part that is not in `since` is read whole.

        Args:
            since: How far each part was read, as an earlier answer said. It may be wrong: then points are left out or
                come again, but nothing worse happens.
        """
        ...

    def read_many(
        self, experiments: Sequence[ExperimentFolder], names: Sequence[str], *, times: bool = True
    ) -> ManyColumns:
        """Some series of many experiments at once: for charts and tables over all of them.

        A store may keep a copy of the points that answers this faster, as long as the answer is the same.

        Args:
            times: Whether to read the times of the points.
        """
        ...

    def outlines(
        self,
        place: ExperimentFolder,
        names: Sequence[str],
        *,
        whole: bool = False,
        within: tuple[int, int] | None = None,
        times: bool = True,
    ) -> list[Outline]:
        """Some series as they lie in the store, for who thins them out.

        A long stretch may come with no more than the points that `query.downsample.outlined` chooses, unless it has
        to be `whole`; it is then in the order of its steps, and has all of them. The stretches of each series are in
        as-written order; `part` has no meaning here.

        Args:
            within: The first and the last step of interest: a stretch that has none of them may come as an outline all
                the same.
            times: Whether the times of the points are wanted; otherwise they may be 0.
        """
        ...

    def drop(self, experiment_id: str) -> int:
        """Forget what was derived for an experiment (its folder stays); the bytes given back."""
        ...

    def tidy(self) -> int:
        """Give back what copies of dropped experiments take; the bytes given back."""
        ...

    def derived(self) -> dict[str, int]:
        """Bytes derived per experiment id, outside of the experiments' folders."""
        ...

    def close(self) -> None:
        """Release connections, if there are any. What is asked afterwards opens others."""
        ...
