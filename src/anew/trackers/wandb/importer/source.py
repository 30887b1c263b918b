"""Folders that W&B keeps of its runs (`wandb/offline-run-…`, `wandb/run-…`): all openings of a run are one run."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from struct import unpack_from
from types import MappingProxyType
from typing import Any, NamedTuple

from ....errors import InvalidValue
from ....importing.folders import files_below, links_below, plain_file
from ....importing.foreign import is_plain, names_in
from ....importing.source import Finding, Message, Outcome, Row, Run, SourceFile, SourceValue
from ....importing.unplaced import delimited, kept_records
from ....record.plain import flatten, nest
from ..translate.transactions import TransactionLog
from .artifacts import Artifact, artifact_of, files_of
from .forwarded import FILES, captured_in, end_of, forwarded, is_captured, message_of, tags_of
from .media import Find, Labels, file_of, labels_in, made, paths_of
from .records import (
    history_of,
    items,
    kind_of,
    metric_of,
    named,
    number_of,
    removed,
    strings,
    text_of,
    time_in,
    time_of,
    tree,
    without,
)
from .registry import used_artifacts

__all__ = ["Folders", "logs_below"]

_FOLDER = re.compile(r"(offline-)?run-\d{8}_\d{6}-.+")
_ALIVE_SECONDS = 600.0
_UNKNOWN = "field "
_MEDIA = "media/"
_LEVELS = {"INFO": "info", "WARN": "warning", "ERROR": "error"}
# Files that say again what the log says.
_SAID_ELSEWHERE = frozenset(
    {"wandb-summary.json", "config.yaml", "output.log", "wandb-metadata.json"}
)


def logs_below(path: str) -> list[str]:
    """The transaction logs in a folder of a run, in W&B's folder, or in the folder that it lies in; oldest first."""
    if os.path.isfile(path) and path.endswith(".wandb"):
        return [path]
    for base in (os.path.join(path, "wandb"), path, os.path.dirname(os.path.abspath(path))):
        try:
            names = [name for name in names_in(base) if _FOLDER.fullmatch(name)]
        except OSError:
            continue
        if base == os.path.dirname(os.path.abspath(path)):
            names = [name for name in names if name == os.path.basename(os.path.abspath(path))]
        names.sort(key=lambda name: name.removeprefix("offline-"))
        found = [
            os.path.join(base, name, file)
            for name in names
            for file in names_in(os.path.join(base, name))
            if file.endswith(".wandb") and is_plain(os.path.join(base, name, file))
        ]
        if found:
            return found
    return []


class _Said(NamedTuple):
    """What the openings of a run say of it, the later before the earlier."""

    run: dict[int, list[int | bytes]]
    environment: dict[int, list[int | bytes]]
    config: dict[str, Any]
    summary: dict[str, Any]
    kept: dict[str, list[Any]]
    artifacts: list[Artifact]
    exit_code: int | None
    last: float
    preempted: bool = False
    labels: Labels = MappingProxyType({})


class Folders:
    """The runs of one folder of W&B's.

    Args:
        caches: Where W&B keeps contents of artifacts on this machine.

    Raises:
        InvalidValue: There are none.
    """

    kind = "wandb"

    def __init__(self, path: str, caches: Sequence[str] = ()) -> None:
        self.where = os.path.abspath(path)
        self._caches = caches
        self._artifacts: dict[str, list[Artifact]] = {}
        self._labels: dict[str, Labels] = {}
        self._ours: set[str] = set()
        self._findings: list[Finding] = []
        self._logs: dict[str, list[str]] = {}
        self._unplaced: set[str] = set()
        if not logs_below(path):
            raise InvalidValue(f"There are no runs of W&B's in {path}.", key="source")

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: by the beginning of their first opening."""
        self._logs = {}
        said: dict[str, _Said] = {}
        self._findings += links_below(
            self.where, lambda name: name.endswith(".wandb"), folders=_FOLDER.fullmatch
        )
        for log in logs_below(self.where):
            found = self._look(log)
            if not found.run:
                self._findings.append(Finding(log, "It has no record of a run.", True))
                continue
            key = f"{text_of(found.run, 3)}/{text_of(found.run, 1)}"
            self._logs.setdefault(key, []).append(log)
            said[key] = _joined(said[key], found) if key in said else found
        for key, one in said.items():
            yield self._run(key, one)

    def _run(self, key: str, said: _Said) -> Run:
        run, around = said.run, said.environment
        code = said.exit_code
        changed = max(map(os.path.getmtime, self._logs[key]))
        status: Outcome = "completed" if code == 0 else "failed"
        reason = f"exit code {code}" if code else None
        if code is None:
            running = time.time() - changed < _ALIVE_SECONDS
            status, reason = ("running", None) if running else ("failed", "W&B has no end of it")
            if said.preempted and not running:
                status, reason = "cancelled", "preempted"
        program = text_of(around, 6)
        command = {
            "argv": [program, *strings(around, 5)],
            "entry": program,
            "python": text_of(around, 14),
        }
        remote = tree(_bytes(run, 21))
        git = {
            name: text_of(remote, number)
            for number, name in ((1, "remote"), (2, "commit"))
            if text_of(remote, number)
        }
        captured: dict[str, dict[str, Any]] = {}
        if program:
            captured["command"] = {name: value for name, value in command.items() if value}
        if git:
            captured["git"] = git
        facts = {
            "entity": text_of(run, 2),
            "group": text_of(run, 6),
            "job_type": text_of(run, 7),
            "sweep": text_of(run, 12),
        }
        kept: dict[str, Any] = {name: value for name, value in facts.items() if value}
        kept |= {name: value for name, value in said.kept.items() if value}
        if said.summary:
            kept["summary"] = said.summary
        branch = tree(_bytes(run, 23))
        origin = text_of(branch, 1)
        if origin:
            kept["forked_at"] = {"metric": text_of(branch, 3), "value": _double(branch, 2)}
        self._artifacts[key] = said.artifacts
        self._labels[key] = said.labels
        captured |= used_artifacts(said.kept["used"])
        tags: dict[str, str | None] = dict.fromkeys(strings(run, 10))
        if about := forwarded(said.config):
            self._ours.add(key)
            kept["anew"] = about
            tags = tags_of(tags)
            if code is not None:
                status, reason = end_of(about, status, reason)
            for log in self._logs[key]:
                captured |= captured_in(_files(log))
        started = time_of(run[17][-1]) if 17 in run else changed
        return Run(
            key=key, place=(text_of(run, 3) or "uncategorized",), name=text_of(run, 8) or text_of(run, 1), started=started,
            ended=None if status == "running" else max(started, said.last), status=status, reason=reason, alive=changed,
            user=text_of(around, 13), host=text_of(around, 12) or text_of(run, 13), params=said.config,
            parent=f"{text_of(run, 3)}/{origin}" if origin else None, relation="forked" if origin else "child",
            tags=tags, notes=text_of(run, 9) or None, captured=captured, kept=kept,
        )  # fmt: skip

    def _records(self, log: str, run: str) -> Iterator[tuple[str, bytes]]:
        reading = TransactionLog(log)
        try:
            for message in reading.messages():
                try:
                    kind, body = kind_of(message)
                    if kind:
                        yield kind, body
                except ValueError as error:
                    self._findings.append(
                        Finding(log, f"A record cannot be read: {error}.", True, run)
                    )
            if not reading.is_at_end and time.time() - os.path.getmtime(log) > _ALIVE_SECONDS:
                self._findings.append(
                    Finding(log, "Its end is damaged, or was never written.", False, run)
                )
        except OSError as error:
            self._findings.append(Finding(log, f"It cannot be read: {error.strerror}.", True, run))

    def _look(self, log: str) -> _Said:
        """What a log says of its run, points and messages left out."""
        said = _Said({}, {}, {}, {}, {"artifacts": [], "used": [], "metrics": []}, [], None, 0.0)
        config: dict[str, Any] = {}
        for kind, body in self._records(log, ""):
            if kind == "run":
                said.run.update(tree(body))
                config |= named(_bytes(said.run, 4))
            elif kind == "config":
                config |= named(body)
                for key in removed(body):
                    without(config, key)
            elif kind == "summary":
                said.summary.update(named(body))
                for key in removed(body):
                    without(said.summary, key)
            elif kind == "exit":
                code = tree(body).get(1, [0])[-1]
                said = said._replace(exit_code=code if isinstance(code, int) else 0)
            elif kind == "environment":
                said.environment.update(tree(body))
            elif kind == "preempting":
                said = said._replace(preempted=True)
            elif kind == "artifact":
                artifact = artifact_of(body, log)
                said.artifacts.append(artifact)
                said.kept["artifacts"].append(artifact.facts)
            elif kind == "use_artifact":
                used = tree(body)
                facts = {"name": text_of(used, 3), "type": text_of(used, 2), "id": text_of(used, 1)}
                said.kept["used"].append({name: value for name, value in facts.items() if value})
            elif kind == "tbrecord":
                place = text_of(tree(body), 1)
                what = "What TensorBoard was given is in its own event files, which can be imported too."
                self._findings.append(Finding(place or log, what, False))
            elif kind.startswith(_UNKNOWN):
                self._unplaced.add(log)
            elif kind == "metric":
                said.kept["metrics"].append(metric_of(body))
            elif kind in ("history", "stats"):
                said = said._replace(last=max(said.last, time_in(kind, body)))
        labels = labels_in(config.pop("_wandb", None))
        said.config.update(nest(flatten(config)))
        return said._replace(labels=labels)

    # -- what it logged ----------------------------------------------------------------------------

    def rows(self, run: Run) -> Iterator[Row]:
        """See `Source.rows`: what was logged, and samples of the machine, in the order of their records."""
        for log in self._logs[run.key]:
            for kind, body in self._records(log, run.key):
                if kind == "history":
                    step, at, values = history_of(body, run.key in self._ours)
                    numbers = {
                        name: number
                        for name, value in values.items()
                        if (number := number_of(value)) is not None
                    }
                    if numbers:
                        yield Row(step, at, numbers)
                elif kind == "stats":
                    at = time_in(kind, body)
                    samples = {
                        f"system/{'.'.join(key)}": number
                        for key, value in items(body, 3)
                        if (number := number_of(value)) is not None
                    }
                    if samples:
                        yield Row(None, at, samples)

    def values(self, run: Run) -> Iterator[SourceValue]:
        """See `Source.values`."""
        for log in self._logs[run.key]:
            folder = _files(log)
            for kind, body in self._records(log, run.key):
                if kind != "history":
                    continue
                step, at, values = history_of(body, run.key in self._ours)
                for name, value in values.items():
                    if number_of(value) is None and value is not None:
                        find, tell = partial(plain_file, folder), partial(self._lost, run.key)
                        found = made(name, value, find, self._labels[run.key], tell)
                        for name_, kind_, make in found:
                            yield SourceValue(name_, kind_, step, at, make)
                        if not found:
                            self._tell_of(name, value, find, run.key)

    def _lost(self, run: str, where: str, what: str) -> None:
        self._findings.append(Finding(where, what, True, run))

    def _tell_of(self, name: str, value: Any, find: Find, run: str) -> None:
        kind = value.get("_type") if isinstance(value, Mapping) else type(value).__name__
        has_file = file_of(value, find) is not None
        what = (
            f"There is no place for a {kind}; its file comes as a file."
            if has_file
            else f"There is no place for a {kind}."
        )
        self._findings.append(Finding(f"metric {name}", what, not has_file, run))

    def files(self, run: Run) -> Iterator[SourceFile]:
        """See `Source.files`: what lies in the folder of its files, but for what is said elsewhere or comes as a value."""
        shown = {path for one in self.values(run) for path in paths_of(one.make)}
        for log in filter(lambda log: os.path.isdir(_files(log)), self._logs[run.key]):
            for file in files_below(
                _files(log), "wandb", run.key, self._findings, but=lambda inside: inside in _SAID_ELSEWHERE,
            ):  # fmt: skip
                if os.path.realpath(os.path.join(_files(log), file.name)) in shown:
                    continue
                if run.status == "running" and file.name.startswith(_MEDIA):
                    # W&B lays it there before it says what it is: it comes as a value as soon as it does, else when the run is over.
                    what = "No record names it yet; it comes with a later import."
                    self._findings.append(Finding(file.name, what, False, run.key))
                    continue
                if run.key in self._ours:
                    if is_captured(file.name):
                        continue
                    if file.name.startswith(FILES):
                        place, _, name = file.name.removeprefix(FILES).rpartition("/")
                        file = file._replace(prefix=place, name=name)
                yield file
        yield from files_of(self._artifacts[run.key], run.key, self._caches, self._findings)
        logs = [log for log in self._logs[run.key] if log in self._unplaced]
        if logs:
            unknown = partial(self._unknown, logs, run.key)
            yield from kept_records("wandb", logs[0], run.key, self._findings, unknown)

    def _unknown(self, logs: list[str], run: str) -> Iterator[tuple[str, bytes]]:
        for log in logs:
            for kind, record in self._records(log, run):
                if kind.startswith(_UNKNOWN):
                    yield f"records of {kind}.pb", delimited(record)

    def messages(self, run: Run) -> Iterator[Message]:
        """See `Source.messages`: its alerts, each at the time of what was logged before; what Anew forwarded as messages."""
        for log in self._logs[run.key]:
            at = run.started
            for kind, body in self._records(log, run.key):
                if kind in ("history", "stats"):
                    at = time_in(kind, body) or at
                elif kind == "alert":
                    found = tree(body)
                    text = ": ".join(
                        part for part in (text_of(found, 1), text_of(found, 2)) if part
                    )
                    yield Message(at, _LEVELS.get(text_of(found, 3), "warning"), text)
                elif kind == "output_logger" and run.key in self._ours:
                    yield message_of(text_of(tree(body), 1), at)

    def printed(self, run: Run) -> Iterator[str]:
        """See `Source.printed`: whole lines; what a progress bar wrote over is left out."""
        rest = ""
        for log in self._logs[run.key]:
            for kind, body in self._records(log, run.key):
                if kind == "output_logger" and run.key not in self._ours:
                    yield from text_of(tree(body), 1).split("\n")
                elif kind in ("output", "output_raw"):
                    *lines, rest = (rest + text_of(tree(body), 3)).split("\n")
                    yield from (line.rstrip("\r").rpartition("\r")[2] for line in lines)
        if rest and run.status != "running":
            yield rest.rstrip("\r").rpartition("\r")[2]

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Nothing is held."""


def _joined(first: _Said, then: _Said) -> _Said:
    """Two openings of one run: the later counts where both say something, but for when it began."""
    run = {**first.run, **then.run}
    if 17 in first.run:
        run[17] = first.run[17]
    return _Said(
        run, {**first.environment, **then.environment}, {**first.config, **then.config}, {**first.summary, **then.summary},
        {name: [*first.kept[name], *then.kept[name]] for name in first.kept}, [*first.artifacts, *then.artifacts],
        then.exit_code, max(first.last, then.last), then.preempted, {**first.labels, **then.labels},
    )  # fmt: skip


def _bytes(found: dict[int, list[int | bytes]], number: int) -> bytes:
    value = found.get(number, [b""])[-1]
    return value if isinstance(value, bytes) else b""


def _double(found: dict[int, list[int | bytes]], number: int) -> float | None:
    value = found.get(number, [None])[-1]
    return unpack_from("<d", value)[0] if isinstance(value, bytes) and len(value) == 8 else None


def _files(log: str) -> str:
    return os.path.join(os.path.dirname(log), "files")
