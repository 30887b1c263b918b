"""Sweeps: an experiment for the sweep, and a run for each set of parameters, as its child."""

from __future__ import annotations

import os

import anew

from ...places import safe_segment
from ..names import SWEEP
from .active import active, current
from .api import Api
from .drawing import grid, sampled
from .errors import UnsupportedError, UsageError
from .opening import PROJECT
from .plain import plain, warn_once
from .starting import trial
from .sweeps import PublicSweep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["agent", "sweep"]

_FAILURES = 5  # runs that fail before any has come to its end; then the agent stops


def sweep(
    sweep: dict[str, Any] | Callable[[], dict[str, Any]],
    entity: str | None = None,
    project: str | None = None,
    prior_runs: list[str] | None = None,
) -> str:
    """Make a sweep; returns its id, which `agent` takes.

    Args:
        sweep: wandb's configuration of a sweep: `method` ("grid" or "random"), `parameters`, `metric`, `name`, `run_cap`.

    Raises:
        UsageError: The configuration cannot be.
        UnsupportedError: The method is "bayes".
    """
    given: dict[str, Any] = plain(sweep() if callable(sweep) else dict(sweep))
    method = given.get("method", "grid" if "parameters" in given else None)
    if method in ("bayes", "custom"):
        raise UnsupportedError(
            f"The method {method!r} is not supported: use 'random' or 'grid', or Optuna with "
            "anew.integrations.optuna."
        )
    if method not in ("grid", "random"):
        raise UsageError(f"The method of a sweep must be 'grid' or 'random', not {method!r}.")
    if prior_runs:
        raise UnsupportedError(
            "prior_runs is not supported: a run belongs to the sweep that started it."
        )
    if given.get("early_terminate"):
        warn_once("early_terminate is ignored: no run of a sweep is stopped early.")
    parameters = given.get("parameters")
    if not isinstance(parameters, dict) or not parameters:
        raise UsageError("A sweep needs its parameters: {'lr': {'values': [0.1, 0.01]}}.")
    next(grid(parameters) if method == "grid" else sampled(parameters))  # mistakes are told now
    project = project or given.get("project") or os.environ.get("WANDB_PROJECT") or PROJECT
    entity = entity or given.get("entity") or os.environ.get("WANDB_ENTITY") or ""
    folder = "/".join(safe_segment(part) for part in (entity, project) if part)
    name = str(given.get("name") or "sweep").replace("/", "-").replace("\\", "-")
    with anew.Experiment(
        name,
        project=folder,
        tags={SWEEP: method},
        system_metrics=0,
        console="off",
        description=given.get("description"),
    ) as parent:
        parent.capture(
            "wandb_sweep", {**given, "method": method, "project": project, "entity": entity}
        )
    return parent.id


def agent(
    sweep_id: str,
    function: Callable[[], Any] | None = None,
    entity: str | None = None,
    project: str | None = None,
    count: int | None = None,
    forward_signals: bool = False,
    term_timeout: int | None = None,
    max_consecutive_failed_runs: int | None = None,
) -> None:
    """Run a function, or the sweep's program, once for each set of parameters; `init` opens the run, whose config has them.

    A function that raises ends its run as failed, and the agent goes on. A grid goes on where other agents left it.

    Args:
        sweep_id: What `sweep` returned, with or without `entity/project/` before it.
        count: At most so many runs; a random sweep goes on for ever without it.

    Raises:
        CommError: There is no such sweep.
        UsageError: No function is given, and the sweep does not name a program.
    """
    found = Api().sweep(sweep_id)
    if current() is not None:
        raise UsageError("A run is active. Call wandb.finish() before wandb.agent().")
    if function is None:
        function = _program(found)
    failed = 0
    limit = found.config.get("run_cap")
    for done, parameters in enumerate(_left(found)):
        if (count is not None and done >= count) or (limit and len(found.runs) >= limit):
            return
        trial.update(sweep=found.id, parameters=parameters, project=found.config["project"])
        trial["entity"] = found.config["entity"]
        try:
            function()
        except Exception as error:  # the next set may do better
            import traceback

            traceback.print_exc()
            failed += 1
            for run in active():
                run.__exit__(type(error), error, error.__traceback__)
            most = max_consecutive_failed_runs or (_FAILURES if failed == done + 1 else None)
            if most is not None and failed >= most:
                raise UsageError(
                    f"The agent stops: {failed} runs failed one after the other."
                ) from error
        else:
            failed = 0
        finally:
            trial.clear()
            for run in active():
                run.finish()


def _program(found: PublicSweep) -> Callable[[], Any]:
    """A function that runs the program of a sweep with the parameters of the trial, as the sweep's `command` says."""
    import json
    import subprocess
    import sys
    import tempfile

    program = found.config.get("program")
    if not program:
        raise UsageError(
            "agent() needs the function that trains: the sweep does not name a program."
        )
    command = found.config.get("command") or ["${env}", "${interpreter}", "${program}", "${args}"]

    def run() -> None:
        parameters = trial["parameters"]
        options = [f"--{name}={value}" for name, value in parameters.items()]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "parameters.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({name: {"value": value} for name, value in parameters.items()}, file)
            meant = {
                "${env}": [], "${interpreter}": [sys.executable], "${program}": [program], "${args}": options,
                "${args_no_hyphens}": [option[2:] for option in options], "${args_json}": [json.dumps(parameters)],
                "${args_json_file}": [path],
            }  # fmt: skip
            words = [one for word in command for one in meant.get(word, [word])]
            said = {
                "WANDB_SWEEP_ID": found.id, "WANDB_SWEEP_PARAM_PATH": path, "WANDB_PROJECT": trial["project"],
                "WANDB_ENTITY": trial["entity"],
            }  # fmt: skip
            done = subprocess.run(words, env={**os.environ, **said}, check=False)
        if done.returncode:
            raise UsageError(f"{program} ended with exit code {done.returncode}.")

    return run


def _left(found: PublicSweep) -> Iterator[dict[str, Any]]:
    parameters = found.config["parameters"]
    if found.config["method"] == "random":
        yield from sampled(parameters)
        return
    for one in grid(parameters):
        if one not in [run.sweep_parameters for run in found.runs]:
            yield one
