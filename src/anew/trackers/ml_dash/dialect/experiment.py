"""`Experiment`, opened by its prefix and ended through `run`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

import anew
from anew.errors import InvalidName, InvalidValue, NotRunning

from .files import FilesOf
from .metrics import Metrics
from .unsupported import UNSUPPORTED

__all__ = ["Experiment", "ml_dash_experiment"]

P = ParamSpec("P")


T = TypeVar("T")


_LEVELS = {"warn": "warning", "fatal": "critical"}


class Experiment:
    """An experiment addressed by its prefix; opened, logged to and ended through `run`.

    Args:
        prefix: `owner/project/path…/name`. Opening it again continues the same experiment.
        dash_root: The store's root folder; where Anew keeps experiments anyway if not given.
        dash_url: Not supported yet.

    Raises:
        InvalidName: The prefix has no slash or cannot be kept.
        InvalidValue: `dash_url` was given.

    Attributes:
        native: The `anew.Experiment` below, for all it can do besides.
    """

    def __init__(
        self,
        prefix: str,
        *,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        bindrs: Iterable[str] | None = None,
        dash_root: str | os.PathLike[str] | None = None,
        dash_url: str | bool | None = None,
    ) -> None:
        if dash_url:
            raise InvalidValue(
                f"dash_url={dash_url!r} is not supported yet: {UNSUPPORTED['Experiment(dash_url=...)']}.",
                key="dash_url",
            )
        if "/" not in prefix.strip("/"):
            raise InvalidName(
                f"The prefix {prefix!r} has no project. Write it as owner/project/…/name.",
                name=prefix,
            )
        self.native = anew.Experiment(
            prefix=prefix, description=description, tags=tags, bindrs=bindrs, root=dash_root, resume="allow",
        )  # fmt: skip
        self.run = Run(self)
        self.params = Params(self)
        self.metrics = Metrics(self)
        self.files = FilesOf(self)
        self._store: anew.Store | None = None

    @property
    def id(self) -> str:
        """The experiment's id; "" until it has started."""
        return self.native.id

    @property
    def prefix(self) -> str:
        """Its path under the root."""
        return self.native.prefix

    @property
    def status(self) -> anew.Status:
        """PENDING, RUNNING, COMPLETED, FAILED or CANCELLED."""
        return self.native.status

    def log(
        self,
        message: str,
        level: str = "info",
        metadata: Mapping[str, Any] | None = None,
        **extra: Any,
    ) -> None:
        """Keep a message at a level: debug, info, warn, error or fatal."""
        word = level.lower()
        self.native.log(message, _LEVELS.get(word, word), **{**(metadata or {}), **extra})

    def view(self, call: str) -> Any:
        """What is recorded so far, of all openings; None where recording is disabled.

        Raises:
            NotRunning: The experiment was never started.
        """
        native = self.native
        if native.status is anew.Status.PENDING:
            raise NotRunning(
                f"{call} before the start: use `with experiment.run as exp:` or call experiment.run.start() first."
            )
        if not native.folder:
            return None
        if self._store is None:
            self._store = anew.Store(Path(native.folder).parents[native.prefix.count("/")])
        return self._store.get(native.id)

    def __repr__(self) -> str:
        return f"<ml_dash.Experiment {self.prefix} {self.status}>"


class Run:
    """Starts and ends its experiment; in a `with` statement it gives the experiment."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._run = experiment.native.run

    def start(self) -> Experiment:
        """Begin recording, or go on with what was recorded under the prefix before."""
        self._run.start()
        return self._experiment

    def complete(self) -> None:
        """End it as completed."""
        self._run.complete()

    def fail(self, error: str | BaseException | None = None) -> None:
        """End it as failed, with the reason if it is given."""
        self._run.fail(error)

    def cancel(self, reason: str | None = None) -> None:
        """End it as cancelled."""
        self._run.cancel(reason)

    def __enter__(self) -> Experiment:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._run.__exit__(kind, error, traceback)


def ml_dash_experiment(
    prefix: str, **options: Any
) -> Callable[[Callable[Concatenate[Experiment, P], T]], Callable[P, T]]:
    """Record each call of a function; its argument `experiment` receives the experiment."""

    def decorate(function: Callable[..., T]) -> Callable[P, T]:
        @wraps(function)
        def recorded(*args: P.args, **kwargs: P.kwargs) -> T:
            with Experiment(prefix, **options).run as experiment:
                return function(*args, **{**kwargs, "experiment": experiment})

        return recorded

    return decorate


class Params:
    """`exp.params`."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment

    def set(self, **params: Any) -> Params:
        """Set parameters; nested mappings merge."""
        self._experiment.native.params.set(params)
        return self

    log = set

    def get(self, flatten: bool = True) -> dict[str, Any]:
        """All parameters, by dotted key or nested."""
        self._experiment.view("params.get")
        found: dict[str, Any] = self._experiment.native.params.get(flatten=flatten)
        return found
