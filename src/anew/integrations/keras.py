"""Keras 3: `model.fit(…, callbacks=[AnewCallback("alice/digits/net")])`, on any of its backends."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Mapping
from typing import Any

from anew import Experiment

from .opening import Opening
from .requiring import check_choice, require

_keras: Any = require("keras", "keras")

__all__ = ["AnewCallback"]

# Of these in a metric's name, more is better.
_RISING = ("acc", "auc", "f1", "iou", "precision", "recall", "r2", "score")


class AnewCallback(Opening, _keras.callbacks.Callback):  # type: ignore[misc]  # has no types
    """Logs each epoch's metrics under Keras's own names, with the learning rate; the step is the epoch.

    Parameters tell of the model, its optimizer and the fit; the layers are kept in the file `model/summary.txt`.
    The experiment is completed after each fit; another fit with the same callback continues it, with epochs that
    go on. An evaluation on its own is logged as `test_…`. Keras tells no callback of an exception: one that ends
    the program fails the experiment then, one that is caught does so with a `with` block.

    Args:
        experiment: The experiment to log in, or the name or prefix of one to open. Without either it is the one that
            runs in this process, or a new one.
        log_batches: Log the metrics of every this many batches too, as `batch/…` by the number of batches so far.
        log_model: True keeps the model at the end of a fit, "all" after each epoch, "best" each time that `monitor`
            improves; "weights" commits a version of the weights (`exp.weights`) after each epoch.
        monitor: The metric that says which model is best.
        mode: Whether "min" or "max" of it is best; by its name if not given.
        options: What else `Experiment` takes, for one to open.
    """

    def __init__(
        self,
        experiment: Experiment | str | None = None,
        *,
        log_batches: int = 0,
        log_model: bool | str = False,
        monitor: str = "val_loss",
        mode: str | None = None,
        **options: Any,
    ) -> None:
        check_choice("log_model", log_model, (False, True, "all", "best", "weights"))
        check_choice("mode", mode, (None, "min", "max"))
        Opening.__init__(self, experiment, options)
        _keras.callbacks.Callback.__init__(self)
        self._log_model, self._monitor = log_model, monitor
        rising = mode == "max" or (mode is None and any(word in monitor for word in _RISING))
        self._sign = -1.0 if rising else 1.0
        self._best = math.inf  # turned so that less is better
        self._training = False
        self._offset = self._epochs = self._batches = self._batch = 0
        if log_batches:
            # Only then: Keras fetches the metrics of a batch for callbacks that want them.
            self._every = int(log_batches)
            self.on_train_batch_end = self._on_batch

    def set_params(self, params: Any) -> None:
        """A fit or an evaluation of its own is about to begin, also after a fit that an exception ended."""
        super().set_params(params)
        self._training = False

    def on_train_begin(self, logs: Any = None) -> None:
        """Open the experiment, and keep what there is to train."""
        exp, model, optimizer = self._open(), self.model, self.model.optimizer
        loss = getattr(model.loss, "name", None) or getattr(model.loss, "__name__", model.loss)
        about = {"name": model.name, "class": type(model).__name__}
        if model.built:
            about["parameters"] = model.count_params()
            lines: list[str] = []
            model.summary(print_fn=lambda text, **_: lines.append(text))
            exp.files("model").save_text("\n".join(lines) + "\n", "summary.txt", masked=True)
        exp.params.set({"model": about, "fit": self.params or {}, "loss": loss})
        exp.params.set({"optimizer": optimizer.get_config()} if optimizer else {})
        self._training, self._offset = True, -1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Epochs of another fit go on where the last one ended, unless it says with which it begins."""
        if self._offset < 0:
            self._offset = max(self._epochs - epoch, 0)
        self._batch = 0

    def _on_batch(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        seen, self._batch = self._batch, batch + 1  # several at once with steps_per_execution
        if logs and self._batch // self._every > seen // self._every:
            self._open().log_metrics(_numbers(logs, "batch/"), step=self._batches + self._batch)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log an epoch, and keep the model if that is wished."""
        step, exp, metrics = self._offset + epoch, self._open(), _numbers(logs or {})
        rate = getattr(self.model.optimizer, "learning_rate", None)
        if rate is not None:
            metrics.setdefault("learning_rate", float(_keras.ops.convert_to_numpy(rate)))
        exp.log_metrics(metrics, step=step)
        self._epochs, self._batches = step + 1, self._batches + self._batch
        if self._log_model == "weights":
            exp.weights.commit(self.model, f"epoch {step}", step)
        score = metrics.get(self._monitor)
        signed = math.inf if score is None or score != score else self._sign * float(score)
        better = signed < self._best
        self._best = min(signed, self._best)
        if self._log_model == "all" or (self._log_model == "best" and better):
            self._keep(step, score)

    def _keep(self, step: int, score: Any = None) -> None:
        facts = {} if score is None else {self._monitor: float(score)}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.keras")
            self.model.save(path)
            self._open().files("models").save(path, step=step, metadata=facts)

    def on_train_end(self, logs: Any = None) -> None:
        """Keep the model if that is wished, and end what was opened here."""
        if self._log_model is True:
            self._keep(max(self._epochs - 1, 0))
        if self._log_model == "best" and self._best == math.inf:
            known = ", ".join(logs or ())
            self._open().log(
                f"no model was saved: {self._monitor!r} was not among the reported metrics ({known})",
                "warning",
            )
        self._training = False
        self._trained()

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Log an evaluation that is not part of a fit."""
        if not self._training and logs:
            self._open().log_metrics(_numbers(logs, "test_"), step=max(self._epochs - 1, 0))
            self._trained()


def _numbers(logs: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Metrics by name; of one with several values, such as a score per class, each as `name/0`, `name/1`, …"""
    found: dict[str, Any] = {}
    for name, value in logs.items():
        several = value.ravel() if getattr(value, "size", 1) != 1 else None
        for at, one in enumerate([value] if several is None else several):
            found[prefix + name + ("" if several is None else f"/{at}")] = one
    return found
