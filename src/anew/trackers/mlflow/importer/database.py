"""MLflow's store in a database: SQLite or PostgreSQL."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

from ....importing.folders import files_below
from ....importing.source import (
    Finding,
    Message,
    Points,
    Run,
    SourceFile,
    SourceModel,
    SourceValue,
)
from ....importing.unplaced import document, kept_records
from .artifacts import artifact_folder, model_folder
from .merging import BATCH
from .registry import models_of
from .rest import PLACED, TOLD, Rest
from .runs import Stored, as_run
from .tables import Tables

__all__ = ["Database"]

_MODEL_STATUS = {1: "PENDING", 2: "READY", 3: "FAILED"}


class Database:
    """The runs that some tables have."""

    kind = "mlflow"

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.where = tables.where
        self._findings: list[Finding] = []
        self._models: dict[str, list[tuple[str, str, str]]] = {}
        self._registered: dict[str, list[dict[str, Any]]] = {}
        self._addresses: dict[str, str] = {}
        self._rest = Rest(tables)

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: parents begin before their children."""
        experiments = self._experiments()
        self._registered = self._versions()
        columns = self._tables.columns("runs")
        more = self._rest.columns
        chosen = ", ".join(
            [*(name if name in columns else "NULL" for name in PLACED), *(f'"{n}"' for n in more)]
        )
        order, _ = self._tables.orders
        for row in self._tables.ask(f"SELECT {chosen} FROM runs ORDER BY {order}"):
            run_id, name, experiment_id, status, user, start, end, uri, stage, *others = row
            if stage == "deleted":
                what = "It was deleted in MLflow, and is left out."
                self._findings.append(Finding(f"run {run_id}", what, False, str(run_id)))
                continue
            self._addresses[str(run_id)] = str(uri or "")
            place, kept = experiments.get(experiment_id, ((str(experiment_id),), {}))
            of_run = dict(zip(more, others, strict=True))
            kept = kept | document(of_run, (), TOLD, f"run {run_id}", str(run_id), self._findings)
            yield as_run(
                Stored(
                    str(run_id), str(name or ""), str(experiment_id), place, str(status or ""), str(user or ""), _whole(start), _whole(end),
                    self._last(run_id) if end is None else None, str(uri or ""), self._texts("params", run_id), self._texts("tags", run_id),
                    {**kept, "datasets": self._datasets(run_id), "models": self._logged_models(run_id)},
                )
            )  # fmt: skip
        self._findings += self._rest.left_out()

    def models(self) -> Iterator[SourceModel]:
        """See `WithModels.models`."""
        about: dict[str, dict[str, Any]] = {}
        if self._tables.columns("registered_models"):
            for name, created, description in self._tables.ask(
                "SELECT name, creation_time, description FROM registered_models ORDER BY name"
            ):
                about[str(name)] = {"created": created, "description": description, "tags": {}}
        if about and self._tables.columns("registered_model_tags"):
            query = 'SELECT name, "key", value FROM registered_model_tags ORDER BY name, "key"'
            for name, key, value in self._tables.ask(query):
                if str(name) in about:
                    about[str(name)]["tags"][str(key)] = str(value)
        return models_of(about, self._registered, self._addresses)

    def rows(self, run: Run) -> Iterator[Points]:
        """See `Source.rows`: in the order in which they were stored."""
        _, order = self._tables.orders
        # A column less is a tenth less to read: NaN is what has no value.
        value = "CASE WHEN is_nan THEN NULL ELSE value END"
        query = f'SELECT {self._tables.raw_key}, step, "timestamp", {value} FROM metrics WHERE run_uuid = ? ORDER BY {order}'
        known, found = _Names(), _Columns()
        for rows in self._tables.blocks(query, run.key):
            try:
                found.add(rows, known)
            except (TypeError, ValueError, OverflowError):
                if found.names:
                    yield found.taken()
                yield from self._one_by_one(rows, run)
            if len(found.names) >= BATCH:
                yield found.taken()
        if found.names:
            yield found.taken()

    def _one_by_one(self, rows: list[tuple[Any, ...]], run: Run) -> Iterator[Points]:
        known = _Names()
        for name, step, stamp, value in rows:
            try:
                number = math.nan if value is None else float(value)
                yield Points((known[name],), (int(step),), (stamp / 1000,), (number,))
            except (TypeError, ValueError):
                what = f"The metric {known[name]!r} at step {step!r} has no number: {value!r:.80}."
                self._findings.append(Finding("table metrics", what, True, run.key))

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
        experiment = str(run.captured["mlflow"]["experiment_id"])
        beside = self._tables.beside
        folder = artifact_folder(uri, run.key, experiment, beside)
        if folder is not None:
            yield from files_below(folder, "artifacts", run.key, self._findings)
        else:
            self._tell_of_artifacts(uri, run.key)
        for model, experiment, uri in self._models.get(run.key, ()):
            folder = model_folder(uri, model, experiment, beside)
            if folder is not None:
                yield from files_below(folder, f"models/{model}", run.key, self._findings)
            else:
                self._tell_of_artifacts(uri, run.key)
        rows = partial(self._rest.rows, run.key)
        yield from kept_records("mlflow", self.where, run.key, self._findings, rows)

    def _tell_of_artifacts(self, uri: str, run: str) -> None:
        if "://" not in uri and not uri.startswith("mlflow-artifacts:"):
            return
        if uri.startswith("file:"):
            return  # MLflow makes the folder with the first artifact
        what = "Artifacts that do not lie on this machine are not brought along; their address is kept."
        if uri.startswith("mlflow-artifacts:"):
            what = "Its artifacts lie with MLflow's server: import from the server's address to bring them along."
        self._findings.append(Finding(uri, what, True, run))

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Close the database."""
        self._tables.close()

    # -- tables ------------------------------------------------------------------------------------

    def _experiments(self) -> dict[Any, tuple[tuple[str, ...], dict[str, Any]]]:
        found: dict[Any, tuple[tuple[str, ...], dict[str, Any]]] = {}
        named = "workspace" if "workspace" in self._tables.columns("experiments") else "NULL"
        tags: dict[Any, dict[str, str]] = {}
        if self._tables.columns("experiment_tags"):
            query = 'SELECT experiment_id, "key", value FROM experiment_tags ORDER BY "key"'
            for id_, key, value in self._tables.ask(query):
                tags.setdefault(id_, {})[str(key)] = str(value)
        for id_, name, workspace in self._tables.ask(
            f"SELECT experiment_id, name, {named} FROM experiments"
        ):
            place = (str(name),) if workspace in (None, "default") else (str(workspace), str(name))
            found[id_] = (place, {"experiment_tags": tags[id_]} if id_ in tags else {})
        return found

    def _texts(self, table: str, run_id: Any) -> dict[str, str]:
        query = f'SELECT "key", value FROM {table} WHERE run_uuid = ? ORDER BY "key"'
        return {str(key): str(value) for key, value in self._tables.ask(query, run_id)}

    def _last(self, run_id: Any) -> int | None:
        """The time of the newest value of a run that has no end."""
        rows = self._tables.ask(
            'SELECT max("timestamp") FROM latest_metrics WHERE run_uuid = ?', run_id
        )
        return next((_whole(stamp) for (stamp,) in rows), None)

    def _datasets(self, run_id: Any) -> list[dict[str, Any]]:
        if not self._tables.columns("inputs"):
            return []
        rows = self._tables.ask(
            "SELECT i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema, d.dataset_profile FROM inputs i "
            "JOIN datasets d ON d.dataset_uuid = i.source_id WHERE i.destination_id = ? ORDER BY d.name, d.digest",
            run_id,
        )
        names = ("name", "digest", "source_type", "source", "schema", "profile")
        found = []
        for input_id, *row in rows:
            query = "SELECT name, value FROM input_tags WHERE input_uuid = ? ORDER BY name"
            asked = self._tables.ask(query, input_id) if self._tables.columns("input_tags") else ()
            tags = {str(name): str(value) for name, value in asked}
            found.append(_facts(names, row) | ({"tags": tags} if tags else {}))
        return found

    def _logged_models(self, run_id: Any) -> list[dict[str, Any]]:
        """The models that a run logged; MLflow has them since its version 3."""
        if not self._tables.columns("logged_models"):
            return []
        rows = self._tables.ask(
            "SELECT model_id, name, model_type, status, creation_timestamp_ms, experiment_id, artifact_location FROM logged_models "
            "WHERE source_run_id = ? AND lifecycle_stage = 'active' ORDER BY creation_timestamp_ms, model_id",
            run_id,
        )
        found = []
        places = self._models[str(run_id)] = []
        for row in rows:
            *facts, experiment, uri = row
            places.append((str(row[0]), str(experiment), str(uri)))
            model = _facts(("model_id", "name", "type", "status", "created"), facts)
            model["status"] = _MODEL_STATUS.get(row[3], str(row[3]))
            for table, key in (("params", "param"), ("tags", "tag")):
                query = f"SELECT {key}_key, {key}_value FROM logged_model_{table} WHERE model_id = ? ORDER BY {key}_key"
                texts = {str(name): str(text) for name, text in self._tables.ask(query, row[0])}
                if texts:
                    model[table] = texts
            query = (
                "SELECT metric_name, metric_step, metric_timestamp_ms, metric_value FROM logged_model_metrics "
                "WHERE model_id = ? ORDER BY metric_timestamp_ms, metric_name, metric_step"
            )
            metrics = [list(one) for one in self._tables.ask(query, row[0])]
            if metrics:
                model["metrics"] = metrics
            found.append(model)
        return found

    def _versions(self) -> dict[str, list[dict[str, Any]]]:
        """The versions of models in the registry, by the runs that they come from."""
        if not self._tables.columns("model_versions"):
            return {}
        rows = self._tables.ask(
            "SELECT run_id, name, version, creation_time, user_id, current_stage, source, description FROM model_versions "
            "WHERE current_stage <> 'Deleted_Internal' ORDER BY name, version"
        )
        names = ("name", "version", "created", "user", "stage", "source", "description")  # fmt: skip
        found: dict[str, list[dict[str, Any]]] = {}
        for run_id, *facts in rows:
            version = _facts(names, facts)
            which = (facts[0], facts[1])
            query = 'SELECT "key", value FROM model_version_tags WHERE name = ? AND version = ? ORDER BY "key"'
            tags = {str(key): str(value) for key, value in self._tables.ask(query, *which)}
            aliases = []
            if self._tables.columns("registered_model_aliases"):
                query = "SELECT alias FROM registered_model_aliases WHERE name = ? AND version = ? ORDER BY alias"
                aliases = [str(alias) for (alias,) in self._tables.ask(query, *which)]
            version |= {"tags": tags} if tags else {}
            version |= {"aliases": aliases} if aliases else {}
            found.setdefault(str(run_id or ""), []).append(version)
        return found


class _Columns:
    """Rows of metrics as columns."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._steps: list[int] = []
        self._times: list[float] = []
        self._values: list[float] = []

    def add(self, rows: list[tuple[Any, ...]], known: _Names) -> None:
        """Take some rows, or none of them.

        Raises:
            TypeError, ValueError, OverflowError: One of them has no number.
        """
        keys, steps, stamps, values = zip(*rows, strict=True)
        try:
            numbers = list(map(float, values))
        except TypeError:  # NaN; to look for it first would cost as much as everything else here
            numbers = [math.nan if one is None else float(one) for one in values]
        times = [stamp / 1000 for stamp in stamps]
        self.names += map(known.__getitem__, keys)
        self._steps += steps
        self._times += times
        self._values += numbers

    def taken(self) -> Points:
        """What there is, which is no longer held."""
        taken = Points(self.names, self._steps, self._times, self._values)
        self.names, self._steps, self._times, self._values = [], [], [], []
        return taken


class _Names(dict[Any, str]):
    """Names of metrics by what a database has of them; each is decoded once."""

    def __missing__(self, key: Any) -> str:
        name = key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)
        return self.setdefault(key, name)


def _facts(names: tuple[str, ...], row: Any) -> dict[str, Any]:
    """What is known, by name; texts of JSON as they are."""
    return {name: value for name, value in zip(names, row, strict=True) if value not in (None, "")}


def _whole(value: Any) -> int | None:
    return value if type(value) is int else None
