"""What each request of ml-dash's client does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ....errors import InvalidName, InvalidValue, MissingDependency, NotFound
from ....query.edits import AppendQuestion
from ....reading.backend import Backend
from ....record.edits import DeleteEdit
from ....record.names import check_label, check_prefix, metric_name
from ....record.plain import flatten, from_plain, nest, to_plain
from ....record.secrets import mask_secrets, mask_text
from ...places import safe_segment
from ...records import Records
from ...written import Experiments
from ..translate import (
    DELETED,
    FILES,
    LEVELS,
    METADATA,
    METRICS,
    STATUSES,
    TRACKS,
    blocks_of,
    entry_row,
    group_of,
    iso,
    metric_row,
    time_of,
)
from . import answers, requests
from .nodes import ROOT, Node, read_node
from .reading import KnownFile, Reader, fits
from .writing import DashWritten

__all__ = ["Asker", "Dash"]

_MOST_ROWS = 10_000
_LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})


@dataclass(frozen=True)
class Asker:
    """Who asks, and what they may.

    Attributes:
        backend: What they may see.
        name: The user.
        host: The address that the request came from.
        check_writing: Raises if they may not write to a prefix.
        check_adding: Raises if they may not, or if the project is full.
        check_beginning: Raises if they may not, or if the project takes no other experiment.
        check_deleting: Raises if they may not delete there.
    """

    backend: Backend
    name: str
    host: str
    check_writing: Callable[[str], object]
    check_adding: Callable[[str], None]
    check_beginning: Callable[[str], None]
    check_deleting: Callable[[str], None]

    @property
    def reader(self) -> Reader:
        """Asks the backend."""
        return Reader(self.backend)


class Dash:
    """The API. Any thread may call it.

    Args:
        records: What is served.
    """

    def __init__(self, records: Records) -> None:
        self._experiments = Experiments(records, DashWritten)

    # -- nodes -------------------------------------------------------------------------------------

    def add_node(self, who: Asker, asked: requests.NodesRequest) -> answers.NodesAnswer:
        """Make a project, a folder or an experiment, or go on with the one that is there."""
        if asked.type == "FILE":
            raise InvalidValue("A file is sent as a form: multipart/form-data.", key="type")
        if not asked.name.strip():
            raise InvalidValue("A node needs a name.", key="name")
        if asked.type == "PROJECT":
            slug = asked.slug or asked.name
            who.check_writing(_path(asked.namespace, slug))
            return self._project(Node("prj", path=f"{asked.namespace}/{slug}"), asked.name)
        if asked.type == "FOLDER":
            return self._folder(who, asked)
        return self._experiment(who, asked)

    @staticmethod
    def _project(node: Node, name: str) -> answers.NodesAnswer:
        slug = node.path.partition("/")[2]
        return answers.NodesAnswer(
            node=answers.NodeAnswer(id=node.id, type="PROJECT", name=name, project_id=node.id),
            project=answers.ProjectAnswer(id=node.id, slug=slug, name=name),
        )

    def _folder(self, who: Asker, asked: requests.NodesRequest) -> answers.NodesAnswer:
        parent = _parent(asked)
        path = f"{parent.path}/{asked.name}" if parent.path else asked.name
        if parent.kind in ("exp", "sub"):
            who.check_writing(who.reader.facts(parent.experiment).prefix)
            node = Node("sub", parent.experiment, path)
        else:
            who.check_writing(_path(*path.split("/")))
            node = Node("dir", path=path)
        return answers.NodesAnswer(
            node=answers.NodeAnswer(
                id=node.id, type="FOLDER", name=asked.name, parent_id=asked.parent_id,
                project_id=asked.project_id, experiment_id=asked.experiment_id, p_path=path,
            )
        )  # fmt: skip

    def _experiment(self, who: Asker, asked: requests.NodesRequest) -> answers.NodesAnswer:
        parent = _parent(asked)
        if parent.kind not in ("prj", "dir"):
            raise InvalidValue("An experiment lies in a project or a folder.", key="parentId")
        prefix = _path(*parent.path.split("/"), asked.name)
        who.check_writing(prefix)
        one, is_new = self._experiments.begin(
            prefix, user=who.name, host=who.host, may_make=lambda: who.check_beginning(prefix)
        )
        self._describe(who, one, asked, is_new)
        project = Node("prj", path="/".join(prefix.split("/")[:2]))
        return answers.NodesAnswer(
            node=answers.NodeAnswer(
                id=Node("exp", one.id).id, type="EXPERIMENT", name=asked.name, parent_id=asked.parent_id,
                project_id=project.id, experiment_id=one.id, status="RUNNING", p_path=prefix,
            ),
            project=answers.ProjectAnswer(
                id=project.id, slug=project.path.partition("/")[2], name=project.path.partition("/")[2]
            ),
            experiment=answers.ExperimentAnswer(
                id=one.id, name=asked.name, status="RUNNING", project_id=project.id, prefix=one.prefix
            ),
        )  # fmt: skip

    def _describe(
        self, who: Asker, one: DashWritten, asked: requests.NodesRequest, is_new: bool
    ) -> None:
        """Record what is said of an experiment when it is opened, as far as it is not recorded yet."""
        state = None if is_new else who.reader.facts(one.id, "state").state
        if asked.description and (state is None or state.description != asked.description):
            one.event("field", field="description", value=asked.description)
        tags = {mask_text(check_label(tag, "tag")): None for tag in asked.tags or ()}
        if tags and (state is None or not tags.keys() <= state.tags.keys()):
            one.event("tags", add=tags)
        bindrs = [mask_text(check_label(one_, "bindr")) for one_ in asked.bindrs or ()]
        if bindrs and (state is None or not set(bindrs) <= set(state.bindrs)):
            one.event("bindrs", add=bindrs)
        said: dict[str, Any] = {**(asked.metadata or {})}
        if asked.write_protected:
            said["writeProtected"] = True
        if said:
            self._capture(who, one, METADATA, said, is_new=is_new)

    def node(self, who: Asker, asked: requests.NodeRequest) -> answers.NodeAnswer:
        """An experiment or a file."""
        node = read_node(asked.node)
        if node.kind == "file":
            return who.reader.file(node).answer()
        if node.kind == "exp":
            facts = who.reader.facts(node.experiment, "state")
            assert facts.state is not None
            return answers.NodeAnswer(
                id=node.id, type="EXPERIMENT", name=facts.name, experiment_id=facts.id, status=facts.status.upper(),
                description=facts.description, tags=list(facts.state.tags), p_path=facts.prefix,
                created_at=iso(facts.created_at), updated_at=iso(facts.updated_at),
            )  # fmt: skip
        raise NotFound(f"There is no node {asked.node!r}.", name=asked.node)

    def change_node(self, who: Asker, asked: requests.NodePatchRequest) -> answers.NodeAnswer:
        """Change the status of an experiment, or what is said of it or of a file."""
        node = read_node(asked.node)
        if node.kind == "file":
            return self._change_file(who, node, asked)
        if node.kind != "exp":
            raise NotFound(f"There is no node {asked.node!r}.", name=asked.node)
        one = self.written(who, node.experiment)
        if asked.description is not None:
            one.event("field", field="description", value=asked.description)
        if asked.tags:
            one.event("tags", add={check_label(tag, "tag"): None for tag in asked.tags})
        if asked.metadata:
            self._capture(who, one, METADATA, asked.metadata)
        if asked.status == "RUNNING":
            one.start(who.name, who.host)
        elif asked.status is not None:
            said = {"FAILED": "its program said so", "CANCELLED": "its program said so"}
            one.end(STATUSES[asked.status], said.get(asked.status))  # type: ignore[arg-type]
        return self.node(who, requests.NodeRequest(node=asked.node))

    def _change_file(
        self, who: Asker, node: Node, asked: requests.NodePatchRequest
    ) -> answers.NodeAnswer:
        one = self.written(who, node.experiment)
        file = who.reader.file(node)
        given = {"description": asked.description, "tags": asked.tags, **(asked.metadata or {})}
        told = {name: value for name, value in given.items() if value is not None}
        self._capture(who, one, FILES, {node.path: {**_said_of(file), **told}})
        return who.reader.file(node).answer()

    def delete_node(self, who: Asker, asked: requests.NodeRequest) -> answers.DeletedAnswer:
        """Take a file out of what is shown, or put an experiment in the trash."""
        node = read_node(asked.node)
        if node.kind == "exp":
            one = self.written(who, node.experiment)
            who.check_deleting(one.prefix)
            who.backend.append(AppendQuestion((DeleteEdit(id=one.id),)))
        elif node.kind == "file":
            one = self.written(who, node.experiment)
            reader = who.reader
            file = reader.file(node)
            known = reader.facts(one.id, "state").state
            before = ((known.captured if known else {}).get(DELETED) or {}).get("ids", ())
            ids = sorted({*before, *reader.same_paths(file)})
            one.event("captured", what=DELETED, data={"ids": ids})
        else:
            raise NotFound(f"There is no node {asked.node!r}.", name=asked.node)
        return answers.DeletedAnswer(id=asked.node, deleted_at=iso(time.time()))

    def delete_project(
        self, who: Asker, asked: requests.ProjectRequest
    ) -> answers.ProjectDeletedAnswer:
        """Put all experiments of a project in the trash."""
        node = read_node(asked.project)
        owner, _, project = node.path.partition("/")
        if node.kind != "prj" or not project:
            raise NotFound(f"There is no project {asked.project!r}.", name=asked.project)
        found, _ = who.reader.experiments(("owner", owner), ("project", project))
        if not found:
            raise NotFound(f"There is no project {node.path!r}.", name=node.path)
        for one in found:
            who.check_deleting(one.prefix)
        who.backend.append(AppendQuestion(tuple(DeleteEdit(id=one.id) for one in found)))
        return answers.ProjectDeletedAnswer(
            project_id=asked.project, deleted=len(found), experiments=len(found),
            message=f"{len(found)} experiments were put in the trash.",
        )  # fmt: skip

    # -- parameters and messages -------------------------------------------------------------------

    def set_parameters(
        self, who: Asker, asked: requests.ParametersRequest
    ) -> answers.ParametersAnswer:
        """Merge parameters into what there is."""
        one = self.written(who, asked.experiment, adds=True)
        one.event("params", params=mask_secrets(nest(to_plain(asked.data))))
        return self.parameters(who, requests.ExperimentRequest(experiment=asked.experiment))

    def parameters(self, who: Asker, asked: requests.ExperimentRequest) -> answers.ParametersAnswer:
        """All parameters by dotted names."""
        facts = who.reader.facts(asked.experiment, "state")
        assert facts.state is not None
        if not facts.state.params:
            raise NotFound("No parameters were set.", name=asked.experiment)
        return answers.ParametersAnswer(
            id=f"{facts.id}:parameters", experiment_id=facts.id,
            data={key: from_plain(value) for key, value in flatten(facts.state.params).items()},
            version=1, created_at=iso(facts.created_at), updated_at=iso(facts.updated_at),
        )  # fmt: skip

    def append_logs(
        self, who: Asker, asked: requests.LogsAppendRequest
    ) -> answers.LogsAppendedAnswer:
        """Keep messages."""
        one = self.written(who, asked.experiment, adds=True)
        entries = [
            (
                time_of(entry.timestamp),
                _level(entry.level),
                mask_text(entry.message),
                mask_secrets(to_plain(entry.metadata)) if entry.metadata else {},
            )
            for entry in asked.logs
        ]
        reader = who.reader
        first, _ = one.messages(entries, lambda: reader.count_messages(one.id))
        return answers.LogsAppendedAnswer(
            created=len(entries), start_sequence=first, end_sequence=first + len(entries) - 1, experiment_id=one.id
        )  # fmt: skip

    def logs(self, who: Asker, asked: requests.LogsRequest) -> answers.LogsAnswer:
        """A page of messages."""
        levels = [
            level.strip().lower() for level in (asked.level or "").split(",") if level.strip()
        ]
        found = [
            entry
            for entry in who.reader.messages(asked.experiment)
            if fits(entry, levels, asked.start_time, asked.end_time, asked.search)
        ]
        if asked.order == "desc":
            found.reverse()
        start, limit = max(0, asked.offset), max(0, asked.limit)
        page = found[start : start + limit]
        return answers.LogsAnswer(
            logs=page, total=len(found), has_more=start + len(page) < len(found)
        )

    # -- metrics and tracks ------------------------------------------------------------------------

    def append(self, who: Asker, asked: requests.AppendRequest) -> answers.AppendedAnswer:
        """Keep rows of a metric."""
        one = self.written(who, asked.experiment, adds=True)
        group = _group(asked.metric)
        given = [*([] if asked.data is None else [asked.data]), *(asked.data_points or ())]
        rows = [metric_row(data) for data in given]
        self._about(who, one, METRICS, group, asked)
        reader = who.reader
        first, _ = one.rows(group, rows, lambda: reader.count(one.id, group))
        last = first + len(rows) - 1
        return answers.AppendedAnswer(
            metric_id=f"{one.id}:{asked.metric}", start_index=first, end_index=last, index=last, count=len(rows)
        )  # fmt: skip

    def rows(self, who: Asker, asked: requests.RowsRequest) -> answers.RowsAnswer:
        """A page of the rows of a metric."""
        cursor = asked.cursor or "0"
        if not cursor.isdecimal() or len(cursor) > 18:
            raise InvalidValue(f"The cursor {cursor!r} is not from an answer.", key="cursor")
        start, limit = int(cursor), min(max(1, asked.limit), _MOST_ROWS)
        rows = list(who.reader.rows(asked.experiment, group_of(asked.metric)))
        page = rows[start : start + limit]
        more = start + len(page) < len(rows)
        return answers.RowsAnswer(
            metric_id=f"{asked.experiment}:{asked.metric}", blocks=blocks_of(page), returned=len(page),
            has_more=more, next_cursor=str(start + len(page)) if more else None,
        )  # fmt: skip

    def stats(self, who: Asker, asked: requests.RowsRequest) -> answers.MetricAnswer:
        """What is known of a metric."""
        name = group_of(asked.metric) or "None"
        for one in who.reader.metrics(asked.experiment):
            if one.name == name:
                return one
        raise NotFound(f"The experiment has no metric {asked.metric!r}.", name=asked.metric)

    def metrics(self, who: Asker, asked: requests.ExperimentRequest) -> answers.MetricsAnswer:
        """The metrics of an experiment."""
        return answers.MetricsAnswer(metrics=who.reader.metrics(asked.experiment))

    def add_track(self, who: Asker, asked: requests.TrackRequest) -> answers.TrackAnswer:
        """Declare a track."""
        one = self.written(who, asked.experiment, adds=True)
        topic = _group(asked.topic)
        self._about(who, one, TRACKS, topic, asked, always=True)
        return who.reader.tracks(one.id, topic)[0]

    def append_track(
        self, who: Asker, asked: requests.TrackBatchRequest
    ) -> answers.TrackAppendedAnswer:
        """Keep entries of a track."""
        one = self.written(who, asked.experiment, adds=True)
        topic, now = _group(asked.topic), time.time()
        self._about(who, one, TRACKS, topic, None, always=True)
        rows = [entry_row(entry, now) for entry in asked.entries]
        reader = who.reader
        _, new = one.rows(topic, rows, lambda: reader.count(one.id, topic))
        return answers.TrackAppendedAnswer(topic=topic, count=len(rows), appended=new)

    def append_entry(
        self, who: Asker, asked: requests.TrackAppendRequest
    ) -> answers.TrackAppendedAnswer:
        """Keep an entry of a track."""
        entry = {**asked.data, "timestamp": asked.timestamp}
        return self.append_track(
            who,
            requests.TrackBatchRequest(
                experiment=asked.experiment, topic=asked.topic, entries=[entry]
            ),
        )

    def tracks(self, who: Asker, asked: requests.TracksRequest) -> answers.TracksAnswer:
        """The tracks of an experiment."""
        return answers.TracksAnswer(tracks=who.reader.tracks(asked.experiment, asked.topic))

    def track_data(
        self, who: Asker, asked: requests.TrackDataRequest
    ) -> answers.TrackDataAnswer | bytes:
        """The entries of a track, as JSON, as JSON lines or as Parquet.

        Raises:
            InvalidValue: The format is none of these.
        """
        topic = _group(asked.topic)
        columns = [name for name in (asked.columns or "").split(",") if name]
        found = who.reader.entries(asked.experiment, topic, asked.start, asked.end, columns)
        if asked.format == "json":
            return answers.TrackDataAnswer(topic=topic, entries=found, count=len(found))
        if asked.format == "jsonl":
            return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found).encode()
        if asked.format == "parquet":
            return _parquet(found)
        raise InvalidValue(
            f"A track is given as json, jsonl or parquet, not as {asked.format!r}.", key="format"
        )

    # -- files -------------------------------------------------------------------------------------

    def search_files(
        self, who: Asker, asked: requests.FileSearchRequest
    ) -> answers.FileSearchAnswer:
        """Files whose names or paths fit a glob pattern."""
        found = who.reader.search(asked.pattern, asked.experiment_id)
        start, limit = max(0, asked.offset), max(0, asked.limit)
        page = found[start : start + limit]
        return answers.FileSearchAnswer(
            files=[
                answers.FoundFile(
                    id=Node("file", one.experiment, one.fact.id).id, name=one.fact.name, path=one.path,
                    experiment_id=one.experiment, size_bytes=one.fact.size, created_at=iso(one.fact.time),
                )
                for one in page
            ],
            total=len(found), has_more=start + len(page) < len(found),
        )  # fmt: skip

    # -- what they share ---------------------------------------------------------------------------

    def written(self, who: Asker, experiment_id: str, *, adds: bool = False) -> DashWritten:
        """An experiment to write to.

        Args:
            adds: Whether what is written needs room in the project; how an experiment ends is always taken.

        Raises:
            NotFound: There is none of that id that the caller may see.
        """
        check = who.check_adding if adds else who.check_writing
        held = self._experiments.held(experiment_id)
        if held is not None:
            check(held.prefix)
            return held
        facts = who.reader.facts(experiment_id)
        check(facts.prefix)
        return self._experiments.known(experiment_id, facts.prefix)

    def _capture(
        self,
        who: Asker,
        one: DashWritten,
        what: str,
        more: Mapping[str, Any],
        *,
        is_new: bool = False,
    ) -> None:
        """Add to what is captured under a name, if it is new."""
        state = None if is_new else who.reader.facts(one.id, "state").state
        before = {} if state is None else state.captured.get(what) or {}
        data = {**before, **mask_secrets(to_plain(dict(more)))}
        if data != before:
            one.event("captured", what=what, data=data)

    def _about(
        self,
        who: Asker,
        one: DashWritten,
        what: str,
        name: str,
        asked: requests.AppendRequest | requests.TrackRequest | None,
        *,
        always: bool = False,
    ) -> None:
        """Record what is said of a metric or a track, once."""
        given = {} if asked is None else {
            "description": asked.description, "tags": asked.tags, "metadata": asked.metadata,
        }  # fmt: skip
        said = {key: value for key, value in given.items() if value}
        mark = (what, name, msgspec.json.encode(said))
        if (said or always) and mark not in one.said:
            state = who.reader.facts(one.id, "state").state
            before = (((state.captured if state else {}).get(what)) or {}).get(name)
            self._capture(who, one, what, {name: {**(before or {}), **said}})
            one.said.add(mark)


def _path(*segments: str) -> str:
    """The prefix of these names; what a prefix cannot hold is replaced, by another text for each.

    Raises:
        InvalidName: There is none.
    """
    prefix = "/".join(segments)
    if not any("/" in one for one in segments):
        try:
            return check_prefix(prefix)
        except InvalidName:
            pass
    return check_prefix("/".join(safe_segment(one, not at) for at, one in enumerate(segments)))


def _parent(asked: requests.NodesRequest) -> Node:
    """What a new node is to lie in."""
    if asked.parent_id and asked.parent_id != ROOT:
        return read_node(asked.parent_id)
    if asked.project_id:
        return read_node(asked.project_id)
    if asked.project_slug:
        return Node("prj", path=f"{asked.namespace}/{asked.project_slug}")
    raise InvalidValue("Say which project it lies in: projectId or projectSlug.", key="projectId")


def _group(name: str) -> str:
    group = group_of(name)
    return metric_name(group) if group else ""


def _level(level: str) -> str:
    word = level.lower()
    word = LEVELS.get(word, word)
    if word not in _LEVELS:
        raise InvalidValue(f"There is no level {level!r}.", key="level")
    return word


def _said_of(file: KnownFile) -> dict[str, Any]:
    return {k: v for k, v in file.metadata.items() if k not in ("sha256", "content_type")}


def _parquet(entries: list[dict[str, Any]]) -> bytes:
    import io

    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingDependency.of("Giving a track as Parquet", "pyarrow", "arrow") from error
    names = list(dict.fromkeys(name for entry in entries for name in entry))
    columns = {name: [entry.get(name) for entry in entries] for name in names}
    arrays: dict[str, Any] = {}
    for name, values in columns.items():
        try:
            arrays[name] = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # values of several kinds
            arrays[name] = pa.array([None if v is None else json.dumps(v) for v in values])
    buffer = io.BytesIO()
    pq.write_table(pa.table(arrays), buffer)
    return buffer.getvalue()
