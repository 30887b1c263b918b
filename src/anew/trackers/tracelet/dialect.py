"""What stands behind `anew.dialects.tracelet`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import anew
from anew import forwarders
from anew.errors import InvalidValue, NotRunning

__all__ = ["UNSUPPORTED", "Experiment", "ExperimentConfig", "start_logging", "stop_logging"]

UNSUPPORTED: dict[str, str] = {
    'tracking_uri with backend="wandb" or "clearml"': "their servers are set by their own settings; the URI is recorded",
    "a backend object with settings of its own": "only its kind is used; give options with `exp.native.forward(anew.forwarders.MLflow(…))`",
    "start_logging(api_key=...)": "each tracker reads its key from its own settings; the argument is accepted and not recorded",
    "automagic": "hyperparameters are not collected from local variables; pass them to `log_params`",
    'start_logging(exp_name="team/name")': "a slash in a name becomes a dash, because a name with a slash would be a prefix",
}

_BACKENDS = ("local", "mlflow", "wandb", "clearml", "aim", "tensorboard")
_active: Experiment | None = None
_capture: Any = None  # what `start_logging` has taken over


@dataclass
class ExperimentConfig:
    """How an experiment is to be tracked.

    Attributes:
        name: A label.
        project: A folder for it.
        backend_name: "local", or one or several other trackers.
        tags: A list of tags or a mapping of tags to values.
        tracking_uri: Where the backend is.
        track_tensorboard: Whether `start_logging` takes over what goes to a `SummaryWriter`; likewise the next ones.
        track_lightning: `self.log` of Lightning.
        track_logging: Python's logging.
        track_matplotlib: Figures that are shown or saved.
        track_system: Whether metrics of the machine are sampled.
        metrics_interval: Seconds between their samples; as set for Anew if not given.
    """

    name: str
    project: str | None = None
    backend_name: str | list[str] | None = None
    tags: Mapping[str, Any] | Iterable[str] = field(default_factory=dict)
    tracking_uri: str | None = None
    track_tensorboard: bool = True
    track_lightning: bool = True
    track_logging: bool = True
    track_matplotlib: bool = True
    track_system: bool = True
    metrics_interval: float | None = None


# Other names of the fields of `ExperimentConfig`, as tracelet's settings and variables have them.
_ALIASES = {
    "exp_name": "name",
    "experiment_name": "name",
    "backend": "backend_name",
    "backend_url": "tracking_uri",
}
_FIELDS = tuple(one.name for one in fields(ExperimentConfig))
_WORDS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def _configured(given: ExperimentConfig | Mapping[str, Any] | None) -> ExperimentConfig:
    """A configuration: as given, or of a mapping; what a mapping leaves out, the variables `TRACELET_…` say.

    Raises:
        InvalidValue: The mapping has a key that means nothing, or a variable is none of the values it may have.
    """
    if isinstance(given, ExperimentConfig):
        return given
    values = _environment()
    for key, value in (given or {}).items():
        name = _ALIASES.get(key, key)
        if name == "api_key":
            continue
        if name not in _FIELDS:
            raise InvalidValue(
                f"The configuration has no {key!r}; it has {', '.join((*_FIELDS, *_ALIASES))}.",
                key=key,
            )
        values[name] = value
    return ExperimentConfig(**{"name": "", **values})


def _environment() -> dict[str, Any]:
    """What the variables `TRACELET_PROJECT`, `TRACELET_BACKEND` and so on say."""
    found: dict[str, Any] = {}
    for key in (*_ALIASES, *_FIELDS):
        variable = f"TRACELET_{key.upper()}"
        text = os.environ.get(variable, "").strip()
        name = _ALIASES.get(key, key)
        if not text or name == "tags":
            continue
        if name.startswith("track_"):
            if text.lower() not in _WORDS:
                raise InvalidValue(
                    f"The variable {variable} is {text!r}; it must be true or false.", key=variable
                )
            found[name] = _WORDS[text.lower()]
        elif name == "metrics_interval":
            try:
                found[name] = float(text)
            except ValueError:
                raise InvalidValue(
                    f"The variable {variable} is {text!r}; it must be a number of seconds.",
                    key=variable,
                ) from None
        elif name == "backend_name":
            found[name] = [one for one in text.replace(",", " ").split() if one]
        else:
            found[name] = text
    return found


class Experiment:
    """An experiment that is started and stopped; stopped and started again, it is a new one of the same name.

    Args:
        name: A label.
        config: Project, tags and backend, where they are not given otherwise: an `ExperimentConfig`, or a mapping with its
            names. What neither says, the variables `TRACELET_PROJECT`, `TRACELET_BACKEND` and so on say.
        backend: "local", or the name of another tracker (or several, or a backend object).

    Raises:
        InvalidValue: There is no such backend.

    Attributes:
        native: The `anew.Experiment` below, for all it can do besides.
    """

    def __init__(
        self,
        name: str | None = None,
        config: ExperimentConfig | Mapping[str, Any] | None = None,
        backend: Any = None,
        *,
        project: str | None = None,
        tags: Mapping[str, Any] | Iterable[str] | None = None,
    ) -> None:
        self.config = _configured(config)
        self.name = name or self.config.name
        given = self.config.backend_name if backend is None else backend
        self.backends = _backends(given)
        self._project = project or self.config.project
        self.native = anew.Experiment(
            self.name.replace("/", "-").replace("\\", "-") or None,
            project=self._project,
            tags=self.config.tags if tags is None else tags,
            system_metrics=self.config.metrics_interval if self.config.track_system else 0,
        )

    def start(self) -> None:
        """Begin recording; nothing happens if it runs already."""
        self._begin()

    def _begin(self) -> None:
        if self.native.status is anew.Status.RUNNING:
            return
        self.native.run.start()
        elsewhere = [one for one in self.backends if one != "local"]
        if elsewhere:
            uri = self.config.tracking_uri
            asked = {"requested": elsewhere, **({} if uri is None else {"tracking_uri": uri})}
            self.native.capture("backend", asked)
            self.native.forward([self._address(one) for one in elsewhere if one in _BACKENDS])

    def _address(self, backend: str) -> forwarders.Destination:
        """Where a backend of that name is, in the experiment's project."""
        project, uri = self._project, self.config.tracking_uri
        if backend == "mlflow":
            return forwarders.MLflow(tracking_uri=uri, experiment=project)
        if backend == "aim":
            return forwarders.Aim(repo=uri, experiment=project)
        if backend == "tensorboard":
            return forwarders.TensorBoard(log_dir=uri)
        return (forwarders.WandB if backend == "wandb" else forwarders.ClearML)(project=project)

    def stop(self) -> None:
        """End it as completed; returns when everything is on disk, and sent or counted as not. Nothing happens if it does not run."""
        if self.native.status is anew.Status.RUNNING:
            self.native.run.complete()

    def _running(self, call: str) -> anew.Experiment:
        if self.native.status is not anew.Status.RUNNING:
            raise NotRunning(
                f"{call} while the experiment {self.name!r} is {self.native.status}: call start() first."
            )
        return self.native

    def set_iteration(self, iteration: int | None) -> None:
        """The iteration of metrics logged without one, from now on."""
        self._running("set_iteration").set_iteration(iteration)

    def log_metric(self, name: str, value: Any, iteration: int | None = None) -> None:
        """Log one metric, at the iteration given or that of `set_iteration`.

        Raises:
            InvalidValue: The value is not a number.
            NotRunning: The experiment is not started, or has ended; so do all calls of this kind.
        """
        self._running("log_metric").log_metric(name, value, iteration)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Set parameters; dotted keys nest."""
        self._running("log_params").params.set(params)

    def log_artifact(self, local: str | os.PathLike[str], destination: str | None = None) -> None:
        """Keep a copy of a file or folder, under the path `destination` or its own name.

        Raises:
            FileNotFoundError: There is no such file.
        """
        folder, _, name = (destination or "").strip("/").rpartition("/")
        self._running("log_artifact").files(folder).save(local, name or None)

    def __repr__(self) -> str:
        return f"<tracelet.Experiment {self.name!r} {self.native.status}>"


def start_logging(
    exp_name: str | None = None,
    project: str | None = None,
    backend: Any = None,
    api_key: str | None = None,
    backend_url: str | None = None,
    config: ExperimentConfig | Mapping[str, Any] | None = None,
    *,
    tags: Mapping[str, Any] | Iterable[str] | None = None,
) -> Experiment:
    """Start an experiment, after ending the one that this started before, and record what the program reports elsewhere.

    Args:
        api_key: Not used: each tracker reads its key from its own settings.
        backend_url: Where the backend is; `tracking_uri` of the configuration.
        config: As for `Experiment`.

    Raises:
        InvalidValue: There is no such backend; then the one before goes on.
    """
    global _active, _capture
    chosen = _configured(config)
    if backend_url is not None:
        chosen = replace(chosen, tracking_uri=backend_url)
    experiment = Experiment(exp_name, chosen, backend, project=project, tags=tags)
    stop_logging()
    _active = experiment
    experiment._begin()
    _capture = anew.capture(
        tensorboard=experiment.config.track_tensorboard,
        lightning=experiment.config.track_lightning,
        logging=experiment.config.track_logging,
        matplotlib=experiment.config.track_matplotlib,
        experiment=experiment.native,
    )
    return experiment


def stop_logging() -> None:
    """End the experiment that `start_logging` started; returns when all is on disk or counted as lost, and sent or counted as not."""
    global _active, _capture
    if _capture is not None:
        _capture.stop()
        _capture = None
    if _active is not None:
        _active.stop()
        _active = None


def _backends(given: Any) -> list[str]:
    """The names of the backends asked for, each once."""
    if given is None:
        return ["local"]
    several = given if isinstance(given, (list, tuple, set)) else [given]
    names = []
    for one in several:
        # A backend object goes by its name, or by the class's: MLflowBackend.
        name = one if isinstance(one, str) else getattr(one, "name", type(one).__name__)
        name = str(name).lower().removesuffix("backend").rstrip("_-")
        if isinstance(one, str) and name not in _BACKENDS:
            import difflib

            near = difflib.get_close_matches(name, _BACKENDS, 1)
            raise InvalidValue(
                f"There is no backend {one!r}; there are {', '.join(_BACKENDS)}."
                + (f" Did you mean {near[0]!r}?" if near else ""),
                key="backend",
            )
        names.append(name)
    return list(dict.fromkeys(names))
