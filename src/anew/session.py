"""start, log, finish: the current experiment, for programs without a handle.

The current experiment is the one that was opened last in this thread, or in this task of `asyncio`; threads and tasks that opened none use the
one around them, as long as there is no doubt which is meant. `start` ends the one that it began before.
"""

from __future__ import annotations

from .errors import NotRunning
from .tracking.experiment import Experiment
from .tracking.running import running, started

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    T = TypeVar("T")

__all__ = [
    "current",
    "finish",
    "log",
    "log_metric",
    "log_metrics",
    "setup_experiment",
    "start",
    "track",
]

_current: Experiment | None = (
    None  # what `start` began last, kept for what is asked of it after its end
)


def start(name: str | None = None, **options: Any) -> Experiment:
    """Start an experiment and make it the current one; takes what `Experiment` takes.

    `finish`, the end of the program or the end of a block, `with anew.start(…) as exp:`, ends it. The one that `start` began before
    in this thread or task, if it still runs, is completed, unless the new one cannot be started.

    Raises:
        TypeError: An argument that `Experiment` does not take; if other trackers have it, the message says what to write instead.
    """
    global _current
    for option in options.keys() - (Experiment.__init__.__kwdefaults__ or {}).keys():
        from .tracking.habits import ARGUMENTS

        if option in ARGUMENTS:
            raise TypeError(f"start() does not take {option!r}. Use {ARGUMENTS[option]}.")
    experiment = Experiment(name, **options)
    before = started()
    if before is not None and before.life.recording is not None:
        experiment.life.replaces = before
    try:
        experiment.run.start()
    finally:
        experiment.life.replaces = None
    started(experiment)
    _current = experiment
    return experiment


def setup_experiment(
    config: Any, name: str | None = None, *, pattern: str | None = None, **options: Any
) -> Path:
    """Start an experiment for a configuration and make its folders; returns the experiment's folder.

    The folder has `config.yaml` (frozen, with everything inherited in it), `metadata.json`, `environment/`,
    `reproduce.sh`, `logs/`, `checkpoints/`, `outputs/samples/` and `outputs/eval/`; `FAILED.txt` says where a run that
    failed did so. The experiment is the current one: `current()` gives its handle, and the program's end ends it.

    Args:
        config: What `Experiment` takes as a configuration.
        name: Its name or prefix; a descriptive name made from the configuration if not given.
        pattern: How to make that name (see `generate_experiment_name`).
        options: What else `Experiment` takes.
    """
    from pathlib import Path

    from .tracking.config import FrozenConfig, freeze

    frozen = freeze(config)
    if name is None:
        from .naming import generate_experiment_name

        name = generate_experiment_name(FrozenConfig(frozen), pattern)
    experiment = start(name, config=frozen, **options)
    folder = Path(experiment.folder or ".")
    if experiment.folder:
        for own in ("checkpoints", "logs", "outputs/samples", "outputs/eval"):
            (folder / own).mkdir(parents=True, exist_ok=True)
    return folder


def current() -> Experiment:
    """The experiment that was opened last in this thread or task, by `start`, by hand or with a `with` block.

    Where none was opened, it is the only one that runs in this process, or the only one that `start` began.

    Raises:
        NotRunning: None was started, or other threads or tasks have several.
    """
    experiment: Experiment | None = running() or _current
    if experiment is None:
        raise NotRunning("No experiment was started: call anew.start(name) first.")
    return experiment


def log_metric(
    name: str, value: Any, step: int | None = None, *, metadata: Mapping[str, Any] | None = None
) -> None:
    """Log one metric of the current experiment."""
    current().log_metric(name, value, step, metadata=metadata)


def log_metrics(
    metrics: Mapping[str, Any],
    step: int | None = None,
    *,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Log several metrics of the current experiment."""
    current().log_metrics(metrics, step, metadata=metadata)


def log(
    what: str | Mapping[str, Any] | object,
    /,
    level: str | int | None = None,
    *,
    step: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    **fields: Any,
) -> None:
    """Log metrics and values of the current experiment in one call, or record a message; as `Experiment.log`."""
    current().log(what, level, step=step, metadata=metadata, **fields)


def finish(status: str = "completed", reason: str | None = None) -> None:
    """End the current experiment as completed, failed or cancelled.

    Raises:
        NotRunning: None is running.
        InvalidValue: The status is none of these.
    """
    global _current
    experiment = current()
    experiment.finish(status, reason)
    if experiment is _current:
        _current = None


def track(name: str | None = None, **options: Any) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a training function: each call is recorded as one opening of the experiment.

    A parameter of the function called `experiment` or `exp` receives it:

        @track("alice/vision/resnet50")
        def train(experiment): ...
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        return Experiment(name, **options)(function)

    return decorate
