"""Folders that SwanLab keeps of its runs (`swanlog/run-…/run-<id>.swanlab`): all openings of a run are one run.

The file is a log of LevelDB's format, as W&B's is, and each record is a protocol buffer.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import partial
from struct import pack, unpack
from typing import Any

from ....errors import InvalidValue
from ....importing.documents import yaml_of
from ....importing.folders import links_below, opening, plain_file, read_at_most
from ....importing.foreign import is_plain, names_in, open_plain, open_text, walk
from ....importing.protobuf import fields, signed
from ....importing.source import (
    Finding,
    Message,
    Outcome,
    Points,
    Run,
    SourceFile,
    SourceValue,
)
from ....importing.unplaced import delimited, kept_records
from ....values.audio import Audio
from ....values.image import Image
from ....values.text import Text
from ....values.video import Video
from .records import HEADER, Log

__all__ = ["Folders", "logs_below"]

_FOLDER = re.compile(r"run-\d{8}_\d{6}-.+")
_START, _FINISH, _COLUMN, _SCALAR, _MEDIA, _LOG = 10, 11, 12, 13, 14, 16
_SAVED = 20  # which files were saved: they lie in the folder
_PLACED = frozenset({_START, _FINISH, _COLUMN, _SCALAR, _MEDIA, _LOG, _SAVED})
_STATES: dict[int, Outcome] = {0: "running", 1: "completed", 2: "failed", 3: "cancelled"}
_TYPES = {
    2: "image",
    3: "audio",
    4: "text",
    5: "video",
    6: "echarts",
    7: "object3d",
    8: "molecule",
    9: "html",
}
_SYSTEM = 2
_ROWS = 4_000
_MOST_TEXT = 64 << 20
_PREFIX = "__swanlab__."
Tree = dict[int, list[int | bytes]]


def logs_below(path: str) -> list[str]:
    """The logs in a folder of a run, in SwanLab's folder, or in the folder that it lies in; oldest first."""
    if os.path.isfile(path):
        return [path] if path.endswith(".swanlab") else []
    whole = os.path.abspath(path)
    if _FOLDER.fullmatch(os.path.basename(whole)):
        return _logs_in(whole)
    for base in (os.path.join(path, "swanlog"), path):
        try:
            names = [name for name in names_in(base) if _FOLDER.fullmatch(name)]
        except OSError:
            continue
        found = [log for name in names for log in _logs_in(os.path.join(base, name))]
        if found:
            return found
    return []


def _logs_in(folder: str) -> list[str]:
    try:
        names = names_in(folder)
    except OSError:
        return []
    logs = [os.path.join(folder, name) for name in names if name.endswith(".swanlab")]
    return [log for log in logs if is_plain(log)]


class Folders:
    """The runs of one folder of SwanLab's.

    Raises:
        InvalidValue: There are none.
    """

    kind = "swanlab"

    def __init__(self, path: str) -> None:
        self.where = os.path.abspath(path)
        self._findings: list[Finding] = []
        self._logs: dict[str, list[str]] = {}
        if not logs_below(path):
            raise InvalidValue(f"There are no runs of SwanLab's in {path}.", key="source")

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: by the beginning of their first opening."""
        self._logs, self._findings = {}, []
        starts: dict[str, Tree] = {}
        self._findings += links_below(
            self.where, lambda name: name.endswith(".swanlab"), folders=_FOLDER.fullmatch
        )
        for log in logs_below(self.where):
            found = next(
                (tree(body) for kind, body in self._records(log, "") if kind == _START), None
            )
            if found is None:
                self._findings.append(Finding(log, "It has no record of a run.", True))
                continue
            key = f"{_text(found, 1)}/{_text(found, 10)}"
            self._logs.setdefault(key, []).append(log)
            starts[key] = {
                **starts.get(key, {}),
                **found,
                **({12: starts[key][12]} if 12 in starts.get(key, {}) else {}),
            }
        for key, start in starts.items():
            yield self._run(key, start)

    def _run(self, key: str, start: Tree) -> Run:
        logs = self._logs[key]
        changed = max(map(os.path.getmtime, logs))
        end: Tree = {}
        charts: dict[str, Any] = {}
        for kind, body in self._records(logs[-1], key):
            if kind == _FINISH:
                end = tree(body)
            elif kind == _COLUMN:
                column = tree(body)
                named = {
                    "name": _text(column, 4),
                    "section": _text(column, 5),
                    "chart": _text(column, 9),
                    "x_axis": _text(column, 13),
                }
                charts[_text(column, 3)] = {name: value for name, value in named.items() if value}
        status: Outcome = _STATES.get(_whole(end, 1), "running") if end else "running"
        error = _text(end, 2).strip()
        folder = os.path.join(os.path.dirname(logs[-1]), "files")
        config = self._read(os.path.join(folder, "config.yaml"), key)
        about = self._read(os.path.join(folder, "swanlab-metadata.json"), key)
        runtime, git, hardware = (_given(about, name) for name in ("runtime", "git", "hardware"))
        facts = {
            "workspace": _text(start, 2),
            "group": _text(start, 7),
            "job_type": _text(start, 8),
            "color": _text(start, 9),
        }
        kept: dict[str, Any] = {name: value for name, value in facts.items() if value}
        if about:
            kept["metadata"] = about
        if charts:
            kept["columns"] = charts
        started = _time(start, 12) or os.path.getmtime(logs[0])
        return Run(
            key=key, place=(_text(start, 1) or "swanlab",), name=_text(start, 4) or _text(start, 10), started=started,
            ended=_time(end, 3), alive=changed, status=status,
            reason=(error.splitlines()[-1] if error else None) if status != "completed" else None,
            host=str(_given(runtime, "hostname") or ""), description=_text(start, 5) or None,
            tags=dict.fromkeys(_texts(start, 6)), params=_params(config), captured=_captured(runtime, git, hardware), kept=kept,
        )  # fmt: skip

    def _records(self, log: str, run: str) -> Iterator[tuple[int, bytes]]:
        """The records of a log: what each is, by its field, and its bytes."""
        try:
            with open_plain(log) as file:
                header = file.read(len(HEADER))
            if header != HEADER:
                what = (
                    f"It was written by another version of SwanLab ({header!r}), and is not read."
                )
                self._findings.append(Finding(log, what, True, run))
                return
            reading = Log(log)
            for message in reading.records():
                try:
                    yield from (
                        (number, body)
                        for number, body in fields(message)
                        if number >= _START and isinstance(body, bytes)
                    )
                except ValueError as error:
                    self._findings.append(
                        Finding(log, f"A record cannot be read: {error}.", True, run)
                    )
            if not reading.is_whole:
                what = "Its end is damaged, or was never written; what lies before comes."
                self._findings.append(Finding(log, what, False, run))
        except OSError as error:
            self._findings.append(Finding(log, f"It cannot be read: {error.strerror}.", True, run))

    # -- what it logged ----------------------------------------------------------------------------

    def rows(self, run: Run) -> Iterator[Points]:
        """See `Source.rows`: numbers that were logged, and samples of the machine, in the order of their records."""
        for log in self._logs[run.key]:
            system: set[str] = set()
            batch: list[tuple[str, int, float, float]] = []
            for kind, body in self._records(log, run.key):
                if kind == _COLUMN:
                    column = tree(body)
                    if _whole(column, 1) == _SYSTEM:
                        system.add(_text(column, 3))
                elif kind == _SCALAR:
                    found = self._scalar(log, body, run, system)
                    if found is not None:
                        batch.append(found)
                if len(batch) >= _ROWS:
                    yield _points(batch)
                    batch = []
            if batch:
                yield _points(batch)

    def _scalar(
        self, log: str, body: bytes, run: Run, system: set[str]
    ) -> tuple[str, int, float, float] | None:
        try:
            found = tree(body)
            key = _text(found, 1)
            value = tree(_bytes(found, 5)).get(1, [pack("<d", 0.0)])[-1]
            if not key or not isinstance(value, bytes) or len(value) != 8:
                raise ValueError("it has no name, or no number")
            name = (
                f"system/{key.removeprefix(_PREFIX)}"
                if key in system or key.startswith(_PREFIX)
                else key
            )
            return (
                name,
                signed(_whole(found, 2)),
                _time(found, 4) or run.started,
                unpack("<d", value)[0],
            )
        except ValueError as error:
            self._findings.append(Finding(log, f"A value cannot be read: {error}.", True, run.key))
            return None

    def values(self, run: Run) -> Iterator[SourceValue]:
        """See `Source.values`: images, sounds, videos, texts and HTML; what has no kind here is a file, and said."""
        for log in self._logs[run.key]:
            for kind, body in self._records(log, run.key):
                if kind != _MEDIA:
                    continue
                try:
                    found = tree(body)
                    items = [
                        tree(one)
                        for one in tree(_bytes(found, 5)).get(1, [])
                        if isinstance(one, bytes)
                    ]
                except ValueError as error:
                    self._findings.append(
                        Finding(log, f"A value cannot be read: {error}.", True, run.key)
                    )
                    continue
                what = _TYPES.get(_whole(found, 3), "file")
                for item in items:
                    yield from self._item(log, run, what, found, item)

    def _item(
        self, log: str, run: Run, what: str, found: Tree, item: Tree
    ) -> Iterator[SourceValue]:
        name, step, at = _text(found, 1), signed(_whole(found, 2)), _time(found, 4) or run.started
        folder = os.path.join(os.path.dirname(log), "media")
        path = plain_file(folder, f"{what}/{_text(item, 1)}")
        caption = _text(item, 4) or None
        if path is None:
            missing = f"The {what} at step {step} is not in the folder: {_text(item, 1)!r:.100}."
            self._findings.append(Finding(f"{log}: {name}", missing, True, run.key))
            return
        make = _made(what, path, caption)
        if make is None:
            self._findings.append(
                Finding(
                    f"{log}: {name}",
                    f"There is no place for {what}; its file comes as a file.",
                    False,
                    run.key,
                )
            )
            return
        yield SourceValue(name, "text" if what == "html" else what, step, at, make)

    def files(self, run: Run) -> Iterator[SourceFile]:
        """See `Source.files`: what was saved, and media that have no kind here."""
        for log in self._logs[run.key]:
            folder = os.path.dirname(log)
            for top in (
                "files",
                *(f"media/{what}" for what in ("echarts", "object3d", "molecule")),
            ):
                begin = os.path.join(folder, *top.split("/"))
                for at, folders, names in walk(begin):
                    folders.sort()
                    for name in sorted(names):
                        path = os.path.join(at, name)
                        if not is_plain(path):
                            what = "It is a link or no plain file, and is left out."
                            self._findings.append(Finding(path, what, True, run.key))
                            continue
                        inside = os.path.relpath(path, begin).replace(os.sep, "/")
                        prefix = "swanlab" if top == "files" else f"swanlab/{top}"
                        yield SourceFile(prefix, inside, opening(path), time=os.path.getmtime(path))

        unknown = partial(self._unknown, self._logs[run.key], run.key)
        yield from kept_records("swanlab", self._logs[run.key][0], run.key, self._findings, unknown)

    def _unknown(self, logs: list[str], run: str) -> Iterator[tuple[str, bytes]]:
        for log in logs:
            for kind, body in self._records(log, run):
                if kind not in _PLACED:
                    yield f"records of field {kind}.pb", delimited(body)

    def messages(self, run: Run) -> Iterator[Message]:
        """SwanLab has none."""
        return iter(())

    def printed(self, run: Run) -> Iterator[str]:
        """See `Source.printed`."""
        for log in self._logs[run.key]:
            for kind, body in self._records(log, run.key):
                if kind == _LOG:
                    yield _text(tree(body), 1)

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Nothing is held."""

    def _read(self, path: str, run: str) -> dict[str, Any]:
        if not os.path.lexists(path):
            return {}
        try:
            with open_plain(path) as file:
                data = read_at_most(file, _MOST_TEXT)
            found = json.loads(data) if path.endswith(".json") else yaml_of(data, version=(1, 1))
        except (OSError, ValueError, RecursionError) as error:
            self._findings.append(Finding(path, f"It cannot be read: {error!s:.200}", True, run))
            return {}
        return found if isinstance(found, dict) else {}


def tree(data: bytes) -> Tree:
    """A message as its fields by number.

    Raises:
        ValueError: It is none.
    """
    found: Tree = {}
    for number, value in fields(data):
        found.setdefault(number, []).append(value)
    return found


def _points(batch: list[tuple[str, int, float, float]]) -> Points:
    names, steps, times, values = zip(*batch, strict=True)
    return Points(names, steps, times, values)


def _params(config: Mapping[str, Any]) -> dict[str, Any]:
    wrapped = isinstance(config, dict) and all(
        isinstance(one, dict) and "value" in one for one in config.values()
    )
    return {str(name): one["value"] if wrapped else one for name, one in config.items()}


def _captured(runtime: Any, git: Any, hardware: Any) -> dict[str, dict[str, Any]]:
    cpu = _given(hardware, "cpu")
    found = {
        "command": {"argv": str(_given(runtime, "command") or "").split(), "cwd": _given(runtime, "cwd"), "python": _given(runtime, "python_executable")},
        "git": {"commit": _given(git, "commit"), "branch": _given(git, "branch"), "remote": _given(git, "remote_url")},
        "environment": {"python": _given(runtime, "python_version"), "system": _given(runtime, "os")},
        "hardware": {"cpu": _given(cpu, "brand"), "cores": _given(cpu, "logical_count")},
    }  # fmt: skip
    filled = {
        what: {n: v for n, v in data.items() if v not in (None, "", [])}
        for what, data in found.items()
    }
    return {what: data for what, data in filled.items() if data}


def _given(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, dict) else None


def _made(what: str, path: str, caption: str | None) -> partial[Any] | None:
    if what == "image":
        return partial(Image, path, caption=caption)
    if what == "audio":
        return partial(Audio, path, caption=caption)
    if what == "video":
        return partial(Video, path, caption=caption)
    if what in ("text", "html"):
        return partial(_written, path, "html" if what == "html" else "plain", caption)
    return None


def _written(path: str, form: str, caption: str | None) -> Text:
    with open_text(path) as file:
        return Text(read_at_most(file, _MOST_TEXT), form, caption)


def _bytes(found: Tree, number: int) -> bytes:
    value = found.get(number, [b""])[-1]
    return value if isinstance(value, bytes) else b""


def _text(found: Tree, number: int) -> str:
    return _bytes(found, number).decode("utf-8", "replace")


def _texts(found: Tree, number: int) -> list[str]:
    return [
        one.decode("utf-8", "replace") for one in found.get(number, []) if isinstance(one, bytes)
    ]


def _whole(found: Tree, number: int) -> int:
    value = found.get(number, [0])[-1]
    return value if isinstance(value, int) else 0


def _time(found: Tree, number: int) -> float | None:
    if number not in found:
        return None
    try:
        stamp = tree(_bytes(found, number))
        return signed(_whole(stamp, 1)) + signed(_whole(stamp, 2)) / 1e9
    except ValueError:
        return None
