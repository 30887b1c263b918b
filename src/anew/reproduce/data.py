"""The declared inputs of an experiment: found, checked by hash, and put where the re-run looks for them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import ReproduceError
from ..provenance.hashing import HashCache, hash_input, input_files
from ..provenance.patch import sections
from ..provenance.repository import GitFailed, git
from .recipe import Recipe

__all__ = ["Checkout", "InputState", "check_inputs", "link_into", "place_inputs"]

_COPIED = 4 << 30
"""Bytes of declared inputs that a re-run copies; what is beyond is linked, and said to be."""
_CLONE = 0x40049409  # FICLONE of linux/fs.h: both files share their blocks until one is written to


@dataclass
class Checkout:
    """The folders of one re-run.

    Attributes:
        work: The recorded code.
        outside: An empty folder, the working directory of a program that ran outside its code.
        clone: The clone that `work` is a worktree of; "" where it is none.
    """

    work: str
    outside: str
    clone: str = ""


@dataclass(frozen=True)
class InputState:
    """One input: where it was found, and whether it is what it was."""

    name: str
    path: str
    state: Literal["same", "changed", "missing", "unknown"]
    recorded: str | None
    found: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return dict(self.__dict__)


def check_inputs(
    recipe: Recipe,
    root: str,
    *,
    clone: str = "",
    place: Checkout | None = None,
    given: Mapping[str, str] | None = None,
) -> list[InputState]:
    """The state of every declared input, by hash.

    Args:
        root: The root folder of the store, which remembers hashes.
        clone: The clone that has the commit: before the checkout is made, what the commit has is looked for in it.
        place: The folders of the re-run: what lay in the code or the working directory is looked for there.
        given: The paths of inputs that are elsewhere now, by name.
    """
    cache = HashCache.under(root)
    return [
        _state(name, fact, recipe, cache, clone, place, (given or {}).get(name))
        for name, fact in recipe.inputs.items()
    ]


def _state(
    name: str,
    fact: Any,
    recipe: Recipe,
    cache: HashCache,
    clone: str,
    place: Checkout | None,
    given: str | None,
) -> InputState:
    recorded, path = fact.get("sha256"), str(fact.get("path", ""))
    inside = _inside(recipe, path)
    moved = recipe.place_of(path, place.work, place.outside) if place is not None else None
    if moved is not None and os.path.exists(moved):
        path = moved
    elif given is not None:
        path = given
    elif place is None and clone and inside is not None and _commit_has(recipe, clone, inside):
        return _state_in_commit(name, recipe, clone, inside, recorded)
    if not os.path.exists(path):
        return InputState(name, path, "missing", recorded, None)
    try:
        found = hash_input(path, input_files(path), cache)[0]["sha256"]
    except (OSError, IndexError):
        return InputState(name, path, "missing", recorded, None)
    if recorded is None:
        return InputState(name, path, "unknown", None, found)
    return InputState(name, path, "same" if found == recorded else "changed", recorded, found)


def _commit_has(recipe: Recipe, clone: str, inside: str) -> bool:
    if recipe.commit is None:
        return False
    try:
        git(clone, "cat-file", "-e", f"{recipe.commit}:{_slashed(inside)}")
    except GitFailed:
        return False
    return True


def _state_in_commit(
    name: str, recipe: Recipe, clone: str, inside: str, recorded: str | None
) -> InputState:
    """The state of an input that the checkout will bring; of a folder, and of what a patch changes, only that it is there."""
    path = f"{(recipe.commit or '')[:12]}:{_slashed(inside)}"
    patched = any(one == _slashed(inside) for one, _ in sections(recipe.patch))
    try:
        kind = git(clone, "cat-file", "-t", f"{recipe.commit}:{_slashed(inside)}").strip()
        if patched or kind != b"blob":
            return InputState(name, path, "unknown", recorded, None)
        data = git(clone, "cat-file", "blob", f"{recipe.commit}:{_slashed(inside)}", seconds=600)
    except GitFailed:
        return InputState(name, path, "unknown", recorded, None)
    found = hashlib.sha256(data).hexdigest()
    if recorded is None:
        return InputState(name, path, "unknown", None, found)
    return InputState(name, path, "same" if found == recorded else "changed", recorded, found)


def _slashed(path: str) -> str:
    return path.replace(os.sep, "/")


def _inside(recipe: Recipe, path: str) -> str | None:
    """A path relative to the code's folder; None if it is outside."""
    if not recipe.root:
        return None
    relative = os.path.relpath(path, recipe.root)
    return None if relative.startswith("..") else relative


def place_inputs(
    recipe: Recipe, clone: str, place: Checkout, given: Mapping[str, str]
) -> list[str]:
    """Copy the declared inputs that git does not have to where the re-run looks for them; the names of those linked.

    They are copies, which share their blocks with the original where the file system can: what a re-run writes to its
    data is not written to the original's.

    Raises:
        ReproduceError: One cannot be copied, or is read at a path outside the code and the working directory, and was
            to be taken from another.
    """
    left, linked = _COPIED, []
    for name, fact in recipe.inputs.items():
        path = str(fact.get("path", ""))
        target = recipe.place_of(path, place.work, place.outside)
        if target is None:
            if name in given and os.path.realpath(given[name]) != os.path.realpath(path):
                raise ReproduceError(
                    f"The input {name} is read at {path}, which no checkout can change. Put it there, or let the "
                    "program find it in its working directory or by an argument.",
                    why="input out of reach",
                )
            continue
        whole = os.path.isdir(target) and not os.path.islink(
            target
        )  # the commit may have a part of a folder
        if os.path.lexists(target) and not whole:
            continue
        inside = _inside(recipe, path)
        sources = [given[name]] if name in given else [path]
        if name not in given and clone and inside is not None:
            sources.append(os.path.join(clone, inside))
        source = next((one for one in sources if os.path.exists(one)), None)
        if source is None:
            continue  # told as missing by `check_inputs`
        os.makedirs(os.path.dirname(target), exist_ok=True)
        try:
            size = sum(stat.st_size for _, _, stat in input_files(source))
            if size > left and not whole:
                os.symlink(os.path.abspath(source), target)
                linked.append(name)
                continue
            left -= size
            if os.path.isdir(source):
                shutil.copytree(
                    source, target, copy_function=_copy, ignore_dangling_symlinks=True, dirs_exist_ok=True
                )  # fmt: skip
            else:
                _copy(source, target)
        except (OSError, shutil.Error) as error:
            raise ReproduceError(
                f"The input {name} cannot be copied from {source}: {error}.",
                why="input not copied",
            ) from None
    return linked


def _copy(source: str, target: str) -> str:
    """Copy a file, sharing its blocks where the file system can."""
    if os.path.exists(target):  # the commit's own
        return target
    import fcntl

    with open(source, "rb") as old, open(target, "wb") as new:
        try:
            fcntl.ioctl(new.fileno(), _CLONE, old.fileno())
        except OSError:
            shutil.copyfileobj(old, new, 1 << 20)
    shutil.copystat(source, target)
    os.chmod(target, os.stat(target).st_mode | 0o200)
    return target


def link_into(recipe: Recipe, clone: str, work: str, paths: list[str]) -> None:
    """Link files and folders that git does not have into the checkout, from where the code ran or from the clone.

    Raises:
        ReproduceError: One is not there, or not in that folder.
    """
    for path in paths:
        inside = _inside(recipe, path) if os.path.isabs(path) else os.path.normpath(path)
        folders = [folder for folder in (recipe.root, clone) if folder]
        if inside is None or inside.startswith(".."):
            raise ReproduceError(
                f"{path} cannot be linked into the checkout: it is not in {recipe.root}. Give "
                "the paths that the program reads relative to the top of its repository.",
                why="link out of reach",
            )
        target = os.path.join(work, inside)
        if os.path.lexists(target):
            continue
        source = next((p for f in folders if os.path.exists(p := os.path.join(f, inside))), None)
        if source is None:
            raise ReproduceError(
                f"{path} cannot be linked into the checkout: it is not in {' or '.join(folders)}.",
                why="link out of reach",
            )
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.symlink(source, target)
