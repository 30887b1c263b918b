"""`ExperimentTracker`: runs one experiment at a time, and finds those that were run."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import anew
from anew import Status as ExperimentStatus
from anew.errors import AlreadyRunning, NotFound, NotRunning

from .experiment import Experiment, Mode, moment, read_later, shown, weights_of, with_reason
from .repository import Repository, root_of

__all__ = ["ActiveExperiment", "ExperimentTracker", "NoActiveExperiment"]


class NoActiveExperiment(NotRunning, ValueError):
    """A call that needs an experiment came while none was running."""


class ActiveExperiment(AlreadyRunning, ValueError):
    """An experiment was started while another one was running."""


class ExperimentTracker:
    """Runs one experiment at a time in a repository, and finds those that were run.

    Args:
        repo: The repository. One that was opened with `anew.weights.Repository` takes the store it lies in.
        root: The store's root folder, where it is another one.
    """

    def __init__(self, repo: Any, root: str | os.PathLike[str] | None = None) -> None:
        self.repo = repo
        self._root = root if root is not None else root_of(repo)
        self._store: anew.Store | None = None
        self._native: anew.Experiment | None = None
        self._experiment: Experiment | None = None

    # -- one experiment ----------------------------------------------------------------------------

    @property
    def current_experiment(self) -> Experiment | None:
        """The experiment that is running, if one is."""
        return self._experiment

    def start(
        self,
        name: str,
        description: str | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Iterable[str] | None = None,
        notes: str | None = None,
    ) -> Experiment:
        """Start an experiment; the repository's branch is kept with it.

        Raises:
            ActiveExperiment: One is already running.
        """
        return self._start(name, None, description, params, tags, notes)

    def _start(
        self,
        name: str,
        parent: str | None,
        description: str | None,
        params: Mapping[str, Any] | None,
        tags: Any,
        notes: str | None = None,
    ) -> Experiment:
        if self._native is not None:
            raise ActiveExperiment(
                f"The experiment {self._native.name!r} is already running; end it with end() or fail() first."
            )
        native = anew.Experiment(
            _label(name),
            description=description,
            params=params,
            tags=tags,
            notes=notes,
            parent=parent,
            relation="child" if parent is None else "resumed",
            root=self._root,
        )
        native.run.start()
        now = datetime.now().astimezone()
        experiment = Experiment(
            native.id,
            native.name,
            description,
            native.status,
            created_at=now,
            started_at=now,
            branch=getattr(self.repo, "branch_name", None),
            parent_experiment=parent,
            notes=notes,
        )
        if native.folder:  # unless recording is disabled
            read_later(experiment, lambda: self.store.get(native.id))
        self._native, self._experiment = native, experiment
        self._renew()
        self._note_weights(None)
        if isinstance(self.repo, Repository):
            self.repo.running, self.repo.running_step = native.id, None
        return experiment

    def _active(self) -> anew.Experiment:
        if self._native is None:
            raise NoActiveExperiment("No active experiment: start one with tracker.start(name).")
        return self._native

    def log(
        self,
        name: str,
        value: Any,
        step: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Log one metric.

        Raises:
            NoActiveExperiment: None is running; so do all calls of this kind.
        """
        self._active().log_metric(name, value, step, metadata=metadata)
        self._at(step)

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log several metrics."""
        self._active().log_metrics(metrics, step)
        self._at(step)

    def _at(self, step: int | None) -> None:
        """Let the repository know the step, so that a commit is linked with it."""
        if step is not None and isinstance(self.repo, Repository):
            self.repo.running_step = int(step)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Set parameters, or change some."""
        self._active().params.set(params)
        self._renew()

    def add_tags(self, tags: Iterable[str]) -> None:
        """Add tags."""
        self._active().add_tags(tags)
        self._renew()

    def set_notes(self, notes: str) -> None:
        """Replace the notes."""
        self._active().set_notes(notes)
        if self._experiment is not None:
            self._experiment.notes = notes

    def end(
        self,
        status: ExperimentStatus | str = ExperimentStatus.COMPLETED,
        commit_hash: str | None = None,
    ) -> Experiment:
        """End the experiment, with the version of weights it came to.

        Raises:
            ValueError: The status is none that an experiment ends with.
        """
        native = self._active()
        status = ExperimentStatus(status)
        if not status.ended:
            raise ValueError(f"{status} is not a final status of an experiment.")
        if commit_hash is not None:
            self._note_weights(commit_hash)
        ends: dict[Any, Callable[[], None]] = {
            ExperimentStatus.COMPLETED: native.run.complete,
            ExperimentStatus.FAILED: native.run.fail,
            ExperimentStatus.CANCELLED: native.run.cancel,
        }
        return self._ended(ends[status])

    def fail(self, error_message: str | None = None) -> Experiment:
        """End the experiment as failed, with the reason, which is in the notes of the object."""
        native = self._active()
        ended = self._ended(lambda: native.run.fail(error_message))
        ended.notes = with_reason(ended.notes, error_message)
        return ended

    def _ended(self, end: Callable[[], None]) -> Experiment:
        experiment = self._experiment
        assert experiment is not None
        end()
        self._renew()
        experiment.ended_at = datetime.now().astimezone()
        self._native = self._experiment = None
        if isinstance(self.repo, Repository):
            self.repo.running = self.repo.running_step = None
        return experiment

    def _note_weights(self, commit: str | None) -> None:
        experiment = self._experiment
        assert experiment is not None
        experiment.commit_hash = commit
        facts = {"branch": experiment.branch, "commit": commit}
        self._active().capture("weights", {k: v for k, v in facts.items() if v is not None})

    def _renew(self) -> None:
        """Bring the object that `start` gave up to date; no store is opened while a program trains."""
        native, experiment = self._active(), self._experiment
        assert experiment is not None
        experiment.status = native.status
        experiment.params = native.params.get()
        experiment.tags = [*native.tags]

    # -- all experiments ---------------------------------------------------------------------------

    @property
    def store(self) -> anew.Store:
        """The store that holds the experiments."""
        if self._store is None:
            self._store = anew.Store(self._root)
        return self._store

    def list(
        self,
        status: ExperimentStatus | str | None = None,
        tags: Iterable[str] | None = None,
        branch: str | None = None,
        limit: int | None = None,
    ) -> list[Experiment]:
        """Experiments that have the status, all the tags, and the branch; newest first."""
        found = self.store.list(
            status=status, tags=tags, limit=limit if branch is None else None, reproductions=True
        )
        views = (
            view for view in found if branch is None or weights_of(view).get("branch") == branch
        )
        several = [self._shown(view) for view in views]
        return several if limit is None else several[:limit]

    def get(self, experiment_id: str) -> Experiment | None:
        """The experiment with that id, or None."""
        try:
            return self._shown(self.store.get(experiment_id))
        except NotFound:
            return None

    def get_by_name(self, name: str) -> builtins.list[Experiment]:
        """All experiments of that name, newest first."""
        return [
            self._shown(view) for view in self.store.list(name=_label(name), reproductions=True)
        ]

    def compare(
        self,
        experiment_ids: Iterable[str],
        metrics: Iterable[str] | None = None,
        mode: Mode | None = None,
    ) -> dict[str, Any]:
        """Experiments side by side.

        Args:
            metrics: Which; all if not given.
            mode: Whether the smallest or the largest value is "best"; by each metric's name if not given.

        Returns:
            `{"experiments": [{id, name, status, duration, created_at}],
            "metrics": {metric: {id: {best, latest, count}}}, "params": {name: {id: value or None}}}`, the
            parameters being those that differ.

        Raises:
            NotFound: An experiment is unknown, or none of them logged one of the metrics.
        """
        names = None if metrics is None else [*metrics]
        found = self.store.compare([*experiment_ids], names, mode=mode)
        facts = ("id", "name", "status", "duration")
        return {
            "experiments": [
                {**{k: one[k] for k in facts}, "created_at": moment(one["created_at"]).isoformat()}
                for one in found.experiments
            ],
            "metrics": {
                name: {
                    key: {k: of[k] for k in ("best", "latest", "count")}
                    for key, of in by_id.items()
                }
                for name, by_id in found.metrics.items()
            },
            "params": found.params,
        }

    def find_best(
        self,
        metric: str,
        mode: Mode | None = None,
        status: ExperimentStatus | str | None = ExperimentStatus.COMPLETED,
        tags: Iterable[str] | None = None,
        limit: int | None = 5,
    ) -> builtins.list[dict[str, Any]]:
        """The experiments with the best value of a metric, best first.

        Args:
            mode: "min" or "max"; by the metric's name if not given.
            status: Which to look at; None looks at all.

        Returns:
            `[{experiment_id, name, metric, best_value, best_step, commit_hash, params}]`; `commit_hash` is the
            version of weights committed at the best step, or else the one that `end` was given.

        Raises:
            NotFound: There are experiments, and none ever logged that metric.
        """
        if not len(self.store):
            return []
        return [
            {
                "experiment_id": one.experiment.id,
                "name": one.experiment.name,
                "metric": metric,
                "best_value": one.value,
                "best_step": one.step,
                "commit_hash": self._commit_at(one.experiment.id, one.step)
                or weights_of(one.experiment).get("commit"),
                "params": one.experiment.params.to_dict(),
            }
            for one in self.store.best(metric, mode=mode, status=status, tags=tags, limit=limit)
        ]

    def _commit_at(self, experiment_id: str, step: int | None) -> str | None:
        """The newest version of weights that an experiment committed at a step."""
        history = getattr(self.repo, "log", None)
        if step is None or history is None:
            return None
        commits = history(experiment=experiment_id)
        return next((one.commit_hash for one in commits if one.step == step), None)

    def resume(self, experiment_id: str) -> Experiment:
        """Start a child of an experiment, called `<name>-resumed`, with its parameters and tags.

        Raises:
            NotFound: There is no such experiment.
            ActiveExperiment: One is already running.
        """
        view = self.store.get(experiment_id)
        return self._start(
            f"{view.name}-resumed", view.id, view.description, view.params.to_dict(), view.tags
        )

    def delete(self, experiment_id: str) -> bool:
        """Put an experiment in the trash; False if there is no such one.

        Raises:
            StillRunning: It is being written.
        """
        try:
            self.store.delete(experiment_id)
        except NotFound:
            return False
        return True

    def get_summary(self) -> dict[str, Any]:
        """`{total_experiments, by_status, unique_names, branches, total_metrics_logged}`."""
        found = self.store.summary()
        branches = {weights_of(view).get("branch") for view in self.store.list(reproductions=True)}
        return {
            "total_experiments": found.total,
            "by_status": found.by_status,
            "unique_names": found.names,
            "branches": sorted(branch for branch in branches if branch),
            "total_metrics_logged": found.metrics_logged,
        }

    def _shown(self, view: Any) -> Experiment:
        return shown(view, lambda: self.store.get(view.id))


def _label(name: str) -> str:
    """A name here is a label, also one with a slash: every start makes a new experiment."""
    return name.replace("/", "-").replace("\\", "-")
