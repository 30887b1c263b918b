"""Folders of Sacred's `FileStorageObserver`: a folder for each run, and the sources and resources that they share."""

from __future__ import annotations

import heapq
import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from blake3 import blake3

from ....errors import InvalidValue
from ....importing.folders import links_in, opening, read_at_most
from ....importing.foreign import is_plain, is_plain_folder, names_in, open_text, walk
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

__all__ = ["Runs", "runs_below"]

_SAID = frozenset({"run.json", "config.json", "metrics.json", "info.json", "cout.txt"})
_KNOWN = frozenset({
    "experiment", "command", "format", "host", "start_time", "stop_time", "heartbeat", "meta", "status", "resources", "artifacts", "result", "fail_trace",
    "captured_out", "queue_time",
})  # fmt: skip
_COLUMNS = ("values", "steps", "timestamps")
_STATUS: dict[str, Outcome] = {
    "RUNNING": "running", "QUEUED": "running", "COMPLETED": "completed", "FAILED": "failed", "INTERRUPTED": "cancelled",
    "TIMEOUT": "failed",
}  # fmt: skip
_ROWS = 4_000
_MOST_LOOKED = 1_000
_MOST_TEXT = 256 << 20
_KEY = "json://"


def runs_below(path: str) -> list[str]:
    """The folders of runs in the folder of an observer, in the order of their numbers; the folder itself, if it is one."""
    if _is_run(path):
        return [path]
    try:
        names = [name for name in names_in(path) if is_plain_folder(os.path.join(path, name))]
    except OSError:
        return []
    names.sort(key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name))
    folders = [os.path.join(path, name) for name in names if name[0] not in "._"]
    if not any(map(_is_run, folders[:_MOST_LOOKED])):
        return []
    return [folder for folder in folders if os.path.lexists(os.path.join(folder, "run.json"))]


def _is_run(folder: str) -> bool:
    if not all(os.path.lexists(os.path.join(folder, name)) for name in ("run.json", "config.json")):
        return False
    try:
        with open_text(os.path.join(folder, "run.json")) as file:
            head = file.read(1 << 16)
    except OSError:
        return False
    return '"experiment"' in head or '"command"' in head


class _Line(NamedTuple):
    """A value of a metric, in the order in which all of a run's are merged: by time, a metric's own as they stand."""

    at: float
    name: str
    number: int
    step: int | None
    time: float
    value: float


class Runs:
    """The runs of one folder.

    Raises:
        InvalidValue: There are none.
    """

    kind = "sacred"

    def __init__(self, path: str) -> None:
        self.where = os.path.abspath(path)
        self._findings: list[Finding] = []
        self._folders: dict[str, str] = {}
        self._said: dict[str, dict[str, Any]] = {}
        self._more: dict[str, list[dict[str, Any]]] = {}
        if not runs_below(self.where):
            raise InvalidValue(f"There are no runs of Sacred's in {path}.", key="source")

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: by their numbers."""
        self._findings, self._folders, self._said = [*links_in(self.where)], {}, {}
        for folder in runs_below(self.where):
            said = self._json(folder, "run.json", "")
            if said is None:
                continue
            run = self._run(folder, said)
            self._folders[run.key], self._said[run.key] = folder, said
            yield run

    def _run(self, folder: str, said: dict[str, Any]) -> Run:
        experiment, host, meta = (_mapping(said.get(key)) for key in ("experiment", "host", "meta"))
        number, name = os.path.basename(folder), str(experiment.get("name") or "sacred")
        began, hostname = str(said.get("start_time") or ""), str(host.get("hostname") or "")
        mark = began or blake3(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
        key = f"{name}/{number}/{mark}/{hostname}"
        path = os.path.join(folder, "run.json")
        started = _time(began) or os.path.getmtime(path)
        status = _STATUS.get(str(said.get("status")), "failed")
        trace = said.get("fail_trace")
        reason = None
        if status != "completed" and status != "running":
            last = str(trace[-1]).strip() if isinstance(trace, list) and trace else ""
            reason = last or str(said.get("status"))
        commits = [one for one in experiment.get("repositories") or () if isinstance(one, dict)]
        captured: dict[str, dict[str, Any]] = {}
        entry = str(experiment.get("mainfile") or "")
        if entry:
            captured["command"] = {"entry": entry, "cwd": str(experiment.get("base_dir") or "")}
        if commits:
            first = commits[0]
            named = {
                "commit": first.get("commit"),
                "remote": first.get("url"),
                "dirty": first.get("dirty"),
            }
            captured["git"] = {name: value for name, value in named.items() if value is not None}
        if host.get("python_version"):
            captured["environment"] = {"python": str(host["python_version"])}
        if host.get("cpu"):
            captured["hardware"] = {"cpu": str(host["cpu"])}
        read = self._json(folder, "config.json", key) or {}
        config = _plain(read)
        if not isinstance(config, dict):  # jsonpickle may make anything of an object
            config = {"config": config}
        info = (
            self._json(folder, "info.json", key)
            if os.path.lexists(os.path.join(folder, "info.json"))
            else None
        )
        kept = document(said, (), _KNOWN, path, key, self._findings)
        if info:
            kept["info"] = info
        comment = str(meta.get("comment") or "")
        return Run(
            key=key, place=(name,), name=number, started=started, ended=_time(str(said.get("stop_time") or "")),
            status=status, reason=reason, alive=_time(str(said.get("heartbeat") or "")) or os.path.getmtime(path),
            host=hostname, params=config, notes=comment or None, captured=captured, kept=_plain(kept),
        )  # fmt: skip

    # -- what it logged ----------------------------------------------------------------------------

    def rows(self, run: Run) -> Iterator[Points]:
        """See `Source.rows`: all metrics, merged by time."""
        self._more.pop(run.key, None)
        found = self._json(self._folders[run.key], "metrics.json", run.key, missing=True) or {}
        streams = [self._lines(str(name), one, run.key) for name, one in sorted(found.items())]
        batch: list[_Line] = []
        for line in heapq.merge(*streams):
            batch.append(line)
            if len(batch) == _ROWS:
                yield _points(batch)
                batch = []
        if batch:
            yield _points(batch)

    def _lines(self, name: str, one: Any, run: str) -> Iterator[_Line]:
        where = f"{os.path.join(self._folders[run], 'metrics.json')}: {name}"
        given = one if isinstance(one, dict) else {}
        more = {key: one for key, one in given.items() if key not in _COLUMNS}
        if more:
            self._more.setdefault(run, []).append({"metric": name, **more})
        values, steps, times = given.get("values"), given.get("steps"), given.get("timestamps")
        if not (isinstance(values, list) and isinstance(steps, list) and isinstance(times, list)):
            self._findings.append(
                Finding(where, "It is no metric with values, steps and times.", True, run)
            )
            return
        if not len(values) == len(steps) == len(times):
            what = f"There are {len(values)} values, {len(steps)} steps and {len(times)} times; what has all three comes."
            self._findings.append(Finding(where, what, True, run))
        newest = -math.inf
        for number, (value, step, at) in enumerate(zip(values, steps, times, strict=False)):
            found, when = _number(value), _time(str(at))
            if found is None or when is None:
                what = f"Value {number} is no number, or has no time: {value!r:.80}."
                self._findings.append(Finding(where, what, True, run))
                continue
            whole = (
                step
                if type(step) is int
                else int(step)
                if isinstance(step, float) and step.is_integer()
                else None
            )
            if whole is None and step is not None:
                what = f"Step {step!r:.40} is no whole number; the point comes without a step."
                self._findings.append(Finding(where, what, True, run))
            newest = max(newest, when)
            yield _Line(newest, name, number, whole, when, found)

    def messages(self, run: Run) -> Iterator[Message]:
        """See `Source.messages`: how it failed."""
        trace = self._said[run.key].get("fail_trace")
        if isinstance(trace, list):
            text = "".join(map(str, trace)).rstrip()
            yield Message(run.ended or run.started, "error", text)

    def printed(self, run: Run) -> Iterator[str]:
        """See `Source.printed`: whole lines; what a progress bar wrote over is left out."""
        path = os.path.join(self._folders[run.key], "cout.txt")
        if not os.path.lexists(path):
            return
        try:
            with open_text(path, newline="\n") as file:
                for line in file:
                    if line.endswith("\n") or run.status != "running":
                        yield line.rstrip("\r\n").rpartition("\r")[2]
        except OSError as error:
            what = f"It cannot be read: {error.strerror}."
            self._findings.append(Finding(path, what, True, run.key))

    def values(self, run: Run) -> Iterator[SourceValue]:
        """What is no number is an artifact at Sacred, and comes as a file."""
        return iter(())

    def files(self, run: Run) -> Iterator[SourceFile]:
        """See `Source.files`: what lies in its folder, and its sources and resources."""
        folder, said = self._folders[run.key], self._said[run.key]
        there = set()
        for at, folders, names in walk(folder):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(at, name)
                inside = os.path.relpath(path, folder).replace(os.sep, "/")
                if inside in _SAID:
                    continue
                if not is_plain(path):
                    self._findings.append(
                        Finding(
                            path, "It is a link or no plain file, and is left out.", True, run.key
                        )
                    )
                    continue
                there.add(inside)
                yield SourceFile("artifacts", inside, opening(path), time=os.path.getmtime(path))
        for name in said.get("artifacts") or ():
            if isinstance(name, str) and name not in there:
                self._findings.append(
                    Finding(
                        os.path.join(folder, name), "This artifact is not there.", True, run.key
                    )
                )
        experiment = _mapping(said.get("experiment"))
        for prefix, pairs in (
            ("sources", experiment.get("sources")),
            ("resources", said.get("resources")),
        ):
            yield from self._shared(prefix, pairs, folder, run.key)
        more = self._more.get(run.key, [])
        yield from kept_records(
            "sacred", folder, run.key, self._findings,
            lambda: (("fields of metrics.jsonl", line_of(one)) for one in more),
        )  # fmt: skip

    def _shared(self, prefix: str, pairs: Any, folder: str, run: str) -> Iterator[SourceFile]:
        """Files that several runs may have, by the names that a run has for them."""
        base = os.path.realpath(os.path.dirname(folder))
        for pair in pairs or ():
            if not (isinstance(pair, (list, tuple)) and len(pair) == 2):
                continue
            name, stored = str(pair[0]), str(pair[1])
            if "\0" in stored:
                continue
            own = os.path.join(base, f"_{prefix}", os.path.basename(stored))
            path = next((p for p in (os.path.join(base, stored), own) if _lies_in(base, p)), None)
            if path is None:
                what = f"What it names lies elsewhere, or is not there: {stored!r:.200}."
                self._findings.append(
                    Finding(f"{prefix} of {folder}: {name:.200}", what, True, run)
                )
                continue
            shown = name if not os.path.isabs(name) else os.path.basename(name)
            yield SourceFile(prefix, shown, opening(path))

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Nothing is held."""

    # -- files -------------------------------------------------------------------------------------

    def _json(
        self, folder: str, name: str, run: str, *, missing: bool = False
    ) -> dict[str, Any] | None:
        """An object in a file; of one that is cut short, the fields that are whole."""
        path = os.path.join(folder, name)
        try:
            with open_text(path) as file:
                text = read_at_most(file, _MOST_TEXT)
        except OSError as error:
            if not (missing and isinstance(error, FileNotFoundError)):
                self._findings.append(
                    Finding(path, f"It cannot be read: {error.strerror}.", True, run)
                )
            return None
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            written_just_now = time.time() - os.path.getmtime(path) < 60
            found = _whole_fields(text)
            what = f"It is damaged, or was cut short ({error!s:.100}); what is whole in it comes: {len(found)} fields."
            self._findings.append(Finding(path, what, not written_just_now, run))
            return (
                found if name != "run.json" or "status" in found or "experiment" in found else None
            )
        if not isinstance(found, dict):
            self._findings.append(Finding(path, "It is no object.", True, run))
            return None
        return found


def _whole_fields(text: str) -> dict[str, Any]:
    """The fields of an object that is cut short, up to the one that is not whole."""
    found: dict[str, Any] = {}
    decoder = json.JSONDecoder()
    at = text.find("{") + 1
    try:
        while at:
            at = _past(text, at, " \t\r\n,")
            name, at = decoder.raw_decode(text, at)
            at = _past(text, at, " \t\r\n:")
            value, at = decoder.raw_decode(text, at)
            following = _past(text, at, " \t\r\n")
            if following >= len(text) and not isinstance(value, (dict, list, str)):
                break  # a number may have had more digits
            found[str(name)] = value
            at = following
            if text[at : at + 1] != ",":
                break
    except (ValueError, RecursionError):
        pass  # what follows is not whole
    return found


def _past(text: str, at: int, blank: str) -> int:
    while at < len(text) and text[at] in blank:
        at += 1
    return at


def _points(lines: list[_Line]) -> Points:
    return Points(
        [line.name for line in lines], [line.step for line in lines], [line.time for line in lines], [line.value for line in lines],
    )  # fmt: skip


def _plain(value: Any) -> Any:
    """What jsonpickle wrote, as JSON that says the same: nothing is made from the names of classes in it."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    for sequence in ("py/tuple", "py/set"):
        if set(value) == {sequence} and isinstance(value[sequence], list):
            return [_plain(one) for one in value[sequence]]
    number = _number(value)
    if number is not None:
        return value["value"]
    return {_key(key): _plain(one) for key, one in value.items()}


def _key(key: str) -> str:
    return key.removeprefix(_KEY) if key.startswith(_KEY) else key


def _number(value: Any) -> float | None:
    """A number, or one of numpy's as jsonpickle writes it."""
    if isinstance(value, dict) and str(value.get("py/object", "")).startswith("numpy."):
        value = value.get("value")
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            return None
    return None


def _time(text: str) -> float | None:
    """Sacred's times are in UTC, and do not say so."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _lies_in(base: str, path: str) -> bool:
    real = os.path.realpath(path)
    return (
        real.startswith(os.path.join(base, ""))
        and os.path.isfile(real)
        and not os.path.islink(path)
    )
