"""What an importer reads: the runs of another tracker's store, and what each of them logged.

A source says what is there, in the order in which it was written, and decides nothing. Where runs go, what is new in them and whether all of it has
arrived is the same for every source (`importing.arriving`, `importing.account`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple, Protocol, runtime_checkable

import msgspec

if TYPE_CHECKING:
    from ..values.value import Value

__all__ = [
    "Finding",
    "Message",
    "Points",
    "Row",
    "Run",
    "Source",
    "SourceFile",
    "SourceModel",
    "SourceValue",
    "SourceVersion",
    "Undated",
    "WithModels",
]

Outcome = Literal["running", "completed", "failed", "cancelled"]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run as its tracker knows it, without what it logged.

    Attributes:
        key: Tells it from all other runs of its kind of source, for ever and wherever the source lies: what has one key is
            one experiment here.
        place: Where it was filed there, from the outside in: a project, an experiment, a folder. Any texts.
        name: What it was called there; "" for nothing.
        started: When it began; `ended` when it ended, or None. Seconds since the epoch.
        status: How it ended. "running" is what the source says: when nothing more comes, it is shown as failed, as any
            other run whose program is gone.
        alive: The last sign of life of one that is running, in seconds since the epoch; None for its beginning.
        parent: The key of the run that it belongs to.
        relation: How: "child", "resumed" or "forked".
        params: Parameters, nested, in the types that the source keeps them in.
        config: Its configuration, where the tracker tells that from parameters.
        tags: Tags; the value of a plain one is None.
        captured: What is known of how it was run, by the names of `captured` events: "command", "git", "environment" …
        kept: What has no place here, plain JSON by the source's own names: it is kept as it is.
    """

    key: str
    place: tuple[str, ...] = ()
    name: str = ""
    started: float
    ended: float | None = None
    status: Outcome = "completed"
    reason: str | None = None
    alive: float | None = None
    user: str = ""
    host: str = ""
    parent: str | None = None
    relation: Literal["child", "resumed", "forked"] = "child"
    params: Mapping[str, Any] = {}
    config: Mapping[str, Any] | None = None
    tags: Mapping[str, str | None] = {}
    description: str | None = None
    notes: str | None = None
    captured: Mapping[str, Mapping[str, Any]] = {}
    kept: Mapping[str, Any] = {}


class Row(NamedTuple):
    """What one record of the source says of metrics: the values of one call, or a single one.

    Attributes:
        step: The step, a whole number of 64 bits; None where the source has none.
        time: Seconds since the epoch.
        values: Numbers by the names of metrics.
        beside: What else was logged in that call, plain JSON.
    """

    step: int | None
    time: float
    values: Mapping[str, float]
    beside: Mapping[str, Any] | None = None


class Points(NamedTuple):
    """Many records of one point each, as columns in the order of the records: what `Row` says, for sources with millions."""

    names: Sequence[str]
    steps: Sequence[int | None]
    times: Sequence[float]
    values: Sequence[float]


class Undated(NamedTuple):
    """What `Row` says, of a source that keeps no times: the time is that of the run's beginning, as it was first imported."""

    step: int | None
    values: Mapping[str, float]
    beside: Mapping[str, Any] | None = None


class Message(NamedTuple):
    """A message; `fields` is plain JSON."""

    time: float
    level: str
    text: str
    fields: Mapping[str, Any] = {}


class SourceFile(NamedTuple):
    """A file that a run kept.

    Attributes:
        prefix: The folder that it is filed under, with forward slashes; "" for none.
        name: Its name, a relative path.
        open: Opens its bytes.
        step: The step it belongs to; None for none.
        time: When it was saved, in seconds since the epoch; None if nobody knows.
        metadata: Plain JSON about it.
        is_same: Given a file that was kept under this name before, by its path, says whether the source has the same bytes,
            without reading them from there: by a checksum that a server names, for instance. None where only the bytes can tell.
    """

    prefix: str
    name: str
    open: Callable[[], BinaryIO]
    step: int | None = None
    time: float | None = None
    metadata: Mapping[str, Any] = {}
    is_same: Callable[[str], bool] | None = None


class SourceValue(NamedTuple):
    """A value beyond numbers: an image, a table, a histogram …

    Attributes:
        kind: Which of the kinds of `values.kinds`.
        make: Makes the value; it is called only if the value is not here yet. Raises InvalidValue for what is none.
    """

    name: str
    kind: str
    step: int | None
    time: float
    make: Callable[[], Value]


class SourceVersion(NamedTuple):
    """A version of a registered model.

    Attributes:
        number: Its number there, which it has here too.
        run: The key of the run that it comes from; None for none that is known.
        points_to, ref: What it is: a "folder" or "file" of that run, by its path among the run's files; or an "address".
        source: Its address there, which it points to if its run is not here.
        extra: What else is known of it, as a dialect of the tracker keeps it.
    """

    number: int
    run: str | None
    points_to: Literal["folder", "file", "address"]
    ref: str
    source: str
    created: float = 0.0
    user: str = ""
    description: str | None = None
    tags: Mapping[str, str] = {}
    extra: Mapping[str, str] = {}


class SourceModel(NamedTuple):
    """A registered model, with its versions by number; `aliases` say which number each of them means."""

    name: str
    created: float
    versions: Sequence[SourceVersion] = ()
    aliases: Mapping[str, int] = {}
    description: str | None = None
    tags: Mapping[str, str] = {}


class Finding(NamedTuple):
    """Something of the source that could not be read, or that has no place here.

    Attributes:
        where: The file, table or record, as the source names it.
        what: What is wrong with it, or what it is, in a sentence.
        lost: Whether something is missing here because of it; False where it is kept as it is, or says nothing.
        run: The key of the run that it belongs to; "" for the source itself.
    """

    where: str
    what: str
    lost: bool
    run: str = ""


class Source(Protocol):
    """A store of another tracker, opened for reading. It is never changed.

    Promises:

    - *Order.* `rows`, `messages`, `printed` and `values` give what was written in the order in which it was written, and the
      same again when they are asked again. What is written later comes later. Where the source cannot promise that
      (its rows are in no order), nothing is doubled either, but reading takes longer.
    - *As it is.* Numbers are given bit for bit, repeated and backward steps as they are, NaN and infinities too.
    - *Damage* ends nothing: what cannot be read becomes a finding, and the rest is given.
    - *No code.* Nothing that is read is run: no pickles.
    """

    @property
    def kind(self) -> str:
        """The kind of source, a word in small letters."""
        ...

    @property
    def where(self) -> str:
        """Where it lies, for people; without passwords."""
        ...

    def runs(self) -> Iterator[Run]:
        """The runs that are there, parents before their children where the source knows."""
        ...

    def rows(self, run: Run) -> Iterator[Row | Points | Undated]:
        """The values of its metrics, each a finite or infinite float or NaN."""
        ...

    def messages(self, run: Run) -> Iterator[Message]:
        """What it logged as messages."""
        ...

    def printed(self, run: Run) -> Iterator[str]:
        """What its program printed, line by line, without the ends of lines."""
        ...

    def files(self, run: Run) -> Iterator[SourceFile]:
        """The files that it kept."""
        ...

    def values(self, run: Run) -> Iterator[SourceValue]:
        """Its values beyond numbers."""
        ...

    def findings(self) -> tuple[Finding, ...]:
        """What could not be read so far, or has no place here."""
        ...

    def close(self) -> None:
        """Release what is held."""
        ...


@runtime_checkable
class WithModels(Protocol):
    """A source that has a registry of models too."""

    def models(self) -> Iterator[SourceModel]:
        """The registered models; asked once all `runs` were given."""
        ...
