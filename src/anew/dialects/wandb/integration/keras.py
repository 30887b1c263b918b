"""`wandb.integration.keras`: a callback that logs what epochs or batches came to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras as _keras

from .. import define_metric, log

__all__ = ["WandbMetricsLogger"]


class WandbMetricsLogger(_keras.callbacks.Callback):  # type: ignore[misc]  # has no types
    """Logs the metrics of each epoch as `epoch/<metric>`, and of batches as `batch/<metric>`, with the learning rate.

    Args:
        log_freq: "epoch", or "batch" for every batch too, or after how many batches.
        initial_global_step: The number of the first batch, where a training goes on.
    """

    def __init__(self, log_freq: str | int = "epoch", initial_global_step: int = 0) -> None:
        super().__init__()
        if log_freq == "batch":
            log_freq = 1
        self._every = log_freq if isinstance(log_freq, int) else 0
        self._batch = initial_global_step
        for kind, step in (("epoch", "epoch/epoch"), ("batch", "batch/batch_step")):
            if kind == "epoch" or self._every:
                define_metric(step)
                define_metric(f"{kind}/*", step_metric=step)

    def _rate(self) -> dict[str, float]:
        optimizer = getattr(self.model, "optimizer", None)
        rate: Any = getattr(optimizer, "learning_rate", None)
        if optimizer is None or rate is None:
            return {}
        try:
            return {"learning_rate": float(rate)}
        except (TypeError, ValueError):  # a schedule, which is a function of the step
            return {"learning_rate": float(rate(optimizer.iterations))}

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log what an epoch came to."""
        row = {**(logs or {}), "epoch": epoch, **self._rate()}
        log({f"epoch/{name}": value for name, value in row.items()})

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log what a batch came to, if its turn has come."""
        if self._every and batch % self._every == 0:
            row = {**(logs or {}), "batch_step": self._batch, **self._rate()}
            log({f"batch/{name}": value for name, value in row.items()})
            self._batch += self._every
