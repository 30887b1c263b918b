"""Offline sessions of ClearML's: a task each."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import unquote

from ....errors import CorruptData, InvalidValue
from ....importing.folders import links_in
from ....importing.source import (
    Finding,
    Message,
    Outcome,
    Points,
    Run,
    SourceFile,
    SourceValue,
)
from ....importing.unplaced import document, kept_records, line_of
from ....record.plain import parse_json
from .container import TASK, TEXTS, Container, Folder, Zip, damaged_at, sessions_at, task_of
from .events import events_in, named, shown, step_of
from .params import parameters, properties

__all__ = ["Sessions"]

_ALIVE_SECONDS = 600.0
_ROWS = 4_000
_STATUS: dict[str, Outcome] = {
    "completed": "completed", "published": "completed", "closed": "completed", "failed": "failed", "stopped": "cancelled", "aborted": "cancelled",
}  # fmt: skip
_LEVELS = {"warn": "warning", "fatal": "critical", "verbose": "debug", "notset": "info"}
_READ = TEXTS
_KEPT = frozenset({
    "type", "parent", "configuration", "container", "models", "output", "user", "company", "runtime", "system_tags", "execution", "script", "project",
    "created", "started", "completed", "published", "last_update", "last_change", "last_changed_by", "last_iteration", "last_metrics", "last_worker",
    "last_worker_report", "status_changed", "status_message", "active_duration",
})  # fmt: skip
"""What is kept as it is; anything else that has no place is said."""
_PLACED = frozenset({
    "id", "name", "project_name", "status", "status_reason", "tags", "comment", "hyperparams", "offline_folder", "offline_output_models",
})  # fmt: skip
_IN_SCRIPT = ("repository", "version_num", "branch", "entry_point", "diff", "requirements")
_EVENTS = frozenset({"training_stats_scalar", "plot", "training_debug_image"})
_OURS = "anew:"


class Sessions:
    """The offline sessions at a path.

    Raises:
        InvalidValue: There are none.
    """

    kind = "clearml"

    def __init__(self, path: str) -> None:
        self.where = os.path.abspath(path)
        self._findings: list[Finding] = []
        self._containers: dict[str, Container] = {}
        self._tasks: dict[str, dict[str, Any]] = {}
        if not sessions_at(path):
            raise InvalidValue(f"There is no offline session of ClearML's at {path}.", key="source")

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: by the names of folders and zip files; of a session's folder and its zip, the zip, which is made at the end."""
        self.close()
        self._findings += links_in(self.where)
        for path in damaged_at(self.where):
            what = f"It is no session: it is damaged, or {TASK} in it is."
            self._findings.append(Finding(path, what, True))
        for path in sorted(sessions_at(self.where), key=lambda one: (os.path.isdir(one), one)):
            try:
                container: Container = Folder(path) if os.path.isdir(path) else Zip(path)
                task = task_of(container)
            except (CorruptData, OSError) as error:
                self._findings.append(Finding(path, str(error), True))
                continue
            key = str(task["id"])
            if key in self._containers:
                container.close()
                what = f"It is the task {key} once more, and is left out."
                self._findings.append(Finding(path, what, False, key))
                continue
            self._containers[key], self._tasks[key] = container, task
            yield self._run(key, container, task)

    def _run(self, key: str, container: Container, task: dict[str, Any]) -> Run:
        first, last, host = self._span(key, container)
        changed = container.changed_at()
        said = str(task.get("status") or "")
        status, reason = _STATUS.get(said), str(task.get("status_reason") or "") or None
        if status is None:
            alive = isinstance(container, Folder) and time.time() - changed < _ALIVE_SECONDS
            status = "running" if alive else "failed" if said == "in_progress" else "completed"
            if status == "failed":
                reason = reason or "ClearML has no end of it"
        ours = self._is_ours(key)
        tags: dict[str, str | None] = {}
        for tag in task.get("tags") or []:
            name, colon, value = str(tag).partition(":")
            if ours and str(tag).startswith(_OURS):
                continue  # it says which experiment it was, as `kept` does
            if ours and colon:
                tags[name] = value
            else:
                tags[str(tag)] = None
        tags |= properties(task)
        execution = _mapping(task.get("execution"))
        rest = {name: value for name, value in execution.items() if name != "artifacts" and value}
        script = {
            name: value
            for name, value in _mapping(task.get("script")).items()
            if name not in _IN_SCRIPT and value
        }
        kept = document({**task, "execution": rest, "script": script}, _PLACED, _KEPT, f"{container.path}: {TASK}", key, self._findings)  # fmt: skip
        captured = self._captured(task)
        if (
            about := parameters({"hyperparams": {"General": _section(task, "anew")}})
            if ours
            else {}
        ):
            kept["anew"] = about
        if ours:
            captured |= _captured(kept.pop("configuration", None))
        config = parameters({"hyperparams": {"General": _section(task, "config")}}) if ours else {}
        parent = task.get("parent")
        project = str(task.get("project_name") or "")
        return Run(
            key=key, place=tuple(part for part in project.split("/") if part), name=str(task.get("name") or ""), started=first or changed,
            ended=None if status == "running" else max(last, first) or changed, status=status, reason=reason, alive=changed, host=host,
            parent=parent if isinstance(parent, str) and parent else None,
            params=parameters(task, but=frozenset({"anew", "config"}) if ours else frozenset()), config=config or None, tags=tags,
            notes=str(task.get("comment") or "") or None, captured=captured, kept=kept,
        )  # fmt: skip

    def _is_ours(self, key: str) -> bool:
        """Whether Anew's forwarder wrote it."""
        tags = self._tasks[key].get("tags") or []
        return any(str(tag).startswith(_OURS) for tag in tags)

    def _captured(self, task: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        script = task.get("script")
        if not isinstance(script, Mapping):
            return {}
        git = {
            here: str(script[there])
            for here, there in (("remote", "repository"), ("commit", "version_num"), ("branch", "branch"))
            if script.get(there)
        }  # fmt: skip
        captured = {"git": git} if git else {}
        if entry := script.get("entry_point"):
            captured["command"] = {"entry": str(entry)}
        return captured

    def _span(self, key: str, container: Container) -> tuple[float, float, str]:
        """The first and last time of what was reported, and the machine that reported it."""
        first = last = 0.0
        host = ""
        for event in self._events(container, "metrics.jsonl", ""):
            at = _seconds(event)
            first, last = min(first or at, at), max(last, at)
        for event in self._events(container, "log.jsonl", ""):
            at = _seconds(event)
            first, last = min(first or at, at), max(last, at)
            host = host or str(event.get("worker") or "")
        return first, last, "" if host == "anew" else host

    def _events(self, container: Container, name: str, run: str) -> Iterator[dict[str, Any]]:
        """The events of a file; what is wrong with it is said with its run, and not when it is only looked through."""
        return events_in(container, name, run, self._findings if run else [])

    # -- what it logged ----------------------------------------------------------------------------

    def rows(self, run: Run) -> Iterator[Points]:
        """See `Source.rows`: its scalars, in the order in which they were reported."""
        ours = self._is_ours(run.key)
        names: list[str] = []
        steps: list[int | None] = []
        times: list[float] = []
        values: list[float] = []
        for event in self._events(self._containers[run.key], "metrics.jsonl", run.key):
            if event.get("type") != "training_stats_scalar":
                continue
            value, name = event.get("value"), named(event, ours)
            if not isinstance(value, (int, float)) or isinstance(value, bool):
                what = f"The scalar {name!r:.80} at {event.get('iter')!r:.30} has no number: {value!r:.80}."
                self._findings.append(Finding(f"{run.name}: metrics.jsonl", what, True, run.key))
                continue
            names.append(name)
            steps.append(step_of(event))
            times.append(_seconds(event) or run.started)
            values.append(float(value))
            if len(names) == _ROWS:
                yield Points(names, steps, times, values)
                names, steps, times, values = [], [], [], []
        if names:
            yield Points(names, steps, times, values)

    def _shown(
        self, run: Run
    ) -> Iterator[tuple[dict[str, Any], str | None, tuple[str, Any] | None]]:
        """Plots and debug samples: the event, its file in the session, and the value that it is here."""
        container = self._containers[run.key]
        for event in self._events(container, "metrics.jsonl", run.key):
            if event.get("type") in ("plot", "training_debug_image"):
                sample = self._file(run.key, event.get("url"))
                yield event, sample, shown(event, container, sample)

    def values(self, run: Run) -> Iterator[SourceValue]:
        """See `Source.values`: plots and debug samples."""
        ours = self._is_ours(run.key)
        for event, sample, found in self._shown(run):
            name = named(event, ours)
            if found is not None:
                at = _seconds(event) or run.started
                yield SourceValue(name, found[0], step_of(event), at, found[1])
            elif sample is None:
                what = f"It does not lie in the session: {event.get('url') or event.get('type')!s:.200}."
                self._findings.append(Finding(f"{run.name}: {name}", what, True, run.key))

    def _file(self, key: str, url: Any) -> str | None:
        """The file in the session that an address of its task names."""
        if not isinstance(url, str):
            return None
        container, folder = self._containers[key], str(self._tasks[key].get("offline_folder") or "")
        inside = url.removeprefix("file://").removeprefix(folder).lstrip("/\\")
        at = inside.find("data/")
        for name in (inside, unquote(inside), inside[at:] if at >= 0 else ""):
            if name and container.size(name) is not None:
                return name
        return None

    def messages(self, run: Run) -> Iterator[Message]:
        """See `Source.messages`: what was logged and printed, as ClearML took it in, with time and level."""
        for event in self._events(self._containers[run.key], "log.jsonl", run.key):
            level = str(event.get("level") or "info").lower()
            text = str(event.get("msg") or "")
            yield Message(_seconds(event) or run.started, _LEVELS.get(level, level), text)

    def printed(self, run: Run) -> Iterator[str]:
        """ClearML keeps what is printed as messages."""
        return iter(())

    # -- files -------------------------------------------------------------------------------------

    def files(self, run: Run) -> Iterator[SourceFile]:
        """See `Source.files`: artifacts, weights of models, samples that have no kind here, and what else lies in the session."""
        container, task = self._containers[run.key], self._tasks[run.key]
        told = {sample for _, sample, found in self._shown(run) if found is not None and sample}
        execution = task.get("execution")
        artifacts = execution.get("artifacts") if isinstance(execution, Mapping) else None
        for artifact in artifacts if isinstance(artifacts, list) else []:
            if not isinstance(artifact, Mapping):
                continue
            name = self._file(run.key, artifact.get("uri"))
            key = str(artifact.get("key") or "")
            if name is None:
                what = f"The artifact does not lie in the session: {artifact.get('uri')!s:.200}."
                self._findings.append(Finding(f"{run.name}: artifact {key}", what, True, run.key))
                continue
            told.add(name)
            yield self._artifact(run, container, artifact, key, name)
        for model in task.get("offline_output_models") or []:
            self._look_at_model(run, model, container)
        yield from self._scripts(task)
        unknown = partial(self._unknown, container, run.key)
        yield from kept_records("clearml", container.path, run.key, self._findings, unknown)
        for name in container.names():
            if name in told or (name in _READ and container.size(name) is not None):
                continue
            if container.size(name) is None:
                what = "It is a link, no plain file, or unpacks to far more than its size allows for, and is left out."
                self._findings.append(Finding(f"{container.path}: {name}", what, True, run.key))
                continue
            yield SourceFile("clearml", name, partial(container.open, name), time=run.started)

    def _unknown(self, container: Container, run: str) -> Iterator[tuple[str, bytes]]:
        for event in self._events(container, "metrics.jsonl", run):
            if event.get("type") not in _EVENTS:
                yield "events.jsonl", line_of(event)

    def _artifact(
        self, run: Run, container: Container, artifact: Mapping[str, Any], key: str, name: str
    ) -> SourceFile:
        metadata = {
            field: artifact[field]
            for field in ("key", "type", "mode", "hash", "display_data", "type_data")
            if artifact.get(field)
        }
        size = artifact.get("content_size")
        if type(size) is int and size != container.size(name):
            what = f"It has {container.size(name)} bytes, and its task says {size}."
            self._findings.append(Finding(f"{container.path}: {name}", what, True, run.key))
        at = artifact.get("timestamp")
        end = name.rpartition("/")[2]
        if self._is_ours(run.key):
            prefix, _, end = key.rpartition("/")
        else:
            prefix = f"artifacts/{key}"
        return SourceFile(
            prefix, end, partial(container.open, name), time=float(at) if isinstance(at, (int, float)) else None, metadata=metadata,
        )  # fmt: skip

    def _look_at_model(self, run: Run, model: Any, container: Container) -> None:
        """Weights that were not copied into the session are named."""
        weights = model.get("weights") if isinstance(model, Mapping) else None
        path = weights.get("weights_filename") if isinstance(weights, Mapping) else None
        if (
            path
            and container.size(f"models/{str(path).replace(os.sep, '/').rpartition('/')[2]}")
            is None
        ):
            what = f"The weights of a model do not lie in the session: {path!s:.200}."
            self._findings.append(Finding(f"{run.name}: model", what, True, run.key))

    def _scripts(self, task: Mapping[str, Any]) -> Iterator[SourceFile]:
        """Uncommitted changes, and the packages that it found."""
        script = task.get("script")
        if not isinstance(script, Mapping):
            return
        required = script.get("requirements")
        texts = {"uncommitted.diff": script.get("diff")}
        for name, text in (required if isinstance(required, Mapping) else {}).items():
            texts[f"requirements-{name}.txt"] = text
        for name, text in texts.items():
            if isinstance(text, str) and text:
                data = text.encode("utf-8", "replace")
                yield SourceFile("clearml", name, partial(_bytes, data))

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Close the zip files."""
        for container in self._containers.values():
            container.close()
        self._containers, self._tasks = {}, {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _section(task: Mapping[str, Any], name: str) -> Any:
    sections = task.get("hyperparams")
    return sections.get(name) if isinstance(sections, Mapping) else None


def _captured(configuration: Any) -> dict[str, dict[str, Any]]:
    """What Anew's forwarder wrote of what was captured, but for an earlier import."""
    found = {}
    for name, item in configuration.items() if isinstance(configuration, Mapping) else ():
        text = item.get("value") if isinstance(item, Mapping) else None
        try:
            data = parse_json(text) if isinstance(text, str) else None
        except ValueError:
            data = None
        if isinstance(data, dict) and name != "imported":
            found[str(name)] = data
    return found


def _seconds(event: Mapping[str, Any]) -> float:
    at = event.get("timestamp")
    return at / 1000 if isinstance(at, (int, float)) else 0.0


def _bytes(data: bytes) -> BinaryIO:
    return io.BytesIO(data)
