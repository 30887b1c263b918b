"""Runs of MLflow as a server gives them, over its REST API."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from ....errors import CorruptData, NotFound
from ....importing.source import (
    Finding,
    Message,
    Points,
    Run,
    SourceFile,
    SourceModel,
    SourceValue,
)
from ....importing.unplaced import document
from ....importing.web import Web
from .merging import Line, merged
from .registry import models_of
from .rest import TOLD
from .runs import Stored, as_run

__all__ = ["Server"]

_API = "/api/2.0/mlflow"
_PROXIED = "/api/2.0/mlflow-artifacts/artifacts"
_PAGE = 1_000
_RUNS = 500
_MODELS = 50
_HELD = 400_000
"""Values that may be held at once: a page of each metric of a run."""
_MOST_VALUES, _FEWEST_VALUES = 25_000, 100
_DEEPEST = 64
_PLACED = frozenset({
    "run_id", "run_uuid", "run_name", "experiment_id", "status", "user_id", "start_time", "end_time", "artifact_uri", "lifecycle_stage",
})  # fmt: skip
_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Server:
    """The runs of a server, asked page by page."""

    kind = "mlflow"

    def __init__(self, web: Web) -> None:
        self._web = web
        self.where = web.url
        self._findings: list[Finding] = []
        self._metrics: dict[str, list[str]] = {}
        self._models: dict[str, list[tuple[str, str]]] = {}
        self._addresses: dict[str, str] = {}

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: of each experiment in the order in which they began."""
        experiments = list(self._experiments())
        for one in experiments:
            experiment = str(one.get("experiment_id", ""))
            tags = _pairs(one.get("tags"))
            kept = {"experiment_tags": tags} if tags else {}
            models = self._logged_models(experiment)
            for found in self._runs_of(experiment, "ACTIVE_ONLY"):
                info = _mapping(found, "info")
                run_id = str(info.get("run_id") or info.get("run_uuid") or "")
                if not run_id:
                    self._findings.append(
                        Finding(f"experiment {experiment}", "A run has no id.", True)
                    )
                    continue
                said = {
                    **kept,
                    "models": models.get(run_id),
                }
                yield self._run(run_id, info, found, str(one.get("name") or experiment), said)
            deleted = sum(1 for _ in self._runs_of(experiment, "DELETED_ONLY"))
            if deleted:
                what = f"{deleted:,} of its runs were deleted in MLflow, and are left out."
                self._findings.append(Finding(f"experiment {one.get('name')}", what, False))
        self._tell_of_traces([str(one.get("experiment_id", "")) for one in experiments])

    def _run(
        self, run_id: str, info: Mapping[str, Any], found: Mapping[str, Any], name: str, kept: Mapping[str, Any]
    ) -> Run:  # fmt: skip
        self._addresses[run_id] = str(info.get("artifact_uri") or "")
        data = _mapping(found, "data")
        metrics = [one for one in _list(data, "metrics") if isinstance(one.get("key"), str)]
        self._metrics[run_id] = sorted({one["key"] for one in metrics})
        alive = max((_whole(one.get("timestamp")) or 0 for one in metrics), default=0)
        datasets = [
            _facts(_mapping(one, "dataset"), ("name", "digest", "source_type", "source", "schema", "profile"))
            | ({"tags": tags} if (tags := _pairs(one.get("tags"))) else {})
            for one in _list(_mapping(found, "inputs"), "dataset_inputs")
        ]  # fmt: skip
        datasets.sort(key=lambda one: (str(one.get("name")), str(one.get("digest"))))
        kept = {**kept, **document(info, _PLACED, TOLD, f"run {run_id}", run_id, self._findings)}
        return as_run(
            Stored(
                run_id, str(info.get("run_name") or ""), str(info.get("experiment_id") or ""), (name,), str(info.get("status") or ""),
                str(info.get("user_id") or ""), _whole(info.get("start_time")), _whole(info.get("end_time")) or None, alive or None,
                str(info.get("artifact_uri") or ""), _pairs(data.get("params")), _pairs(data.get("tags")), {**kept, "datasets": datasets},
            )
        )  # fmt: skip

    # -- what it logged ----------------------------------------------------------------------------

    def models(self) -> Iterator[SourceModel]:
        """See `WithModels.models`."""
        return models_of(*self._registered(), self._addresses)

    def rows(self, run: Run) -> Iterator[Points]:
        """See `Source.rows`: each metric as the server orders it, all of them merged by time."""
        names = self._metrics[run.key]
        page = max(_FEWEST_VALUES, min(_MOST_VALUES, _HELD // max(1, len(names))))
        yield from merged(self._history(run.key, name, page) for name in names)

    def _history(self, run: str, name: str, page: int) -> Iterator[Line]:
        newest = -(1 << 63)
        number = 0
        asked = {"run_id": run, "metric_key": name, "max_results": page}
        for one in self._pages("metrics/get-history", "metrics", query=asked):
            number += 1
            value, step = _number(one.get("value", 0.0)), _whole(one.get("step", 0))
            time = _whole(one.get("timestamp", 0))
            if value is None or step is None or time is None:
                what = f"A value of the metric {name!r} is no number: {one!r:.120}."
                self._findings.append(Finding("metrics/get-history", what, True, run))
                continue
            newest = max(newest, time)
            yield Line(newest, name, number, step, time, value)

    def messages(self, run: Run) -> Iterator[Message]:
        """MLflow has none."""
        return iter(())

    def printed(self, run: Run) -> Iterator[str]:
        """MLflow has nothing printed."""
        return iter(())

    def values(self, run: Run) -> Iterator[SourceValue]:
        """What is no number is an artifact at MLflow, and comes as a file."""
        return iter(())

    def files(self, run: Run) -> Iterator[SourceFile]:
        """See `Source.files`: the artifacts of the run, and of the models that it logged."""
        uri = str(run.kept.get("artifact_uri", ""))
        yield from self._files(
            "artifacts",
            uri,
            run,
            partial(self._listed, run.key),
            "/get-artifact",
            {"run_uuid": run.key},
        )
        for model, location in self._models.get(run.key, ()):
            opened = f"/ajax-api/2.0/mlflow/logged-models/{quote(model, safe='')}/artifacts/files"
            yield from self._files(
                f"models/{model}", location, run,
                partial(self._listed_of_model, model), opened, {},
            )  # fmt: skip

    def _listed_of_model(self, model: str, path: str) -> Iterator[Mapping[str, Any]]:
        below = f"{_API}/logged-models/{quote(model, safe='')}/artifacts/directories"
        return self._pages(below, "files", query={"artifact_directory_path": path or None})

    def _listed(self, run: str, path: str) -> Iterator[Mapping[str, Any]]:
        return self._pages("artifacts/list", "files", query={"run_id": run, "path": path or None})

    def _files(
        self, prefix: str, uri: str, run: Run, listed: Callable[[str], Iterator[Mapping[str, Any]]], path: str, query: Mapping[str, str]
    ) -> Iterator[SourceFile]:  # fmt: skip
        """The files at an address: through the server's own store of artifacts, or as it fetches them from another."""
        base = _proxied(uri)
        named = "artifact_file_path" if not query else "path"
        if base is not None:
            listed = partial(self._listed_there, base)
        try:
            for name, size in _walk(listed, ""):
                if base is not None:
                    opens = partial(
                        self._web.open, f"{_PROXIED}/{quote(f'{base}/{name}'.lstrip('/'))}"
                    )
                else:
                    opens = partial(self._web.open, path, {**query, named: name})
                is_same = None
                if size is not None and run.ended is not None:
                    is_same = partial(_came_whole, size, run.ended)
                yield SourceFile(prefix, name, opens, is_same=is_same)
        except (OSError, NotFound, CorruptData) as error:
            if not isinstance(error, NotFound):
                self._findings.append(
                    Finding(uri, f"Its files cannot be listed: {error}", True, run.key)
                )

    def _listed_there(self, base: str, path: str) -> Iterator[Mapping[str, Any]]:
        """What lies in a folder of the server's own store, by paths below `base`."""
        where = "/".join(part for part in (base, path) if part)
        found = self._web.ask(_PROXIED, {"path": where})
        for one in _list(found, "files"):
            name = str(one.get("path", ""))
            yield {**one, "path": f"{path}/{name}" if path else name}

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Close the connections."""
        self._web.close()

    # -- the API -----------------------------------------------------------------------------------

    def _pages(
        self, path: str, key: str, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> Iterator[Mapping[str, Any]]:  # fmt: skip
        """What a question has for answers, page after page."""
        target = path if path.startswith("/") else f"{_API}/{path}"
        token: str | None = None
        seen: set[str] = set()
        while True:
            paged: dict[str, Any] = {} if token is None else {"page_token": token}
            if body is None:
                found = self._web.ask(target, {**(query or {}), **paged})
            else:
                found = self._web.ask(target, body={**body, **paged})
            yield from _list(found, key)
            token = found.get("next_page_token") if isinstance(found, dict) else None
            if not token:
                return
            if not isinstance(token, str) or token in seen:
                what = "It gives one page again and again; what follows is not read."
                self._findings.append(Finding(f"{self.where}{target}", what, True))
                return
            seen.add(token)

    def _experiments(self) -> Iterator[Mapping[str, Any]]:
        asked = {"max_results": _PAGE, "view_type": "ACTIVE_ONLY"}
        return self._pages("experiments/search", "experiments", body=asked)

    def _runs_of(self, experiment: str, which: str) -> Iterator[Mapping[str, Any]]:
        asked = {
            "experiment_ids": [experiment], "max_results": _RUNS, "run_view_type": which,
            "order_by": ["attributes.start_time ASC"],
        }  # fmt: skip
        return self._pages("runs/search", "runs", body=asked)

    def _logged_models(self, experiment: str) -> dict[str, list[dict[str, Any]]]:
        """The models that the runs of an experiment logged; MLflow has them since its version 3."""
        found: dict[str, list[dict[str, Any]]] = {}
        asked = {"experiment_ids": [experiment], "max_results": _MODELS}
        try:
            for one in self._pages("logged-models/search", "models", body=asked):
                info, data = _mapping(one, "info"), _mapping(one, "data")
                run, id_ = str(info.get("source_run_id") or ""), str(info.get("model_id") or "")
                if not run or not id_:
                    continue
                self._models.setdefault(run, []).append((id_, str(info.get("artifact_uri") or "")))
                model = {
                    "model_id": id_, "name": info.get("name"), "type": info.get("model_type"),
                    "status": str(info.get("status", "")).removeprefix("LOGGED_MODEL_"), "created": _whole(info.get("creation_timestamp_ms")),
                    "params": _pairs(data.get("params")), "tags": _pairs(info.get("tags")),
                    "metrics": sorted(
                        ([one.get("key"), _whole(one.get("step", 0)), _whole(one.get("timestamp")), one.get("value")] for one in _list(data, "metrics")),
                        key=lambda one: (one[2] or 0, str(one[0]), one[1] or 0),
                    ),
                }  # fmt: skip
                found.setdefault(run, []).append(
                    {k: v for k, v in model.items() if v not in (None, "", [], {})}
                )
        except NotFound:
            return {}
        for models in found.values():
            models.sort(key=lambda one: (one.get("created") or 0, one["model_id"]))
        return found

    def _registered(self) -> tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]]:
        """The models of the registry by name, and their versions by the runs that they come from."""
        found: dict[str, list[dict[str, Any]]] = {}
        about: dict[str, dict[str, Any]] = {}
        try:
            for one in self._pages(
                "registered-models/search", "registered_models", query={"max_results": 100}
            ):
                about[str(one.get("name"))] = {
                    **one, "created": _whole(one.get("creation_timestamp")), "tags": _pairs(one.get("tags")),
                }  # fmt: skip
            for one in self._pages(
                "model-versions/search", "model_versions", query={"max_results": _PAGE}
            ):
                model = about.get(str(one.get("name")), {})
                stage = one.get("current_stage")
                version = {
                    "name": one.get("name"), "version": _whole(one.get("version")), "created": _whole(one.get("creation_timestamp")),
                    "user": one.get("user_id"), "stage": stage, "source": one.get("source"), "description": one.get("description"),
                    "tags": _pairs(one.get("tags")),
                    "aliases": sorted(
                        str(alias.get("alias")) for alias in _list(model, "aliases") if str(alias.get("version")) == str(one.get("version"))
                    ),
                }  # fmt: skip
                run = str(one.get("run_id") or "")
                found.setdefault(run, []).append(
                    {k: v for k, v in version.items() if v not in (None, "", [], {})}
                )
        except NotFound:
            return {}, {}
        return about, found

    def _tell_of_traces(self, experiments: list[str]) -> None:
        """Say that there are traces, which Anew has no place for."""
        for experiment in experiments:
            place = {
                "type": "MLFLOW_EXPERIMENT",
                "mlflow_experiment": {"experiment_id": experiment},
            }
            try:
                found = self._web.ask(
                    "/api/3.0/mlflow/traces/search", body={"locations": [place], "max_results": 1}
                )
            except (OSError, NotFound, CorruptData):
                return  # a version without them
            if _list(found, "traces"):
                what = "Anew has no place for its traces, and they are not brought along."
                self._findings.append(Finding(f"experiment {experiment}", what, True))


def _walk(
    listed: Callable[[str], Iterator[Mapping[str, Any]]], path: str, depth: int = 0
) -> Iterator[tuple[str, int | None]]:
    """The files below a folder, in the order of their names, each with its bytes."""
    entries = sorted(listed(path), key=lambda one: str(one.get("path", "")))
    for one in entries:
        name = str(one.get("path", ""))
        # What a folder lists lies in it: anything else would go round in circles.
        if (
            not name.startswith(f"{path}/" if path else "")
            or name == path
            or ".." in name.split("/")
        ):
            continue
        if not one.get("is_dir"):
            yield name, _whole(one.get("file_size"))
        elif depth < _DEEPEST:
            yield from _walk(listed, name, depth + 1)


def _came_whole(size: int, ended: float, path: str) -> bool:
    """Whether a file came after its run had ended, with as many bytes as the server says now; it names no checksum."""
    about = os.stat(path)
    return about.st_size == size and about.st_mtime > ended


def _proxied(uri: str) -> str | None:
    """The path in the server's own store of artifacts; None for an address elsewhere."""
    parts = urlsplit(uri)
    return parts.path.strip("/") if parts.scheme == "mlflow-artifacts" else None


def _mapping(found: Any, key: str) -> Mapping[str, Any]:
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, dict) else {}


def _list(found: Any, key: str) -> list[dict[str, Any]]:
    value = found.get(key) if isinstance(found, dict) else None
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _pairs(found: Any) -> dict[str, str]:
    pairs = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return {
        str(one["key"]): str(one.get("value", "")) for one in sorted(pairs, key=lambda one: str(one.get("key", ""))) if "key" in one
    }  # fmt: skip


def _facts(found: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: found[name] for name in names if found.get(name) not in (None, "")}


def _whole(value: Any) -> int | None:
    """A whole number; servers write those of 64 bits as numbers or as texts."""
    if type(value) is int:
        return value if -(1 << 63) <= value < 1 << 63 else None
    try:
        return int(value) if isinstance(value, str) and len(value) < 21 else None
    except ValueError:
        return None


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return _NUMBERS.get(value)
    try:
        return float(value) if isinstance(value, (int, float)) else None
    except OverflowError:
        return None
