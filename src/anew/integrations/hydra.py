"""Hydra: `hydra.callbacks.anew._target_: anew.integrations.hydra.AnewCallback` records every job."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from typing import Any

from anew import Experiment, Status

from .requiring import experiment_for, require
from .trials import numbers_in

_callback: Any = require("hydra.experimental.callback", "hydra-core")
_omegaconf: Any = require("omegaconf", "omegaconf").OmegaConf

__all__ = ["AnewCallback"]


class AnewCallback(_callback.Callback):  # type: ignore[misc]  # Hydra has no types
    """Opens an experiment for each job, with its resolved configuration, and ends it as the job ends.

    The overrides and the choices of groups are parameters, and with the output folder in what is captured of
    `hydra`. A multirun is an experiment with its jobs as children. What a job returns is the metric `value`, if it is a
    number. The job finds its experiment by `anew.current()`, as the other integrations do.

        hydra:
          callbacks:
            anew:
              _target_: anew.integrations.hydra.AnewCallback
              name: alice/vision/resnet

    Args:
        name: What to call the experiment, with the folders it lies in before it: every run makes a new one. By default
            the job's name, unless an experiment runs in this process: then that one is used, and not ended.
        options: What else `Experiment` takes.
    """

    def __init__(self, name: str | None = None, **options: Any) -> None:
        given = {k: _plain(v) for k, v in options.items()}
        if name is not None:
            project, _, given["name"] = name.rpartition("/")
            given["project"] = project or given.get("project")
        self._options = given
        # As they are now: Hydra may change the working directory for a job.
        self._cwd = os.getcwd()
        self._root = Experiment(**{k: v for k, v in given.items() if k == "root"}).root
        self._multirun: Experiment | None = None
        self._parent: dict[str, Any] = {}
        self._job: tuple[Experiment, bool] | None = None
        self._owned = False
        self._failed = 0

    def on_multirun_start(self, config: Any, **_: Any) -> None:
        """Open the experiment that the jobs are children of."""
        exp, self._owned = self._opened(config)
        self._parent = {"root": exp.root, "project": exp.prefix, "parent": exp.id}
        if not exp.folder:
            self._parent = {"mode": "disabled"}
        self._multirun = exp
        exp.capture("hydra", {"overrides": _plain(config.hydra.overrides.task)})
        atexit.register(self._given_up)

    def on_multirun_end(self, config: Any, **_: Any) -> None:
        """End it."""
        atexit.unregister(self._given_up)
        exp, self._multirun, self._parent = self._multirun, None, {}
        if exp is not None and self._owned and exp.status is Status.RUNNING:
            exp.run.complete()

    def on_job_start(self, config: Any, **_: Any) -> None:
        """Open the job's experiment."""
        plain, hydra = _resolved(config), config.hydra
        with contextlib.chdir(self._cwd):  # where the command line is to be repeated
            if self._parent:
                own = {"quiet": True, "console": "off", "system_metrics": 0, **self._parent}
                job = Experiment(f"job-{hydra.job.num}", config=plain, **own).run.start(), True
            else:
                job = self._opened(config, plain)
        if not job[1]:
            job[0].params.set(plain)
        self._job = job
        choices = {k: v for k, v in hydra.runtime.choices.items() if not k.startswith("hydra/")}
        facts = {"overrides": hydra.overrides.task, "choices": choices}
        facts |= {"output_dir": hydra.runtime.output_dir, "config_name": hydra.job.config_name}
        job[0].params.set(_chosen(config))
        job[0].capture("hydra", {name: _plain(value) for name, value in facts.items()})

    def on_job_end(self, config: Any, job_return: Any, **_: Any) -> None:
        """End it, failed with what the job raised."""
        (exp, owned), self._job = self._job or (None, False), None
        result = vars(job_return)[
            "_return_value"
        ]  # the property raises what the job raised, and prints
        failed = job_return.status.name == "FAILED"
        self._failed += failed
        if exp is None or exp.status is not Status.RUNNING:
            return
        number = {} if failed else dict(numbers_in({"value": result}))
        exp.log_metrics(number, step=0)
        if self._multirun is not None and self._multirun is not exp:
            self._multirun.log_metrics(number, step=config.hydra.job.num)
        if failed and owned:
            exp.run.fail(result)
        elif owned:
            exp.run.complete()

    def _opened(self, config: Any, plain: Any = None) -> tuple[Experiment, bool]:
        suggested = {"root": self._root, "name": config.hydra.job.name, "config": plain}
        return experiment_for(None, suggested=suggested, **self._options)

    def _given_up(self) -> None:
        """The program ends, and Hydra never came to the multirun's end: it tells no callback why."""
        exp = self._multirun
        runs = exp is not None and self._owned and exp.status is Status.RUNNING
        if exp is not None and runs and not hasattr(sys, "last_value"):  # which says more
            exp.run.fail(f"{self._failed or 'some'} of its jobs failed")

    def __getstate__(self) -> dict[str, Any]:
        # For a job that a launcher runs in another process: it needs its parent's place, not its handle.
        return {**self.__dict__, "_multirun": None, "_job": None}


def _plain(value: Any) -> Any:
    return _omegaconf.to_container(value) if _omegaconf.is_config(value) else value


def _resolved(config: Any) -> dict[str, Any]:
    """The program's configuration with its interpolations resolved, where they can be."""
    from omegaconf.errors import OmegaConfBaseException

    own = _omegaconf.masked_copy(config, [key for key in config if key != "hydra"])
    found: dict[str, Any]
    try:
        found = _omegaconf.to_container(own, resolve=True)
    except OmegaConfBaseException:  # the job may never ask for what cannot be
        found = _omegaconf.to_container(own)
    return found


def _chosen(config: Any) -> dict[str, Any]:
    """What the command line chose: values by their keys, and the choices of groups."""
    choices, values, groups = config.hydra.runtime.choices, {}, {}
    for override in config.hydra.overrides.task:
        key = override.partition("=")[0].lstrip("+")
        if key in choices:
            groups[key] = choices[key]
        elif not key.startswith("~"):
            values[key] = _plain(_omegaconf.select(config, key))
    return values | groups
