"""Setup that all integrations share: importing the framework, and finding the experiment to write to."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import anew
from anew import Experiment, Status
from anew.errors import MissingDependency, NotRunning

__all__ = ["check_choice", "experiment_for", "require"]


def require(package: str, install: str) -> ModuleType:
    """Import a framework that an integration plugs into.

    Args:
        package: The module's name, `lightning.pytorch`.
        install: What pip calls it, `lightning`.

    Raises:
        MissingDependency: It is not installed. One that is there but broken raises its own error.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        # Only the framework itself being away is told so: not a package that it fails to find in turn.
        if error.name is None or not f"{package}.".startswith(f"{error.name}."):
            raise
        raise MissingDependency(
            f"{package} is not installed, and this integration needs it. Install it with: pip "
            f"install {install}"
        ) from error


def check_choice(name: str, given: object, choices: tuple[object, ...]) -> None:
    """Raise an error unless an argument is one of its choices.

    Raises:
        ValueError: It is none of them.
    """
    if given not in choices:
        *first, last = (repr(choice) for choice in choices)
        raise ValueError(f"{name} is {', '.join(first)} or {last}, not {given!r}.")


def experiment_for(
    experiment: Experiment | None, *, suggested: Mapping[str, Any] | None = None, **options: Any
) -> tuple[Experiment, bool]:
    """The experiment an integration writes to, and whether it has to end it.

    In this order: the one handed over (started here, and then ended here, if it has not started); with `options`, a
    new one made of them; the one that runs in this process; a new one under a readable random name.

    Args:
        experiment: The one that the user handed over, or None.
        suggested: What a new one has if `options` do not say otherwise; it does not call for a new one.
        options: What `Experiment` takes; those that are None were not given.

    Raises:
        TypeError: Both an experiment and options for a new one were given.
        NotRunning: The experiment handed over has ended.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if experiment is not None:
        if given:
            raise TypeError(
                f"An experiment was handed over together with {', '.join(given)}. These "
                "arguments open a new experiment; give either them or the experiment."
            )
        if experiment.status.ended:
            raise NotRunning(
                f"The experiment {experiment.prefix} that was handed over is {experiment.status}; "
                "open it again with run.start(), or hand over another one."
            )
        if experiment.status is Status.RUNNING:
            return experiment, False
        return experiment.run.start(), True
    if not given:
        try:
            found = anew.current()
        except NotRunning:
            pass
        else:
            if found.status is Status.RUNNING:
                return found, False
    return Experiment(**{**(suggested or {}), **given}).run.start(), True
