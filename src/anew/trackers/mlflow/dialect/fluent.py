"""The calls on the active run."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import anew
from anew import Status

from ...around import around, opened_by_a_dialect
from ..translate.facts import CAPTURED, RunFacts, label_of, meaning, status_here, status_there
from . import experiments, places, writing
from .entities import Run, RunData, RunInfo, RunInputs, RunStatus
from .exceptions import MlflowException, missing
from .runs import artifact_uri, run_of, trashed, view_of

__all__ = [
    "ActiveRun",
    "active_run",
    "delete_run",
    "end_run",
    "get_parent_run",
    "get_run",
    "last_active_run",
    "restore_run",
    "start_run",
]

_local = threading.local()

if hasattr(os, "register_at_fork"):  # the active runs are those of the program, and no fork's
    os.register_at_fork(after_in_child=lambda: _local.__dict__.clear())


def _stack() -> list[ActiveRun]:
    runs: list[ActiveRun] = getattr(_local, "runs", [])
    # What was ended by other means is not active.
    runs[:] = [run for run in runs if run.native.status is Status.RUNNING]
    _local.runs = runs
    return runs


class ActiveRun(Run):
    """A run that is being written; in a `with` statement it ends with the block.

    Attributes:
        native: The `anew.Experiment` below, for all it can do besides.
        experiment_id: The id of its experiment.
    """

    def __init__(
        self, native: anew.Experiment, experiment_id: str, run_name: str, started: int | None
    ) -> None:
        self.native = native
        self.experiment_id = experiment_id
        self._name, self._started = run_name, started

    @property
    def info(self) -> RunInfo:
        """Its facts, as far as they are known while it runs."""
        if self.native.folder and self.native.status is not Status.RUNNING:
            return get_run(self.native.id).info
        return RunInfo(
            self.native.id, self.experiment_id, _user(), status_there(self.native.status), self._started, None, "active",
            artifact_uri(self.native.folder), self._name,
        )  # fmt: skip

    @property
    def data(self) -> RunData:
        """What it has logged so far."""
        return get_run(self.native.id).data if self.native.folder else RunData()

    @property
    def inputs(self) -> RunInputs:
        """What it reads."""
        return get_run(self.native.id).inputs if self.native.folder else RunInputs()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The run may have been ended and started again inside of the block: that one ends with it too.
        again = [run.native for run in _stack() if run.native.id == self.native.id]
        for native in (self.native, *again):
            if native.status is Status.RUNNING:
                native.run.__exit__(kind, error, traceback)
        _ended(self.native)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def start_run(
    run_id: str | None = None,
    experiment_id: str | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
    log_system_metrics: bool | None = None,
) -> ActiveRun:
    """Start a run, or go on with one.

    Args:
        run_id: The run to go on with; `MLFLOW_RUN_ID` says the same, once.
        experiment_id: The experiment of a new run; the one that was chosen if not given.
        run_name: Its name; a readable random one if not given.
        nested: Let it be a child of the run that is active.
        parent_run_id: The run it is a child of.
        tags: Its tags.
        description: What it is.
        log_system_metrics: False samples no CPU, memory and GPU, which otherwise are.

    Raises:
        MlflowException: Another run is active and `nested` is not set, or there is no run or experiment of that id.
    """
    stack = _stack()
    if stack and not nested:
        raise MlflowException(
            f"Run with UUID {stack[-1].native.id} is already active. To start a new run, first end the current run "
            "with mlflow.end_run(). To start a nested run, call start_run with nested=True",
            "INVALID_STATE",
        )
    if experiment_id is not None and not isinstance(experiment_id, (str, int)):
        raise MlflowException.invalid_parameter_value(f"Invalid experiment id: {experiment_id!r}")
    if description is not None and "mlflow.note.content" in (tags or {}):
        raise MlflowException.invalid_parameter_value(
            "Description is already set via the tag mlflow.note.content in tags. Remove the key mlflow.note.content from the tags "
            "or omit the description."
        )
    run_id = run_id or os.environ.pop("MLFLOW_RUN_ID", None)
    system = 0 if log_system_metrics is False else places.sampling["interval"]
    if run_id is not None:
        run = continued(run_id, tags, description, system, run_name)
    else:
        given = meaning(tags)
        parent = parent_run_id or given.parent
        outer = stack[-1].native if stack else around()
        if parent is not None:
            view_of(parent)
        run = begun(
            _experiment(experiment_id)
            or (stack[-1].experiment_id if stack else experiments.active_id()),
            run_name or given.name,
            parent or outer,
            given.tags,
            given.description or description,
            system,
        )
    _local.last = run.native.id
    stack.append(run)
    return run


def _experiment(experiment_id: str | int | None) -> str | None:
    return None if experiment_id is None else str(experiment_id)


def begun(
    experiment_id: str,
    run_name: str | None,
    parent: anew.Experiment | str | None,
    tags: Mapping[str, str],
    description: str | None,
    system: float | None = None,
    start_time: int | None = None,
) -> ActiveRun:
    """A new run, which is written from now on."""
    import time

    experiment = experiments.name_of(str(experiment_id))
    label = label_of(run_name) if run_name else None
    with writing.told():
        native = anew.Experiment(
            label,
            resume="never",
            project=experiments.project_of(experiment),
            tags=tags,
            description=description,
            parent=parent,
            root=places.root(),
            system_metrics=system,
        )
        opened_by_a_dialect(native)
        native.run.start()
    apart = bool(run_name) and run_name != label
    known = RunFacts(
        str(experiment_id),
        experiment,
        None if start_time is None else int(start_time),
        run_name if apart else None,
        native.name if apart else None,
    )
    native.capture(CAPTURED, known.captured())
    run = ActiveRun(native, str(experiment_id), run_name or native.name, round(time.time() * 1000))
    writing.OPEN[native.id] = native
    return run


def continued(
    run_id: str,
    tags: Mapping[str, Any] | None,
    description: str | None,
    system: float | None,
    run_name: str | None = None,
) -> ActiveRun:
    """A run that was begun before, which is written from now on.

    Raises:
        MlflowException: There is none of that id, or it is active.
    """
    if any(run.native.id == run_id for run in _stack()):
        raise MlflowException(f"Run with UUID {run_id} is already active.", "INVALID_STATE")
    known = run_of(view := view_of(run_id))
    native = writing.OPEN.get(run_id)
    if native is None or native.status is not Status.RUNNING:
        prefix, resume = writing.again(view)
        native = anew.Experiment(
            prefix=prefix, resume=resume, root=places.root(), description=description, system_metrics=system,
        )  # fmt: skip
        opened_by_a_dialect(native)
        native.run.start()
        writing.OPEN[run_id] = native
        writing.remember_inputs(view)
    if tags:
        writing.set_tags(native, tags)
    info = known.info
    if run_name and run_name != info.run_name:
        writing.rename(run_id, run_name)
    return ActiveRun(
        native, info.experiment_id, run_name or info.run_name or native.name, info.start_time
    )


def native_run() -> anew.Experiment:
    """What a call without a run writes to: the active run, an experiment begun with Anew, or a new run."""
    stack = _stack()
    if stack:
        return stack[-1].native
    return around() or start_run().native


def active_run() -> ActiveRun | None:
    """The run that is active in this thread, or None."""
    stack = _stack()
    return stack[-1] if stack else None


def last_active_run() -> Run | None:
    """The active run, or the one that was active last."""
    if (run := active_run()) is not None:
        return run
    last = getattr(_local, "last", None)  # of this thread
    return get_run(last) if last else None


def end_run(status: str = "FINISHED") -> None:
    """End the active run, if there is one.

    Raises:
        MlflowException: A run does not end with that status.
    """
    stack = _stack()
    if stack:
        terminate(stack[-1].native, status)


def terminate(native: anew.Experiment, status: str | None) -> None:
    """End a run with one of MLflow's statuses."""
    ends = {
        Status.COMPLETED: native.run.complete,
        Status.FAILED: native.run.fail,
        Status.CANCELLED: native.run.cancel,
    }
    name = RunStatus.to_string(status) if isinstance(status, int) else status or "FINISHED"
    meant = status_here(name)
    if meant not in ends:
        raise MlflowException.invalid_parameter_value(
            f"The status must be one of {', '.join(map(status_there, ends))}, not {status!r}."
        )
    ends[meant]()
    _ended(native)


def _ended(native: anew.Experiment) -> None:
    _local.last = native.id
    writing.forget(native.id)
    _stack()


def get_run(run_id: str) -> Run:
    """A run by its id, with what it logged so far.

    Of one that was deleted its name, its experiment and its stage are known; the rest once it is restored.

    Raises:
        MlflowException: There is none.
    """
    try:
        view = view_of(run_id)
    except MlflowException:
        if (deleted := trashed(run_id)) is not None:
            return deleted
        raise
    return run_of(view)


def get_parent_run(run_id: str) -> Run | None:
    """The run that a nested run is in, or None."""
    parent = view_of(run_id).parent
    return None if parent is None else get_run(parent)


def delete_run(run_id: str) -> None:
    """Put a run in the trash; one that this program is writing ends first.

    Raises:
        MlflowException: There is none, or another program is writing it.
    """
    view = view_of(run_id)
    native = writing.OPEN.get(run_id)
    if native is not None and native.status is Status.RUNNING:
        terminate(native, "FINISHED")
    with writing.told():
        view.delete()


def restore_run(run_id: str) -> None:
    """Take a run out of the trash.

    Raises:
        MlflowException: There is none of that id in it.
    """
    store = places.store()
    if store is None or trashed(run_id) is None:
        raise missing(f"Run with id={run_id} not found")
    with writing.told():
        store.restore(run_id)
