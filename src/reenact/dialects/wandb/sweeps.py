"""Sweeps: an experiment for the sweep, and a run for each set of parameters, as its child."""

from __future__ import annotations

import itertools
import math
import os
import random

import reenact
from reenact.errors import NotFound

from .._places import safe_segment
from .errors import CommError, UnsupportedError, UsageError
from .opening import PROJECT
from .plain import nearest, plain, warn_once
from .starting import trial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .api import Api

__all__ = ["PublicSweep", "agent", "sample", "sweep"]

_DISTRIBUTIONS = (
    "constant", "categorical", "categorical_w_probabilities", "int_uniform", "uniform", "q_uniform", "log_uniform",
    "log_uniform_values", "q_log_uniform", "q_log_uniform_values", "inv_log_uniform", "inv_log_uniform_values", "normal",
    "q_normal", "log_normal", "q_log_normal", "beta", "q_beta",
)  # fmt: skip
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
            "reenact.integrations.optuna."
        )
    if method not in ("grid", "random"):
        raise UsageError(f"The method of a sweep is 'grid' or 'random', not {method!r}.")
    if prior_runs:
        raise UnsupportedError(
            "prior_runs is not supported: runs belong to the sweep they were run for."
        )
    if given.get("early_terminate"):
        warn_once("early_terminate has no meaning here: every run of a sweep goes on to its end.")
    parameters = given.get("parameters")
    if not isinstance(parameters, dict) or not parameters:
        raise UsageError("A sweep needs its parameters: {'lr': {'values': [0.1, 0.01]}}.")
    next(_grid(parameters) if method == "grid" else _sampled(parameters))  # mistakes are told now
    project = project or given.get("project") or os.environ.get("WANDB_PROJECT") or PROJECT
    entity = entity or given.get("entity") or os.environ.get("WANDB_ENTITY") or ""
    folder = "/".join(safe_segment(part) for part in (entity, project) if part)
    name = str(given.get("name") or "sweep").replace("/", "-").replace("\\", "-")
    with reenact.Experiment(
        name, project=folder, system_metrics=0, console="off", description=given.get("description")
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
    """Run a function once for each set of parameters; `init` in it opens the run, whose config has them.

    A function that raises ends its run as failed, and the agent goes on. A grid goes on where other agents left it.

    Args:
        sweep_id: What `sweep` returned, with or without `entity/project/` before it.
        count: At most so many runs; a random sweep goes on for ever without it.

    Raises:
        CommError: There is no such sweep.
        UnsupportedError: No function is given.
    """
    if function is None:
        raise UnsupportedError(
            "A sweep that runs a program is not supported: give agent() the function that trains."
        )
    from . import runs
    from .api import Api

    found = Api().sweep(sweep_id)
    if runs.current() is not None:
        raise UsageError("There is a run already: call wandb.finish() before wandb.agent().")
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
            for run in list(runs.active()):
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
            for run in list(runs.active()):
                run.finish()


def _left(found: PublicSweep) -> Iterator[dict[str, Any]]:
    parameters = found.config["parameters"]
    if found.config["method"] == "random":
        yield from _sampled(parameters)
        return
    for one in _grid(parameters):
        if one not in [run._said.get("sweep_parameters") for run in found.runs]:
            yield one


class PublicSweep:
    """A sweep, as `Api().sweep` gives it."""

    def __init__(self, api: Api, number: str) -> None:
        self._api = api
        try:
            self.native = api.store.get(number)
        except NotFound as error:
            raise CommError(
                f"There is no sweep {number!r} in {api.store.root}.", name=number
            ) from error
        self.config: dict[str, Any] = self.native.captured.get("wandb_sweep", {})
        if not self.config:
            raise CommError(f"The experiment {number!r} is no sweep.", name=number)
        self.id = self.native.id
        self.name = self.native.name

    @property
    def runs(self) -> list[Any]:
        """Its runs, oldest first."""
        return [self._api._run(view) for view in self._api.store.get(self.id).children()]

    @property
    def order(self) -> str | None:
        """Best first, by the metric that the configuration names."""
        metric = self.config.get("metric") or {}
        if "name" not in metric:
            return None
        return f"{'-' if metric.get('goal') == 'maximize' else '+'}summary_metrics.{metric['name']}"

    def best_run(self, order: str | None = None) -> Any:
        """The best of its runs, by `order` or the metric of its configuration; None if there is none."""
        from .filters import order_of

        wanted = order or self.order
        if wanted is None:
            raise UsageError("The sweep names no metric: best_run(order='-summary_metrics.acc').")
        found = order_of(wanted)(self.runs)
        return found[0] if found else None

    def __repr__(self) -> str:
        return f"<Sweep {self.id}>"


# -- parameters ------------------------------------------------------------------------------------


def _grid(parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    names, choices = [], []
    for name, said in parameters.items():
        names.append(name)
        choices.append(_choices(name, _said(name, said)))
    for one in itertools.product(*choices):
        yield dict(zip(names, one, strict=True))


def _choices(name: str, said: dict[str, Any]) -> list[Any]:
    if "parameters" in said:
        return list(_grid(said["parameters"]))
    if "values" in said:
        return list(said["values"])
    if "value" in said:
        return [said["value"]]
    if said.get("distribution") in ("int_uniform", "q_uniform") or (
        isinstance(said.get("min"), int) and isinstance(said.get("max"), int)
    ):
        step = said.get("q", 1)
        count = math.floor((said["max"] - said["min"]) / step + 1e-9)
        return [said["min"] + at * step for at in range(count + 1)]
    raise UsageError(f"The parameter {name!r} of a grid needs values, or a range of integers.")


def _sampled(parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    source = random.Random(
        int.from_bytes(os.urandom(16), "big")
    )  # not the generator that a training seeds
    while True:
        yield {name: sample(name, _said(name, said), source) for name, said in parameters.items()}


def _said(name: str, said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise UsageError(
            f"The parameter {name!r} of a sweep is a mapping such as {{'value': {said!r}}}."
        )
    return said


def sample(name: str, said: dict[str, Any], source: random.Random) -> Any:
    """One value of a parameter, by its distribution.

    Raises:
        UsageError: What is said of it makes no distribution.
    """
    if "parameters" in said:
        return {
            k: sample(f"{name}.{k}", _said(k, v), source) for k, v in said["parameters"].items()
        }
    kind = said.get("distribution")
    if kind is None:
        kind = next(
            (k for key, k in (("value", "constant"), ("values", "categorical")) if key in said),
            None,
        )
        if kind is None and "min" in said and "max" in said:
            both = isinstance(said["min"], int) and isinstance(said["max"], int)
            kind = "int_uniform" if both else "uniform"
    if kind not in _DISTRIBUTIONS:
        raise UsageError(
            f"The parameter {name!r} has no distribution that is known: {kind!r}.{nearest(str(kind), _DISTRIBUTIONS)}"
        )
    try:
        return _drawn(kind, said, source)
    except (KeyError, ValueError, TypeError) as error:
        raise UsageError(f"The parameter {name!r} ({kind}) cannot be drawn: {error!r}") from error


def _drawn(kind: str, said: dict[str, Any], source: random.Random) -> Any:
    if kind == "constant":
        return said["value"]
    if kind.startswith("categorical"):
        weights = said.get("probabilities")
        return source.choices(said["values"], weights)[0]
    if kind == "int_uniform":
        return source.randint(said["min"], said["max"])
    plain_kind = kind.removeprefix("q_")
    if plain_kind == "uniform":
        value = source.uniform(said["min"], said["max"])
    elif plain_kind == "log_uniform":
        value = math.exp(source.uniform(said["min"], said["max"]))
    elif plain_kind == "log_uniform_values":
        value = math.exp(source.uniform(math.log(said["min"]), math.log(said["max"])))
    elif plain_kind == "inv_log_uniform":
        value = 1 / math.exp(source.uniform(said["min"], said["max"]))
    elif plain_kind == "inv_log_uniform_values":
        low, high = 1 / said["max"], 1 / said["min"]
        value = 1 / math.exp(source.uniform(math.log(low), math.log(high)))
    elif plain_kind == "normal":
        value = source.gauss(said.get("mu", 0), said.get("sigma", 1))
    elif plain_kind == "log_normal":
        value = math.exp(source.gauss(said.get("mu", 0), said.get("sigma", 1)))
    else:
        value = source.betavariate(said.get("a", 1), said.get("b", 1))
    if kind != plain_kind:
        q = said.get("q", 1)
        value = round(value / q) * q
    return value
