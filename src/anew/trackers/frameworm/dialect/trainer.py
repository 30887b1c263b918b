"""`Trainer`: trains a torch module and logs its losses by itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import anew
from anew.errors import InvalidValue

from .experiment import Experiment

__all__ = ["Trainer"]


class Trainer:
    """Trains a torch module epoch by epoch, and logs its losses to an experiment by itself.

    A batch is inputs and, last, the target. The loss is what `model.compute_loss(*batch)` gives (a tensor, or a mapping
    with `loss` in it, whose other numbers are logged too), or the criterion of the model's output and the target.

    Args:
        criterion: For a model without `compute_loss`.
        device: Where to train; the GPU if there is one.
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any,
        criterion: Callable[[Any, Any], Any] | None = None,
        device: str | None = None,
    ) -> None:
        import torch

        if criterion is None and not hasattr(model, "compute_loss"):
            raise InvalidValue(
                "The trainer has no loss: give Trainer(model, optimizer, criterion=...), or the model a method "
                "compute_loss(*batch).",
                key="criterion",
            )
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.model = model.to(self.device)
        self.optimizer = optimizer
        self.criterion = criterion
        self.experiment: Experiment | None = None
        self.global_step = 0

    def set_experiment(self, experiment: Experiment | None) -> None:
        """Log to this experiment from now on, and keep checkpoints in its folder; None to log nowhere."""
        self.experiment = experiment

    def train(
        self,
        train_loader: Iterable[Any],
        val_loader: Iterable[Any] | None = None,
        epochs: int = 100,
    ) -> None:
        """Train, and validate after each epoch.

        Each batch logs `loss` (and what else the model's loss gave) at its step; each epoch logs the means over the
        validation data as `val_loss` …. `latest.pt` and, where there is validation, `best.pt` are kept in the
        experiment's `checkpoints/`. An experiment that is not running is started for the training, and ended after it.
        """
        experiment = self.experiment
        if experiment is not None and experiment.native.status is not anew.Status.RUNNING:
            with experiment:
                self._epochs(train_loader, val_loader, epochs)
        else:
            self._epochs(train_loader, val_loader, epochs)

    def _epochs(
        self, train_loader: Iterable[Any], val_loader: Iterable[Any] | None, epochs: int
    ) -> None:
        best = float("inf")
        for epoch in range(epochs):
            self._train_epoch(train_loader, epoch)
            found = {} if val_loader is None else self._validate(val_loader)
            if found:
                values = {f"val_{name}": value for name, value in found.items()}
                self._log(values, max(0, self.global_step - 1), epoch, "val")
            self._save("latest.pt", epoch)
            if found and found["loss"] < best:
                best = found["loss"]
                self._save("best.pt", epoch)

    def _train_epoch(self, loader: Iterable[Any], epoch: int) -> None:
        self.model.train()
        for batch in loader:
            self.optimizer.zero_grad()
            losses = self._losses(self._placed(batch))
            losses["loss"].backward()
            self.optimizer.step()
            self._log(_numbers(losses), self.global_step, epoch, "train")
            self.global_step += 1

    def _validate(self, loader: Iterable[Any]) -> dict[str, float]:
        """The means over all samples."""
        import torch

        self.model.eval()
        sums: dict[str, float] = {}
        total = 0
        with torch.no_grad():
            for batch in loader:
                placed = self._placed(batch)
                size = len(placed[0]) if getattr(placed[0], "ndim", 0) else 1
                for name, value in _numbers(self._losses(placed)).items():
                    sums[name] = sums.get(name, 0.0) + value * size
                total += size
        return {name: value / total for name, value in sums.items()}

    def _placed(self, batch: Any) -> list[Any]:
        import torch

        parts = list(batch) if isinstance(batch, (list, tuple)) else [batch]
        return [p.to(self.device) if isinstance(p, torch.Tensor) else p for p in parts]

    def _losses(self, batch: list[Any]) -> dict[str, Any]:
        if hasattr(self.model, "compute_loss"):
            found = self.model.compute_loss(*batch)
        else:
            assert self.criterion is not None
            *inputs, target = batch
            # A batch that is one tensor is its own target, as for an autoencoder.
            found = self.criterion(self.model(*(inputs or [target])), target)
        losses = dict(found) if isinstance(found, Mapping) else {"loss": found}
        if "loss" not in losses:
            raise InvalidValue(f"compute_loss gave {sorted(losses)}, without a 'loss'.", key="loss")
        return losses

    def _log(self, values: dict[str, float], step: int, epoch: int, metric_type: str) -> None:
        if self.experiment is not None:
            self.experiment.log_metrics(values, step, epoch, metric_type)

    def _save(self, name: str, epoch: int) -> None:
        if self.experiment is None or not self.experiment.native.folder:
            return
        import torch

        state = {
            "epoch": epoch,
            "global_step": self.global_step,
            "model_state_dict": self.model.state_dict(),
            "optimizer_state_dict": self.optimizer.state_dict(),
        }
        # Written beside and put in place whole: a crash leaves the last good one.
        path = self.experiment.checkpoint_dir / name
        part = path.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, path)


def _numbers(losses: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value.detach() if hasattr(value, "detach") else value)
        for name, value in losses.items()
        if not hasattr(value, "numel") or value.numel() == 1
    }
