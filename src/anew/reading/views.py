"""What is known of one experiment, as attributes."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CorruptData
from ..record.facts import ValueFact
from ..record.fold import ExperimentState
from ..record.packed import Unpacker
from ..record.plain import from_plain
from ..record.status import Status
from ..stores.catalog.summary import summaries
from .files import FileView, ValueView
from .history import Order, Series
from .logs import LogLine, follow_lines, read_console, read_logs
from .metrics import Metrics, MetricView
from .nested import Nested
from .rows import MetricRows

if TYPE_CHECKING:
    from ..forwarders.later import Forwarded
    from .reader import Reader
    from .results import Deleted, Experiments

__all__ = ["ExperimentView", "FileView", "LogLine", "MetricView", "ValueView"]

_states = Unpacker(ExperimentState)
_values = Unpacker(ValueFact)


class ExperimentView:
    """An experiment as it was when asked for; ask the store again to see what is new.

    Times are seconds since the epoch. `status` and `reason` count a process that vanished as failed.
    """

    __slots__ = ("__dict__", "_reader", "_row")

    def __init__(self, reader: Reader, row: Any) -> None:
        self._reader = reader
        self._row = row

    # -- facts -------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """Its id: unique, short, random."""
        return str(self._row.experiment_id)

    @property
    def prefix(self) -> str:
        """Its path under the store's root."""
        return str(self._row.prefix)

    @property
    def name(self) -> str:
        """Its label."""
        return str(self._row.name)

    @property
    def owner(self) -> str | None:
        """The first segment of a prefix owner/project/…/name."""
        return self._text("owner")

    @property
    def project(self) -> str | None:
        """The second segment of such a prefix; the first of project/name."""
        return self._text("project")

    @property
    def status(self) -> Status:
        """Where it is in its life."""
        return Status(self._row.status)

    @property
    def reason(self) -> str | None:
        """Why it failed or was cancelled, in a sentence."""
        return self._text("reason")

    @property
    def error(self) -> str | None:
        """The traceback it failed with."""
        for writer in self._state.deciding():
            if writer.error and writer.status is Status.FAILED:
                return writer.error
        return None

    @property
    def created_at(self) -> float:
        """When it was first opened."""
        return float(self._row.created_at)

    @property
    def started_at(self) -> float | None:
        """When it began to run."""
        return self._number("started_at")

    @property
    def ended_at(self) -> float | None:
        """When it ended; None while it runs."""
        return self._number("ended_at")

    @property
    def updated_at(self) -> float:
        """When it last wrote anything."""
        return float(self._row.updated_at)

    @property
    def duration(self) -> float | None:
        """Seconds from start to end, or to when it was asked for while it runs."""
        if self.started_at is None:
            return None
        ended = self._row.read_at if self.ended_at is None else self.ended_at
        return max(0.0, float(ended) - self.started_at)

    @property
    def user(self) -> str | None:
        """Who ran it."""
        return self._text("user")

    @property
    def host(self) -> str | None:
        """The machine it ran on."""
        return self._text("host")

    @property
    def parent(self) -> str | None:
        """The id of the experiment it comes from."""
        return self._text("parent")

    @property
    def relation(self) -> str | None:
        """How it comes from its parent: child, resumed, forked or reproduces."""
        return self._text("relation")

    @property
    def description(self) -> str | None:
        """What it is about."""
        return self._text("description")

    @property
    def notes(self) -> str | None:
        """What was noted about it."""
        return self._text("notes")

    @property
    def lost(self) -> int:
        """Records that could not be written."""
        return int(self._row.lost)

    @property
    def file_count(self) -> int:
        """How many files it logged."""
        return int(self._row.file_count)

    @property
    def point_count(self) -> int:
        """How many points it logged, of all metrics."""
        return int(self._row.point_count)

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
        """How far it has come to each other tracker it is sent to."""
        from ..forwarders.later import forwarded

        asked = self.captured.get("forwarding", {}).get("to", [])
        return forwarded(str(self.path), asked)

    @cached_property
    def captured(self) -> dict[str, Any]:
        """What was recorded about the run by itself, by what it is: git, hardware, command …"""
        found: dict[str, Any] = from_plain(self._state.captured)
        return found

    @property
    def git(self) -> dict[str, Any]:
        """The commit, branch and whether there were uncommitted changes (`dirty`), if known."""
        known = {
            "commit": self._text("git_commit"),
            "branch": self._text("git_branch"),
            "dirty": self._row.git_dirty,
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
        """Its folder."""
        return Path(self._reader.folder(self.prefix))

    # -- metrics -----------------------------------------------------------------------------------

    @cached_property
    def metrics(self) -> Metrics:
        """Its metrics by name; an unknown name raises NotFound with the nearest ones."""
        return Metrics(self, summaries(self._row.tallies))

    def _read_metric(
        self,
        name: str,
        *,
        points: int | None,
        start: int | None,
        stop: int | None,
        metadata: bool,
        order: Order,
    ) -> Series:
        return self._reader.read_series(
            self, name, points=points, start=start, stop=stop, metadata=metadata, order=order
        )

    def _read_rows(self, names: Sequence[str], strip: int) -> MetricRows:
        return self._reader.read_rows(self, names, strip)

    # -- logs, files, values -----------------------------------------------------------------------

    def logs(
        self, level: str | None = None, contains: str | None = None, tail: int | None = None
    ) -> list[LogLine]:
        """Its messages in the order of their times.

        Args:
            level: Only this level and those above it.
            contains: Only messages with this text in them (upper and lower case alike).
            tail: Only the last so many (of those).
        """
        return read_logs(str(self.path), level, contains, tail)

    def console(self, tail: int | None = None) -> str:
        """What it printed; `tail` gives the last so many lines.

        Of several processes each is under a heading with its name.
        """
        return read_console(str(self.path), tail)

    def follow(
        self,
        *,
        console: bool = False,
        interval: float = 0.5,
        level: str | None = None,
        contains: str | None = None,
        tail: int | None = None,
    ) -> Iterator[LogLine]:
        """Messages (or console lines, as level "console") as they are written, until it has ended.

        Args:
            interval: Seconds between looks.
            level: Only messages of this level and those above it.
            contains: Only lines with this text in them (upper and lower case alike).
            tail: Begin with the last so many (of those) there are; with all of them if None.
        """
        return follow_lines(
            str(self.path),
            self._has_ended,
            console=console,
            interval=interval,
            level=level,
            contains=contains,
            tail=tail,
        )

    def _has_ended(self) -> bool:
        return self._reader.status(self.id).ended

    @cached_property
    def files(self) -> Sequence[FileView]:
        """Its logged files, in the order they were logged."""
        return tuple(
            FileView(
                id=row.file_id,
                name=row.name,
                prefix=row.prefix,
                path=self._inside(row.path),
                size=row.size,
                hash=row.hash,
                step=row.step,
                time=row.time,
                metadata=from_plain(json.loads(row.metadata)) if row.metadata else {},
            )
            for row in self._reader.file_rows(self._row.key)
        )

    def values(self, name: str | None = None, kind: str | None = None) -> list[ValueView]:
        """Its images, tables and other values in the order logged, of a name or a kind if given."""
        found = []
        for row in self._reader.value_rows(self._row.key):
            if (name is None or row.name == name) and (kind is None or row.kind == kind):
                record = _values.decode(row.record)
                found.append(
                    ValueView(
                        name=record.name,
                        kind=record.kind,
                        step=record.step,
                        time=record.time,
                        path=None if record.path is None else self._inside(record.path),
                        data=from_plain(record.data),
                        metadata=from_plain(record.metadata),
                    )
                )
        return found

    def children(self) -> Experiments:
        """The experiments that have this one as their parent, oldest first."""
        return self._reader.children(self.id)

    def delete(self, *, permanently: bool = False) -> Deleted:
        """As `Store.delete` of this experiment."""
        return self._reader.delete([self], permanently=permanently)

    def to_dict(self) -> dict[str, Any]:
        """All facts as plain values, for JSON; NaN and infinities are left as floats."""
        plain = (
            "id", "prefix", "name", "owner", "project", "reason", "error", "created_at",
            "started_at", "ended_at", "updated_at", "duration", "user", "host", "parent",
            "relation", "description", "notes", "lost", "tags", "bindrs", "git", "captured",
        )  # fmt: skip
        facts: dict[str, Any] = {name: getattr(self, name) for name in plain}
        facts["status"] = str(self.status)
        facts["path"] = str(self.path)
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

    # -- out of the row ----------------------------------------------------------------------------

    @cached_property
    def _state(self) -> ExperimentState:
        return _states.decode(self._row.state)

    def _text(self, column: str) -> str | None:
        value = getattr(self._row, column)
        return None if value is None else str(value)

    def _number(self, column: str) -> float | None:
        value = getattr(self._row, column)
        return None if value is None or math.isnan(value) else float(value)

    def _inside(self, relative: str) -> Path:
        """A path that a journal gives, which must stay in the experiment's folder."""
        parts = relative.split("/")
        if os.path.isabs(relative) or ".." in parts or "\0" in relative or "\\" in relative:
            raise CorruptData(
                f"The journal of {self.id} names the file {relative!r}, which lies outside of its "
                "folder. It is not opened.",
                path=relative,
            )
        return self.path.joinpath(*parts)
