"""A sweep and its trials, as they are in the record: the sweep is an experiment, and each trial one below it."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

from ..errors import InvalidValue, NotFound
from ..reading.views import ExperimentView
from ..record.plain import to_plain
from ..record.status import Status
from ..store import Store
from ..tracking.experiment import Experiment
from .facts import CONFIG, STOPPED, TRIAL, metric_of, params_of
from .space import count_of, grid, sampled

__all__ = ["Stopped", "Sweep", "Trial", "create_sweep", "read_config"]

_METHODS = ("grid", "random", "bayes")
ARRIVES = 60.0
"""Seconds within which what was made or claimed is to appear in the store."""
_LOOK = 0.5
_ATTEMPTS = 3  # how often a trial is begun whose agent was lost


class Stopped(SystemExit):
    """A trial is stopped early: its end is recorded, and the program may go."""

    def __init__(self, reason: str) -> None:
        super().__init__(0)
        self.reason = reason


def create_sweep(
    config: Mapping[str, Any],
    name: str | None = None,
    *,
    root: str | None = None,
    **options: Any,
) -> Sweep:
    """Make a sweep, which any number of agents may then run at once.

    Args:
        config: `method` ("grid", "random" or "bayes"), `parameters`, `metric` (`name` and `goal`), `early_terminate`,
            `run_cap`, and the `program` or `command` to run, if it is one.
        name: The prefix or name of its experiment; that of the configuration, else "sweep".
        root: The store, a folder or a server, as for `Experiment`.
        options: What else `Experiment` takes.

    Raises:
        InvalidValue: The configuration cannot be.
    """
    plain = to_plain(dict(config))
    plain["method"] = plain.get("method", "grid")
    check(plain)
    own = {"system_metrics": 0, "console": "off", "quiet": True, "description": plain.get("description")}  # fmt: skip
    called = name or str(plain.get("name") or "sweep")
    with Experiment(called, root=root, **{**own, **options}) as parent:
        parent.capture(CONFIG, plain)
    return _arrived(parent.id, root)


def read_config(path: str) -> dict[str, Any]:
    """The configuration of a sweep, from a YAML file.

    Raises:
        InvalidValue: It is no YAML, or no mapping.
        OSError: It cannot be read.
    """
    import yaml

    from ..tracking.config_text import load_yaml

    with open(path, "rb") as file:
        text = file.read()
    try:
        found = load_yaml(text)
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidValue(f"{path} cannot be read: {error}", key="sweep") from error
    if not isinstance(found, dict):
        raise InvalidValue(f"{path} holds no mapping.", key="sweep")
    return found


def _arrived(sweep_id: str, root: str | None) -> Sweep:
    """The sweep once its store knows of it: what goes to a server is pushed by a process beside this one.

    Raises:
        NotFound: It has not arrived within a minute.
    """
    deadline = time.monotonic() + ARRIVES
    while True:
        try:
            return Sweep(sweep_id, root)
        except NotFound:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def check(config: Mapping[str, Any]) -> None:
    """Refuse a configuration that cannot be.

    Raises:
        InvalidValue: It says what.
    """
    method, parameters = config.get("method"), config.get("parameters")
    if method not in _METHODS:
        raise InvalidValue(
            f"The method of a sweep must be one of {', '.join(_METHODS)}, not {method!r}.",
            key="method",
        )
    if not isinstance(parameters, dict) or not parameters:
        raise InvalidValue(
            "A sweep needs its parameters: {'lr': {'values': [0.1, 0.01]}}.", key="parameters"
        )
    next(grid(parameters) if method == "grid" else sampled(parameters))  # mistakes are told now
    stopping = config.get("early_terminate")
    if (method == "bayes" or stopping) and not metric_of(config):
        raise InvalidValue(
            "bayes and early_terminate need a metric: {'name': 'loss', 'goal': 'minimize'}.",
            key="metric",
        )
    if method == "bayes" or stopping:
        from .study import check_study

        check_study(config)


class Trial:
    """One trial of a sweep: a number, and the parameters to try.

    Attributes:
        number: The trial's number; no other agent has it.
        attempt: 1, or more where agents that had it before were lost.
        params: The parameters to try.
        experiment: What it is recorded in; None until it is opened.
    """

    def __init__(self, sweep: Sweep, number: int, attempt: int, params: dict[str, Any]) -> None:
        self.sweep, self.number, self.attempt, self.params = sweep, number, attempt, params
        self.experiment: Experiment | None = None
        self._again = 0.0

    def facts(self) -> dict[str, Any]:
        """What its experiment captures, as `sweep_trial`."""
        return {
            "sweep": self.sweep.id, "number": self.number, "attempt": self.attempt, "params": self.params,
        }  # fmt: skip

    def open(self, **options: Any) -> Experiment:
        """Open its experiment, below that of the sweep, with the parameters as its config."""
        own: dict[str, Any] = {"quiet": True, "console": "off", "system_metrics": 0}
        exp = Experiment(
            f"trial-{self.number}", project=self.sweep.view.prefix, parent=self.sweep.id, resume="never",
            config=self.params, root=self.sweep.given, **{**own, **options},
        )  # fmt: skip
        exp.run.start()
        self.begun(exp)
        return exp

    def begun(self, exp: Experiment) -> None:
        """Say that an experiment which has started is this trial's."""
        self.experiment = exp
        exp.capture(TRIAL, self.facts())
        self.sweep.recorded_in(exp.root)

    def should_stop(self, experiment: Experiment | None = None) -> bool:
        """Whether `early_terminate` of the sweep says that this trial is to be stopped.

        It asks the record of the other trials, at most so often that a tenth of the time goes into it.
        """
        exp = experiment or self.experiment
        if not self.sweep.config.get("early_terminate") or exp is None or not exp.id:
            return False
        if time.monotonic() < self._again:
            return False
        from .study import is_behind

        first, begun = not self._again, time.monotonic()
        behind = is_behind(self.sweep.config, self.sweep.trials(), exp.id)
        now = time.monotonic()
        # What is loaded and opened the first time is not paid again.
        self._again = now + (0.2 if first else max(0.2, 10 * (now - begun)))
        return behind

    def __repr__(self) -> str:
        return f"<Trial {self.number} of {self.sweep.id}: {self.params}>"


class Sweep:
    """A sweep in the record.

    Args:
        ref: Its experiment: the id, prefix or name.
        root: The store, a folder or a server, as for `Store`.

    Attributes:
        view: Its experiment.
        config: Its configuration.

    Raises:
        NotFound: There is no such experiment, or it is no sweep.
    """

    def __init__(self, ref: str, root: str | None = None) -> None:
        self.given = root
        self._folder: Store | None = None
        self.store = Store(root)
        try:
            self.view = self.store.get(ref)
        except BaseException:
            self.store.close()
            raise
        self.config: dict[str, Any] = dict(self.view.captured.get(CONFIG) or {})
        if not self.config:
            self.store.close()
            raise NotFound(f"The experiment {ref!r} is no sweep.", name=str(ref))

    @property
    def id(self) -> str:
        """The id of its experiment."""
        return self.view.id

    @property
    def metric(self) -> str | None:
        """The metric that says which trial is better."""
        return metric_of(self.config) or None

    @property
    def stopped(self) -> bool:
        """Whether no further trial is to be begun."""
        return STOPPED in self.store.get(self.id).tags

    def stop(self) -> None:
        """Have no further trial begun; those that run go on."""
        self.store.tag(self.id, [STOPPED])

    def trials(self) -> dict[int, list[ExperimentView]]:
        """The experiments of its trials by the trials' numbers; of one that was begun again all, the last one last."""
        views = {one.id: one for one in self.store.get(self.id).children()}
        for one in self._here():  # what is pushed from here may not have arrived yet
            if one.id not in views or not views[one.id].status.ended:
                views[one.id] = one
        found: dict[int, list[tuple[int, ExperimentView]]] = {}
        for view in views.values():
            facts = view.captured.get(TRIAL)
            if isinstance(facts, Mapping) and facts.get("sweep") == self.id:
                row = (int(facts["attempt"]), view)
                found.setdefault(int(facts["number"]), []).append(row)
        return {
            number: [view for _, view in sorted(rows, key=lambda row: (row[0], row[1].created_at))]
            for number, rows in sorted(found.items())
        }

    def _here(self) -> list[ExperimentView]:
        """Its trials in the folder that this process records in, of a sweep on a server."""
        if self._folder is None:
            return []
        return list(self._folder.list(f"parent == '{self.id}'", limit=None))

    def recorded_in(self, root: str) -> None:
        """Look in a folder, too, which trials of this process are recorded in before they are pushed."""
        if self._folder is None and os.path.abspath(root) != self.store.root:
            self._folder = Store(root)

    def claim(self) -> Trial | None:
        """A trial to run that no other agent has or gets; None if none is left.

        One whose agent was lost is given again, with the same parameters, up to three times. Where nothing else is left, it waits a
        minute for what other agents have claimed and not begun, and then gives that.
        """
        missed: dict[tuple[int, int], float] = {}
        refused: set[tuple[int, int]] = set()
        while not self.stopped:
            trials = self.trials()
            lost = {
                (number, len(views) + 1): dict(params_of(views[-1]))
                for number, views in trials.items()
                if _is_lost(views[-1]) and len(views) < _ATTEMPTS
            }
            for one, params in lost.items():
                if one not in refused and self._first("", one):
                    return Trial(self, *one, params)
                refused.add(one)
            fresh = self._fresh(trials)
            if fresh is not None:
                return fresh
            waited = [*lost, *((number, 1) for number in self._planned() if number not in trials)]
            if not waited:
                return None
            now = time.monotonic()
            for one in waited:
                since = missed.setdefault(one, now)
                if now - since > ARRIVES and self._first(".late", one):
                    known = lost.get(one) or self._params(one[0], trials)
                    return None if known is None else Trial(self, *one, known)
            if all(now - missed[one] > ARRIVES for one in waited):
                return None  # others wait for them, or run them by now
            time.sleep(min(_LOOK, ARRIVES))
        return None

    def _fresh(self, trials: Mapping[int, Sequence[ExperimentView]]) -> Trial | None:
        """The next trial that nobody has had; None if there is none."""
        planned = self._planned()
        if planned and max(trials, default=0) >= len(planned):
            return None
        number = self._number("sweep-trial", self.id)
        if planned and number > len(planned):
            return None
        params = self._params(number, trials)
        return None if params is None else Trial(self, number, 1, params)

    def _planned(self) -> range:
        """The numbers of all its trials; none where it goes on without end."""
        counts = [int(self.config["run_cap"])] if self.config.get("run_cap") else []
        if self.config["method"] == "grid":
            counts.append(count_of(self.config["parameters"]))
        return range(1, min(counts) + 1) if counts else range(0)

    def _first(self, round_: str, which: tuple[int, int]) -> bool:
        """Whether nobody else has claimed an attempt of a trial, in this round."""
        number, attempt = which
        return self._number("sweep-again", f"{self.id}.{number}.{attempt}{round_}") == 1

    def _number(self, kind: str, name: str) -> int:
        """A number that nobody else has: a folder and a server give each only once."""
        owner = self.view.prefix.rpartition("/")[0]
        scope = f"project/{owner}" if owner else "root"
        return self.store.claim_version(kind, name, scope=scope)

    def _params(
        self, number: int, trials: Mapping[int, Sequence[ExperimentView]]
    ) -> dict[str, Any] | None:
        method = self.config["method"]
        if method == "grid":
            return self._of_grid(number)
        if method == "random":
            return next(sampled(self.config["parameters"]))
        from .study import suggested

        return suggested(self.config, trials)

    def _of_grid(self, number: int) -> dict[str, Any] | None:
        return next(itertools.islice(grid(self.config["parameters"]), number - 1, None), None)

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Sweep {self.id}: {self.config['method']}>"


def _is_lost(view: ExperimentView) -> bool:
    """Whether its agent went without a word: killed, or its machine is gone."""
    return view.status is Status.FAILED and view.cut_short
