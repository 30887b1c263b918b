"""What was recorded of how an experiment was run, as far as it takes to run it again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ReproduceError, StillRunning
from ..provenance.command import is_python
from ..provenance.script import place_argument
from ..record.captures import unchanged
from ..record.secrets import MASK
from ..record.status import Status

if TYPE_CHECKING:
    from ..reading.views import ExperimentView

__all__ = ["Recipe", "read_recipe"]


@dataclass(frozen=True)
class Recipe:
    """A recipe as recorded.

    Attributes:
        command: The command line, as it was given.
        cwd: The working directory, absolute.
        root: The top of the code's working tree, "" if it is not known.
        commit: None for code that was in no commit: then the patch is all of it.
        patch: The patch of what was not committed; empty if there was none.
        opened_as: What the program called the experiment; None if it was recorded from outside.
        nth: How many experiments the program had opened before; `repeat` how many under the same name.
        requirements: The recorded packages; None where the file is not the one that was recorded.
    """

    experiment_id: str
    prefix: str
    command: list[str]
    cwd: str
    entry: str | None
    root: str
    commit: str | None
    patch: bytes
    opened_as: str | None
    nth: int
    repeat: int
    git: Mapping[str, Any]
    environment: Mapping[str, Any]
    variables: Mapping[str, str]
    inputs: Mapping[str, Mapping[str, Any]]
    requirements: bytes | None

    @property
    def python_version(self) -> str:
        """Such as "3.11.7"; "" if it is not known."""
        return str(self.environment.get("python") or "")

    def placed(self, argument: str, work: str, bin_folder: str) -> str:
        """An argument with the recorded places in it replaced by those of a re-run."""
        head, equals, path = argument.partition("=")
        if argument.startswith("-") and equals:
            return f"{head}={self.placed(path, work, bin_folder)}"
        prefix = str(self.environment.get("prefix") or "")
        roots = {"bin": os.path.join(prefix, "bin") if prefix else "", "work": self.root}
        place, rest = place_argument(argument, roots)
        if not place:
            return argument
        return os.path.join({"bin": bin_folder, "work": work}[place], rest) if rest else work

    def command_in(self, work: str, python: str) -> list[str]:
        """The command line for a re-run in the folder `work` with that interpreter."""
        bin_folder = os.path.dirname(python)
        words = [self.placed(word, work, bin_folder) for word in self.command]
        if is_python(self.command[0]):
            words[0] = python
        return words

    def cwd_in(self, work: str) -> str:
        """The working directory of a re-run; the recorded one if that was outside the code."""
        place, rest = place_argument(self.cwd, {"work": self.root})
        return os.path.join(work, rest).rstrip(os.sep) if place else self.cwd


def read_recipe(view: ExperimentView, command: Sequence[str] | None = None) -> Recipe:
    """The recipe of an experiment.

    Args:
        command: Stands for the recorded command line.

    Raises:
        StillRunning: The experiment is still running.
        ReproduceError: What was recorded is not enough to run it again; the message says what is missing.
    """
    if view.status in (Status.RUNNING, Status.PENDING):
        raise StillRunning(
            f"The experiment {view.prefix} is still running. Wait until it has ended."
        )
    captured = view.captured
    recorded, git = _fact(captured, "command"), _fact(captured, "git")
    words = list(command or recorded.get("launcher") or recorded.get("argv") or [])
    _check_command(view, recorded, words, given=bool(command))
    commit, patch = git.get("commit"), _read_patch(view, git)
    if commit is None and not patch:
        raise ReproduceError(
            f"The code of {view.prefix} was not captured: there was no git repository and no "
            "script. Put the code "
            "under git, run it, and reproduce that run."
        )
    return Recipe(
        experiment_id=view.id,
        prefix=view.prefix,
        command=words,
        cwd=str(recorded.get("cwd") or git.get("root") or ""),
        entry=recorded.get("entry"),
        root=str(git.get("root") or ""),
        commit=commit,
        patch=patch,
        opened_as=recorded.get("opened_as"),
        nth=int(recorded.get("nth") or 0),
        repeat=int(recorded.get("repeat") or 0),
        git=git,
        environment=_fact(captured, "environment"),
        variables=_fact(captured, "variables"),
        inputs=_fact(captured, "inputs"),
        requirements=_read_requirements(view, captured),
    )


def _fact(captured: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    found = captured.get(what)
    return found if isinstance(found, Mapping) else {}


def _check_command(
    view: ExperimentView, recorded: Mapping[str, Any], words: list[str], *, given: bool
) -> None:
    again = f"`anew reproduce {view.id[:6]} -- COMMAND …` runs it with the command that you give."
    if recorded.get("notebook") and not given:
        raise ReproduceError(
            f"{view.prefix} was recorded in a notebook, which cannot be run as a command; the "
            "cells it ran are in "
            f"environment/notebook.py of its folder. {again}"
        )
    if not words:
        raise ReproduceError(f"No command was recorded for {view.prefix}. {again}")
    if any(MASK in word for word in words):
        raise ReproduceError(
            f"The recorded command of {view.prefix} contained a secret, which was not saved: "
            f"{' '.join(words)}. {again}"
        )
    if is_python(words[0]) and not any(
        not w.startswith("-") or w in ("-c", "-m") for w in words[1:]
    ):
        raise ReproduceError(
            f"{view.prefix} was recorded in an interactive session: there is no program to run. "
            f"{again}"
        )


def _read_requirements(view: ExperimentView, captured: Mapping[str, Any]) -> bytes | None:
    found = view.read_capture("requirements.txt") or b""
    return found if unchanged(captured, "requirements.txt", found) else None


def _read_patch(view: ExperimentView, git: Mapping[str, Any]) -> bytes:
    wanted = git.get("patch")
    if not wanted:
        return b""
    patch = view.read_capture("git.patch") or b""
    if hashlib.sha256(patch).hexdigest() != wanted:
        state = "has been changed" if patch else "is gone"
        raise ReproduceError(
            f"The patch of uncommitted changes of {view.prefix} {state}: environment/git.patch "
            "in its folder. Without it, the code is not the code that was run."
        )
    return patch
