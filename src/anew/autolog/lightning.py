"""What a Lightning module reports with `self.log`, as its trainer hands it to loggers: reduced, with the right step.

The trainer's own call to its loggers is listened to, also where it has none (`logger=False`). What a TensorBoard logger
makes of that call belongs to it, so it is not recorded a second time.
"""

from __future__ import annotations

from collections.abc import Mapping

from .names import tidy
from .patches import Point

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..tracking.experiment import Experiment

__all__ = ["POINTS"]

_STEPPED = (
    "_batches_that_stepped"  # what Lightning's own loggers get as the step; it has no public name
)


def _log_metrics(
    experiment: Experiment, connector: Any, metrics: Mapping[str, Any], step: Any = None, **_: Any
) -> None:
    trainer = connector.trainer
    # Other ranks report to loggers that do nothing; a logger of ours has recorded it.
    if not metrics or not trainer.is_global_zero or _is_logged(trainer, experiment):
        return
    numbers = dict(_flat(metrics))
    if step is None:
        given = numbers.pop("step", None)
        step = _step(trainer) if given is None else int(given)
        if given is None:
            numbers.setdefault("epoch", trainer.current_epoch)
    if numbers:
        experiment.log_metrics(numbers, step)


def _step(trainer: Any) -> int | None:
    """How many batches have changed the weights, which is what loggers get as the step."""
    try:
        return int(getattr(trainer.fit_loop.epoch_loop, _STEPPED))
    except AttributeError:
        return int(trainer.global_step)


def _is_logged(trainer: Any, experiment: Experiment) -> bool:
    """Whether one of the trainer's loggers is ours, `anew.integrations.lightning`, and logs in this experiment."""
    return any(
        cls.__module__ == "anew.integrations.lightning" and logger.experiment is experiment
        for logger in trainer.loggers
        for cls in type(logger).__mro__
    )


def _flat(metrics: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{under}{name}/")
        else:
            yield tidy(f"{under}{name}"), value


POINTS = tuple(
    Point(
        "lightning",
        f"{package}.trainer.connectors.logger_connector.logger_connector",
        "_LoggerConnector",
        "log_metrics",
        _log_metrics,
    )
    for package in ("lightning.pytorch", "pytorch_lightning")
)
