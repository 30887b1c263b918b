"""What a re-run is to have otherwise on purpose: other code, data, packages, interpreter, variables.

The result says what such a change does. It is never a reproduction, whatever comes out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..errors import InvalidValue, ReproduceError
from ..provenance.git import capture_git
from ..provenance.repository import GitFailed, Repository, find_repository, git
from ..record.captures import HASHED
from .changes import Changes, Package
from .judgement import Intended, Judgement
from .packages import ask_python, environment_differences
from .plan import Plan
from .recipe import Recipe
from .verdict import Verdict

__all__ = ["WISHES", "intended_plan", "what_if"]

WISHES = {
    "code": "code, or code=COMMIT: the working tree's code as it is now, or that of a commit",
    "data": "data, or data=NAME=PATH: the declared inputs as they are now, or another one in place of NAME",
    "packages": "packages, or packages=NAME==VERSION,…: the current environment's packages, or other versions of some",
    "interpreter": "interpreter=PROGRAM: another Python",
    "variable": "variable=NAME=VALUE: an environment variable",
    "cores": "cores=N: on so many cores",
}
"""What can be changed on purpose, and how it is written."""
_PACKAGE = re.compile(r"([A-Za-z0-9][\w.-]*)==([\w.+!-]+)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def intended_plan(plan: Plan, wishes: Sequence[str]) -> Plan:
    """A plan with the changes that these texts ask for, such as `code` or `packages=numpy==2.1`.

    Raises:
        InvalidValue: One is not understood.
        ReproduceError: One cannot be had.
    """
    original = plan.recipe
    for wish in wishes:
        what, _, value = wish.partition("=")
        match what:
            case "code":
                plan, text = _code(plan, value)
            case "data":
                plan, text = _data(plan, value)
            case "packages":
                plan, text = _packages(plan, value)
            case "interpreter":
                plan, text = _interpreter(plan, value)
            case "variable":
                plan, text = _variable(plan, value)
            case "cores":
                plan, text = _cores(plan, value)
            case _:
                raise InvalidValue(
                    f"{wish!r} is nothing that can be changed on purpose. Changes are {', '.join(WISHES)}.", key="with"
                )  # fmt: skip
        plan = replace(plan, original=original, intended=(*plan.intended, Intended(what, text)))
    return plan


def _code(plan: Plan, value: str) -> tuple[Plan, str]:
    recipe = plan.recipe
    patches: dict[str, bytes] = {}
    repository = find_repository(plan.clone) if plan.clone else None
    if repository is None:
        raise ReproduceError(
            f"The code of {recipe.prefix} was in no repository, so there is no other code of it to run.",
            why="no code",
        )
    try:
        if value:
            commit = _commit(repository, value)
            facts = {**_facts(repository, commit), "dirty": False}
        else:
            facts, patches = capture_git(repository, exclude=[plan.root])
            commit = facts["commit"]
    except GitFailed as error:
        raise ReproduceError(
            f"The code in {repository.root} cannot be read: {error}.", why="git failed"
        ) from None
    for name, content in patches.items():
        facts[HASHED[name][1]] = hashlib.sha256(content).hexdigest()
    patch = patches.get("git.patch", b"")
    text = f"the code of commit {str(commit)[:10]}" + (" with uncommitted changes" if patch else "")
    # What is recorded of paths stands for the folder that the original's code lay in.
    facts = {**facts, "root": recipe.root}
    modules = dict(facts.get("submodules") or {})

    def changed(one: Recipe) -> Recipe:
        return replace(
            one, commit=commit, patch=patch, git=facts, submodules=modules, patches=patches
        )  # fmt: skip

    sessions = tuple(
        replace(session, recipe=changed(session.recipe), clone=plan.clone)
        for session in plan.sessions
    )
    return replace(plan, sessions=sessions), text


def _commit(repository: Repository, name: str) -> str:
    found = git(
        repository.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    )  # fmt: skip
    return found.decode().strip()


def _facts(repository: Repository, commit: str) -> dict[str, Any]:
    listed = git(repository.root, "ls-tree", "-r", "-z", commit).decode("utf-8", "surrogateescape")
    modules = {}
    for line in listed.split("\0"):
        head, _, path = line.partition("\t")
        words = head.split()
        if len(words) == 3 and words[1] == "commit":
            modules[path] = words[2]
    return {"commit": commit, "submodules": modules} if modules else {"commit": commit}


def _data(plan: Plan, value: str) -> tuple[Plan, str]:
    if not value:
        changed = [state.name for state in plan.inputs if state.state == "changed"]
        return plan, f"the data as it is now ({', '.join(changed) or 'none of it has changed'})"
    name, equals, path = value.partition("=")
    if not (name and equals and path):
        raise InvalidValue(f"{value!r} is not NAME=PATH.", key="with")
    if name not in plan.recipe.inputs:
        known = ", ".join(plan.recipe.inputs) or "none"
        raise ReproduceError(
            f"{plan.recipe.prefix} declared no input {name!r}. Declared are: {known}.",
            why="no such input",
        )
    return replace(plan, given={**plan.given, name: path}), f"{path} as the input {name}"


def _packages(plan: Plan, value: str) -> tuple[Plan, str]:
    if not value:
        count = len(plan.differences)
        return plan, f"the packages of {plan.python.program}, of which {count} differ"
    found = []
    for text in value.split(","):
        pinned = _PACKAGE.fullmatch(text.strip())
        if pinned is None:
            raise InvalidValue(f"{text!r} is not NAME==VERSION.", key="with")
        name = re.sub(r"[-_.]+", "-", pinned[1]).lower()
        found.append(Package(name, pinned[2]))
    changes = plan.changes.and_(Changes(packages=tuple(found)))
    return replace(plan, changes=changes), ", ".join(f"{one.name} {one.version}" for one in found)


def _interpreter(plan: Plan, value: str) -> tuple[Plan, str]:
    python = ask_python(value)
    differences = environment_differences(plan.recipe, python) if plan.kind == "current" else []
    changed = replace(plan, python=python, differences=differences)
    return changed, f"Python {python.facts['python']} ({python.program})"


def _variable(plan: Plan, value: str) -> tuple[Plan, str]:
    name, equals, text = value.partition("=")
    if not (equals and _NAME.fullmatch(name)) or "\0" in text:
        raise InvalidValue(f"{value!r} is not NAME=VALUE.", key="with")
    changes = plan.changes.and_(Changes(variables={name: text}))
    return replace(plan, changes=changes), f"the variable {name} set to another value"


def _cores(plan: Plan, value: str) -> tuple[Plan, str]:
    if not (value.isascii() and value.isdigit() and int(value)):
        raise InvalidValue(f"{value!r} is no number of cores.", key="with")
    changes = plan.changes.and_(Changes(cores=int(value)))
    return replace(plan, changes=changes), f"{value} cores"


def what_if(judgement: Judgement, intended: Sequence[Intended]) -> Judgement:
    """A judgement on a re-run that had something otherwise on purpose: UNCHANGED or CHANGED, never IDENTICAL."""
    if not intended:
        return judgement
    named = "with " + ", ".join(one.text for one in intended)
    verdict = {
        Verdict.IDENTICAL: Verdict.UNCHANGED, Verdict.WITHIN_TOLERANCE: Verdict.UNCHANGED, Verdict.DIVERGED: Verdict.CHANGED,
    }.get(judgement.verdict, judgement.verdict)  # fmt: skip
    others = [d for d in judgement.differences if not any(one.covers(d) for one in intended)]
    asked = [d for d in judgement.differences if d not in others]
    return replace(
        judgement, verdict=verdict, reason=f"{named}: {judgement.reason}", intended=list(intended), differences=others,
        follows=asked,
    )  # fmt: skip
