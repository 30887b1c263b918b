"""`wandb.init`."""

from __future__ import annotations

import os
import sys

from . import active
from .configuration import chosen, default_config, items_of, load_config
from .disabled import RunDisabled
from .errors import UsageError
from .exits import watch_exit
from .opening import opened
from .plain import nearest, warn_once
from .runs import Run
from .settings import from_arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .settings import Settings

__all__ = ["init", "trial"]

_NAMES = (
    "entity", "project", "dir", "id", "name", "notes", "tags", "config", "config_exclude_keys", "config_include_keys",
    "allow_val_change", "group", "job_type", "mode", "force", "reinit", "resume", "resume_from", "fork_from", "save_code",
    "tensorboard", "sync_tensorboard", "monitor_gym", "settings", "anonymous",
)  # fmt: skip

# The part of a sweep that is run now: `{"sweep": id, "parameters": {…}}`.
trial: dict[str, Any] = {}


@active.opens_runs
def init(
    entity: str | None = None,
    project: str | None = None,
    dir: str | os.PathLike[str] | None = None,
    id: str | None = None,
    name: str | None = None,
    notes: str | None = None,
    tags: Iterable[str] | None = None,
    config: Any = None,
    config_exclude_keys: Iterable[str] | None = None,
    config_include_keys: Iterable[str] | None = None,
    allow_val_change: bool | None = None,
    group: str | None = None,
    job_type: str | None = None,
    mode: str | None = None,
    force: bool | None = None,
    reinit: bool | str | None = None,
    resume: bool | str | None = None,
    resume_from: str | None = None,
    fork_from: str | None = None,
    save_code: bool | None = None,
    tensorboard: bool | None = None,
    sync_tensorboard: bool | None = None,
    monitor_gym: bool | None = None,
    settings: Settings | Mapping[str, Any] | None = None,
    anonymous: Any = None,
    **unknown: Any,
) -> Run:
    """Start a run, or give the one that is running.

    Args:
        entity: Whose project it is, the first folder of its prefix.
        project: The project; "uncategorized" if neither this nor `WANDB_PROJECT` says it.
        dir: No meaning here; `ANEW_ROOT` says where runs lie.
        id: The run of that id: one that is there is continued.
        name: Its name; a readable random one if not given.
        tags: Tags.
        config: A mapping, an argparse namespace, or the path of a YAML file.
        config_exclude_keys: Keys of the config to leave out; or `config_include_keys`, the only ones to take.
        allow_val_change: Let values of the config change.
        group: The group it belongs to; likewise `job_type`.
        mode: "disabled" records nothing. All others record on this machine.
        reinit: "finish_previous" (or True, and in a notebook the default) ends the runs before; "create_new" opens one beside
            them, which the module's calls do not mean; else the run that was opened last is given back.
        resume: "allow" goes on with the run of that id if there is one, "must" needs it, "never" refuses it, "auto" (or True)
            goes on with the last run of the project that was opened so and did not come to its end.
        settings: More settings.

    Raises:
        UsageError: A name or a value cannot be, or the run that `resume` asks for is not there.
        UnsupportedError: `fork_from` or `resume_from` was given.
        TypeError: There is no such argument.
    """
    if unknown:
        wrong = next(iter(unknown))
        raise TypeError(
            f"init() got an unexpected keyword argument {wrong!r}.{nearest(wrong, _NAMES)}"
        )
    if monitor_gym:
        warn_once("monitor_gym is not supported. Log the videos as wandb.Video.")
    arguments = {
        "entity": entity, "project": project, "root_dir": dir, "run_id": id, "run_name": name, "run_notes": notes,
        "run_tags": tags, "allow_val_change": allow_val_change, "run_group": group, "run_job_type": job_type,
        "mode": mode, "reinit": reinit, "resume": resume, "resume_from": resume_from, "fork_from": fork_from,
        "save_code": save_code, "sync_tensorboard": sync_tensorboard or tensorboard or None,
    }  # fmt: skip
    if not trial:
        trial.update(_trial_of(os.environ))
    if trial:
        arguments |= {
            name: arguments[name] or trial[name] or None for name in ("project", "entity")
        }
    found = from_arguments(arguments, settings)
    before: list[Run] = active.active()
    if before and found.mode != "disabled" and not _makes_room(before, found):
        return before[-1]
    values = _values(found, config)
    values = chosen(values, config_exclude_keys or (), config_include_keys or ())
    run = _begun(found, values)
    watch_exit()
    return run


def _makes_room(before: list[Run], settings: Settings) -> bool:
    """Whether a run begins although others are active, which may be ended for it; else the last of these is meant.

    Raises:
        UsageError: The run that is asked for cannot begin beside them.
    """
    reinit = settings.reinit or "default"
    if reinit == "finish_previous" or (reinit == "default" and in_notebook()):
        for run in before:
            run.finish()
        return True
    if reinit == "create_new":
        if any(run.id == settings.run_id and not run.disabled for run in before):
            raise UsageError(
                f"The run ID {settings.run_id!r} is in use by a run of this program. Finish that run first, or give another id."
            )
        return True
    if settings.resume == "must":
        raise UsageError(
            "Cannot resume a run while another run is active. Finish it with run.finish(), or call wandb.init() with "
            'reinit="create_new".'
        )
    return False


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    return "ipykernel" in sys.modules and ipython is not None and ipython.get_ipython() is not None


def _begun(settings: Settings, config: Mapping[str, Any]) -> Run:
    """A run of these settings, with its config and what the sweep says of it."""
    started = opened(settings, _options(settings))
    if trial:
        started.facts |= {"sweep": trial["sweep"], "sweep_parameters": trial["parameters"]}
    recorded = settings.mode != "disabled" and started.native.folder
    run = (Run if recorded else RunDisabled)(started, settings)
    if trial:
        run.config.update_locked(trial["parameters"])
        run.trial = trial["claimed"]
        run.trial.begun(run.native)
    run.config.update(config, allow_val_change=settings.allow_val_change or run.resumed)
    if settings.sync_tensorboard:
        import anew

        anew.capture(lightning=False, logging=False, matplotlib=False, experiment=run.native)
    return run


def _trial_of(environ: Mapping[str, str]) -> dict[str, Any]:
    """The part of a sweep that an agent started this program for."""
    path = environ.get("WANDB_SWEEP_PARAM_PATH", "")
    if not environ.get("WANDB_SWEEP_ID") or not os.path.isfile(path):
        return {}
    from anew.sweeps import Sweep, Trial

    parameters = load_config(path)
    number, _, attempt = environ.get("WANDB_SWEEP_TRIAL", "0.1").partition(".")
    sweep = Sweep(environ["WANDB_SWEEP_ID"])
    return {
        "sweep": sweep.id,
        "claimed": Trial(sweep, int(number), int(attempt), parameters),
        "parameters": parameters,
        "project": environ.get("WANDB_PROJECT"),
        "entity": environ.get("WANDB_ENTITY"),
    }


def _values(settings: Settings, config: Any) -> dict[str, Any]:
    """The config of all files and the argument together."""
    values: dict[str, Any] = {}
    for path in settings.config_paths or ():
        values |= load_config(path)
    if not settings.config_paths:
        values = default_config()
    if config is not None:
        values |= items_of(config)
    return values


def _options(settings: Settings) -> dict[str, Any]:
    """What the experiment is opened with besides."""
    options: dict[str, Any] = {}
    if settings.silent or settings.quiet:
        options["quiet"] = True
    if settings.console == "off":
        options["console"] = "off"
    if settings.x_disable_stats or getattr(settings, "_disable_stats", None):
        options["system_metrics"] = 0
    elif settings.x_stats_sampling_interval:
        options["system_metrics"] = float(settings.x_stats_sampling_interval)
    if settings.strict:
        options["strict"] = True
    if trial:
        options["parent"] = trial["sweep"]
    return options
