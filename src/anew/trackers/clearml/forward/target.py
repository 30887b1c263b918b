"""Forwarding to ClearML: a task on a server, or an offline session, mirrors an experiment."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
import warnings
from collections.abc import Sequence
from typing import Any

from ....address import local_folder
from ....forwarders.account import MOST_PASSES, Account, Passes
from ....forwarders.patience import within
from ....forwarders.target import Item, Mirror, Refusal
from ....forwarding.address import ClearML
from ....record.events import (
    BindrsChanged,
    Captured,
    Closed,
    ConfigSet,
    FieldSet,
    FileLogged,
    Linked,
    LogLine,
    ParamsSet,
    PointLine,
    RecordsLost,
    TagsChanged,
    ValueLogged,
)
from ....record.status import Status
from ..translate import (
    NotShown,
    Sample,
    as_shown,
    file_name,
    level_name,
    section,
    texts,
    title_and_series,
)
from .session import OfflineSession, OnlineSession, Session

with warnings.catch_warnings():  # of what ClearML uses and others will remove
    warnings.simplefilter("ignore")
    from clearml.backend_api.services import events as api
    from clearml.backend_api.session.defs import ENV_OFFLINE_MODE

__all__ = ["ClearMLTarget"]

_CLOSE_SECONDS = 8.0
_SHORTEST_NAME = 3  # that ClearML takes


class ClearMLTarget:
    """A ClearML task. Offline, it is always the same session of the experiment.

    ClearML keeps one value for each title, series and iteration. Where a metric comes again to a step it had, or goes
    back, its points go on in the series `<series> (pass 2)` and so on.
    """

    def __init__(self, address: ClearML, mirror: Mirror, memo: dict[str, Any]) -> None:
        self._address = address
        self._mirror = mirror
        self._account = Account(memo)
        self._passes = Passes(memo.get("passes", {}))
        self._values: dict[str, int] = dict(memo.get("values", {}))
        self._artifacts: dict[str, dict[str, Any]] = dict(memo.get("artifacts", {}))
        self._script: dict[str, str] = dict(memo.get("script", {}))
        self._captured: dict[str, str] = dict(memo.get("captured", {}))
        self._sizes: dict[str, int] = dict(memo.get("sizes", {}))
        self._session: Session | None = None
        self._events: list[Any] = []
        self._changed = False

    @property
    def url(self) -> str | None:
        """The task's page; None offline, and before anything was sent."""
        return None if self._session is None else self._session.url

    # -- opening ---------------------------------------------------------------------------------------------------

    @property
    def _offline(self) -> bool:
        return self._address.mode == "offline" or bool(
            self._address.mode is None and ENV_OFFLINE_MODE.get()
        )

    @property
    def _project(self) -> str:
        return self._address.project or self._mirror.project or "anew"

    def _opened(self) -> Session:
        """The task, opened if it is not."""
        if self._session is None:
            if self._offline:
                folder = self._address.dir or os.path.join(
                    self._mirror.folder, "forwarded", "clearml"
                )
                mark = hashlib.sha256(self._mirror.experiment_id.encode()).hexdigest()[:32]
                task_id = f"offline-{mark}"
                self._session = OfflineSession(
                    os.path.join(local_folder(folder, what="dir", setting="forward_to"), task_id),
                    task_id,
                    self._sizes,
                )
            else:
                tag = f"anew:{self._mirror.experiment_id}"
                self._session = OnlineSession(self._project, self._name(), tag)
            self._changed = True
        return self._session

    def _name(self) -> str:
        name = self._account.state.name or self._mirror.name
        return name if len(name) >= _SHORTEST_NAME else self._mirror.prefix

    # -- sending ---------------------------------------------------------------------------------------------------

    def send(self, items: Sequence[Item], again: bool) -> list[Refusal]:
        """See `Target.send`."""
        refusals: list[Refusal] = []
        for item in items:
            if self._account.is_new(item, refusals):
                self._opened()
                self._send(item, refusals)
        self._flush()
        return refusals

    def _flush(self) -> None:
        if self._events:
            events, self._events = self._events, []
            self._opened().add(events)

    def _send(self, item: Item, refusals: list[Refusal]) -> None:
        record = item.record
        if isinstance(record, PointLine):
            self._points(item, record, refusals)
        elif isinstance(record, ValueLogged):
            self._value(item, record, refusals)
        elif isinstance(record, LogLine):
            fields = "".join(
                f"  {k}={json.dumps(v, ensure_ascii=False)}" for k, v in record.fields.items()
            )
            self._log(record.message + fields, record.level, record.t)
        elif isinstance(record, FileLogged):
            self._file(item, record, refusals)
        elif isinstance(record, Captured):
            self._changed = True
            self._capture(record)
        elif isinstance(
            record, (BindrsChanged, ConfigSet, FieldSet, Linked, ParamsSet, TagsChanged)
        ):
            self._changed = True
        elif isinstance(record, RecordsLost):
            self._log(f"{record.count} records were lost: {record.reason}", "warning", record.t)
        elif isinstance(record, Closed) and record.error and record.error != record.reason:
            self._log(record.error, "error", record.t)  # the reason has a place of its own

    def _points(self, item: Item, line: PointLine, refusals: list[Refusal]) -> None:
        for name, step in self._account.steps(line).items():
            number = float(line.m[name])
            place = self._passes.place(name, step)
            if not math.isfinite(number):
                reason = f"ClearML would show {number} as 0."
            elif not name:
                reason = "ClearML needs a name for every metric."
            elif place is None:
                reason = (
                    f"ClearML keeps one value for each iteration, but {name!r:.90} was logged more "
                    f"than {MOST_PASSES} times at some iterations."
                )
            else:
                self._passes.take(name, step, place)
                where = self._place(name, step, place, line.t)
                self._events.append(api.MetricsScalarEvent(**where, value=number))
                continue
            self._account.refuse(item, reason, refusals)

    def _place(self, name: str, step: int, place: int, t: float) -> dict[str, Any]:
        title, series = title_and_series(name)
        return {
            "task": self._opened().id,
            "timestamp": round(t * 1000),
            "iter": step,
            "metric": title,
            "variant": f"{series} (pass {place + 1})" if place else series,
        }

    def _value(self, item: Item, value: ValueLogged, refusals: list[Refusal]) -> None:
        position = self._values.get(value.name, 0)
        self._values[value.name] = position + 1
        step = position if value.step is None else value.step
        series = f"{value.kind} {value.name}"
        place = self._passes.place(series, step)
        try:
            if place is None:
                raise NotShown(
                    f"ClearML keeps one value for each iteration; this value was logged more than {MOST_PASSES} times."
                )
            shown = as_shown(value, self._mirror.folder)
        except NotShown as error:
            self._account.refuse(item, str(error), refusals)
            return
        self._passes.take(series, step, place)
        where = self._place(value.name, step, place, value.t)
        if isinstance(shown, str):
            self._events.append(api.MetricsPlotEvent(**where, plot_str=shown))
            return
        folder = [file_name(where[part]) for part in ("metric", "variant")]
        key = f"{self._data()}/metrics/{'/'.join(folder)}/{item.number:08d}.{shown.suffix}"
        self._events.append(api.MetricsImageEvent(**where, key=key, url=self._keep(shown, key)))

    def _keep(self, sample: Sample, key: str) -> str:
        if sample.path is not None:
            return self._opened().keep(sample.path, key)
        with tempfile.NamedTemporaryFile(suffix=f".{sample.suffix}") as file:
            file.write(sample.content or b"")
            file.flush()
            return self._opened().keep(file.name, key)

    def _log(self, message: str, level: str, t: float) -> None:
        self._events.append(
            api.TaskLogEvent(
                task=self._opened().id,
                timestamp=round(t * 1000),
                level=level_name(level),
                worker="anew",
                msg=message,
            )
        )

    def _file(self, item: Item, file: FileLogged, refusals: list[Refusal]) -> None:
        source = os.path.join(self._mirror.folder, *file.path.split("/"))
        if not os.path.isfile(source):
            self._account.refuse(item, f"The file {file.path} is no longer there.", refusals)
            return
        name = "/".join(part for part in (file.prefix, file.name) if part)
        key = f"{self._data()}/artifacts/{file_name(name)}/{file.file_id}/{file.name}"
        self._changed = True
        self._artifacts[name] = {
            "key": name,
            "type": "custom",
            "mode": "output",
            "uri": self._opened().keep(source, key),
            "content_size": file.size,
            "hash": file.hash,
            "timestamp": round(file.t),
        }

    def _data(self) -> str:
        """The folder of the task among the files, by ClearML's rule: an import looks for the id behind the dot."""
        return f"{file_name(self._project)}/{file_name(self._mirror.name)}.{self._opened().id}"

    def _capture(self, record: Captured) -> None:
        data = record.data
        if record.what == "git":
            self._script |= texts(repository=data.get("remote"), branch=data.get("branch"), version_num=data.get("commit"))  # fmt: skip
        if record.what == "command" and isinstance(data.get("argv"), list) and data["argv"]:
            self._script |= texts(entry_point=str(data["argv"][0]))
        self._captured[record.what] = json.dumps(data, indent=1, ensure_ascii=False)

    # -- what the task is like ---------------------------------------------------------------------------------------

    def _fields(self) -> dict[str, Any]:
        state = self._account.state
        about: dict[str, Any] = {
            "experiment_id": self._mirror.experiment_id,
            "prefix": self._mirror.prefix,
        }
        if state.parent:
            about |= {"parent": state.parent, "relation": state.relation}
        if state.bindrs:
            about["bindrs"] = ", ".join(state.bindrs)
        sections = {"General": state.params, "config": state.config or {}, "anew": about}
        tags = [k if v is None else f"{k}:{v}" for k, v in state.tags.items()]
        return {
            "name": self._name(),
            "project_name": self._project,
            "comment": "\n\n".join(t for t in (state.description, state.notes) if t),
            "tags": [f"anew:{self._mirror.experiment_id}", *tags],
            "hyperparams": {name: section(name, params) for name, params in sections.items()},
            "configuration": {
                name: {"name": name, "type": "json", "value": text}
                for name, text in self._captured.items()
            },
            "script": {"binary": "", "working_dir": ".", **self._script},
        }

    # -- settling and ending -----------------------------------------------------------------------------------------

    def settle(self) -> dict[str, Any]:
        """See `Target.settle`. Offline, the files are written out; online, the server has answered."""
        if self._session is not None:
            self._flush()
            if self._changed:
                self._session.describe(self._fields(), list(self._artifacts.values()))
                self._changed = False
            self._sizes = self._session.settle()
        return self._account.memo() | {
            "passes": self._passes.memo(),
            "values": dict(self._values),
            "artifacts": dict(self._artifacts),
            "script": dict(self._script),
            "captured": dict(self._captured),
            "sizes": dict(self._sizes),
        }

    def end(self, status: Status, reason: str | None, ended_at: float) -> None:
        """See `Target.end`."""
        self._opened()
        self.settle()
        assert self._session is not None
        self._session.end(status, reason, ended_at)
        self.close()

    def close(self) -> None:
        """See `Target.close`. A task that was not ended goes on as far as ClearML knows."""
        session, self._session, self._events = self._session, None, []
        if session is not None:
            within(_CLOSE_SECONDS, session.close)
