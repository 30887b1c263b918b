"""`watch`: histograms of a torch model's gradients and parameters, by hooks that `unwatch` takes away."""

from __future__ import annotations

import anew

from .errors import UsageError
from .plain import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["Watches"]

_WHAT = ("gradients", "parameters", "all")


class _Watch:
    """The hooks in one model."""

    def __init__(
        self,
        native: anew.Experiment,
        step: Callable[[], int],
        model: Any,
        log: str,
        every: int,
        prefix: str,
    ) -> None:
        self.native, self.step = native, step
        self.model, self.every, self.prefix = model, every, prefix
        self.handles: list[Any] = []
        self.counts: dict[str, int] = {}
        if log in ("parameters", "all"):
            self.handles.append(model.register_forward_hook(self._forward))
        if log in ("gradients", "all"):
            for name, parameter in model.named_parameters():
                if parameter.requires_grad:
                    self.handles.append(parameter.register_hook(self._of_gradient(name)))

    def _due(self, what: str) -> bool:
        count = self.counts[what] = self.counts.get(what, 0) + 1
        return count % self.every == 0 and self.native.status is anew.Status.RUNNING

    def _forward(self, model: Any, *_: Any) -> None:
        if model.training and self._due("parameters"):
            for name, parameter in model.named_parameters():
                self._log(f"parameters/{self.prefix}{name}", parameter)

    def _of_gradient(self, name: str) -> Any:
        def hook(gradient: Any) -> None:
            if self._due(name):
                self._log(f"gradients/{self.prefix}{name}", gradient)

        return hook

    def _log(self, name: str, tensor: Any) -> None:
        tensor = tensor.detach()
        if tensor.is_sparse:
            tensor = tensor.coalesce().values()
        if tensor.numel() and not tensor.is_complex():
            self.native.log_value(name, anew.Histogram(tensor), self.step())

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()
        self.handles.clear()


def _models(models: Any) -> list[Any]:
    found = list(models) if isinstance(models, (list, tuple)) else [models]
    for model in found:
        if not hasattr(model, "register_forward_hook") or not hasattr(model, "named_parameters"):
            raise UsageError(f"watch() takes torch models, not {type(model).__name__}.")
    return found


class Watches:
    """The models of a run that are watched.

    Args:
        native: The experiment that histograms are logged in.
        step: Gives the step to log them at.
    """

    def __init__(self, native: anew.Experiment, step: Callable[[], int]) -> None:
        self._native, self._step = native, step
        self._all: list[_Watch] = []

    def add(self, models: Any, log: str | None, log_freq: int, idx: int | None) -> None:
        """Put hooks into models.

        Raises:
            UsageError: `log` is none of the three, a model is watched already, or is not one of torch.
        """
        if log is None:
            return
        if log not in _WHAT:
            raise UsageError(
                f"log must be one of {', '.join(_WHAT)}, not {log!r}.{nearest(log, _WHAT)}"
            )
        found = _models(models)
        watched = [one.model for one in self._all]
        if any(model is other for model in found for other in watched):
            raise UsageError(
                "You can only call `wandb.watch` once per model. Pass a new instance of the model if you need to "
                "watch it again, or unwatch it first."
            )
        for number, model in enumerate(found, len(watched) if idx is None else idx):
            prefix = f"graph_{number}" if number else ""
            every = max(1, int(log_freq))
            self._all.append(_Watch(self._native, self._step, model, log, every, prefix))

    def remove(self, models: Any) -> None:
        """Take the hooks away: those of these models, or all."""
        chosen = None if models is None else _models(models)
        for one in list(self._all):
            if chosen is None or any(one.model is model for model in chosen):
                one.remove()
                self._all.remove(one)
