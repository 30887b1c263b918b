"""The catalog seam: what is asked of all experiments at once, and how what is known of them is saved."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol

import msgspec

from ...errors import CorruptData
from ...query.changes import Changes
from ...query.question import FactsQuestion, Name, NamesQuestion, Question, Selected
from ...query.scope import Scope
from ...record.facts import ExperimentFacts, FileFact, ProblemFact, ValueFact
from ...record.inputs import InputFact
from .summary import Tallies, Tally

__all__ = [
    "Answers",
    "Batch",
    "Catalog",
    "CatalogDamaged",
    "CatalogFull",
    "CatalogState",
    "Entry",
    "Known",
    "Outstanding",
]


class CatalogDamaged(CorruptData):
    """The catalog's own bytes are broken: only making it again from the journals heals it."""


class CatalogFull(OSError):
    """The store behind the catalog has no room left, or has become read-only: the catalog has to be kept elsewhere."""


class CatalogState(Enum):
    """How far a catalog is."""

    UNUSABLE = "unusable"
    """There are no tables in this version's layout: `create` has to make them."""

    FILLING = "filling"
    """There are tables, and `finish` has not yet said that every experiment was taken in."""

    COMPLETE = "complete"


class Known(msgspec.Struct, frozen=True):
    """What the catalog has of an experiment, as far as taking in more of it needs it.

    `state` is msgpack of `record.fold.ExperimentState`; `cursor` is kept as it was given. `tallies` are what its metrics
    add up to, None if they were not asked for.
    """

    key: int
    experiment_id: str
    prefix: str
    status: str
    state: bytes
    cursor: bytes
    tallies: Tallies | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment to be saved. What is None has not changed.

    `key` is that of `Known`, None for one that is new. `params`, `config` (dotted keys), `tags` and `bindrs` are
    complete, and given together; `inputs` is all that it read; `metrics` holds the tallies of those that changed, by writer; those of them that are `hidden`
    are kept, and told of in `Known.tallies` alone. `files` and `values` are those that came
    after `files_before` and `values_before` earlier ones; with `events_replaced` they replace what was there, and
    with `whole` everything is given and replaces all there was. `problems` are added to those already known.
    """

    key: int | None
    facts: ExperimentFacts
    cursor: bytes
    live: bool
    whole: bool = False
    events_replaced: bool = False
    state: bytes | None = None
    params: Mapping[str, Any] | None = None
    config: Mapping[str, Any] | None = None
    tags: Mapping[str, str | None] | None = None
    bindrs: Sequence[str] | None = None
    inputs: Sequence[InputFact] | None = None
    metrics: Mapping[str, Mapping[str, Tally]] = {}
    hidden: Collection[str] = ()
    files: Sequence[FileFact] = ()
    files_before: int = 0
    values: Sequence[ValueFact] = ()
    values_before: int = 0
    problems: Sequence[ProblemFact] = ()


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What is saved together or not at all.

    Attributes:
        entries: Experiments to insert or bring up to date.
        doomed: Keys of experiments to forget first, as `Known` has them.
        marks: Notes of whoever fills the catalog, by name; None removes one. They are forgotten by `create`.
        examined: By id, the problems of experiments that were looked at as a whole: they replace those known.
    """

    entries: Sequence[Entry] = ()
    doomed: Collection[int] = ()
    marks: Mapping[str, str | None] = {}
    examined: Mapping[str, Sequence[ProblemFact]] = {}


class Outstanding(msgspec.Struct, frozen=True):
    """Where filling the catalog stands: the marks that were saved, and the prefixes of what is still followed."""

    marks: Mapping[str, str]
    followed: Sequence[str]


class Answers(Protocol):
    """Answers questions about all experiments of a catalog, or about those that somebody may see; `Catalog` says what is promised."""

    def select(self, question: Question) -> Selected:
        """Which experiments, in which order, with the columns asked for; or the groups of them."""
        ...

    def count(self, question: Question) -> int:
        """How many rows the question has without its limit and offset."""
        ...

    def facts(self, question: FactsQuestion) -> list[ExperimentFacts]:
        """What is known of experiments one by one, in the order of their ids as given; the missing are left out."""
        ...

    def names(self, question: NamesQuestion) -> list[Name]:
        """Which names there are, or which values a field has."""
        ...

    def changed(self, since: str | None) -> Changes:
        """Which experiments were saved or forgotten since a cursor that an earlier answer gave.

        A cursor from before the catalog was made (again), or from elsewhere, gives `everything`.
        """
        ...


class Catalog(Answers, Protocol):
    """Holds what is known of experiments, and answers questions about all of them.

    Promises:

    - *Whole.* A `Batch` is saved together or not at all, also across a crash. Each question is answered from one
      state of the catalog.
    - *Threads.* Any number of threads and processes may ask while one saves. One at a time may save; a second
      waits.
    - *Replaced.* When the store behind it is deleted or replaced, the next call sees the new one.
    - *Meaning.* Filters, sorts and columns mean what `docs/reference/filter-language.md` says, in every engine:
      `testing.catalog` holds it.
    - *Errors.* `QueryError` for a question that cannot be answered; `CatalogDamaged` when only making the catalog
      again can help; `CatalogFull` when there is no room to work in; `OSError` when the store behind it cannot be reached, is full or is locked for too long.
    """

    def within(self, scope: Scope | None, *, seconds: float | None = None) -> Answers:
        """The same catalog for somebody who may see a scope alone: every answer is as if there were no other experiments.

        Args:
            scope: None for everything.
            seconds: How long a question may take; one that takes longer is ended, and raises TookTooLong.
        """
        ...

    def known(
        self, *, ids: Collection[str] = (), prefixes: Collection[str] = (), tallies: bool = False
    ) -> list[Known]:
        """What taking in more needs of the experiments with these ids or at these prefixes.

        Args:
            tallies: Also give what their metrics add up to.
        """
        ...

    def outstanding(self) -> Outstanding:
        """Where filling stands."""
        ...

    def save(self, batch: Batch) -> None:
        """Save a batch."""
        ...

    def state(self) -> CatalogState:
        """How far the catalog is; it does not raise for a damaged one, which is unusable."""
        ...

    def create(self) -> None:
        """Throw everything away and begin an empty catalog, made to be filled in bulk."""
        ...

    def finish(self) -> None:
        """End a bulk load and mark the catalog complete."""
        ...

    def close(self) -> None:
        """Release what is held."""
        ...
