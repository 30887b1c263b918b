"""What a re-run would do, found out without changing anything."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..address import local_folder
from ..errors import ReproduceError
from ..provenance.patch import sections
from ..provenance.variables import PLACE, changes_loading, is_usual
from ..record.secrets import MASK
from ..settings import load_settings
from .changes import Changes
from .code import find_code
from .data import InputState, check_inputs
from .differences import InputDifference
from .judgement import Intended
from .packages import (
    EnvironmentKind,
    Python,
    choose_python,
    environment_differences,
    recorded_packages,
)
from .recipe import Recipe, read_recipe
from .sessions import Session, find_sessions

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["OF_THIS_MACHINE", "Plan", "make_plan"]

_PINNED = re.compile(r"[A-Za-z0-9][\w.-]*(\[[\w,.-]*\])?==[\w.+!-]+")
# Which GPUs to use, and in what language to speak, is this machine's affair.
OF_THIS_MACHINE = re.compile(r"^(CUDA_VISIBLE_DEVICES|NVIDIA_VISIBLE_DEVICES|LANG|LC_ALL)$")


@dataclass(frozen=True)
class Plan:
    """A re-run before it runs.

    Attributes:
        sessions: What is run, one after the other: several where the program continued the experiment.
        root: The folder of the store that the re-runs are recorded in.
        python: The interpreter, or the one to make an environment with.
        differences: How the environment differs; with a new environment, what making it will mend.
        inputs: The declared inputs as they are now.
        links: Paths of the original folder to link into the checkout.
        given: The paths of inputs that are elsewhere now, by name.
        variables: The recorded variables that the re-run sets.
        withheld: Those that it does not set, because they were not asked for by name, each with the reason.
        asked: The variables that were asked for by name.
        changes: What the re-run has otherwise.
        intended: What it has otherwise on purpose; then `original` is how the experiment was run.
    """

    sessions: tuple[Session, ...]
    root: str
    kind: EnvironmentKind
    python: Python
    differences: list[InputDifference]
    inputs: list[InputState]
    links: list[str] = field(default_factory=list)
    given: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    withheld: Mapping[str, str] = field(default_factory=dict)
    asked: Sequence[str] = ()
    changes: Changes = field(default_factory=Changes)
    intended: tuple[Intended, ...] = ()
    original: Recipe | None = None

    @property
    def recipe(self) -> Recipe:
        """The recipe of the first session, which is the experiment's."""
        return self.sessions[0].recipe

    @property
    def clone(self) -> str:
        """The clone that has its commit; "" for code that was in none."""
        return self.sessions[0].clone

    def with_recipe(self, recipe: Recipe) -> Plan:
        """The plan with another recipe for its first session."""
        return replace(
            self, sessions=(replace(self.sessions[0], recipe=recipe), *self.sessions[1:])
        )

    @property
    def is_own(self) -> bool:
        """Whether this user recorded all of it on this machine."""
        return all(session.recipe.is_own for session in self.sessions)

    def variables_of(self, recipe: Recipe) -> Mapping[str, str]:
        """The recorded variables that a session sets."""
        if recipe is self.recipe:
            return self.variables
        return _variables(recipe, [name for name in self.asked if name in recipe.variables])[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        recipe = self.recipe
        return {
            "experiment": recipe.experiment_id,
            "prefix": recipe.prefix,
            "recorded_by": recipe.recorded_by,
            "own": self.is_own,
            "commit": recipe.commit,
            "clone": self.clone or None,
            "root": self.root,
            "patched": [path for path, _ in sections(recipe.patch)],
            "left_out": dict(recipe.git.get("left_out", {})),
            "environment": self.kind,
            "python": self.python.program,
            "differences": [d.to_dict() for d in self.differences],
            "inputs": [state.to_dict() for state in self.inputs],
            "variables": dict(self.variables),
            "withheld_variables": {name: recipe.variables[name] for name in self.withheld},
            "command": recipe.command_in("<checkout>", self.python.program),
            "working_directory": recipe.cwd_in("<checkout>", "<empty folder>"),
            "continued": [self._continued(session) for session in self.sessions[1:]],
            "intended": [one.to_dict() for one in self.intended],
        }

    def _continued(self, session: Session) -> dict[str, Any]:
        recipe = session.recipe
        return {
            "commit": recipe.commit,
            "clone": session.clone or None,
            "patched": [path for path, _ in sections(recipe.patch)],
            "command": recipe.command_in("<checkout>", self.python.program),
            "working_directory": recipe.cwd_in("<checkout>", "<empty folder>"),
        }

    def lines(self) -> list[str]:
        """The plan in words, a step a line."""
        recipe, plain = self.recipe, self.to_dict()
        steps = [f"run {recipe.prefix} ({recipe.experiment_id[:6]}) again:"]
        steps += [f"on purpose, with {one.text}" for one in self.intended]
        if recipe.commit:
            steps.append(
                f"check out {recipe.commit[:12]} from {self.clone} into a temporary worktree"
            )
        if plain["patched"]:
            shown = ", ".join(plain["patched"][:6]) + (" …" if len(plain["patched"]) > 6 else "")
            steps.append(f"apply the patch of {len(plain['patched'])} uncommitted files: {shown}")
        steps += [
            f"without {path}, which was left out of the patch: {why}"
            for path, why in plain["left_out"].items()
        ]
        if self.kind == "current":
            steps.append(f"use {self.python.program} as it is: {_count(self.differences)}")
        else:
            packages = recorded_packages(recipe).count(b"==")
            steps.append(
                f"make an environment with {packages} packages ({self.kind}, {self.python.program})"
            )
            steps += [f"install {line}" for line in self._unusual_requirements()]
        for name, value in self.variables.items():
            steps.append(f"set {name}={shlex.quote(value)}")
        for name, why in self.withheld.items():
            steps.append(
                f"leave {name} unset (recorded as {shlex.quote(recipe.variables[name])}): {why}"
            )
        steps += [f"input {state.name}: {state.state}" for state in self.inputs]
        steps.append(f"record it in {self.root}")
        steps.append(f"run in {plain['working_directory']}: {shlex.join(plain['command'])}")
        for one in plain["continued"]:
            code = f"commit {str(one['commit'])[:12]}" if one["commit"] else "its code"
            code += " and its patch" if one["patched"] else ""
            steps.append(
                f"continue from what that left, with {code}, in {one['working_directory']}: {shlex.join(one['command'])}"
            )
        steps.append("compare every metric with the original's")
        return steps

    def _unusual_requirements(self) -> list[str]:
        """The lines of the recorded requirements that name more than a package and its version."""
        lines = (self.recipe.requirements or b"").decode("utf-8", "replace").splitlines()
        return [
            line
            for line in map(str.strip, lines)
            if line and line[0] != "#" and not _PINNED.fullmatch(line)
        ]


def _count(differences: list[InputDifference]) -> str:
    if not differences:
        return "it has the recorded packages"
    return f"it differs from the recorded one in {len(differences)} thing{'s' * (len(differences) > 1)}"


def make_plan(
    store: Store,
    view: ExperimentView,
    *,
    kind: EnvironmentKind = "current",
    repo: str | None = None,
    python: str | None = None,
    command: Sequence[str] | None = None,
    links: Sequence[str] = (),
    variables: Sequence[str] = (),
    given: Mapping[str, str] | None = None,
    into: str | None = None,
) -> Plan:
    """Find out how an experiment would be run again, and whether it can be.

    Args:
        kind: The environment: the current one, or a new one made by venv or uv.
        repo: A clone that has the code.
        python: The interpreter to use.
        command: Stands for the recorded command.
        links: Paths that git does not have, to be linked into the checkout.
        variables: Names of recorded variables to set although they decide which code is loaded.
        given: The paths of inputs that are elsewhere now, by name.
        into: The folder of the store to record the re-runs in; by default where the experiment is, if that is a
            folder of this machine, and otherwise the store that programs record into here.

    Raises:
        StillRunning: The experiment is still running.
        ReproduceError: It cannot be run again; the message says why and what to do.
    """
    root = _root(store, into)
    clone, recipe = find_code(read_recipe(view, command), repo)
    parts: tuple[Session, ...] = (Session(recipe, clone),)
    if not command:
        parts = find_sessions(store, view, parts[0], repo)
    recipe, clone = parts[0].recipe, parts[0].clone
    chosen = choose_python(recipe, kind, python)
    given = dict(given or {})
    declared = [name for session in parts for name in session.recipe.inputs]
    unknown = [name for name in given if name not in declared]
    if unknown:
        raise ReproduceError(
            f"{recipe.prefix} declared no input {unknown[0]!r}. Declared are: {', '.join(dict.fromkeys(declared)) or 'none'}.",
            why="no such input",
        )
    inputs = check_inputs(recipe, root, clone=clone, given=given)
    missing = [state for state in inputs if state.state == "missing"]
    if missing:
        names = ", ".join(f"{state.name} (looked for at {state.path})" for state in missing)
        raise ReproduceError(
            f"Data that {recipe.prefix} read is missing: {names}. Restore it, or say where it "
            "is with --input NAME=PATH.",
            why="input missing",
        )
    differences = environment_differences(recipe, chosen) if kind == "current" else []
    chosen_variables, withheld = _variables(recipe, variables)
    return Plan(
        parts, root, kind, chosen, differences, inputs, list(links), given, chosen_variables, withheld, variables
    )  # fmt: skip


def _root(store: Store, into: str | None) -> str:
    """The folder of the store that the re-runs are recorded in.

    Raises:
        InvalidSetting: `into` is no folder of this machine.
    """
    if into is not None:
        return local_folder(into)
    return store.backend.about().root or load_settings().root


def _variables(recipe: Recipe, asked: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The recorded variables to set, and those to leave, with the reason.

    Raises:
        ReproduceError: One that was asked for was not recorded.
    """
    unknown = [name for name in asked if name not in recipe.variables]
    if unknown:
        raise ReproduceError(
            f"{recipe.prefix} has no recorded variable {unknown[0]}. Recorded are: "
            f"{', '.join(recipe.variables) or 'none'}.",
            why="no such variable",
        )
    found: dict[str, str] = {}
    withheld: dict[str, str] = {}
    for name, value in recipe.variables.items():
        if PLACE.match(name) or OF_THIS_MACHINE.match(name) or MASK in value:
            continue
        if name in asked:
            found[name] = value
        elif changes_loading(name):
            withheld[name] = "it decides which code is loaded"
        elif not recipe.is_own and not is_usual(name):
            withheld[name] = (
                f"{recipe.recorded_by} recorded it, and it is not one that usually matters"
            )
        else:
            found[name] = value
    return found, withheld


def free_prefix(store: Store, prefix: str, word: str = "again") -> str:
    """The prefix of the next re-run of an experiment: beside it, numbered."""
    if "/" not in prefix:  # opened by its name alone
        prefix = f"reproductions/{prefix}"
    number = 1
    while f"{prefix}-{word}-{number}" in store:
        number += 1
    return f"{prefix}-{word}-{number}"
