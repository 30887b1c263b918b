"""Repositories of Aim's: `.aim` has a database of runs, and for each run a chunk of facts and one of sequences."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from ....errors import CorruptData, InvalidValue
from ....importing.foreign import is_plain_folder, names_in
from ....importing.logged import number_of, seconds_of
from ....importing.source import Finding, Message, Outcome, Points, Run, SourceFile, SourceValue
from ....importing.sqlite import Database, has_tables
from ....importing.unplaced import document
from ....values import Audio, Figure, Histogram, Image, Text
from .chunks import Path, entries_of, needs_aimrocks, tree_of

__all__ = ["Repository", "repository_at"]

_ALIVE_SECONDS = 600.0
_ROWS = 4_000
_PLACED = frozenset({"attrs", "end_time", "contexts", "artifacts"})
_SYSTEM = "__system__"
_OWN = "__"
_LEVELS = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}


def repository_at(path: str) -> str | None:
    """The folder `.aim` at a path."""
    for folder in (path, os.path.join(path, ".aim")):
        database = os.path.join(folder, "run_metadata.sqlite")
        if is_plain_folder(os.path.join(folder, "meta")) and has_tables(
            database, frozenset({"run", "experiment"})
        ):
            return folder
    return None


class _Object(NamedTuple):
    """Something that was tracked and is no number."""

    time: float
    step: int
    name: str
    value: Any


class _Tracked(NamedTuple):
    """What a run tracked: numbers by time, as step, time, name and value, and the rest."""

    numbers: list[tuple[float, int, str, float]]
    others: list[_Object]


class Repository:
    """A repository of Aim's.

    Raises:
        InvalidValue: It is none, or `aimrocks` is not installed.
    """

    kind = "aim"

    def __init__(self, path: str) -> None:
        found = repository_at(path)
        if found is None:
            raise InvalidValue(f"There is no repository of Aim's at {path}.", key="source")
        needs_aimrocks()
        self.where = os.path.abspath(found)
        self._findings: list[Finding] = []
        self._read: tuple[str, _Tracked] | None = None
        self._ours: set[str] = set()

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: by their beginnings, those that the database does not know last."""
        self._read = None
        database = Database(os.path.join(self.where, "run_metadata.sqlite"))
        try:
            rows = list(
                database.ask(
                    "SELECT r.id, r.hash, r.name, r.description, r.is_archived, r.created_at, r.finalized_at, e.name FROM run r "
                    "LEFT JOIN experiment e ON e.id = r.experiment_id ORDER BY r.created_at, r.id"
                )
            )
            known = {str(row[1]) for row in rows}
            rows += [
                (None, name, None, None, None, None, None, None)
                for name in self._chunks()
                if name not in known
            ]
            for row in rows:
                tags = database.ask(
                    "SELECT t.name FROM run_tag l JOIN tag t ON t.id = l.tag_id WHERE l.run_id = ? ORDER BY t.name",
                    row[0],
                )
                notes = database.ask(
                    "SELECT content FROM note WHERE run_id = ? ORDER BY id", row[0]
                )
                run = self._run(row, [str(one) for (one,) in tags], [str(one) for (one,) in notes])
                if run is not None:
                    yield run
            database.check()
        except CorruptData as error:
            self._findings.append(Finding(database.path, str(error), True))
        finally:
            database.close()

    def _chunks(self) -> list[str]:
        try:
            return names_in(os.path.join(self.where, "meta", "chunks"))
        except OSError:
            return []

    def _chunk(self, kind: str, key: str) -> str | None:
        """The folder of a run's chunk; None where it has none."""
        if not key.isalnum():
            return None
        path = os.path.join(self.where, kind, "chunks", key)
        return path if is_plain_folder(path) else None

    def _run(self, row: tuple[Any, ...], tags: list[str], notes: list[str]) -> Run | None:
        _, key, name, description, archived, created, finalized, experiment = row
        key = str(key)
        facts = self._facts(key)
        if facts is None:
            return None
        attrs = facts.get("attrs")
        params = dict(attrs) if isinstance(attrs, dict) else {}
        about = params.get("anew")
        if isinstance(about, dict) and isinstance(about.get("experiment_id"), str):
            self._ours.add(key)
        tracked = self._tracked(key)
        times = [one[0] for one in tracked.numbers] + [one.time for one in tracked.others]
        started = seconds_of(created) or min(times, default=0.0)
        ended = facts.get("end_time")
        if not isinstance(ended, float):
            ended = seconds_of(finalized) if finalized else None
        last = max(times, default=started)
        alive = ended is None and time.time() - last < _ALIVE_SECONDS
        own = {one: params.pop(one) for one in list(params) if str(one).startswith(_OWN)}
        kept = {name: value for name, value in own.items() if value}
        artifacts = facts.get("artifacts")
        if isinstance(artifacts, dict) and artifacts:
            what = f"{len(artifacts):,} artifacts lie where Aim was told to put them, and are not brought along; their addresses are kept."
            self._findings.append(Finding(f"run {key}", what, True, key))
            kept["artifacts"] = artifacts
        config, captured, shown = None, {}, dict.fromkeys(tags, None)
        if key in self._ours:
            kept["anew"] = params.pop("anew")
            config, given = params.pop("config", None), params.pop("captured", None)
            captured = {
                str(name): one
                for name, one in (given.items() if isinstance(given, dict) else ())
                if isinstance(one, dict) and name != "imported"
            }
            hparams = params.pop("hparams", None)
            params |= hparams if isinstance(hparams, dict) else {}
            shown = {
                name: value if colon else None
                for name, colon, value in (tag.partition(":") for tag in tags)
            }
        where = f"run {key}"
        kept |= document(facts, _PLACED, (), where, key, self._findings)
        if archived:
            kept["archived"] = True
        status: Outcome = "completed" if ended is not None else "running" if alive else "failed"
        reason = None if ended is not None or alive else "Aim has no end of it"
        if key in self._ours and ended is not None:
            said = kept["anew"].get("status")
            status = said if said in ("failed", "cancelled") else "completed"
            reason = str(kept["anew"].get("reason") or "") or None
        return Run(
            key=key, place=(str(experiment),) if experiment else (), name=str(name or key), started=started, ended=None if alive else ended or last,
            status=status, reason=reason,
            alive=last, params=params, config=config if isinstance(config, dict) else None, tags=shown, captured=captured, description=str(description) if description else None,
            notes="\n\n".join(notes) or None, kept=kept,
        )  # fmt: skip

    def _facts(self, key: str) -> dict[str, Any] | None:
        """What the run's own chunk says of it."""
        chunk = self._chunk("meta", key)
        if chunk is None:
            what = "The run has no folder of its own in the repository."
            self._findings.append(Finding(f"run {key}", what, True, key))
            return None
        start = ("meta", "chunks", key)
        try:
            entries = [(path[3:], value) for path, value in entries_of(chunk) if path[:3] == start]
        except CorruptData as error:
            self._findings.append(Finding(chunk, str(error), True, key))
            return None
        found = tree_of(
            [
                one
                for one in entries
                if one[0][:1]
                not in (("traces",), ("typed_traces",))  # what was tracked last, of each
            ]
        )
        return found if isinstance(found, dict) else {}

    # -- what it tracked ---------------------------------------------------------------------------

    def _tracked(self, key: str) -> _Tracked:
        """What a run tracked, in the order of its times: Aim itself keeps one value for each step, in no order."""
        if self._read is not None and self._read[0] == key:
            return self._read[1]
        facts, chunk = self._facts(key) or {}, self._chunk("seqs", key)
        tracked = _Tracked([], [])
        self._read = (key, tracked)
        if chunk is None:
            return tracked
        contexts = facts.get("contexts")
        ours = key in self._ours
        names = {
            one: "" if ours and isinstance(what, dict) and set(what) == {"pass"} else _context(what)
            for one, what in (contexts.items() if isinstance(contexts, dict) else ())
        }
        blobs: dict[Path, Any] = {}
        series: dict[tuple[Any, Any], list[tuple[Path, Any]]] = {}
        try:
            for path, value in entries_of(chunk):
                if path[:1] == ("BLOBS",):
                    blobs[path[1:]] = value
                    continue
                value = blobs.pop(path) if value is None and path in blobs else value
                rest = path[4:] if path[1:2] == ("v2",) else path[3:]
                if len(rest) >= 3:
                    series.setdefault((rest[0], rest[1]), []).append((rest[2:], value))
        except CorruptData as error:
            self._findings.append(Finding(chunk, str(error), True, key))
        for (context, name), entries in series.items():
            shown = (
                f"system/{name[len(_SYSTEM) :]}"
                if str(name).startswith(_SYSTEM)
                else f"{name}{names.get(context, '')}"
            )
            self._take(key, shown, entries, tracked)
        tracked.numbers.sort(key=lambda one: one[:3])
        tracked.others.sort(key=lambda one: one[:3])
        return tracked

    def _take(
        self, key: str, name: str, entries: list[tuple[Path, Any]], tracked: _Tracked
    ) -> None:
        columns: dict[Any, dict[Any, Any]] = {}
        parts: dict[Any, list[tuple[Path, Any]]] = {}
        for path, value in entries:
            if len(path) >= 2 and path[0] == "val":
                parts.setdefault(path[1], []).append((path[2:], value))
            elif len(path) == 2:
                columns.setdefault(path[0], {})[path[1]] = value
        steps, times = columns.get("step", {}), columns.get("time", {})
        for at, found in parts.items():
            # Where steps are kept, a value is filed by a hash of its step; of one that was cut short, the step may be lost.
            step = steps.get(at) if steps else at
            when, value = times.get(at), tree_of(found)
            if not isinstance(step, int) or not isinstance(when, float):
                what = f"{name} has a value without step or time."
                self._findings.append(Finding(f"run {key}", what, True, key))
            elif isinstance(value, (int, float)):
                tracked.numbers.append((when, step, name, float(value)))
            elif value is not None:
                many = value if isinstance(value, list) else [value]
                tracked.others.extend(_Object(when, step, name, one) for one in many)

    def rows(self, run: Run) -> Iterator[Points]:
        """See `Source.rows`."""
        numbers = self._tracked(run.key).numbers
        for at in range(0, len(numbers), _ROWS):
            times, steps, names, values = zip(*numbers[at : at + _ROWS], strict=True)
            yield Points(names, steps, times, values)

    def values(self, run: Run) -> Iterator[SourceValue]:
        """See `Source.values`."""
        for one in self._tracked(run.key).others:
            made = _made(one.value)
            if made is not None:
                yield SourceValue(one.name, made[0], one.step, one.time, made[1])

    def messages(self, run: Run) -> Iterator[Message]:
        """See `Source.messages`: what was logged with `log_info` and the like."""
        for one in self._tracked(run.key).others:
            if _kind(one.value) == "aim.log_record":
                level = one.value.get("log_level")
                text = str(one.value.get("message", one.value.get("data", "")))
                shown = _LEVELS.get(level, "info") if isinstance(level, int) else "info"
                yield Message(one.time, shown, text, self._fields(run.key, one.value))

    def _fields(self, key: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a message; the forwarder writes a line below their names, some of which Aim has itself."""
        given = record.get("extra_args")
        ours = key in self._ours
        return {
            str(name).removesuffix("_") if ours else str(name): value
            for name, value in (given.items() if isinstance(given, Mapping) else ())
        }

    def printed(self, run: Run) -> Iterator[str]:
        """See `Source.printed`: the terminal's lines."""
        lines = [one for one in self._tracked(run.key).others if _kind(one.value) == "aim.log_line"]
        for one in sorted(lines, key=lambda one: one.step):
            yield str(one.value.get("data", "")).rstrip("\r\n")

    def files(self, run: Run) -> Iterator[SourceFile]:
        """See `Source.files`: what was tracked and has no kind here, as JSON with its bytes in hexadecimal digits."""
        for number, one in enumerate(self._tracked(run.key).others):
            if _made(one.value) is None and _kind(one.value) not in (
                "aim.log_record",
                "aim.log_line",
            ):
                text = json.dumps(
                    one.value,
                    ensure_ascii=False,
                    default=lambda v: v.hex() if isinstance(v, bytes) else str(v),
                )
                yield SourceFile(
                    "aim",
                    f"{one.name}/{number}.json",
                    partial(_bytes, text.encode("utf-8", "replace")),
                    one.step,
                    one.time,
                )

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Let go of what was read."""
        self._read = None


def _context(what: Any) -> str:
    """What a name ends with for a context of it."""
    if not isinstance(what, Mapping) or not what:
        return ""
    return f"[{', '.join(f'{name}={value}' for name, value in what.items())}]"


def _kind(value: Any) -> str:
    return str(value.get("_type", "")) if isinstance(value, dict) else ""


def _made(value: Any) -> tuple[str, Any] | None:
    """The kind that a tracked value has here, and what makes it; None for what has no kind here."""
    if isinstance(value, str):
        return "text", partial(Text, value)
    kind, data = _kind(value), value.get("data") if isinstance(value, dict) else None
    if kind == "aim.text" and isinstance(data, str):
        return "text", partial(Text, data)
    caption = value.get("caption") if isinstance(value, dict) else None
    caption = caption if isinstance(caption, str) and caption else None
    if kind == "aim.image" and isinstance(data, bytes):
        return "image", partial(Image, data, caption=caption)
    if kind == "aim.audio" and isinstance(data, bytes):
        return "audio", partial(Audio, data, caption=caption)
    if kind == "aim.distribution" and isinstance(data, bytes):
        return "histogram", partial(_histogram, value)
    if kind == "aim.figure" and isinstance(data, str):
        return "figure", partial(_figure, data)
    return None


def _histogram(value: Mapping[str, Any]) -> Histogram:
    import numpy as np

    try:
        dtype = np.dtype(str(value["dtype"]))
        if dtype.kind not in "iuf":
            raise ValueError(f"{dtype} is no type of numbers")
        counts = np.frombuffer(value["data"], dtype).astype(np.float64)
        low, high = (number_of(one) for one in value["range"])
        edges = np.linspace(float(low or 0.0), float(high or 0.0), len(counts) + 1)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidValue(f"A distribution cannot be read: {error!s:.100}", key="bins") from error
    return Histogram((counts, edges))


def _figure(text: str) -> Figure:
    try:
        return Figure.of_plotly(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"A figure cannot be read: {error!s:.100}", key="figure") from error


def _bytes(data: bytes) -> BinaryIO:
    return io.BytesIO(data)
