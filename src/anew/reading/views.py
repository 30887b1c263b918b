"""What is known of experiments, as attributes: one of them, and sequences of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import msgspec

from ..errors import NotFound
from ..query.changes import ChangesQuestion
from ..query.question import Question, ask
from ..query.syntax import Expression
from ..record.facts import ExperimentFacts
from ..record.fold import Correction, ExperimentState, Hidden
from ..record.plain import from_plain
from ..record.status import Status
from .files import FileView, FileViews, Stored, ValueView, curves
from .given import asks_for_relations, is_reproduction, is_text
from .metrics import Metrics
from .nested import Nested
from .openings import Opening
from .source import Source
from .upkeep import Deleted

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow as pa

    from ..forwarders.later import Forwarded
    from ..record.events import Opened
    from .logs import LogLine

__all__ = ["ExperimentView", "Experiments"]

_PAGE = 500
_PAGES_HELD = 4


def _process_of(opened: Opened) -> tuple[str, str, int, int]:
    return (opened.host, opened.boot, opened.pid, opened.pid_started)


class ExperimentView:
    """An experiment as it was when asked for; ask the store again to see what is new.

    Times are seconds since the epoch. `status` and `reason` count a process that vanished as failed.
    """

    __slots__ = ("__dict__", "_facts", "_source")

    def __init__(self, source: Source, facts: ExperimentFacts) -> None:
        self._source = source
        self._facts = facts

    # -- facts -------------------------------------------------------------------------------------

    @property
    def facts(self) -> ExperimentFacts:
        """All of them as the backend gave them, parameters and configuration as plain values."""
        return self._facts

    @property
    def id(self) -> str:
        """Its id: unique, short, random."""
        return self._facts.id

    @property
    def prefix(self) -> str:
        """Its path under the store's root."""
        return self._facts.prefix

    @property
    def name(self) -> str:
        """Its label."""
        return self._facts.name

    @property
    def owner(self) -> str | None:
        """The first segment of a prefix owner/project/…/name."""
        return self._facts.owner

    @property
    def project(self) -> str | None:
        """The second segment of such a prefix; the first of project/name."""
        return self._facts.project

    @property
    def status(self) -> Status:
        """Where it is in its life."""
        return self._facts.status

    @property
    def reason(self) -> str | None:
        """Why it failed or was cancelled, in a sentence."""
        return self._facts.reason

    @property
    def error(self) -> str | None:
        """The traceback it failed with."""
        for writer in self._state.deciding():
            if writer.error and writer.status is Status.FAILED:
                return writer.error
        return None

    @property
    def cut_short(self) -> bool:
        """Whether it was ended from outside before its time: cancelled, killed, or gone without a word."""
        if self.status is not Status.FAILED:
            return self.status is Status.CANCELLED
        deciding = self._state.deciding()
        return any(one.by == "reader" or not one.status.ended for one in deciding)

    @property
    def created_at(self) -> float:
        """When it was first opened."""
        return self._facts.created_at

    @property
    def started_at(self) -> float | None:
        """When it began to run."""
        return self._facts.started_at

    @property
    def ended_at(self) -> float | None:
        """When it ended; None while it runs."""
        return self._facts.ended_at

    @property
    def updated_at(self) -> float:
        """When it last wrote anything."""
        return self._facts.updated_at

    @property
    def duration(self) -> float | None:
        """Seconds that it ran, until it was asked for while it runs; pauses before it was continued are left out."""
        return self._facts.duration

    @property
    def user(self) -> str | None:
        """Who ran it."""
        return self._facts.user

    @property
    def host(self) -> str | None:
        """The machine it ran on."""
        return self._facts.host

    @property
    def parent(self) -> str | None:
        """The id of the experiment it comes from."""
        return self._facts.parent

    @property
    def relation(self) -> str | None:
        """How it comes from its parent: child, resumed, forked or reproduces."""
        return self._facts.relation

    @property
    def description(self) -> str | None:
        """What it is about."""
        return self._facts.description

    @property
    def notes(self) -> str | None:
        """What was noted about it."""
        return self._facts.notes

    @property
    def contested(self) -> dict[str, Any]:
        """What two people set side by side, neither knowing of the other's change, such as "notes", "tags.best" or "params.lr": the value
        that does not count. A plain tag is True, one that was removed False. Whoever sets it again settles it."""
        return dict(self._facts.state.contested) if self._facts.state else {}

    @property
    def corrected(self) -> dict[str, Correction]:
        """The parameters that somebody changed afterwards, by dotted name: what the program had set, who changed it, when and why."""
        return dict(self._facts.state.corrected) if self._facts.state else {}

    @property
    def hidden(self) -> dict[str, Hidden]:
        """The metrics that somebody hid, by name: since when, who, and why. `metrics` and all answers are without them."""
        return dict(self._facts.state.hidden) if self._facts.state else {}

    @property
    def lost(self) -> int:
        """Records that could not be written."""
        return self._facts.lost

    @property
    def file_count(self) -> int:
        """How many files it logged."""
        return self._facts.file_count

    @property
    def point_count(self) -> int:
        """How many points it logged, of all metrics."""
        return self._facts.point_count

    @property
    def tags(self) -> dict[str, str | None]:
        """Its tags; a plain tag has the value None."""
        return dict(self._state.tags)

    @property
    def bindrs(self) -> list[str]:
        """Its bindrs: labels of a resource or a team."""
        return list(self._state.bindrs)

    @cached_property
    def params(self) -> Nested:
        """Its parameters: `params["lr"]`, `params["model.depth"]`, `params.model.depth`."""
        return Nested(self._state.params)

    @cached_property
    def config(self) -> Nested | None:
        """Its frozen configuration, like `params`; None when there was none."""
        config = self._state.config
        return None if config is None else Nested(config, "configuration key")

    @property
    def forwarded(self) -> list[Forwarded]:
        """How far it has come to each other tracker it is sent to.

        Raises:
            NotFound: The store is on another machine; the one that records the experiment sends it.
        """
        from ..forwarders.later import forwarded

        asked = self.captured.get("forwarding", {}).get("to", [])
        return forwarded(str(self.path), asked)

    @cached_property
    def captured(self) -> dict[str, Any]:
        """What was recorded about the run by itself, by what it is: git, hardware, command …"""
        found: dict[str, Any] = from_plain(self._state.captured)
        return found

    @property
    def openings(self) -> tuple[Opening, ...]:
        """Its openings, in order: each with its own status and duration, and its recipe and configuration."""
        state = self._state
        return tuple(
            Opening(
                status=one.status,
                reason=one.reason,
                started_at=one.started_at,
                ended_at=one.ended_at,
                user=one.user or None,
                host=one.host or None,
                config=None if one.config is None else from_plain(one.config),
                captured=from_plain(state.captured if one.captured is None else one.captured),
                folder="" if one.captured is None else f"openings/{one.writers[0]}",
                writers=one.writers,
                process=_process_of(state.writers[one.writers[0]].opened),
                ended_by_reader=any(
                    state.writers[name].by == "reader" or state.writers[name].ended_at is None
                    for name in one.writers
                ),
            )
            for one in state.openings()
        )

    @property
    def git(self) -> dict[str, Any]:
        """The commit, branch and whether there were uncommitted changes (`dirty`), if known."""
        known = {
            "commit": self._facts.git_commit,
            "branch": self._facts.git_branch,
            "dirty": self._facts.git_dirty,
        }
        captured = self.captured.get("git")
        more = captured if isinstance(captured, dict) else {}
        return {**more, **{k: v for k, v in known.items() if v is not None}}

    @property
    def writers(self) -> list[str]:
        """The names of the processes that wrote it."""
        return sorted(self._state.writers)

    @property
    def path(self) -> Path:
        """Its folder.

        Raises:
            NotFound: The store is on another machine.
        """
        return self._source.folder(self.prefix)

    @property
    def local_path(self) -> Path | None:
        """Its folder; None where the store is on another machine."""
        return None if self._source.root is None else self.path

    # -- metrics -----------------------------------------------------------------------------------

    @cached_property
    def metrics(self) -> Metrics:
        """Its metrics by name; an unknown name raises NotFound with the nearest ones."""
        return Metrics(self._source, self.id, self.prefix, self._facts.metrics or {})

    # -- logs, files, values -----------------------------------------------------------------------

    def logs(
        self,
        level: str | None = None,
        contains: str | None = None,
        tail: int | None = None,
        *,
        pattern: str | None = None,
        writers: Sequence[str] = (),
    ) -> list[LogLine]:
        """Its messages in the order of their times.

        Args:
            level: Only this level and those above it.
            contains: Only messages with this text in them (upper and lower case alike).
            tail: Only the last so many (of those).
            pattern: Only messages in which this regular expression is found.
            writers: Only messages of these processes (see `writers`).

        Raises:
            QueryError: The pattern is no regular expression.
        """
        from ..query.lines import LinesQuestion
        from .logs import read_logs

        question = LinesQuestion(
            id=self.id, level=level, contains=contains, pattern=pattern, writers=tuple(writers)
        )
        return read_logs(self._source.backend, question, tail)

    def console(
        self,
        tail: int | None = None,
        *,
        contains: str | None = None,
        pattern: str | None = None,
        writers: Sequence[str] = (),
    ) -> str:
        """What it printed; `tail` gives the last so many lines.

        Of several processes each is under a heading with its name. The other arguments are as for `logs`.
        """
        from ..query.lines import LinesQuestion
        from .logs import read_console

        question = LinesQuestion(
            id=self.id,
            stream="console",
            contains=contains,
            pattern=pattern,
            writers=tuple(writers),
        )
        return read_console(self._source.backend, question, tail)

    def follow(
        self,
        *,
        console: bool = False,
        interval: float = 0.5,
        level: str | None = None,
        contains: str | None = None,
        tail: int | None = None,
        pattern: str | None = None,
    ) -> Iterator[LogLine]:
        """Messages (or console lines, as level "console") as they are written, until it has ended.

        Args:
            interval: Seconds between looks.
            level: Only messages of this level and those above it.
            contains: Only lines with this text in them (upper and lower case alike).
            tail: Begin with the last so many (of those) there are; with all of them if None.
            pattern: Only lines in which this regular expression is found.
        """
        from ..query.lines import LinesQuestion
        from .logs import follow_lines

        question = LinesQuestion(
            id=self.id,
            stream="console" if console else "messages",
            level=level,
            contains=contains,
            pattern=pattern,
        )
        return follow_lines(
            self._source.backend, question, tail, ended=self._has_ended, interval=interval
        )

    def _has_ended(self) -> bool:
        """Whether it has ended by now, or is gone."""
        self._source.backend.changes(ChangesQuestion())
        found = self._source.facts([self.id], frozenset())
        return not found or found[0].status.ended

    @cached_property
    def files(self) -> FileViews:
        """Its logged files, in the order they were logged; `files("models")` are those under a prefix.

        Those whose bytes were given back are in `files.freed`.
        """
        found = self._source.facts([self.id], frozenset({"files"}))
        freed = self._state.freed
        views = [
            FileView(
                fact,
                Stored(self._source, self.id, self.prefix, "file", fact.path),
                freed.get(fact.id),
            )
            for one in found
            for fact in one.files or ()
        ]
        return FileViews(
            (one for one in views if one.freed_at is None),
            (one for one in views if one.freed_at is not None),
            self._curve,
            lambda metric: self._source.goals.better(metric, (self.prefix,)),
        )

    def _curve(self, metric: str) -> dict[int, float]:
        """The last finite value of a metric at each step."""
        return curves(self._source, [self.id], metric).get(self.id, {})

    def values(self, name: str | None = None, kind: str | None = None) -> list[ValueView]:
        """Its images, tables and other values in the order logged, of a name or a kind if given."""
        found = self._source.facts([self.id], frozenset({"values"}))
        return [
            ValueView(
                fact,
                None
                if fact.path is None
                else Stored(self._source, self.id, self.prefix, "value", fact.path),
            )
            for one in found
            for fact in one.values or ()
            if (name is None or fact.name == name) and (kind is None or fact.kind == kind)
        ]

    def read_capture(self, name: str, opening: Opening | None = None) -> bytes | None:
        """A file that was captured of the run, such as `git.patch` or `requirements.txt`; None if there is none.

        Args:
            opening: Of which opening; of the one whose recipe is the experiment's if None.
        """
        kind: Literal["capture", "file"] = "capture"
        if opening is not None and opening.folder:
            kind, name = "file", f"{opening.folder}/environment/{name}"
        try:
            return Stored(self._source, self.id, self.prefix, kind, name).read()
        except NotFound:
            return None

    def children(self) -> Experiments:
        """The experiments that have this one as their parent, oldest first."""
        return Experiments.that_meet(
            self._source, given=is_text("parent", self.id), sort="created_at"
        )

    def delete(self, *, permanently: bool = False) -> Deleted:
        """As `Store.delete` of this experiment."""
        return self._source.delete([self.id], permanently=permanently)

    def stop(self, why: str | None = None) -> int:
        """As `Store.stop` of this experiment."""
        return self._source.stop([self.id], why)

    def to_dict(self) -> dict[str, Any]:
        """All facts as plain values, for JSON; NaN and infinities are left as floats."""
        plain = (
            "id", "prefix", "name", "owner", "project", "reason", "error", "created_at",
            "started_at", "ended_at", "updated_at", "duration", "user", "host", "parent",
            "relation", "description", "notes", "lost", "tags", "bindrs", "git", "captured",
        )  # fmt: skip
        facts: dict[str, Any] = {name: getattr(self, name) for name in plain}
        facts["contested"] = self.contested
        facts["corrected"] = {name: one.to_dict() for name, one in self.corrected.items()}
        facts["hidden"] = {name: one.to_dict() for name, one in self.hidden.items()}
        facts["status"] = str(self.status)
        facts["openings"] = [
            {
                "status": str(one.status), "reason": one.reason, "started_at": one.started_at,
                "ended_at": one.ended_at, "duration": one.duration, "user": one.user, "host": one.host,
                "command": one.command, "config": one.config, "folder": one.folder,
            }
            for one in self.openings
        ]  # fmt: skip
        facts["path"] = None if self.local_path is None else str(self.local_path)
        facts["params"] = self.params.to_dict()
        facts["config"] = None if self.config is None else self.config.to_dict()
        facts["metrics"] = {
            name: {
                field: getattr(metric, field)
                for field in (
                    "count", "first", "last", "last_step", "min", "min_step", "max", "max_step",
                    "mean", "std", "nonfinite",
                )
            }
            for name, metric in self.metrics.items()
        }  # fmt: skip
        return facts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExperimentView) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<ExperimentView {self.id} {self.prefix!r} {self.status}>"

    def _repr_html_(self) -> str:
        from .html import experiment_html

        return experiment_html(self)

    if not TYPE_CHECKING:  # a checker says itself what there is not

        def __getattr__(self, name: str) -> Any:
            from .habits import OF_A_VIEW, missing

            raise missing(self, name, OF_A_VIEW)

    # -- out of the row ----------------------------------------------------------------------------

    @property
    def _state(self) -> ExperimentState:
        state = self._facts.state
        assert state is not None  # every view has it, see `source.LISTED`
        return state


class Experiments(Sequence[ExperimentView]):
    """Experiments in the order asked for: a frozen sequence of views.

    Which ones and in which order is settled; what is known of them is read a page at a time, the first page
    of a limited answer at once. One that was deleted meanwhile raises NotFound when it is reached.
    """

    __slots__ = ("_given", "_ids", "_left_out", "_pages", "_source", "_total")

    def __init__(
        self,
        source: Source,
        ids: Sequence[str],
        total: int | Callable[[], int],
        given: Mapping[str, ExperimentFacts] | None = None,
        left_out: int | Callable[[], int] = 0,
    ) -> None:
        self._source = source
        self._ids = tuple(ids)
        self._left_out = left_out
        self._total = total
        self._given = dict(given or {})
        self._pages: dict[int, Mapping[str, ExperimentFacts]] = {}

    @classmethod
    def that_meet(
        cls,
        source: Source,
        filter: str | None = None,
        *,
        given: Sequence[Expression] = (),
        sort: str | Sequence[str],
        limit: int | None = None,
        offset: int = 0,
        reproductions: bool = True,
    ) -> Experiments:
        """The experiments that meet a filter (an empty one is met by all) and further conditions, in order.

        Args:
            reproductions: False leaves out what reproducing other experiments recorded, unless the filter asks for a
                relation or a parent.

        Raises:
            QueryError: The filter or the sort cannot be read, or names what was never logged.
            ValueError: `limit` or `offset` is negative.
        """
        if filter is not None and not filter.strip():
            filter = None  # a search field that is left empty
        question = ask(filter, given=given, sort=sort, limit=limit, offset=offset, now=time.time())
        left_out: int | Callable[[], int] = 0
        if not (reproductions or asks_for_relations(question.filter)):
            others = ask(
                filter,
                given=[*given, *is_reproduction(True)],
                limit=0,
                total=True,
                now=question.now,
            )
            left_out = _count_of(source, others)
            given = [*given, *is_reproduction(False)]
            question = ask(
                filter, given=given, sort=sort, limit=limit, offset=offset, now=question.now
            )
        found = source.backend.select(question)
        total = found.total
        if (
            total is None
            and (limit is None or len(found.ids) < limit)
            and (found.ids or not offset)
        ):
            total = offset + len(found.ids)  # these are the last ones
        first: dict[str, ExperimentFacts] = {}
        if limit is not None:
            first = {one.id: one for one in source.facts(found.ids[:_PAGE])}
        if total is not None:
            return cls(source, found.ids, total, first, left_out)
        counted = msgspec.structs.replace(question, limit=0, offset=0, total=True)
        return cls(source, found.ids, _count_of(source, counted), first, left_out)

    @property
    def total(self) -> int:
        """How many met the filter, also those that the limit left out; counted when first asked for."""
        if not isinstance(self._total, int):
            self._total = self._total()
        return self._total

    @property
    def left_out(self) -> int:
        """How many reproductions met the filter too and were left out; counted when first asked for."""
        if not isinstance(self._left_out, int):
            self._left_out = self._left_out()
        return self._left_out

    @property
    def ids(self) -> list[str]:
        """Their ids, in order."""
        return list(self._ids)

    @overload
    def __getitem__(self, index: int) -> ExperimentView: ...
    @overload
    def __getitem__(self, index: slice) -> Experiments: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            ids = self._ids[index]
            return Experiments(self._source, ids, len(ids), self._given)
        return self._view(range(len(self._ids))[index])

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[ExperimentView]:
        return (self._view(at) for at in range(len(self._ids)))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Experiments):
            return self._ids == other._ids and self._source == other._source
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._ids)

    def __repr__(self) -> str:
        shown = ", ".join(self._ids[:5]) + (", …" if len(self) > 5 else "")
        return f"<Experiments {len(self)}: {shown}>"

    def _repr_html_(self) -> str:
        from .html import MOST_ROWS, experiments_html

        return experiments_html(self[:MOST_ROWS], len(self))

    def _view(self, at: int) -> ExperimentView:
        id_ = self._ids[at]
        facts = self._given.get(id_) or self._page(at // _PAGE).get(id_)
        if facts is None:
            raise NotFound(
                f"Experiment {at} of this answer has been deleted since the question was asked. Ask again."
            )
        return ExperimentView(self._source, facts)

    def _page(self, number: int) -> Mapping[str, ExperimentFacts]:
        page = self._pages.get(number)
        if page is None:
            ids = self._ids[number * _PAGE : (number + 1) * _PAGE]
            page = {one.id: one for one in self._source.facts(ids)}
            while len(self._pages) >= _PAGES_HELD:
                del self._pages[next(iter(self._pages))]
            self._pages[number] = page
        return page

    def to_arrow(self) -> pa.Table:
        """A row per experiment: its facts, then `tags`, `params.<name>`, `config.<name>`, `metrics.<name>` (last values)."""
        from .table import experiments_table

        return experiments_table(self._source.backend, self._ids)

    def to_pandas(self) -> pandas.DataFrame:
        """As `to_arrow`, for pandas."""
        from .frames import to_pandas

        return to_pandas(self.to_arrow())

    def to_polars(self) -> polars.DataFrame:
        """As `to_arrow`, for Polars."""
        from .frames import to_polars

        return to_polars(self.to_arrow())


def _count_of(source: Source, question: Question) -> Callable[[], int]:
    return lambda: source.backend.select(question).total or 0
