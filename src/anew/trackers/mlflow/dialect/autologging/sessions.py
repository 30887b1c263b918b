"""Which trainings are recorded, in which run; a failure to record one fails nothing else."""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ....around import around
from .. import calls, flavors, fluent
from ..data import Dataset, from_numpy, from_pandas

__all__ = ["OPTIONS", "Session", "listen"]

OPTIONS: dict[str, dict[str, Any]] = {}
"""By flavor, what `autolog` was called with; nothing for a flavor that is not recorded."""

_LONGEST = 6000  # characters of a parameter that MLflow keeps
_threads = threading.local()
_sessions: list[Session] = []


class Session:
    """One training that is recorded, in the active run or in one of its own, which ends with it.

    Attributes:
        options: What `autolog` was called with.
    """

    def __init__(self, flavor: str, options: Mapping[str, Any]) -> None:
        self.flavor, self.options = flavor, options
        self.known = {thread.ident for thread in threading.enumerate()}
        self._own = False

    def begin(self) -> bool:
        """Have a run: the active one, or a new one; returns True."""
        if fluent.active_run() is None and around() is None:
            fluent.start_run(tags={"mlflow.autologging": self.flavor})
            self._own = True
        if tags := self.options.get("extra_tags"):
            calls.set_tags(tags)
        return True

    def end(self, failed: bool) -> None:
        """End the run that was begun for this."""
        if self._own:
            fluent.end_run("FAILED" if failed else "FINISHED")

    @contextlib.contextmanager
    def outside(self) -> Iterator[None]:
        """Let a training that is started in the block be recorded as well: in the same run, without its model."""
        before = OPTIONS.get(self.flavor)
        OPTIONS[self.flavor] = {**self.options, "log_models": False}
        _threads.inside = False
        _sessions.remove(self)
        try:
            yield
        finally:
            _threads.inside = True
            _sessions.append(self)
            if before is not None:
                OPTIONS[self.flavor] = before

    def keep(self, record: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Record something; what goes wrong is told and goes no further, as the training is worth more than its record."""
        try:
            return record(*args, **named)
        except Exception as error:  # noqa: BLE001  (whatever a stranger's model or data raises when it is looked at)
            if not self.options.get("silent"):
                warnings.warn(
                    f"mlflow.{self.flavor}.autolog: {getattr(record, '__name__', 'something')} could not be recorded: "
                    f"{type(error).__name__}: {error}",
                    stacklevel=2,
                )
            return None

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Parameters, as texts that are cut where MLflow cuts them; what has been set to something else stays."""
        known = fluent.native_run().params.get()
        for name, value in params.items():
            plain = value if isinstance(value, (bool, int, float, str)) or value is None else None
            kept = plain if plain is not None else str(value)[:_LONGEST]
            if name not in known:
                self.keep(calls.log_param, str(name), kept)

    def log_model(self, model: Any, path: str = "model", *, inputs: Any = None) -> None:
        """The model itself, unless that is not wished."""
        if not self.options.get("log_models", True):
            return
        more: dict[str, Any] = {}
        if inputs is not None and self.options.get("log_model_signatures", True):
            more["signature"] = self.keep(_signature, model, inputs)
        if self.options.get("registered_model_name"):
            more["registered_model_name"] = self.options["registered_model_name"]
        self.keep(flavors.log_model, model, path, **more)

    def log_dataset(
        self, features: Any, targets: Any = None, context: str = "train", name: str | None = None
    ) -> None:
        """What is trained on, by its digest."""
        if self.options.get("log_datasets", True) and features is not None:
            dataset = self.keep(_dataset, features, targets, name)
            if dataset is not None:
                self.keep(calls.log_input, dataset, context)


def _dataset(features: Any, targets: Any, name: str | None) -> Dataset | None:
    if hasattr(features, "dtypes") and hasattr(features, "columns"):
        return from_pandas(features, name=name)
    if hasattr(features, "dtype") and hasattr(features, "flatten"):
        import numpy as np

        return from_numpy(
            features, targets=None if targets is None else np.asarray(targets), name=name
        )
    return None


def _signature(model: Any, inputs: Any) -> Any:
    first = inputs[:5]
    said = model.predict(first) if hasattr(model, "predict") else None
    return flavors.infer_signature(first, said)


def _nested() -> bool:
    """Whether this call is made by a training that is recorded already: in its thread, or in one that it started."""
    if getattr(_threads, "inside", False):
        return True
    here = threading.get_ident()
    return any(here not in one.known for one in _sessions)


def listen(
    flavor: str,
    owner: Any,
    name: str,
    record: Callable[[Session, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any],
) -> None:
    """Have a call of a library recorded, as long as its flavor is wanted: `record(session, original, args, kwargs)` makes it."""
    original = vars(owner).get(name) if isinstance(owner, type) else getattr(owner, name, None)
    if not callable(original) or hasattr(original, "mlflow_autolog"):
        return

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        options = OPTIONS.get(flavor)
        if options is None or _nested():
            return original(*args, **kwargs)
        if options.get("exclusive") and fluent.active_run() is not None:
            return original(*args, **kwargs)
        return _recorded(Session(flavor, options), record, original, args, kwargs)

    call.mlflow_autolog = True  # type: ignore[attr-defined]
    setattr(owner, name, call)


def _recorded(
    session: Session,
    record: Callable[..., Any],
    original: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    _threads.inside = True
    _sessions.append(session)
    failed = True
    try:
        begun = session.keep(session.begin)
        made = record(session, original, args, kwargs) if begun else original(*args, **kwargs)
        failed = False
        return made
    finally:
        session.keep(session.end, failed)
        _sessions.remove(session)
        _threads.inside = False
