"""A re-run made ready: its data, environment, variables and command in place, before anything of it runs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from ..errors import ReproduceError
from ..provenance.variables import PLACE, chosen_variables
from .changes import install, with_packages
from .data import Checkout, InputState, check_inputs, link_into, place_inputs
from .packages import Python, make_environment
from .plan import OF_THIS_MACHINE, Plan
from .recipe import Recipe
from .running import find_program
from .sessions import Session

__all__ = ["Prepared", "Preparing"]


@dataclass(frozen=True)
class Prepared:
    """One session of a re-run, ready to begin."""

    plan: Plan
    session: Session
    python: Python
    command: list[str]
    cwd: str
    environ: dict[str, str]
    inputs: list[InputState]


class Preparing:
    """What re-runs of one experiment share: the environments, made at first use, and what is said once.

    Args:
        stack: Removes the environments in the end.
        strict: Refuse to run when the environment or an input has changed since the original run.
        say: Told what is being done, and what differs.
    """

    def __init__(self, stack: ExitStack, *, strict: bool, say: Callable[[str], object]) -> None:
        self._strict = strict
        self._stack = stack
        self._say = say
        self._said: set[str] = set()
        self._pythons: dict[tuple[str, str], Python] = {}
        self._folders: dict[tuple[str, str, str], str] = {}

    def say(self, text: str) -> None:
        """Say something, unless it was said already."""
        if text not in self._said:
            self._said.add(text)
            self._say(text)

    def prepare(self, plan: Plan, session: Session, place: Checkout) -> Prepared:
        """Put data, environment and command in place.

        Raises:
            ReproduceError: Something that the session needs is missing, or has changed and must not have.
        """
        recipe, work = session.recipe, place.work
        inputs = self._inputs(plan, session, place)
        python = self._interpreter(plan, work)
        folders = self._packages(plan, python)
        python = with_packages(python, folders)
        environ = _environment(plan, recipe, work, python)
        if folders:
            paths = [*folders, environ.get("PYTHONPATH", "")]
            environ["PYTHONPATH"] = os.pathsep.join(paths).rstrip(os.pathsep)
        environ = plan.changes.applied_to(environ)
        command = recipe.command_in(work, python.program)
        if recipe.notebook:
            command[-1] = os.path.join(os.path.dirname(work), "notebook.py")
            with open(command[-1], "wb") as file:
                file.write(recipe.notebook)
        cwd = recipe.cwd_in(work, place.outside)
        if not os.path.isdir(cwd):
            raise ReproduceError(
                f"{recipe.prefix} ran in {recipe.cwd}, which its commit does not have, and no input brings it.",
                why="no directory",
            )
        command[0] = find_program(command, cwd, environ)
        return Prepared(plan, session, python, command, cwd, environ, inputs)

    def _inputs(self, plan: Plan, session: Session, place: Checkout) -> list[InputState]:
        recipe = session.recipe
        given = {name: path for name, path in plan.given.items() if name in recipe.inputs}
        for name in place_inputs(recipe, session.clone, place, given):
            self.say(
                f"warning: the input {name} is too large to copy and is linked: what the re-run writes to it changes it"
            )
        link_into(recipe, session.clone, place.work, plan.links)
        plan.changes.place(place)
        inputs = check_inputs(recipe, plan.root, place=place, given=given)
        changed = [s.name for s in inputs if s.state == "changed"]
        missing = [s.name for s in inputs if s.state == "missing"]
        if missing:
            raise ReproduceError(
                f"Data that {recipe.prefix} read is missing: {', '.join(missing)}.",
                why="input missing",
            )
        for name in changed:
            self.say(f"warning: the input {name} has changed since the original run")
        for difference in plan.differences:
            self.say(f"differs: {difference.text}")
        if self._strict and (changed or plan.differences):
            raise ReproduceError(
                f"{recipe.prefix} was not run again because of --strict: {len(changed)} inputs and "
                f"{len(plan.differences)} things in the environment have changed.",
                why="strict",
            )
        return inputs

    def _interpreter(self, plan: Plan, work: str) -> Python:
        """The interpreter of a plan, in a new environment if it wants one."""
        key = plan.kind, plan.python.program
        if plan.kind == "current":
            return plan.python
        if key not in self._pythons:
            folder = self._folder("anew-environment-")
            self.say(f"making an environment with {plan.kind}")
            self._pythons[key] = make_environment(plan.recipe, plan.kind, plan.python, folder, work)
        return self._pythons[key]

    def _packages(self, plan: Plan, python: Python) -> list[str]:
        """The folders of the packages that a plan has in place of those of its environment."""
        found = []
        for package in plan.changes.packages:
            key = python.program, package.name, package.version
            if key not in self._folders:
                self._folders[key] = install(package, python, self._folder("anew-package-"))
            found.append(self._folders[key])
        return found

    def _folder(self, prefix: str) -> str:
        return self._stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix))


def _environment(plan: Plan, recipe: Recipe, work: str, python: Python) -> dict[str, str]:
    """The variables of the re-run: those there are, with the recorded ones in place of ours where they matter."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("ANEW_")}
    for name in chosen_variables(environ):
        if not PLACE.match(name) and not OF_THIS_MACHINE.match(name):
            environ.pop(name, None)
    environ |= plan.variables_of(recipe)
    # An editable install of the project would import from the original folder, not from the checkout.
    inside = [os.path.normpath(p) for p in recipe.import_paths]
    paths = [os.path.normpath(os.path.join(work, p)) for p in inside if _stays_inside(p)]
    paths += [
        recipe.placed(p, work, "") for p in environ.get("PYTHONPATH", "").split(os.pathsep) if p
    ]
    if paths:
        environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    if plan.kind != "current":
        environ["VIRTUAL_ENV"] = python.facts["prefix"]
    bin_folder = os.path.dirname(python.program)
    environ["PATH"] = os.pathsep.join([bin_folder, environ.get("PATH", os.defpath)])
    return environ


def _stays_inside(path: str) -> bool:
    return not os.path.isabs(path) and path.split(os.sep)[0] != ".."
