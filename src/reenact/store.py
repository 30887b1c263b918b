"""`Store`, the reading handle: list, search, compare and read what experiments recorded."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from .reading.history import History
from .reading.results import (
    Best,
    Comparison,
    Deleted,
    Difference,
    Experiments,
    Refreshed,
    Summary,
    Trashed,
    Usage,
)
from .reading.views import ExperimentView
from .record.status import Status

if TYPE_CHECKING:
    from .index import Finding
    from .settings import Settings

__all__ = ["Ref", "Store"]

Ref = str | ExperimentView
"""An experiment: its id, an unambiguous start of its id, its prefix, its name if only it has that name,
or a view of it."""


class Store:
    """All experiments under a root folder, to be asked.

    A question first brings the index up to date with what was written since (incrementally; only
    readers ever wait for one another). Answers are snapshots: ask again to see what is new.

    Args:
        root: The folder that holds the experiments; by default the one that `Experiment` writes to
            (`REENACT_ROOT`, or `experiments/`).
        settings: Settings to use instead of those of the environment.
        refresh: False looks at the index as it is, without bringing it up to date.

    Raises:
        NotFound: There is no such folder.
        InvalidSetting: `root` is not a local folder or `file://` URL.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        *,
        settings: Settings | None = None,
        refresh: bool = True,
    ) -> None: ...

    # -- finding -----------------------------------------------------------------------------------

    def list(
        self,
        filter: str | None = None,
        *,
        status: str | Status | Iterable[str | Status] | None = None,
        tags: str | Iterable[str] | Mapping[str, str | None] | None = None,
        name: str | None = None,
        project: str | None = None,
        user: str | None = None,
        sort: str | Sequence[str] = "-created_at",
        limit: int | None = None,
        offset: int = 0,
    ) -> Experiments:
        """The experiments that meet all that is given, newest first.

        Args:
            filter: An expression of the filter language (see `search`).
            status: One status or several, any of which will do.
            tags: Tags that all must be there; a mapping also asks for their values.
            sort: A field, or several; a leading `-` sorts downwards. Missing values come last.
            limit: At most this many; `.total` of the result counts all of them.

        Raises:
            QueryError: The filter or a sort field cannot be read, or names what was never logged.
        """
        ...

    def search(
        self,
        filter: str,
        *,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Experiments:
        """The experiments for which an expression is true.

        `store.search("metrics.val_loss.min < 0.5 and params.lr >= 1e-3 and 'vae' in tags")`. The
        language is described in `docs/reference/filter-language.md`.

        Raises:
            QueryError: As `list`; it points at the column of the mistake.
        """
        ...

    def get(self, ref: Ref) -> ExperimentView:
        """One experiment by its id, the start of its id, its prefix or its name.

        Raises:
            NotFound: None goes by that; `.nearest` are likely meanings.
            Ambiguous: Several do; `.candidates` are their ids.
        """
        ...

    def __getitem__(self, ref: Ref) -> ExperimentView: ...

    def __contains__(self, ref: object) -> bool: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[ExperimentView]: ...

    # -- asking about several ----------------------------------------------------------------------

    def compare(
        self,
        refs: Iterable[Ref],
        metrics: str | Sequence[str] | None = None,
        *,
        mode: Literal["min", "max"] | None = None,
    ) -> Comparison:
        """Basic facts, metric values and the parameters that differ, side by side.

        Args:
            metrics: Which, in this order; all that any of them logged (but `system/…`) if not given.
            mode: What "best" means; by the metric's name if not given (see `query.direction`).

        Raises:
            NotFound: An experiment is unknown, or none of them logged one of the metrics asked for.
        """
        ...

    def best(
        self,
        metric: str,
        *,
        mode: Literal["min", "max"] | None = None,
        filter: str | None = None,
        status: str | Status | Iterable[str | Status] | None = "completed",
        limit: int = 5,
    ) -> list[Best]:
        """The experiments with the best value of a metric over their whole history, best first.

        Args:
            mode: "min" or "max"; by the metric's name if not given (see `query.direction`).
            status: Which to look at; None looks at all.

        Raises:
            NotFound: No experiment ever logged that metric; `.nearest` are likely meanings.
            QueryError: The filter cannot be read.
        """
        ...

    def summary(self) -> Summary:
        """How many experiments of which status, names and projects, and how much they logged."""
        ...

    def history(
        self,
        refs: Ref | Iterable[Ref],
        metrics: str | Iterable[str] | None = None,
        *,
        points: int | None = None,
        start: int | None = None,
        stop: int | None = None,
        metadata: bool = False,
    ) -> History:
        """What one or many metrics of one or many experiments were over time.

        Args:
            metrics: Names, or patterns such as `train/*`; all but `system/…` if not given.
            points: About how many points to keep of each series: first, last and the smallest and
                largest of each bucket. A series with no more than that many comes whole.
            start: The first step wanted.
            stop: The step before which to end.
            metadata: Also the metadata of each point (read from the journal; slower).

        Raises:
            NotFound: An experiment is unknown, or none of them logged one of the metrics.
        """
        ...

    def first_difference(
        self,
        a: Ref,
        b: Ref,
        metrics: str | Sequence[str] | None = None,
        *,
        rtol: float = 0.0,
        atol: float = 0.0,
    ) -> list[Difference]:
        """Where two experiments' metrics part: one entry per metric that is not the same in both.

        With no tolerance given values must be the same float64 (NaN equals NaN). Otherwise `x` and
        `y` are the same when `|x - y| <= atol + rtol * |x|`, as in `numpy.isclose`.

        Raises:
            NotFound: An experiment is unknown, or neither logged one of the metrics asked for.
        """
        ...

    # -- changing what is said about them ----------------------------------------------------------

    def tag(
        self,
        ref: Ref,
        add: str | Iterable[str] | Mapping[str, str | None] = (),
        remove: str | Iterable[str] = (),
    ) -> ExperimentView:
        """Add and remove tags; returns the experiment as it is then."""
        ...

    def note(self, ref: Ref, text: str | None) -> ExperimentView:
        """Set the notes (None removes them); returns the experiment as it is then."""
        ...

    def describe(self, ref: Ref, text: str | None) -> ExperimentView:
        """Set the description (None removes it); returns the experiment as it is then."""
        ...

    def rename(self, ref: Ref, name: str) -> ExperimentView:
        """Change the name, which is a label: the prefix and the folder stay as they are."""
        ...

    # -- keeping -----------------------------------------------------------------------------------

    def delete(self, refs: Ref | Iterable[Ref], *, permanently: bool = False) -> Deleted:
        """Put experiments in the trash, or remove them at once with the bytes they take.

        Raises:
            NotFound: One is unknown; then none is deleted.
            StillRunning: One is being written; then none is deleted.
        """
        ...

    def restore(self, ref: str) -> ExperimentView:
        """Take an experiment back out of the trash, by its id, the start of its id or its prefix.

        Raises:
            NotFound: There is none like that in the trash.
        """
        ...

    def trash(self) -> list[Trashed]:
        """What is in the trash, newest first."""
        ...

    def gc(self, *, dry_run: bool = False, older_than: float | str | None = None) -> int:
        """Empty the trash and remove what nothing refers to; the bytes freed (or that would be).

        Args:
            older_than: Only what was deleted this long ago: seconds, or a text such as "7d".
        """
        ...

    def du(self, refs: Ref | Iterable[Ref] | None = None) -> Usage:
        """The bytes that experiments take on disk, by kind, and the rest of the store when all are asked."""
        ...

    def doctor(self, *, repair: bool = False) -> list[Finding]:
        """Look for broken lines, files and index entries; `repair` mends what is derived."""
        ...

    def rebuild(self, progress: Any = None) -> Refreshed:
        """Make the index again from the folders alone."""
        ...

    def refresh(self, progress: Any = None) -> Refreshed:
        """Bring the index up to date now."""
        ...

    def seal(self, refs: Ref | Iterable[Ref] | None = None) -> int:
        """Turn finished points files into Parquet now; how many were."""
        ...

    def export(
        self,
        refs: Ref | Iterable[Ref] | None,
        target: str | os.PathLike[str],
        format: Literal["parquet", "csv", "jsonl", "zip"] | None = None,
    ) -> list[str]:
        """Write experiments to tables in a folder, or whole into a zip file; the paths written.

        Args:
            refs: Which; all if None.
            target: A folder for tables (`experiments`, `points`, `params`), a file for a zip.
            format: By the target's name if not given; Parquet for a folder.

        Raises:
            FileExistsError: The zip file, or a table in the folder, is there already.
        """
        ...

    def close(self) -> None:
        """Release the catalog; the store cannot be asked afterwards."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
