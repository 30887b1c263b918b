"""Sweeps: an experiment for the sweep, and a run for each set of parameters, as its child."""

from __future__ import annotations

import os

from anew.errors import InvalidValue

from ...places import safe_segment
from ..names import SWEEP
from .active import active, current
from .api import Api
from .errors import UnsupportedError, UsageError
from .opening import PROJECT
from .plain import plain
from .starting import trial
from .sweeps import PublicSweep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from anew.sweeps import Sweep

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
        sweep: wandb's configuration of a sweep: `method` ("grid", "random" or "bayes"), `parameters`, `metric`, `name`,
            `early_terminate`, `run_cap`.

    Raises:
        UsageError: The configuration cannot be.
        UnsupportedError: The method is "custom".
    """
    from anew.sweeps import create_sweep

    given: dict[str, Any] = plain(sweep() if callable(sweep) else dict(sweep))
    method = given.get("method", "grid" if "parameters" in given else None)
    if method == "custom":
        raise UnsupportedError("The method 'custom' is not supported: use grid, random or bayes.")
    if prior_runs:
        raise UnsupportedError(
            "prior_runs is not supported: a run belongs to the sweep that started it."
        )
    project = project or given.get("project") or os.environ.get("WANDB_PROJECT") or PROJECT
    entity = entity or given.get("entity") or os.environ.get("WANDB_ENTITY") or ""
    folder = "/".join(safe_segment(part) for part in (entity, project) if part)
    name = str(given.get("name") or "sweep").replace("/", "-").replace("\\", "-")
    whole = {**given, "method": method, "project": project, "entity": entity}
    try:
        made = create_sweep(whole, name, project=folder, tags={SWEEP: str(method)})
    except InvalidValue as error:
        raise UsageError(str(error)) from error
    with made:
        return made.id


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
    from anew.sweeps import Sweep

    found = Api().sweep(sweep_id)
    if current() is not None:
        raise UsageError("A run is active. Call wandb.finish() before wandb.agent().")
    if function is None:
        function = _program(found)
    with Sweep(found.id) as own:
        _agent(found, own, function, count, max_consecutive_failed_runs)


def _agent(
    found: PublicSweep,
    own: Sweep,
    function: Callable[[], Any],
    count: int | None,
    failures: int | None,
) -> None:
    from anew.sweeps import Stopped

    done = failed = 0
    while count is None or done < count:
        claimed = own.claim()
        if claimed is None:
            return
        trial.update(sweep=found.id, parameters=claimed.params, project=found.config["project"])
        trial.update(entity=found.config["entity"], claimed=claimed)
        done += 1
        try:
            function()
        except Stopped:
            failed = 0
        except Exception as error:  # the next set may do better
            import traceback

            traceback.print_exc()
            failed += 1
            for run in active():
                run.__exit__(type(error), error, error.__traceback__)
            most = failures or (_FAILURES if failed == done else None)
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
                "WANDB_SWEEP_TRIAL": f"{trial['claimed'].number}.{trial['claimed'].attempt}",
            }  # fmt: skip
            done = subprocess.run(words, env={**os.environ, **said}, check=False)
        if done.returncode:
            raise UsageError(f"{program} ended with exit code {done.returncode}.")

    return run
