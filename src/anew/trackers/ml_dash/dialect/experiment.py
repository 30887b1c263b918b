"""`Experiment`, opened by its prefix and ended through `run`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import wraps
from inspect import iscoroutinefunction, signature
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

import anew
from anew.errors import InvalidName, InvalidValue, NotRunning

from ..translate import LEVELS
from .files import FilesOf
from .metrics import Metrics

__all__ = ["Experiment", "ml_dash_experiment"]

P = ParamSpec("P")


T = TypeVar("T")


class Experiment:
    """An experiment addressed by its prefix; opened, logged to and ended through `run`.

    Args:
        prefix: `owner/project/path…/name`. Opening it again continues the same experiment.
        dash_root: The store's root folder; where Anew keeps experiments anyway if not given.
        dash_url: An `anew server`, also with the path `/dash` that ml-dash's own client is given: what is recorded on this machine
            is pushed there in the background. True takes the URL from `ML_DASH_API_URL`.

    Raises:
        InvalidName: The prefix has no slash or cannot be kept.
        InvalidValue: `dash_url` is True, and `ML_DASH_API_URL` is not set.

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
        server = _server(dash_url)
        if "/" not in prefix.strip("/"):
            raise InvalidName(
                f"The prefix {prefix!r} has no project. Write it as owner/project/…/name.",
                name=prefix,
            )
        self.native = anew.Experiment(
            prefix=prefix, description=description, tags=tags, bindrs=bindrs, root=server or dash_root,
            local=dash_root if server else None, resume="allow",
        )  # fmt: skip
        self.run = Run(self)
        self.params = Params(self)
        self.metrics = Metrics(self)
        self.files = FilesOf(self)
        self.logs = Logs(self)
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
    def name(self) -> str:
        """The last segment of the prefix."""
        return self.prefix.rpartition("/")[2]

    @property
    def owner(self) -> str:
        """The first segment of the prefix."""
        return self.prefix.partition("/")[0]

    @property
    def project(self) -> str:
        """The second segment of the prefix."""
        return self.prefix.split("/")[1]

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
        """Keep a message at a level (debug, info, warn, error or fatal) and print it: errors to standard error."""
        word = level.lower()
        self.native.log(message, LEVELS.get(word, word), **{**(metadata or {}), **extra})
        grave = word in ("error", "fatal", "critical")
        at = datetime.now().strftime("%H:%M:%S")
        print(f"[{at}] {word.upper():<8} {message}", file=sys.stderr if grave else sys.stdout)

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


def _server(dash_url: str | bool | None) -> str | None:
    """The address of the server that a `dash_url` means."""
    if dash_url is True:
        dash_url = os.environ.get("ML_DASH_API_URL")
        if not dash_url:
            raise InvalidValue(
                "dash_url=True takes the server from the variable ML_DASH_API_URL, which is not set. Set it, or give the URL.",
                key="dash_url",
            )
    if not dash_url:
        return None
    return dash_url.rstrip("/").removesuffix("/dash")


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
        """End it as completed. What has ended already stays as it ended, here and in the next two."""
        if not self._has_ended():
            self._run.complete()

    def fail(self, error: str | BaseException | None = None) -> None:
        """End it as failed, with the reason if it is given."""
        if not self._has_ended():
            self._run.fail(error)

    def cancel(self, reason: str | None = None) -> None:
        """End it as cancelled."""
        if not self._has_ended():
            self._run.cancel(reason)

    def _has_ended(self) -> bool:
        return self._run.status.ended

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
    """Record each call of a function; its parameter `experiment`, or else its first one, receives the experiment."""

    def decorate(function: Callable[..., T]) -> Callable[P, T]:
        parameters = signature(function).parameters
        # One without a parameter of that name has it first, as the type says.
        place = [*parameters].index("experiment") if "experiment" in parameters else 0

        def given(experiment: Experiment, args: Any, kwargs: Any) -> Any:
            if place <= len(args):
                return (*args[:place], experiment, *args[place:]), kwargs
            return args, {**kwargs, "experiment": experiment}

        if iscoroutinefunction(function):

            @wraps(function)
            async def recorded(*args: Any, **kwargs: Any) -> Any:
                with Experiment(prefix, **options).run as experiment:
                    args, kwargs = given(experiment, args, kwargs)
                    return await function(*args, **kwargs)

        else:

            @wraps(function)
            def recorded(*args: Any, **kwargs: Any) -> Any:
                with Experiment(prefix, **options).run as experiment:
                    args, kwargs = given(experiment, args, kwargs)
                    return function(*args, **kwargs)

        return recorded  # type: ignore[return-value]

    return decorate


class Logs:
    """`exp.logs`: a message by a method for each level."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment

    def debug(self, message: str, **extra: Any) -> None:
        """Keep and print a message at the level debug."""
        self._experiment.log(message, "debug", **extra)

    def info(self, message: str, **extra: Any) -> None:
        """Keep and print a message at the level info."""
        self._experiment.log(message, "info", **extra)

    def warn(self, message: str, **extra: Any) -> None:
        """Keep and print a message at the level warn."""
        self._experiment.log(message, "warn", **extra)

    warning = warn

    def error(self, message: str, **extra: Any) -> None:
        """Keep and print a message at the level error."""
        self._experiment.log(message, "error", **extra)

    def fatal(self, message: str, **extra: Any) -> None:
        """Keep and print a message at the level fatal."""
        self._experiment.log(message, "fatal", **extra)

    critical = fatal


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
