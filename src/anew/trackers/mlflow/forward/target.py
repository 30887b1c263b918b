"""A run on an MLflow server, or in a store that MLflow reads without one.

The run is found by its tag `anew.experiment_id`, which it is made with: a process that was killed right after leaves no
second one. Points are told apart there by name, step, value and millisecond; what may have arrived before is looked up
before it is offered again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from ....errors import NotFound
from ....forwarders.account import Account
from ....forwarders.target import Item, Mirror, NoPlace, Refusal
from ....forwarding.address import MLflow
from ....record.events import (
    Captured,
    ConfigSet,
    FieldSet,
    FileLogged,
    Linked,
    ParamsSet,
    PointLine,
    TagsChanged,
    ValueLogged,
)
from ....record.status import Status
from ..names import MAX_PARAM, MAX_TAG, artifact_path, key
from ..translate import facts
from .artifacts import Artifacts
from .library import (
    HTTPError,
    Metric,
    MlflowClient,
    MlflowException,
    Param,
    RunTag,
    make_store,
)

__all__ = ["MLflowTarget"]

_EXPERIMENT_ID = "anew.experiment_id"
_MOST_METRICS, _MOST_OTHERS = 1000, 100  # of a call, as MLflow limits it
_MOST_BYTES = 400_000  # of a call's names and values; MLflow takes a megabyte of JSON
_STAMPS = 20_000
_LARGEST = 1.7976931348623157e308
# A server's answers that mean the file itself: bad name, too large, of no kind it takes.
_OF_THE_FILE = (400, 413, 414, 415, 422)
_CHANGED = (
    "MLflow keeps the first value of a parameter; the latest value is in the tag anew.param.<name>."
)
_OURS = "In MLflow, tags that begin with 'anew.' are reserved for the forwarder."

_Identity = tuple[str, int, float | str, int]
"""What MLflow tells points apart by: name, step, value and time in milliseconds. NaN is "nan", equal to itself."""


class MLflowTarget:
    """See `Target`. `memo` holds the run's id, and what is counted and folded of the records."""

    def __init__(self, address: MLflow, mirror: Mirror, memo: dict[str, Any]) -> None:
        self._mirror = mirror
        self._facts = facts.run_facts(mirror.captured)
        make_store(address.tracking_uri)
        self._client = MlflowClient(tracking_uri=address.tracking_uri)
        self._uri = str(self._client.tracking_uri)
        self._found = False
        self._run_id = str(memo["run_id"]) if memo else self._find_or_make(address)
        self._take_stock()
        self._account = Account(memo)
        self._artifacts = Artifacts(self._client, self._run_id, mirror)
        self._ended = bool(memo.get("ended"))
        self._stamps: dict[_Identity, int] = {
            (name, step, value, t): number
            for name, step, value, t, number in memo.get("stamps", ())
        }
        self._newest = 0
        self._there: dict[str, set[_Identity]] = {}

    # -- the run ---------------------------------------------------------------------------------------------------

    def _find_or_make(self, address: MLflow) -> str:
        mirror = self._mirror
        given = self._facts
        name = address.experiment or given.experiment or facts.experiment_name(mirror.prefix)
        experiment_id = self._experiment(name)
        there = self._run_of(experiment_id, mirror.experiment_id)
        if there is not None:
            self._found = True
            return there
        tags = {_EXPERIMENT_ID: mirror.experiment_id, "anew.prefix": mirror.prefix}
        tags |= facts.known_tags(user=mirror.user)
        start = given.start_time or facts.milliseconds(mirror.created_at)
        name = given.name(mirror.name)
        run = self._client.create_run(experiment_id, start, tags, run_name=name)
        return str(run.info.run_id)

    def _run_of(self, mlflow_experiment: str, experiment_id: str) -> str | None:
        which = f"tags.`{_EXPERIMENT_ID}` = '{key(experiment_id)}'"
        runs = self._client.search_runs([mlflow_experiment], which, max_results=1)
        return str(runs[0].info.run_id) if runs else None

    def _experiment(self, name: str) -> str:
        for _ in range(2):
            found = self._client.get_experiment_by_name(name)
            if found is not None:
                if found.lifecycle_stage != "active":
                    raise NotFound(
                        f"The MLflow experiment {name!r} is deleted. Restore it there, or forward to another one: "
                        "MLflow(experiment=...).",
                        name=name,
                    )
                return str(found.experiment_id)
            try:
                return str(self._client.create_experiment(name))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
        raise NotFound(f"The MLflow experiment {name!r} does not exist and could not be created.")

    def _take_stock(self) -> None:
        """Read what the run has: parameters, which cannot be changed, and tags.

        Raises:
            NotFound: Somebody has deleted it.
        """
        try:
            run = self._client.get_run(self._run_id)
            active = run.info.lifecycle_stage == "active"
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            active = False
        if not active:
            raise NotFound(
                f"The MLflow run {self._run_id} is deleted. Restore it there, or send everything to a new run with: "
                f"anew forward {self._mirror.experiment_id} --to mlflow --afresh",
                name=self._run_id,
            )
        self._experiment_id = str(run.info.experiment_id)
        self._params: dict[str, str] = dict(run.data.params)
        self._tags: dict[str, str] = dict(run.data.tags)

    @property
    def url(self) -> str | None:
        """The run's page, where there is a server."""
        where = urlsplit(self._uri)
        if where.scheme not in ("http", "https"):
            return None
        server = urlunsplit((where.scheme, where.netloc.rpartition("@")[2], where.path, "", ""))
        return f"{server.rstrip('/')}/#/experiments/{self._experiment_id}/runs/{self._run_id}"

    # -- sending ---------------------------------------------------------------------------------------------------

    def send(self, items: Sequence[Item], again: bool) -> list[Refusal]:
        """See `Target.send`."""
        before = self._account.memo(), dict(self._stamps)
        refusals: list[Refusal] = []
        try:
            new = [item for item in items if self._account.is_new(item, refusals)]
            if new and self._ended:
                self._client.update_run(self._run_id, status="RUNNING")
                self._ended = False
            batch = _Batch()
            for item in new:
                self._add(item, batch)
            self._deliver(batch, again or self._found)
        except BaseException:
            self._account, self._stamps = Account(before[0]), before[1]
            self._there.clear()
            raise
        for item in new:
            if item.number in batch.refused:
                self._account.refuse(item, batch.refused[item.number], refusals)
        return refusals

    def _add(self, item: Item, batch: _Batch) -> None:
        record = item.record
        if isinstance(record, PointLine):
            self._add_points(item.number, record, batch)
        elif isinstance(record, ParamsSet):
            self._add_params(item.number, facts.param_texts(record.params), batch)
        elif isinstance(record, ConfigSet):
            self._add_params(item.number, facts.param_texts(record.config, "config."), batch)
        elif isinstance(record, TagsChanged):
            batch.touched += [key(tag) for tag in (*record.add, *record.remove)]
            if any(tag.startswith("anew.") for tag in record.add):
                batch.refused[item.number] = _OURS
        elif isinstance(record, FieldSet) and record.field == "name" and record.value:
            self._rename(item.number, self._facts.name(record.value), batch)
        elif isinstance(record, FileLogged):
            batch.calls.append((item.number, lambda: self._artifacts.file(record)))
        elif isinstance(record, ValueLogged):
            batch.calls.append((item.number, lambda: self._value(record)))
        elif isinstance(record, Captured):
            self._add_captured(item.number, record, batch)
        elif isinstance(record, Linked):
            batch.linked = True
        # Messages are sent as files when the experiment ends; what else there is has been folded into the state.

    def _rename(self, number: int, name: str, batch: _Batch) -> None:
        batch.calls.append((number, lambda: self._client.update_run(self._run_id, name=name)))

    def _add_points(self, number: int, record: PointLine, batch: _Batch) -> None:
        steps = self._account.steps(record)
        self._newest = facts.point_time(record.t, record.x)
        for name, given in record.m.items():
            value = float(given)
            identity = _identity(key(name), steps[name], value, self._newest)
            # MLflow keeps one of two points that are alike to the millisecond: the second is moved by one.
            while self._stamps.get(identity, number) != number:
                identity = (*identity[:3], identity[3] + 1)
            self._stamps[identity] = number
            metric = Metric(identity[0], value, identity[3], identity[1])
            batch.metrics.append(_Entry(number, metric, identity))

    def _add_params(self, number: int, params: dict[str, str], batch: _Batch) -> None:
        for name, value in params.items():
            text = self._fitting("params", name, value, MAX_PARAM, number, batch)
            there = batch.params.get(key(name))
            first = self._params.get(key(name)) if there is None else there.entity.value
            if first is None:
                batch.params[key(name)] = _Entry(number, Param(key(name), text))
            elif first != text:
                self._changed_param(number, Param(key(name), text), batch)

    def _changed_param(self, number: int, param: Any, batch: _Batch) -> None:
        tag = key(f"anew.param.{param.key}")
        batch.tags[tag] = _Entry(number, RunTag(tag, param.value))
        batch.refused[number] = _CHANGED

    def _add_captured(self, number: int, record: Captured, batch: _Batch) -> None:
        text = json.dumps(record.data, ensure_ascii=False, indent=2)
        if record.what == facts.CAPTURED:
            self._facts = facts.run_facts({record.what: record.data})
            name = self._facts.name(self._account.state.name or self._mirror.name)
            self._rename(number, name, batch)
        path = artifact_path("captured", f"{record.what}.json")
        batch.calls.append((number, lambda: self._artifacts.text(path, text)))
        told = {"git": facts.git_tags, "command": facts.command_tags}.get(record.what)
        for name, value in ({} if told is None else told(record.data)).items():
            batch.tags[name] = _Entry(number, RunTag(name, value[:MAX_TAG]))

    def _fitting(
        self, what: str, name: str, text: str, limit: int, number: int, batch: _Batch
    ) -> str:
        """A text, or the beginning of one that is too long for MLflow, which then is an artifact as well."""
        if len(text) <= limit:
            return text
        path = artifact_path(what, f"{name}.txt")
        batch.calls.append((number, lambda: self._artifacts.text(path, text)))
        return f"{text[: limit - 500]}… ({len(text)} characters, all in the artifact {path})"[
            :limit
        ]

    def _value(self, record: ValueLogged) -> None:
        table = self._artifacts.value(record)
        if record.kind == "image":
            self._set_tag("mlflow.loggedImages", "True")
        if table is not None:
            tables = json.loads(self._tags.get("mlflow.loggedArtifacts", "[]"))
            entry = {"path": table, "type": "table"}
            told = json.dumps([*tables, entry])
            # What MLflow's page has no room to list is an artifact like others.
            if entry not in tables and len(told) <= MAX_TAG:
                self._set_tag("mlflow.loggedArtifacts", told)

    def _set_tag(self, name: str, value: str) -> None:
        if self._tags.get(name) != value:
            self._client.set_tag(self._run_id, name, value)
            self._tags[name] = value

    # -- what is folded of events ----------------------------------------------------------------------------------

    def _fold_tags(self, batch: _Batch) -> list[str]:
        """Add the tags that the experiment has by now; returns those to be removed."""
        state = self._account.state
        last = self._account.seen
        wanted = {
            tag: facts.tag_text(value)
            for tag, value in state.tags.items()
            if not tag.startswith("anew.")
        }
        ours = {
            "mlflow.note.content": facts.note(state.description, state.notes),
            "anew.bindrs": ", ".join(state.bindrs),
            "anew.parent": state.parent or "",
            "anew.relation": state.relation or "",
            "anew.lost": f"{state.lost}: {state.lost_reason}" if state.lost else "",
        }
        wanted |= {tag: value for tag, value in ours.items() if value or tag in self._tags}
        if batch.linked and state.parent and state.relation == "child":
            parent = self._run_of(self._experiment_id, state.parent)
            wanted |= {} if parent is None else {"mlflow.parentRunId": parent}
        for tag, value in wanted.items():
            text = self._fitting("tags", tag, value, MAX_TAG, last, batch)
            if self._tags.get(key(tag)) != text:
                batch.tags[key(tag)] = _Entry(last, RunTag(key(tag), text))
        kept = {key(tag) for tag in wanted}
        return [tag for tag in batch.touched if tag not in kept and not tag.startswith("anew.")]

    # -- calls -----------------------------------------------------------------------------------------------------

    def _deliver(self, batch: _Batch, again: bool) -> None:
        removed = self._fold_tags(batch)
        metrics = self._missing(batch.metrics) if again else batch.metrics
        self._log("params", list(batch.params.values()), _MOST_OTHERS, batch)
        self._log("metrics", metrics, _MOST_METRICS, batch)
        self._log("tags", list(batch.tags.values()), _MOST_OTHERS, batch)
        self._params |= {name: entry.entity.value for name, entry in batch.params.items()}
        self._tags |= {name: entry.entity.value for name, entry in batch.tags.items()}
        for tag in dict.fromkeys(removed):
            if tag in self._tags:
                self._client.delete_tag(self._run_id, tag)
                del self._tags[tag]
        for number, call in batch.calls:
            try:
                call()
            except NoPlace as error:
                batch.refused[number] = str(error)
            except HTTPError as error:
                status = None if error.response is None else error.response.status_code
                if status not in _OF_THE_FILE:
                    raise
                batch.refused[number] = f"MLflow's server rejected this file ({status})."
        if not again:
            self._there.clear()

    def _log(self, what: str, entries: Sequence[_Entry], most: int, batch: _Batch) -> None:
        for part in _parts(entries, most):
            self._log_part(what, part, batch)

    def _log_part(self, what: str, part: Sequence[_Entry], batch: _Batch) -> None:
        """Send entries with one call; where MLflow objects to one of them, find out which it is."""
        try:
            entities: dict[str, Any] = {what: [entry.entity for entry in part]}
            self._client.log_batch(self._run_id, **entities)
        except MlflowException as error:
            if error.error_code not in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST"):
                raise
            if len(part) > 1:
                half = len(part) // 2
                self._log_part(what, part[:half], batch)
                self._log_part(what, part[half:], batch)
                return
            self._take_stock()  # says so if it is not the entry but the run
            if what == "params" and part[0].entity.key in self._params:  # set by somebody else
                self._changed_param(part[0].number, part[0].entity, batch)
                return
            reason = str(error).strip().splitlines()[0].rstrip(".")[:300]
            batch.refused[part[0].number] = f"MLflow rejected it: {reason}."

    def _missing(self, entries: Sequence[_Entry]) -> list[_Entry]:
        """The points that the run does not have yet.

        SQL stores would pass over those they have, slowly; a store in files would have them twice.
        """
        missing = []
        for entry in entries:
            name = entry.entity.key
            if name not in self._there:
                history = self._client.get_metric_history(self._run_id, name)
                self._there[name] = {
                    _identity(m.key, m.step, m.value, m.timestamp) for m in history
                }
            if entry.identity not in self._there[name]:
                missing.append(entry)
                self._there[name].add(entry.identity)
        return missing

    # -- settling and ending ---------------------------------------------------------------------------------------

    def settle(self) -> dict[str, Any]:
        """See `Target.settle`."""
        if len(self._stamps) > _STAMPS:
            self._stamps = dict(list(self._stamps.items())[-_STAMPS // 2 :])
        # Those that the next record may be alike to; it is hardly written earlier than the last one.
        stamps = [[*at, number] for at, number in self._stamps.items() if at[3] >= self._newest]
        memo = self._account.memo()
        return memo | {"run_id": self._run_id, "ended": self._ended, "stamps": stamps[-2000:]}

    def end(self, status: Status, reason: str | None, ended_at: float) -> None:
        """See `Target.end`."""
        self._artifacts.logs()
        if reason is not None:
            self._set_tag("anew.reason", reason[:MAX_TAG])
        self._client.set_terminated(
            self._run_id, facts.status_there(status), facts.milliseconds(ended_at)
        )
        self._ended = True

    def close(self) -> None:
        """See `Target.close`. Nothing is kept open."""


class _Entry(NamedTuple):
    """A metric, parameter or tag, and the number of the item that it is of."""

    number: int
    entity: Any
    identity: Any = None


class _Batch:
    """What the records of one `send` come to."""

    def __init__(self) -> None:
        self.metrics: list[_Entry] = []
        self.params: dict[str, _Entry] = {}
        self.tags: dict[str, _Entry] = {}
        self.touched: list[str] = []
        self.linked = False
        self.calls: list[tuple[int, Callable[[], object]]] = []
        self.refused: dict[int, str] = {}


def _identity(name: str, step: int, value: float, t: int) -> _Identity:
    kept = min(max(value, -_LARGEST), _LARGEST) + 0.0  # -0.0 is 0.0 there
    return name, step, "nan" if math.isnan(value) else kept, t


def _parts(entries: Sequence[_Entry], most: int) -> Iterable[list[_Entry]]:
    """Entries as many as a call takes, by their number and by their size."""
    part: list[_Entry] = []
    size = 0
    for entry in entries:
        this = 6 * len(entry.entity.key) + 6 * len(str(entry.entity.value)) + 100
        if part and (len(part) == most or size + this > _MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(entry)
        size += this
    if part:
        yield part
