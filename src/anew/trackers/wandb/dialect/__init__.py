"""Code written for Weights & Biases: `import anew.dialects.wandb as wandb`.

A run is an experiment of Anew: `wandb.run.native` is the `anew.Experiment`, its config the parameters, what is logged
metrics and values at wandb's steps. Steps that go back are kept, where wandb drops them. Nothing is sent anywhere, so every mode
but "disabled" records on this machine.
"""

from __future__ import annotations

from enum import Enum

from . import active
from .agents import agent, sweep
from .api import Api
from .artifact import Artifact
from .boxes import box3d
from .configuration import Config
from .errors import CommError, Error, UnsupportedName, UsageError
from .media import Audio, Histogram, Html, Image, Molecule, Object3D, Plotly, Video
from .plain import nearest
from .plot import plot_table
from .restoring import restored
from .runs import Run
from .settings import Settings
from .starting import init
from .summaries import Summary
from .table import Table
from .terminal import termerror, termlog, termwarn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    run: Run | None
    config: Config
    summary: Summary

__all__ = [
    "UNSUPPORTED",
    "AlertLevel",
    "Api",
    "Artifact",
    "Audio",
    "CommError",
    "Config",
    "Error",
    "Histogram",
    "Html",
    "Image",
    "Molecule",
    "Object3D",
    "Plotly",
    "Run",
    "Settings",
    "Table",
    "UsageError",
    "Video",
    "agent",
    "alert",
    "box3d",
    "define_metric",
    "finish",
    "init",
    "log",
    "log_artifact",
    "log_code",
    "log_model",
    "login",
    "plot_table",
    "restore",
    "save",
    "setup",
    "sweep",
    "teardown",
    "termerror",
    "termlog",
    "termwarn",
    "unwatch",
    "use_artifact",
    "use_model",
    "watch",
]

UNSUPPORTED: dict[str, str] = {
    'init(mode="online")': "nothing is sent to W&B's server: every mode except disabled records on this machine; set `forward_to` to send runs to W&B as well",
    "init(fork_from=..., resume_from=...)": "a run cannot start with another run's history; `resume=` continues a run",
    "init(dir=...), WANDB_DIR": "the store's root is `ANEW_ROOT` or `./experiments`; a warning says so once",
    "init(monitor_gym=True)": "a warning says so once; log the videos as `wandb.Video`",
    "init(id=...) of an existing run, without resume": "it continues at step 0; W&B would overwrite the run, here its records stay",
    "Artifact.unlink": "`anew models delete NAME:3` withdraws a version of a registered model",
    "Artifact.delete": "a version stays as long as the experiment that logged it",
    "add_reference(\"s3://...\")": "the reference is recorded; only `file://` is read and hashed",
    'sweep({"method": "custom"}), prior_runs': "sweeps are grids, random or bayes",
    "wandb.Graph, wandb.Classes, wandb.JoinedTable, wandb.EvalTable": "not available; give the classes of an `Image` as a list of mappings",
    "wandb.keras, other callbacks of wandb.integration than those of Keras, LightGBM and XGBoost": "use `anew.integrations`",
}  # fmt: skip


class AlertLevel(Enum):
    """How serious an alert is."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


def _of_the_run(name: str) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(active.required(f"{name}()"), name)(*args, **kwargs)

    method = getattr(Run, name)
    call.__name__ = call.__qualname__ = name
    call.__doc__ = method.__doc__
    call.__wrapped__ = method  # type: ignore[attr-defined]  # what `inspect.signature` shows
    return call


log = _of_the_run("log")
define_metric = _of_the_run("define_metric")
alert = _of_the_run("alert")
watch = _of_the_run("watch")
save = _of_the_run("save")
log_artifact = _of_the_run("log_artifact")
use_artifact = _of_the_run("use_artifact")
log_code = _of_the_run("log_code")
log_model = _of_the_run("log_model")
use_model = _of_the_run("use_model")
link_model = _of_the_run("link_model")
mark_preempting = _of_the_run("mark_preempting")


def unwatch(models: Any = None) -> None:
    """Log no more histograms of these models; of none at all if none is given."""
    run = active.current()
    if run is not None:
        run.unwatch(models)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """End the run, if one is running: as failed with any other exit code than 0."""
    run = active.current()
    if run is not None:
        run.finish(exit_code, quiet)


def restore(
    name: str, run_path: str | None = None, replace: bool = False, root: str | None = None
) -> Any:
    """A file of a run (the one that runs if no path is given), copied to `root` and opened."""
    run = active.current()
    if run is not None:
        return run.restore(name, run_path, replace, root)
    if run_path is None:
        raise UsageError(
            "You must call wandb.init() before wandb.restore(), or say which run: restore(name, run_path)."
        )
    return restored(name, run_path, root or ".", replace, None)


def login(
    key: str | None = None,
    relogin: bool | None = None,
    host: str | None = None,
    force: bool | None = None,
    timeout: int | None = None,
    verify: bool = True,
    referrer: str | None = None,
    prompt: bool = True,
    anonymous: Any = None,
) -> bool:
    """True: nobody has to be asked. A key that is given is not kept."""
    return True


class _Account:
    """`wandb.api`, which libraries ask whether there is a key."""

    api_key = "none is needed"


api = _Account()


def ensure_configured() -> None:
    """Nothing to do: there is no account."""


def setup(settings: Any = None) -> None:
    """Nothing to do."""


def teardown(exit_code: int | None = None) -> None:
    """End all active."""
    for run in active.active():
        run.finish(exit_code)


def require(*_: Any, **__: Any) -> None:
    """Nothing to do."""


class _Before:
    """What stands for the config or the summary before there is a run."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        active.required(f"{self._name}.{key}")

    def __setattr__(self, key: str, value: Any) -> None:
        active.required(f"{self._name}.{key}")

    def __getitem__(self, key: str) -> Any:
        active.required(f"{self._name}[{key!r}]")

    def __setitem__(self, key: str, value: Any) -> None:
        active.required(f"{self._name}[{key!r}]")


def __getattr__(name: str) -> Any:
    if name == "run":
        return active.current()
    if name in ("config", "summary"):
        found = active.current()
        return _Before(name) if found is None else getattr(found, name)
    if name in (
        "Graph",
        "Classes",
        "JoinedTable",
        "EvalTable",
        "keras",
        "controller",
    ):
        raise UnsupportedName(
            f"wandb.{name} is not supported by anew.dialects.wandb; see the guide 'Come from another tracker'."
        )
    raise AttributeError(
        f"module 'anew.dialects.wandb' has no attribute {name!r}.{nearest(name, __all__)}"
    )
