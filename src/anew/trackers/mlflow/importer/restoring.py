"""Runs that Anew's forwarder wrote to MLflow: what it had to write otherwise there is again what it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, Protocol

from msgspec.structs import replace

from ....errors import AnewError, CorruptData, InvalidValue
from ....importing.folders import read_at_most
from ....importing.source import (
    Finding,
    Message,
    Points,
    Row,
    Run,
    Source,
    SourceFile,
    SourceModel,
    SourceValue,
    Undated,
    WithModels,
)
from ....record.plain import flatten, nest, parse_json
from ....values import Audio, Figure, Histogram, Image, Table, Text
from ..names import original

__all__ = ["Restored"]

_MARK = "anew.experiment_id"
_PARAM = "anew.param."
_OURS = ("anew.", "mlflow.logged", "mlflow.source.type")
_MOST = 64 << 20
_ARTIFACTS = "artifacts"
_IMAGE = re.compile(
    r"images/(?P<name>.+)\+step\+(?P<step>-?\d+)\+timestamp\+(?P<at>\d+)\+[^+]*\.png"
)
_SMALL = re.compile(r"images/.+\+step\+-?\d+\+timestamp\+\d+\+.*compressed\.webp")
_VALUE = re.compile(r"values/(?P<name>.+)/(?:(?P<step>-?\d{6,})-)?[0-9a-f]{8}\.(?P<end>[a-z0-9.]+)")
_LOG = re.compile(r"logs/logs-[^/]+\.jsonl")
_CONSOLE = re.compile(r"logs/train-[^/]+\.log")
_AGAIN = frozenset({"logs/logs.jsonl", "logs/train.log"})  # what is in the others, for people
_ELSEWHERE = (_LOG, _CONSOLE, _SMALL)
_CAPTURED = re.compile(r"captured/([^/]+)\.json")
_OF_AN_IMPORT = frozenset({"imported", "mlflow"})
_TEXTS = {"txt": "plain", "md": "markdown", "html": "html"}


class _Store(Source, WithModels, Protocol):
    """One of MLflow's stores."""


class Restored:
    """A store of MLflow's in which runs that Anew forwarded are what they were; other runs are as the store has them."""

    def __init__(self, source: _Store) -> None:
        self._source = source

    @property
    def kind(self) -> str:
        """See `Source.kind`."""
        return self._source.kind

    @property
    def where(self) -> str:
        """See `Source.where`."""
        return self._source.where

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`."""
        for run in self._source.runs():
            if _MARK in run.tags:
                run = _restored(run)
                run = replace(run, captured={**run.captured, **self._captured(run)})
            yield run

    def _captured(self, run: Run) -> dict[str, dict[str, Any]]:
        """What was captured of how it was run, but for an earlier import."""
        found: dict[str, dict[str, Any]] = {}
        for file in self._artifacts(run):
            what = _CAPTURED.fullmatch(file.name) if file.prefix == _ARTIFACTS else None
            if what is not None and what[1] not in _OF_AN_IMPORT:
                data = _json(file)
                if isinstance(data, dict):
                    found[original(what[1])] = data
        return found

    def _artifacts(self, run: Run) -> Iterator[SourceFile]:
        """Its artifacts, as far as they can be listed: what cannot is told when its files are asked for, and fails this run alone."""
        try:
            yield from self._source.files(run)
        except (AnewError, OSError):
            return

    def rows(self, run: Run) -> Iterator[Row | Points | Undated]:
        """See `Source.rows`: names are as they were before MLflow's rules for names."""
        for row in self._source.rows(run):
            if not _is_ours(run):
                yield row
            elif isinstance(row, Points):
                yield row._replace(names=[original(name) for name in row.names])
            else:
                yield row._replace(values={original(name): one for name, one in row.values.items()})

    def messages(self, run: Run) -> Iterator[Message]:
        """See `Source.messages`: those in the files among the artifacts."""
        yield from self._source.messages(run)
        if not _is_ours(run):
            return
        found: list[Message] = []
        for file in self._source.files(run):
            if file.prefix == _ARTIFACTS and _LOG.fullmatch(file.name):
                with file.open() as reading:
                    found += [one for line in reading if (one := _message(line)) is not None]
        yield from sorted(found, key=lambda one: one.time)

    def printed(self, run: Run) -> Iterator[str]:
        """See `Source.printed`: what is in the files among the artifacts."""
        yield from self._source.printed(run)
        for file in self._source.files(run) if _is_ours(run) else ():
            if file.prefix == _ARTIFACTS and _CONSOLE.fullmatch(file.name):
                with file.open() as reading:
                    yield from (line.decode("utf-8", "replace").rstrip("\n") for line in reading)

    def files(self, run: Run) -> Iterator[SourceFile]:
        """See `Source.files`: what was logged as files; values and messages are not given again as such."""
        for file in self._source.files(run):
            if not _is_ours(run) or file.prefix != _ARTIFACTS:
                yield file
                continue
            if file.name in _AGAIN or any(kind.fullmatch(file.name) for kind in _ELSEWHERE):
                continue
            if _CAPTURED.fullmatch(file.name) and isinstance(_json(file), dict):
                continue
            if _value(file, run.started) is not None:
                continue
            if file.name.startswith(("captured/", "params/", "tags/", "values/")):
                yield file
            else:
                prefix, _, name = original(file.name).rpartition("/")
                yield file._replace(prefix=prefix, name=name)

    def values(self, run: Run) -> Iterator[SourceValue]:
        """See `Source.values`: those that lie among the artifacts."""
        yield from self._source.values(run)
        for file in self._source.files(run) if _is_ours(run) else ():
            if file.prefix == _ARTIFACTS and (found := _value(file, run.started)) is not None:
                yield found

    def models(self) -> Iterator[SourceModel]:
        """See `WithModels.models`."""
        return self._source.models()

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return self._source.findings()

    def close(self) -> None:
        """See `Source.close`."""
        self._source.close()


def _is_ours(run: Run) -> bool:
    return "anew" in run.kept


def _restored(run: Run) -> Run:
    about = {name: value or "" for name, value in run.tags.items() if name.startswith(_OURS)}
    tags = {original(name): value or None for name, value in run.tags.items() if name not in about}
    latest = {
        original(name.removeprefix(_PARAM)): text
        for name, text in about.items()
        if name.startswith(_PARAM)
    }
    flat = {original(name): value for name, value in flatten(run.params).items()} | latest
    params = nest(flat)
    config = params.pop("config", None)
    if not isinstance(config, dict):
        config, params = None, params if config is None else {**params, "config": config}
    return replace(
        run, params=params, config=config, tags=tags, kept={**run.kept, "anew": about}, reason=about.get("anew.reason") or run.reason,
    )  # fmt: skip


def _message(line: bytes) -> Message | None:
    try:
        found = parse_json(line)
        fields = found.get("fields") or {}
        return Message(float(found["t"]), str(found["level"]), str(found["message"]), fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _value(file: SourceFile, started: float) -> SourceValue | None:
    """The value that an artifact was; None for one that was a file."""
    if found := _IMAGE.fullmatch(file.name):
        name = original(found["name"].replace("~", "/"))
        at = int(found["at"]) / 1000
        return SourceValue(name, "image", int(found["step"]), at, partial(_made, file, Image))
    found = _VALUE.fullmatch(file.name)
    if found is None:
        return None
    kind, make = _kind(file, found["end"])
    if kind is None:
        return None
    step = None if found["step"] is None else int(found["step"])
    at = file.time if file.time is not None else started
    return SourceValue(original(found["name"]), kind, step, at, make)


def _kind(file: SourceFile, end: str) -> tuple[str | None, Any]:
    if end in _TEXTS:
        return "text", partial(_text, file, _TEXTS[end])
    if end == "wav":
        return "audio", partial(_made, file, Audio)
    if end not in ("json", "plotly.json"):
        return None, None
    data = _json(file)
    if end == "plotly.json":
        return "figure", partial(Figure.of_plotly, data)
    if isinstance(data, dict) and set(data) == {"columns", "data"}:
        return "table", partial(Table, columns=data["columns"], data=data["data"])
    if isinstance(data, dict) and {"counts", "edges"} <= set(data):
        return "histogram", partial(_histogram, data)
    return None, None


def _json(file: SourceFile) -> Any:
    """What a small file of JSON says; None for what is none."""
    try:
        return parse_json(_read(file))
    except ValueError:  # as InvalidValue is
        return None


def _read(file: SourceFile) -> bytes:
    """The bytes of an artifact.

    Raises:
        InvalidValue: They cannot be read, or are too many for a value.
    """
    try:
        with file.open() as reading:
            data = read_at_most(reading, _MOST + 1)
    except (OSError, CorruptData) as error:
        raise InvalidValue(f"{file.name} cannot be read: {error}.", key="artifact") from error
    if len(data) > _MOST:
        raise InvalidValue(f"{file.name} is larger than {_MOST >> 20} MiB.", key="artifact")
    return data


def _text(file: SourceFile, form: str) -> Text:
    return Text(_read(file).decode("utf-8", "replace"), form)


def _histogram(data: Any) -> Histogram:
    try:
        return Histogram.load(data, None)
    except CorruptData as error:
        raise InvalidValue(str(error), key="histogram") from error


def _made(file: SourceFile, kind: Any) -> Any:
    return kind(_read(file))
