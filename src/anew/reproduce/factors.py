"""The things that differ between an original and a re-run and can be swapped: each as a change that makes one as it was.

What cannot be brought back is not here: content that nobody kept, a variable whose value was not recorded, another
processor.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ReproduceError
from ..provenance.hashing import HashCache, hash_input, input_files
from ..provenance.repository import GitFailed, find_repository, git
from ..provenance.script import place_argument
from ..provenance.variables import PLACE
from ..record.secrets import MASK
from .changes import Changes, Package
from .differences import InputDifference, Side, parse_requirements
from .packages import Python, ask_python
from .plan import OF_THIS_MACHINE, Plan
from .recipe import Recipe

__all__ = ["Factor", "Swaps", "code_factors", "swaps"]

_MOST_FILES = 200
_LOOKED_AT = 50  # commits of a file whose content is looked for
_LARGEST = 256 << 20
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_FOLLOWS = ("config", "params", "seed", "random state")
"""Kinds of differences that come from the others: a program makes them of its code, its command and its data."""


@dataclass(frozen=True)
class Factor:
    """One thing that differs and can be made as it was.

    Attributes:
        differences: What of the captured differences it covers, the one to name first.
        restored: The plan with this as it was in the original.
    """

    differences: tuple[InputDifference, ...]
    restored: Callable[[Plan], Plan]

    @property
    def text(self) -> str:
        """In words."""
        first, *others = self.differences
        return first.text + (f" (and {len(others)} more)" if others else "")


@dataclass(frozen=True)
class Swaps:
    """What can be swapped, and what differs and cannot be."""

    factors: list[Factor]
    fixed: list[InputDifference]


def swaps(
    recipe: Recipe,
    a: Side,
    plan: Plan,
    differences: Sequence[InputDifference],
    *,
    folder: str,
    code: tuple[str, str] | None = None,
    installs: bool = False,
) -> Swaps:
    """What of the differences between an original and a re-run can be swapped.

    Args:
        recipe: How the original was run; `a` is what was captured of it.
        plan: How the re-run was run.
        folder: An empty folder for contents that are found again.
        code: A checkout of the original's code, and one of the re-run's, where their commits or patches differ.
        installs: Whether packages may be installed.
    """
    found: list[Factor] = []
    covered: set[int] = set()

    def add(factor: Factor | None, *places: int) -> None:
        if factor is not None:
            found.append(factor)
            covered.update(places)

    by_kind: dict[str, list[int]] = {}
    for place, one in enumerate(differences):
        by_kind.setdefault(one.kind, []).append(place)
    if code is not None:
        found += code_factors(*code)
        known = {"commit", "git", *(one.differences[0].what for one in found)}
        covered |= {n for n in by_kind.get("code", ()) if differences[n].what in known}
    environment = [*by_kind.get("python", ()), *by_kind.get("package", ())]
    if any(
        differences[n].kind == "python" and differences[n].what == "python" for n in environment
    ):
        add(_interpreter(recipe, plan, [differences[n] for n in environment]), *environment)
    else:
        for n in by_kind.get("package", ()):
            add(_package(recipe, plan, differences[n], installs), n)
    content = _Contents(recipe, a, plan, folder)
    for place, one in enumerate(differences):
        if place not in covered:
            add(_other(one, recipe, a, plan, content), place)
    fixed = [
        one
        for place, one in enumerate(differences)
        if place not in covered and one.kind not in _FOLLOWS and one.weight != "unlikely"
    ]
    return Swaps(found, fixed)


def _other(
    one: InputDifference, recipe: Recipe, a: Side, plan: Plan, content: _Contents
) -> Factor | None:
    match one.kind:
        case "variable":
            return _variable(one, recipe, plan)
        case "hardware" if one.what == "usable_cores":
            return _cores(one)
        case "command":
            return _command(one, recipe, plan)
        case "directory":
            return _directory(one, recipe)
        case "data":
            return content.of_data(one)
        case "code":
            return content.of_module(one)
        case _:
            return None


def _changed(one: InputDifference, change: Changes) -> Factor:
    return Factor((one,), lambda plan: replace(plan, changes=plan.changes.and_(change)))


# -- the environment ---------------------------------------------------------------------------------


def _recorded_python(recipe: Recipe) -> Python | None:
    """The interpreter of the original, if it is there and still has the recorded version."""
    program = str(recipe.environment.get("executable") or "")
    if not (recipe.is_own and program):
        return None
    try:
        python = ask_python(program)
    except ReproduceError:
        return None
    return python if python.facts.get("python") == recipe.python_version else None


def _interpreter(recipe: Recipe, plan: Plan, differences: list[InputDifference]) -> Factor | None:
    """The original's interpreter with all its packages; None where that is not as it was."""
    python = _recorded_python(recipe)
    if python is None or not recipe.requirements:
        return None
    packages = python.packages
    if any(packages.get(n) != v for n, v in parse_requirements(recipe.requirements).items()):
        return None
    order = sorted(differences, key=lambda one: (one.kind, one.what) != ("python", "python"))
    return Factor(tuple(order), lambda plan: replace(plan, kind="current", python=python))


def _package(recipe: Recipe, plan: Plan, one: InputDifference, installs: bool) -> Factor | None:
    if not isinstance(one.a, str) or not _is_version(one.a):
        return None
    site = _site_with(recipe, one.what, one.a)
    if not site and not installs:
        return None
    return _changed(one, Changes(packages=(Package(one.what, one.a, site),)))


def _is_version(text: str) -> bool:
    return text.replace(".", "").replace("+", "").replace("-", "").replace("!", "").isalnum()


def _site_with(recipe: Recipe, name: str, version: str) -> str:
    """The folder of the original's environment that still has this version of a package; "" for none."""
    python = _recorded_python(recipe)
    for folder in python.paths if python is not None else ():
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for entry in names:
            stem, _, kind = entry.rpartition(".")
            called, _, found = stem.partition("-")
            called = called.replace("_", "-").replace(".", "-").lower()
            if (called, found, kind) == (name, version, "dist-info"):
                return folder
    return ""


def _variable(one: InputDifference, recipe: Recipe, plan: Plan) -> Factor | None:
    name = one.what
    if PLACE.match(name) or OF_THIS_MACHINE.match(name) or not recipe.is_own:
        return None
    if name in recipe.variables:
        value = recipe.variables[name]
        return None if MASK in value else _changed(one, Changes(variables={name: value}))
    if one.a in (None, "not set"):
        return _changed(one, Changes(variables={name: None}))
    return None  # only a hash of its value was recorded


def _cores(one: InputDifference) -> Factor | None:
    if not isinstance(one.a, int) or one.a < 1:
        return None
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    threads: Mapping[str, str | None] = dict.fromkeys(_THREADS, str(one.a))
    change = Changes(cores=one.a) if one.a <= there else Changes(variables=threads)
    return _changed(one, change)


# -- command and directory ---------------------------------------------------------------------------


def _moved(path: str, a: Recipe, b: Recipe) -> str:
    """A path of one recipe as it is in the code of the other."""
    place, rest = place_argument(path, {"work": a.root})
    return os.path.join(b.root, rest).rstrip(os.sep) if place and b.root else path


def _command(one: InputDifference, recipe: Recipe, plan: Plan) -> Factor:
    def restored(plan: Plan) -> Plan:
        words = [_moved(word, recipe, plan.recipe) for word in recipe.command]
        return plan.with_recipe(replace(plan.recipe, command=[plan.recipe.command[0], *words[1:]]))

    return Factor((one,), restored)


def _directory(one: InputDifference, recipe: Recipe) -> Factor | None:
    if recipe.ran_outside:
        return None

    def restored(plan: Plan) -> Plan:
        cwd = _moved(recipe.cwd, recipe, plan.recipe)
        return plan.with_recipe(replace(plan.recipe, cwd=cwd))

    return Factor((one,), restored)


# -- code and data -----------------------------------------------------------------------------------


def code_factors(a: str, b: str, differences: Sequence[InputDifference] = ()) -> list[Factor]:
    """A factor for each file that differs between two checkouts; one for all of them where there are very many."""
    names = sorted({*_files(a), *_files(b)})
    changed: dict[str, str | None] = {}
    for name in names:
        ours, theirs = os.path.join(a, name), os.path.join(b, name)
        if not (os.path.lexists(ours) and os.path.lexists(theirs)):
            changed[name] = ours if os.path.lexists(ours) else None
        elif os.path.islink(ours) or os.path.islink(theirs):
            if os.path.realpath(ours) != os.path.realpath(theirs).replace(b, a, 1):
                changed[name] = ours
        elif not filecmp.cmp(ours, theirs, shallow=False):
            changed[name] = ours
    if len(changed) > _MOST_FILES:
        text = f"the code: {len(changed)} files"
        whole = InputDifference("code", "code", None, None, "likely", text)
        return [_changed(whole, Changes(files=changed))]
    return [_changed(_of_file(name, source, b), Changes(files={name: source})) for name, source in changed.items()]  # fmt: skip


def _of_file(name: str, source: str | None, b: str) -> InputDifference:
    there = os.path.lexists(os.path.join(b, name))
    text = (
        f"{name} was not there"
        if source is None
        else f"{name} was changed"
        if there
        else f"{name} is gone"
    )
    return InputDifference("code", name, None, None, "likely", text)


def _files(folder: str) -> Iterator[str]:
    for at, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if one not in (".git", "__pycache__")]
        for name in names:
            if name != ".git":
                yield os.path.relpath(os.path.join(at, name), folder)


class _Contents:
    """Files as they were when the original read them, as far as they are still somewhere."""

    def __init__(self, recipe: Recipe, a: Side, plan: Plan, folder: str) -> None:
        self._recipe = recipe
        self._ran = a.fact("ran")
        self._plan = plan
        self._folder = folder
        self._cache = HashCache.under(plan.root)

    def of_data(self, one: InputDifference) -> Factor | None:
        """A declared input, or a file that was read."""
        fact = self._recipe.inputs.get(one.what)
        if fact is not None:
            return self._of_input(one, fact)
        return self._of_file(one, self._ran.get("read"))

    def of_module(self, one: InputDifference) -> Factor | None:
        """A module that no commit has."""
        return self._of_file(one, self._ran.get("modules"))

    def _of_input(self, one: InputDifference, fact: Mapping[str, Any]) -> Factor | None:
        recorded, path = fact.get("sha256"), str(fact.get("path", ""))
        target = self._target(path)
        if target is None or not isinstance(recorded, str) or not self._recipe.is_own:
            return None
        for source in (path, self._in_clone(path)):
            if source and os.path.isfile(source) and self._sum(source) == recorded:
                return _changed(one, self._placed(target, source))
        kept = self._from_history(path, recorded)
        return _changed(one, self._placed(target, kept)) if kept else None

    def _of_file(self, one: InputDifference, facts: object) -> Factor | None:
        fact = facts.get(one.what) if isinstance(facts, Mapping) else None
        path = one.what if os.path.isabs(one.what) else os.path.join(self._recipe.root, one.what)
        target = self._target(path)
        if fact is None or target is None or not self._recipe.is_own:
            return None
        size, time, recorded = fact if isinstance(fact, (list, tuple)) and len(fact) == 3 else (None, None, fact)  # fmt: skip
        try:
            stat = os.stat(path)
        except OSError:
            stat = None
        if stat is not None and os.path.isfile(path) and not os.path.islink(path):
            as_it_was = (
                stat.st_size <= _LARGEST and self._sum(path) == recorded
                if isinstance(recorded, str)
                else size is not None and (size, time) == (stat.st_size, stat.st_mtime)
            )
            if as_it_was:
                return _changed(one, self._placed(target, path))
        source = self._from_history(path, recorded) if isinstance(recorded, str) else None
        return _changed(one, self._placed(target, source)) if source else None

    def _target(self, path: str) -> tuple[str, str] | None:
        """Where a re-run looks for a path of the original: in its checkout or its empty folder, and the path there."""
        found = self._recipe.place_of(os.path.normpath(path), "code", "outside")
        if found is None or ".." in found.split(os.sep):
            return None
        where, _, rest = found.partition(os.sep)
        return (where, rest) if rest else None

    def _placed(self, target: tuple[str, str], source: str) -> Changes:
        where, name = target
        return Changes(files={name: source}) if where == "code" else Changes(outside={name: source})

    def _in_clone(self, path: str) -> str:
        place, rest = place_argument(path, {"work": self._recipe.root})
        return os.path.join(self._plan.clone, rest) if place and rest and self._plan.clone else ""

    def _sum(self, path: str) -> str | None:
        try:
            found = hash_input(path, input_files(path), self._cache)[0]["sha256"]
        except (OSError, IndexError):
            return None
        return str(found)

    def _from_history(self, path: str, recorded: str) -> str | None:
        """A file with the recorded content, from the history of the repository that it lies in."""
        repository = find_repository(os.path.dirname(path))
        if repository is None:
            return None
        name = os.path.relpath(path, repository.root).replace(os.sep, "/")
        try:
            commits = git(
                repository.root, "rev-list", "--all", f"--max-count={_LOOKED_AT}", "--", name
            ).decode().split()  # fmt: skip
        except GitFailed:
            return None
        for commit in commits:
            try:
                content = git(repository.root, "cat-file", "blob", f"{commit}:{name}")
            except GitFailed:
                continue
            if hashlib.sha256(content).hexdigest() == recorded:
                source = os.path.join(self._folder, recorded)
                with open(source, "wb") as file:
                    file.write(content)
                return source
        return None
