"""`anew run`: any command as an experiment, without a change to its code."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..tracking.experiment import Experiment
from .running import (
    INTERRUPTED,
    end,
    find_program,
    forwarded,
    give_up,
    inner_environment,
    outside,
    run_program,
)

__all__ = ["run_tracked"]


def run_tracked(
    command: Sequence[str],
    *,
    prefix: str | None = None,
    root: str | None = None,
    tags: Sequence[str] = (),
    description: str | None = None,
    resume: str | None = None,
    quiet: bool = False,
    begun: Callable[[Experiment], object] | None = None,
    why: Callable[[], str] = str,
    **options: Any,
) -> int:
    """Run a program as an experiment; its exit code.

    Args:
        prefix: The experiment's prefix or name; `ANEW_PREFIX`, or a name made from the program, if not given.
        resume: As the argument of `Experiment`; `options` what else it takes.
        begun: Called with the experiment, before the program is started.
        why: Asked at its end: for what reason the caller had it stopped; "" if not.

    Raises:
        ReproduceError: There is no such program.
    """
    environ, cwd = dict(os.environ), os.getcwd()
    program = find_program(command, cwd, environ)
    name = prefix or environ.get("ANEW_PREFIX") or _name(command)
    experiment = Experiment(
        name, root=root, tags=list(tags), description=description, resume=resume, quiet=quiet or None,
        **{"console": "off", "system_metrics": 0, **options},
    )  # fmt: skip
    experiment.life.outside = outside(command, cwd, environ)
    experiment.run.start()
    recording = experiment.life.recording
    if recording is None:  # recording is switched off
        import subprocess

        return subprocess.call([program, *command[1:]])
    claim = recording.root.claim(recording.opening)
    try:
        if begun is not None:
            begun(experiment)
        # The code is captured before it can be changed by anybody, the program included.
        recording.capturer.work()
        join = json.dumps(
            {
                "root": os.path.abspath(recording.root.root),
                "prefix": experiment.prefix,
                "claim": os.path.abspath(claim),
                "forwarded": forwarded(experiment),
            }
        )
        inner = inner_environment(environ, join)
        if server := experiment.life.settings.server:
            inner["ANEW_ROOT"] = server  # what the program records besides goes there, too
        ended = run_program(experiment, [program, *command[1:]], cwd=cwd, environ=inner, show=True)
    except BaseException as error:
        experiment.run.fail(error)
        raise
    finally:
        give_up(claim)
    reason = why()
    if reason and ended.code:
        ended = replace(ended, interrupted=True)
    end(experiment, ended, reason or INTERRUPTED)
    return ended.code


def _name(command: Sequence[str]) -> str:
    """A name for a command: its script's, or its program's."""
    from .running import script_of

    stem = os.path.basename(script_of(command) or command[0])
    return os.path.splitext(stem)[0] or "run"
