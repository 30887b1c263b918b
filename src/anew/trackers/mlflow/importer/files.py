"""MLflow's store in a folder of files: `mlruns/<experiment>/<run>/` with `metrics/`, `params/` and `tags/`."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from ....errors import InvalidValue
from ....importing.documents import read_yaml
from ....importing.folders import files_below, links_in, read_at_most
from ....importing.foreign import is_plain, is_plain_folder, names_in, open_text, walk
from ....importing.source import (
    Finding,
    Message,
    Points,
    Run,
    SourceFile,
    SourceModel,
    SourceValue,
)
from ....importing.unplaced import document, say_kept
from .artifacts import artifact_folder, model_folder
from .beside import datasets_of, logged_models, registered_models, registered_versions
from .merging import Line, merged
from .registry import models_of
from .rest import TOLD
from .runs import Stored, as_run

__all__ = ["Files", "is_folder_of_files"]

_MOST_TEXT = 1 << 20
_ALIVE_SECONDS = 30.0
_PLACED = frozenset({
    "run_id", "run_uuid", "run_name", "experiment_id", "status", "user_id", "start_time", "end_time", "artifact_uri", "lifecycle_stage", "tags",
})  # fmt: skip
_READ = re.compile(r"meta\.yaml|(metrics|params|tags|artifacts|inputs|outputs|models)/.*")
_STATUS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}


def is_folder_of_files(path: str) -> bool:
    """Whether a folder has experiments as MLflow files them."""
    try:
        names = names_in(path)
    except OSError:
        return False
    return any(is_plain(os.path.join(path, name, "meta.yaml")) for name in names[:1000])


class Files:
    """A folder of files.

    Raises:
        InvalidValue: It is no store of MLflow's.
    """

    kind = "mlflow"

    def __init__(self, path: str) -> None:
        if not is_folder_of_files(path):
            raise InvalidValue(f"{path} has no experiments as MLflow files them.", key="source")
        self.where = os.path.abspath(path)
        self._findings: list[Finding] = []
        self._folders: dict[str, str] = {}
        self._models: dict[str, list[tuple[str, str]]] = {}
        self._addresses: dict[str, str] = {}

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: the experiments by name of their folders, the runs of each by their beginnings."""
        for folder in self._inside(self.where):
            if not os.path.lexists(os.path.join(folder, "meta.yaml")):
                continue  # such as the folder of models
            experiment = self._meta(folder)
            if experiment is None:
                continue
            models = logged_models(folder, self._meta, lambda path: self._texts(path, ""))
            found = []
            for at in self._inside(folder):
                if os.path.lexists(os.path.join(at, "meta.yaml")) and (meta := self._meta(at)):
                    found.append((_whole(meta.get("start_time")) or 0, at, meta))
            for _, at, meta in sorted(found, key=lambda one: one[:2]):
                run_id = str(meta.get("run_id") or meta.get("run_uuid") or os.path.basename(at))
                logged = models.get(run_id, [])
                self._models[run_id] = [(str(one["model_id"]), uri) for one, uri in logged]
                kept = {"models": [one for one, _ in logged]}
                run = self._run(at, run_id, meta, folder, experiment, kept)
                if run is not None:
                    yield run
        trash = os.path.join(self.where, ".trash")
        if names_in(trash):
            self._findings.append(Finding(trash, "What was deleted in MLflow is left out.", False))

    def _run(
        self, at: str, run_id: str, meta: dict[str, Any], folder: str, experiment: dict[str, Any], kept: dict[str, Any]
    ) -> Run | None:  # fmt: skip
        if meta.get("lifecycle_stage") == "deleted":
            self._findings.append(
                Finding(at, "It was deleted in MLflow, and is left out.", False, run_id)
            )
            return None
        status = meta.get("status")
        experiment_id = os.path.basename(folder)
        self._folders[run_id] = at
        self._addresses[run_id] = str(meta.get("artifact_uri") or "")
        tags = self._texts(os.path.join(at, "tags"), run_id)
        about = self._texts(os.path.join(folder, "tags"), "")
        where = os.path.join(at, "meta.yaml")
        more = document(meta, _PLACED, TOLD, where, run_id, self._findings)
        return as_run(
            Stored(
                run_id, str(meta.get("run_name") or ""), experiment_id, (str(experiment.get("name") or experiment_id),),
                _STATUS.get(status, str(status)) if isinstance(status, int) else str(status or ""), str(meta.get("user_id") or ""),
                _whole(meta.get("start_time")), _whole(meta.get("end_time")), round(os.path.getmtime(at) * 1000),
                str(meta.get("artifact_uri") or ""), self._texts(os.path.join(at, "params"), run_id), tags,
                {"experiment_tags": about, "datasets": datasets_of(at, folder, self._meta), **kept, **more},
            )
        )  # fmt: skip

    def models(self) -> Iterator[SourceModel]:
        """See `WithModels.models`."""
        registry = os.path.join(self.where, "models")
        texts = partial(self._texts, run="")
        about = registered_models(registry, self._meta, texts)
        return models_of(about, registered_versions(registry, self._meta, texts), self._addresses)

    def rows(self, run: Run) -> Iterator[Points]:
        """See `Source.rows`: a file for each metric, merged by time."""
        folder = os.path.join(self._folders[run.key], "metrics")
        streams = [self._lines(path, name, run.key) for name, path in self._named(folder, run.key)]
        yield from merged(streams)

    def _lines(self, path: str, name: str, run: str) -> Iterator[Line]:
        newest = -(1 << 63)
        with open_text(path) as file:
            for number, line in enumerate(file, 1):
                if not line.endswith("\n"):  # it is being written, or was never written to its end
                    if time.time() - os.path.getmtime(path) > _ALIVE_SECONDS:
                        what = f"Line {number}, the last, was cut short: {line!r:.80}."
                        self._findings.append(Finding(path, what, True, run))
                    return
                parts = line.split()
                try:
                    at, value = int(parts[0]), float(parts[1])
                    step = int(parts[2]) if len(parts) > 2 else 0
                except (ValueError, IndexError):
                    what = f"Line {number} is no value of a metric: {line.strip()!r:.80}."
                    self._findings.append(Finding(path, what, True, run))
                    continue
                newest = max(newest, at)
                yield Line(newest, name, number, step, at, value)

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
        """See `Source.files`."""
        at = self._folders[run.key]
        uri = str(run.kept.get("artifact_uri", ""))
        experiment = os.path.basename(os.path.dirname(at))
        folder = artifact_folder(uri, run.key, experiment, self.where)
        if folder is not None:
            yield from files_below(folder, "artifacts", run.key, self._findings)
        elif "://" in uri and not uri.startswith("file:"):
            what = "Artifacts that do not lie on this machine are not brought along; their address is kept."
            self._findings.append(Finding(uri, what, True, run.key))
        for model, address in self._models.get(run.key, ()):
            folder = model_folder(address, model, experiment, self.where)
            if folder is not None:
                yield from files_below(folder, f"models/{model}", run.key, self._findings)
        for file in files_below(at, "mlflow", run.key, self._findings, but=_READ.fullmatch):
            say_kept([file.name], at, run.key, self._findings)
            yield file

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Nothing is held."""

    # -- files -------------------------------------------------------------------------------------

    def _inside(self, folder: str) -> list[str]:
        try:
            names = names_in(folder)
        except OSError as error:
            self._findings.append(Finding(folder, f"It cannot be read: {error.strerror}.", True))
            return []
        self._findings += links_in(folder)
        paths = (os.path.join(folder, name) for name in names if not name.startswith("."))
        return [path for path in paths if is_plain_folder(path)]

    def _meta(self, folder: str) -> dict[str, Any] | None:
        path = os.path.join(folder, "meta.yaml")
        try:
            found = read_yaml(path, version=(1, 1), most=_MOST_TEXT)
            if isinstance(found, dict):
                return {str(name): value for name, value in found.items()}
            what = "It does not say what lies in its folder."
        except (OSError, ValueError) as error:
            what = f"It cannot be read: {error}"
        self._findings.append(Finding(path, what, True))
        return None

    def _named(self, folder: str, run: str) -> Iterator[tuple[str, str]]:
        """Names and paths of the files below a folder: a name with slashes lies in folders."""
        for at, folders, names in walk(folder):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(at, name)
                if not is_plain(path):
                    self._findings.append(
                        Finding(path, "It is a link or no plain file, and is left out.", True, run)
                    )
                else:
                    yield os.path.relpath(path, folder).replace(os.sep, "/"), path

    def _texts(self, folder: str, run: str) -> dict[str, str]:
        found = {}
        for name, path in self._named(folder, run):
            try:
                with open_text(path) as file:
                    found[name] = read_at_most(file, _MOST_TEXT)
            except OSError as error:
                self._findings.append(
                    Finding(path, f"It cannot be read: {error.strerror}.", True, run)
                )
        return found


def _whole(value: Any) -> int | None:
    return value if type(value) is int else None
