"""An agent: it claims one trial of a sweep after the other, and runs each, until none is left."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import InvalidValue, NotRunning
from ..record.status import Status
from ..reproduce.tracked import run_tracked
from .sweep import Stopped, Sweep, Trial

__all__ = ["command_of", "run_agent"]

_FAILURES = 5  # trials that fail before any has come to its end; then the agent stops
_LOOK_EVERY = 1.0
_GRACE = 30.0  # seconds that a program has to end by itself
REASON = "stopped early"


def run_agent(
    sweep: Sweep | str,
    function: Callable[[Trial], Any] | None = None,
    *,
    count: int | None = None,
    root: str | None = None,
    **options: Any,
) -> int:
    """Run trials of a sweep until none is left; how many were run.

    Any number of agents may run at once, on any machines that share the store. A trial whose agent was killed is given again.

    Args:
        sweep: The sweep, or its id, prefix or name.
        function: Called with each trial; what it logs to `trial.experiment` is recorded. Without one the sweep's program is run
            for each, with its parameters as options, as one experiment.
        count: At most so many trials.
        root: The store, where `sweep` is a text.
        options: What else `Experiment` takes, for the trials.

    Raises:
        InvalidValue: There is no function, and the sweep names no program.
        NotFound: There is no such sweep.
    """
    with contextlib.ExitStack() as held:
        found = held.enter_context(Sweep(sweep, root)) if isinstance(sweep, str) else sweep
        return _trials_of(found, function, count, options)


def _trials_of(
    sweep: Sweep,
    function: Callable[[Trial], Any] | None,
    count: int | None,
    options: dict[str, Any],
) -> int:
    if function is None:
        command_of(sweep.config, {})  # says what is missing, before a trial is claimed
    done = failed = 0
    while count is None or done < count:
        trial = sweep.claim()
        if trial is None:
            break
        good = _called(trial, function, options) if function else _run(trial, options)
        done += 1
        failed += not good
        if failed == done >= _FAILURES:
            raise InvalidValue(
                f"The agent stops: its first {failed} trials failed.", key="function"
            )
    return done


def _called(trial: Trial, function: Callable[[Trial], Any], options: dict[str, Any]) -> bool:
    """Call a function with a trial; whether that went well. What it raises fails the trial alone."""
    exp = trial.open(**options)
    try:
        function(trial)
    except Stopped as stopped:
        exp.run.cancel(stopped.reason or REASON)
    except Exception as error:  # noqa: BLE001  (the next trial may do better)
        import traceback

        traceback.print_exc()
        exp.run.fail(error)
        return False
    except BaseException:
        exp.run.cancel("interrupted")
        raise
    if exp.status is Status.RUNNING:
        exp.run.complete()
    return True


def _run(trial: Trial, options: dict[str, Any]) -> bool:
    """Run the program of a sweep with a trial's parameters; it is the trial's experiment that the program opens."""
    done = threading.Event()
    stopped = threading.Event()
    watching: list[threading.Thread] = []

    def begun(experiment: Any) -> None:
        trial.begun(experiment)
        if trial.sweep.config.get("early_terminate"):
            watcher = threading.Thread(target=_watch, args=(trial, done, stopped), daemon=True)
            watching.append(watcher)
            watcher.start()

    try:
        code = run_tracked(
            command_of(trial.sweep.config, trial.params), prefix=f"trial-{trial.number}", root=trial.sweep.given,
            quiet=True, begun=begun, why=lambda: REASON if stopped.is_set() else "", project=trial.sweep.view.prefix, parent=trial.sweep.id, config=trial.params, **options,
        )  # fmt: skip
    finally:
        done.set()
        for watcher in watching:
            watcher.join()
    return code == 0 or (
        trial.experiment is not None and trial.experiment.status is Status.CANCELLED
    )


def _watch(trial: Trial, done: threading.Event, stopped: threading.Event) -> None:
    """Stop a trial's program once it is behind, as Ctrl-C would, and as SIGTERM would where it goes on for long."""
    from ..store import Store

    exp = trial.experiment
    assert exp is not None
    while not done.wait(_LOOK_EVERY):
        if not trial.should_stop():
            continue
        stopped.set()
        with Store(exp.root) as here:
            for firmly in (False, True):
                with contextlib.suppress(NotRunning):  # it has come to its end by itself
                    here.stop(exp.id, REASON, firmly=firmly)
                if done.wait(_GRACE):
                    return
        return


def command_of(config: Mapping[str, Any], params: Mapping[str, Any]) -> list[str]:
    """The command line of a sweep's program with some parameters.

    Raises:
        InvalidValue: The sweep names none.
    """
    program = config.get("program")
    command = config.get("command") or (["${interpreter}", "${program}", "${args}"] if program else None)  # fmt: skip
    if not command:
        raise InvalidValue(
            "The sweep names no program: give the agent a function, or the sweep `program: train.py`.",
            key="program",
        )
    options = [f"--{name}={value}" for name, value in params.items()]
    meant = {
        "${env}": [], "${interpreter}": [sys.executable], "${program}": [str(program)], "${args}": options,
        "${args_no_hyphens}": [option[2:] for option in options], "${args_json}": [json.dumps(dict(params))],
    }  # fmt: skip
    return [one for word in command for one in meant.get(word, [str(word)])]
