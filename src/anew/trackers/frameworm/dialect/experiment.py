"""`Experiment` as frameworm has it: started and ended, or used in a `with` statement."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import anew
from anew.errors import NotRunning

from .frames import points

__all__ = ["Experiment"]


class Experiment:
    """An experiment to be used in a `with` statement, or through `start` and `end`.

    Args:
        name: A label; every start makes a new experiment.
        config: The configuration, frozen from the start on.
        root_dir: The store's root folder; where Anew keeps experiments anyway if not given.

    Attributes:
        native: The `anew.Experiment` below, for all it can do besides.
    """

    def __init__(
        self,
        name: str,
        config: Any = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        root_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        self.name = name
        self._started_for_its_folder = False
        self.native = anew.Experiment(
            name.replace("/", "-").replace("\\", "-"),
            config=config,
            description=description,
            tags=tags,
            root=root_dir,
        )

    @property
    def experiment_id(self) -> str:
        """The experiment's id; "" until it has started."""
        return self.native.id

    @property
    def status(self) -> str:
        """pending, running, completed, failed or cancelled."""
        return str(self.native.status)

    @property
    def exp_dir(self) -> Path:
        """The experiment's folder. Asked for before the start, it starts the experiment; `start` then goes on with it.

        Raises:
            NotRunning: Recording is disabled, so there is no folder.
        """
        if self.native.status is anew.Status.PENDING:
            self.native.run.start()
            self._started_for_its_folder = True
        if not self.native.folder:
            raise NotRunning(f"The experiment {self.name!r} is not recorded and has no folder.")
        return Path(self.native.folder)

    @property
    def checkpoint_dir(self) -> Path:
        """The folder for checkpoints."""
        return self._folder("checkpoints")

    @property
    def log_dir(self) -> Path:
        """The folder of logs."""
        return self._folder("logs")

    @property
    def artifact_dir(self) -> Path:
        """The folder `artifacts`, for files of your own; `log_artifact` keeps its copies under `files/artifacts`."""
        return self._folder("artifacts")

    def _folder(self, name: str) -> Path:
        folder = self.exp_dir / name
        folder.mkdir(exist_ok=True)
        return folder

    def start(self) -> Experiment:
        """Begin recording."""
        if self._started_for_its_folder and self.native.status is anew.Status.RUNNING:
            self._started_for_its_folder = False
            return self
        self.native.run.start()
        return self

    def end(self, status: str = "completed") -> None:
        """End it as completed, failed or cancelled.

        Raises:
            ValueError: The status is none of these.
        """
        run = self.native.run
        ends = {"completed": run.complete, "failed": run.fail, "cancelled": run.cancel}
        if status not in ends:
            raise ValueError(f"The status must be one of {', '.join(ends)}, not {status!r}.")
        ends[status]()

    def __enter__(self) -> Experiment:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.native.run.__exit__(kind, error, traceback)

    def log_metric(
        self,
        name: str,
        value: Any,
        step: int | None = None,
        epoch: int | None = None,
        metric_type: str = "train",
    ) -> None:
        """Log one metric."""
        self.log_metrics({name: value}, step, epoch, metric_type)

    def log_metrics(
        self,
        metrics: Mapping[str, Any],
        step: int | None = None,
        epoch: int | None = None,
        metric_type: str = "train",
    ) -> None:
        """Log several metrics of one moment."""
        beside = {
            **({} if epoch is None else {"epoch": epoch}),
            **({} if metric_type == "train" else {"metric_type": metric_type}),
        }
        self.native.log_metrics(metrics, epoch if step is None else step, metadata=beside or None)

    def log_artifact(
        self,
        artifact_path: str | os.PathLike[str],
        artifact_type: str = "file",
        artifact_name: str | None = None,
    ) -> None:
        """Keep a copy of a file or folder.

        Raises:
            FileNotFoundError: There is no such file.
        """
        files = self.native.files("artifacts")
        files.save(artifact_path, artifact_name, metadata={"type": artifact_type})

    def get_metrics(self, metric_name: str | None = None) -> list[dict[str, Any]]:
        """Every point as `{metric_name, metric_value, step, epoch, metric_type, timestamp}`, as logged."""
        root = self.exp_dir.parents[self.native.prefix.count("/")]
        return points(anew.Store(root).get(self.experiment_id), metric_name)

    def __repr__(self) -> str:
        return f"Experiment(id={self.experiment_id!r}, name={self.name!r}, status={self.status!r})"
