"""Answers out of what is recorded, in the shapes of ml-dash; asked of the backend, within what the caller may see."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ....errors import NotFound
from ....query.lines import LinesQuestion
from ....query.points import PointsQuestion
from ....query.question import FactsQuestion, Part, ask, parse_field
from ....query.references import ResolveQuestion
from ....query.syntax import And, Compare, Expression, Value
from ....reading.backend import Backend
from ....reading.rows import MetricRows
from ....record.facts import ExperimentFacts, FileFact
from ..translate import DELETED, FILES, METRICS, TRACKS, iso, level_back, row_back, time_of
from .answers import FileAnswer, LogAnswer, MetricAnswer, PhysicalFile, TrackAnswer
from .nodes import Node

__all__ = ["KnownFile", "Reader", "fits"]

_NODES = 2000
_MOST_LOGS = 1_000_000


class KnownFile(NamedTuple):
    """A file of an experiment, with what was said of it since."""

    experiment: str
    fact: FileFact
    metadata: dict[str, Any]

    @property
    def path(self) -> str:
        """Its whole path within the experiment."""
        return "/".join(part for part in (self.fact.prefix, self.fact.name) if part)

    def answer(self) -> FileAnswer:
        """It as a node."""
        fact, rest = self.fact, dict(self.metadata)
        description, tags = rest.pop("description", None), rest.pop("tags", None) or []
        checksum, kind = rest.pop("sha256", None), rest.pop("content_type", None)
        physical = PhysicalFile(
            id=fact.id,
            filename=fact.name,
            content_type=kind,
            size_bytes=fact.size,
            checksum=checksum,
        )
        return FileAnswer(
            id=Node("file", self.experiment, fact.id).id,
            type="FILE",
            name=fact.name,
            experiment_id=self.experiment,
            description=description,
            tags=tags,
            metadata=rest or None,
            p_path=self.path,
            created_at=iso(fact.time),
            updated_at=iso(fact.time),
            physical_file=physical,
        )


class Reader:
    """Asks a backend.

    Args:
        backend: As the caller may see it.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def facts(self, experiment_id: str, *parts: Part) -> ExperimentFacts:
        """What is known of an experiment, as of now.

        Raises:
            NotFound: There is none of that id that the caller may see.
        """
        (meant,) = self.backend.resolve(ResolveQuestion((experiment_id,)))
        found: tuple[ExperimentFacts, ...] = ()
        if meant.id == experiment_id:
            question = FactsQuestion(ids=(experiment_id,), parts=frozenset(parts), now=time.time())
            found = self.backend.facts(question)
        if not found:
            raise NotFound(f"There is no experiment {experiment_id!r}.", name=experiment_id)
        return found[0]

    def experiments(
        self,
        *equal: tuple[str, str],
        limit: int | None = None,
        offset: int = 0,
        parts: tuple[Part, ...] = (),
    ) -> tuple[list[ExperimentFacts], int]:
        """Experiments whose fields have these values, the newest first, and how many there are in all."""
        conditions: list[Expression] = [
            Compare(parse_field(field), "==", Value("text", value, value, 0), 0)
            for field, value in equal
        ]
        question = ask(
            given=[And(tuple(conditions))] if conditions else [],
            sort="-created_at", limit=limit, offset=offset, total=True, now=time.time(),
        )  # fmt: skip
        chosen = self.backend.select(question)
        facts = self.backend.facts(
            FactsQuestion(ids=tuple(chosen.ids), parts=frozenset(parts), now=time.time())
        )
        return list(facts), chosen.total or len(facts)

    def projects(self, namespace: str | None = None) -> dict[tuple[str, str], int]:
        """Owners and projects with the number of their experiments."""
        given: list[Expression] = []
        if namespace is not None:
            given = [Compare(parse_field("owner"), "==", Value("text", namespace, namespace, 0), 0)]
        found = self.backend.select(ask(given=given, group=("owner", "project"), now=time.time()))
        owners, projects, counts = (column.values for column in found.columns[:3])
        return {
            (owner, project): int(count)
            for owner, project, count in zip(owners, projects, counts, strict=True)
            if owner and project
        }

    # -- files -------------------------------------------------------------------------------------

    def files(self, experiment_id: str) -> list[KnownFile]:
        """The files of an experiment that were not deleted, the newest of each path, oldest first."""
        facts = self.facts(experiment_id, "state", "files")
        assert facts.state is not None
        captured = facts.state.captured
        deleted = set((captured.get(DELETED) or {}).get("ids", ()))
        later = captured.get(FILES) or {}
        newest: dict[str, KnownFile] = {}
        for fact in facts.files or ():
            if fact.id in deleted or fact.id in facts.state.freed:
                continue
            one = KnownFile(experiment_id, fact, {**fact.metadata, **later.get(fact.id, {})})
            newest.pop(one.path, None)
            newest[one.path] = one
        return list(newest.values())

    def file(self, node: Node) -> KnownFile:
        """One file.

        Raises:
            NotFound: It is not there, or was deleted.
        """
        for one in self.files(node.experiment):
            if one.fact.id == node.path:
                return one
        raise NotFound(f"There is no file {node.id!r}.", name=node.id)

    def same_paths(self, file: KnownFile) -> list[str]:
        """The ids of all that was ever saved under the path of a file."""
        facts = self.facts(file.experiment, "files")
        return [
            one.id
            for one in facts.files or ()
            if (one.prefix, one.name) == (file.fact.prefix, file.fact.name)
        ]

    def search(self, pattern: str, experiment_id: str | None) -> list[KnownFile]:
        """Files whose name or path fits a glob pattern, the newest first."""
        ids = (
            [experiment_id]
            if experiment_id
            else [one.id for one in self.experiments(limit=_NODES)[0] if one.file_count]
        )
        name = pattern.removeprefix("**/")
        found = []
        for one in ids:
            for file in self.files(one):
                path = file.path
                # The client asks by the name as it is: brackets in it are no pattern.
                if (
                    name in (file.fact.name, path)
                    or fnmatchcase(path, pattern)
                    or fnmatchcase(path, name)
                    or fnmatchcase(path, f"*/{name}")
                ):
                    found.append(file)
        return sorted(found, key=lambda file: -file.fact.time)

    # -- metrics and tracks ------------------------------------------------------------------------

    def count(self, experiment_id: str, group: str) -> int:
        """How many rows a metric or a track has, as far as the index knows."""
        metrics = self.facts(experiment_id, "metrics").metrics or {}
        return max((metrics[name].count for name in _within(metrics, group)), default=0)

    def rows(
        self, experiment_id: str, group: str, *, track: bool = False
    ) -> Iterator[dict[str, Any]]:
        """The rows of a metric or a track as they were written.

        Raises:
            NotFound: There is no such metric.
        """
        metrics = self.facts(experiment_id, "metrics").metrics or {}
        names = _within(metrics, group)
        if not names and not track:
            raise NotFound(f"The experiment has no metric {group!r}.", name=group)
        question = PointsQuestion(
            ids=(experiment_id,), metrics=tuple(names), order="written", rows=True, metadata=True
        )
        series = self.backend.points(question).series if names else ()
        for row in MetricRows(series, len(group) + 1 if group else 0):
            fields = row_back(row, track=track)
            if fields is not None:
                yield fields

    def metrics(self, experiment_id: str) -> list[MetricAnswer]:
        """The metrics of an experiment, tracks left out."""
        facts = self.facts(experiment_id, "state", "metrics")
        assert facts.state is not None
        said = facts.state.captured.get(METRICS) or {}
        tracks = set(facts.state.captured.get(TRACKS) or {})
        groups: dict[str, list[Any]] = {}
        for name, summary in (facts.metrics or {}).items():
            group = name.rpartition("/")[0]
            if group not in tracks and not name.startswith("system/"):
                groups.setdefault(group, []).append(summary)
        return [
            MetricAnswer(
                metric_id=f"{experiment_id}:{group or 'None'}",
                name=group or "None",
                description=(about := said.get(group) or {}).get("description"),
                tags=about.get("tags") or [],
                metadata=about.get("metadata"),
                total_data_points=max(one.count for one in summaries),
                last_data_at=iso(max(one.last_time for one in summaries)),
                created_at=iso(facts.created_at),
                updated_at=iso(max(one.last_time for one in summaries)),
            )
            for group, summaries in sorted(groups.items())
        ]

    def tracks(self, experiment_id: str, pattern: str | None) -> list[TrackAnswer]:
        """The tracks of an experiment whose topics fit a glob pattern."""
        state = self.facts(experiment_id, "state").state
        assert state is not None
        return [
            TrackAnswer(
                id=f"{experiment_id}:{topic}",
                topic=topic,
                description=about.get("description"),
                tags=about.get("tags") or [],
                metadata=about.get("metadata"),
            )
            for topic, about in sorted((state.captured.get(TRACKS) or {}).items())
            if pattern is None or fnmatchcase(topic, pattern)
        ]

    def entries(
        self,
        experiment_id: str,
        topic: str,
        start: float | None,
        end: float | None,
        columns: list[str],
    ) -> list[dict[str, Any]]:
        """The entries of a track by their timestamps; those of one timestamp are one."""
        if topic not in {one.topic for one in self.tracks(experiment_id, None)}:
            raise NotFound(f"The experiment has no track {topic!r}.", name=topic)
        merged: dict[float, dict[str, Any]] = {}
        for fields in self.rows(experiment_id, topic, track=True):
            at = fields.get("timestamp", 0.0)
            if (start is None or at >= start) and (end is None or at <= end):
                merged.setdefault(at, {}).update(fields)
        return [
            {"timestamp": at} | {k: v for k, v in fields.items() if not columns or k in columns}
            for at, fields in sorted(merged.items())
        ]

    # -- messages ----------------------------------------------------------------------------------

    def messages(self, experiment_id: str) -> Iterator[LogAnswer]:
        """All messages of an experiment in the order of their times."""
        self.facts(experiment_id)
        cursor, number = None, 0
        while number < _MOST_LOGS:
            page = self.backend.lines(LinesQuestion(id=experiment_id, cursor=cursor, limit=10_000))
            for at, level, text, fields in zip(
                page.times, page.levels, page.messages, page.fields, strict=True
            ):
                yield LogAnswer(
                    id=f"{experiment_id}:{number}",
                    sequence_number=number,
                    timestamp=iso(float(at)),
                    level=level_back(level),
                    message=text,
                    metadata=None if fields is None else json.loads(fields),
                )
                number += 1
            if not page.more:
                return
            cursor = page.after

    def count_messages(self, experiment_id: str) -> int:
        """How many messages an experiment has."""
        return sum(1 for _ in self.messages(experiment_id))


def fits(
    entry: LogAnswer, levels: list[str], start: str | None, end: str | None, search: str | None
) -> bool:
    """Whether a message is one of those that are asked for."""
    at = time_of(entry.timestamp) or 0.0
    return (
        (not levels or entry.level in levels)
        and (start is None or at >= (time_of(start) or 0.0))
        and (end is None or at <= (time_of(end) or float("inf")))
        and (search is None or search.lower() in entry.message.lower())
    )


def _within(metrics: dict[str, Any], group: str) -> list[str]:
    """The metrics directly in a group."""
    return [name for name in metrics if name.rpartition("/")[0] == group]
