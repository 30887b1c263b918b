"""The hooks that `anew.integrations.pytorch.watch` puts on a model's parameters."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any

from anew import Experiment, Status
from anew.errors import InvalidValue, NotRunning, WriteFailed

from .histograms import histogram_of, norm_of, plain
from .requiring import require

torch: Any = require("torch", "torch")

__all__ = ["Watch"]

_COMPILED = "_orig_mod"  # where `torch.compile` keeps the module that it was given
_WRAPPERS = ("DistributedDataParallel", "DataParallel", "FullyShardedDataParallel")


class Watch:
    """What `watch` has begun; as a context manager it ends with its block. It ends with the experiment, too.

    Attributes:
        passes: How many passes there were so far.
    """

    def __init__(
        self, model: Any, experiment: Experiment, kinds: tuple[bool, bool], every: int, bins: int,
        step: Callable[[], int] | None, prefix: str,
    ) -> None:  # fmt: skip
        while type(model).__name__ in _WRAPPERS or hasattr(model, _COMPILED):
            model = getattr(model, _COMPILED) if hasattr(model, _COMPILED) else model.module
        self._model, self._experiment, self._kinds = weakref.ref(model), experiment, kinds
        self._every, self._bins, self._given_step, self._prefix = every, bins, step, prefix
        self._hooks: dict[int, tuple[weakref.ref[Any], Any]] = {}  # by the parameter's id
        self._lock = threading.Lock()  # a pass over several devices runs in several threads
        self._task, self._due, self._step, self._squares, self._told = -1, False, 0, 0.0, False
        self.passes = 0
        self._attach()
        if not self._hooks:
            raise InvalidValue(f"No parameter of {type(model).__name__} needs a gradient.")

    def records_as(self, other: Watch) -> bool:
        """Whether it records under the same names of the same experiment as another."""
        return (self._experiment, self._prefix) == (other._experiment, other._prefix)

    @property
    def active(self) -> bool:
        """Whether it has not been stopped."""
        return bool(self._hooks)

    def stop(self) -> None:
        """Remove the hooks from the model; a second call does nothing."""
        self._due = False
        while self._hooks:
            self._hooks.popitem()[1][1].remove()

    def _parameters(self) -> list[tuple[str, Any]]:
        model = self._model()
        named = [] if model is None else model.named_parameters()
        return [(name.replace(f"{_COMPILED}.", ""), parameter) for name, parameter in named]

    def _attach(self) -> None:
        """Listen to every parameter that needs a gradient, those included that are new or thawed."""
        for name, parameter in self._parameters():
            known = self._hooks.get(id(parameter))
            if parameter.requires_grad and (known is None or known[0]() is not parameter):
                hook = parameter.register_hook(self._listener(name))
                self._hooks[id(parameter)] = (weakref.ref(parameter), hook)

    def _listener(self, name: str) -> Callable[[Any], None]:
        # The number of this run of backward: what autograd itself uses, and has no public name for.
        from torch._C import _current_graph_task_id as task

        def arrived(gradient: Any) -> None:
            if self._task != task():
                self._safely(self._begin, task())
            if self._due:
                self._safely(self._keep, f"gradients/{name}", gradient)

        return arrived

    def _begin(self, task: int) -> None:
        """A pass begins: count it, and see whether it is to be recorded."""
        with self._lock:
            if self._task == task:
                return
            number, self._due = self.passes, False
            self.passes += 1
            try:
                self._due = self._is_due(number) and self._record_parameters()
            finally:
                self._task = task  # the pass's other threads have waited for this

    def _is_due(self, number: int) -> bool:
        if self._experiment.status.ended:
            self.stop()
        elif number % self._every == 0 and self._experiment.rank in (None, 0):
            self._attach()
            self._step = number if self._given_step is None else self._given_step()
            return self._experiment.status is Status.RUNNING
        return False

    def _record_parameters(self) -> bool:
        """Record them, if they are wanted; whether gradients are to follow."""
        gradients, parameters = self._kinds
        if parameters:
            for name, parameter in self._parameters():
                self._safely(self._keep, f"parameters/{name}", parameter)
        if gradients:
            self._squares = 0.0
            from torch._C import _ImperativeEngine  # only it says when a backward has ended

            _ImperativeEngine().queue_callback(self._end)
        return gradients

    def _keep(self, name: str, tensor: Any) -> None:
        values = plain(tensor)
        if name.startswith("gradients/"):
            with self._lock:
                self._squares += norm_of(values) ** 2
        self._experiment.log_value(
            self._prefix + name, histogram_of(values, self._bins), self._step
        )

    def _end(self) -> None:
        if self._due:
            self._due, norm = False, self._squares**0.5
            self._safely(
                self._experiment.log_metric, f"{self._prefix}gradients/norm", norm, self._step
            )

    def _safely(self, do: Callable[..., None], *arguments: Any) -> None:
        """Record, and never break the training over it."""
        try:
            do(*arguments)
        except WriteFailed:
            raise  # only of an experiment that is strict
        except NotRunning:
            self._due = False
        except Exception as error:  # noqa: BLE001  (it would come out of the program's backward)
            if not self._told:
                self._told = True
                logging.getLogger("anew").warning(
                    "watch could not record %s: %s", arguments[0], error
                )

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
