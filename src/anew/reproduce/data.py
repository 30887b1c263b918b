"""The declared inputs of an experiment: found, checked by hash, and put where the re-run looks for them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import ReproduceError
from ..provenance.hashing import HashCache, hash_input, input_files
from .recipe import Recipe

__all__ = ["InputState", "check_inputs", "link_into"]


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


def check_inputs(recipe: Recipe, work: str | None, root: str) -> list[InputState]:
    """The state of every declared input, by hash.

    An input that lay in the code's folder is looked for in the checkout first, then where it was (data that git
    ignores); one outside is looked for where it was.

    Args:
        work: The checkout; None looks at where the inputs were recorded alone.
        root: The root folder of the store, which remembers hashes.
    """
    cache = HashCache.under(root)
    return [_state(name, fact, recipe, work, cache) for name, fact in recipe.inputs.items()]


def _state(name: str, fact: Any, recipe: Recipe, work: str | None, cache: HashCache) -> InputState:
    recorded, path = fact.get("sha256"), str(fact.get("path", ""))
    inside = _inside(recipe, path)
    if work is not None and inside is not None and os.path.exists(os.path.join(work, inside)):
        path = os.path.join(work, inside)
    if not os.path.exists(path):
        return InputState(name, path, "missing", recorded, None)
    try:
        found = hash_input(path, input_files(path), cache)[0]["sha256"]
    except (OSError, IndexError):
        return InputState(name, path, "missing", recorded, None)
    if recorded is None:
        return InputState(name, path, "unknown", None, found)
    return InputState(name, path, "same" if found == recorded else "changed", recorded, found)


def _inside(recipe: Recipe, path: str) -> str | None:
    """A path relative to the code's folder; None if it is outside."""
    if not recipe.root:
        return None
    relative = os.path.relpath(path, recipe.root)
    return None if relative.startswith("..") else relative


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
                "the paths that the program reads relative to the top of its repository."
            )
        target = os.path.join(work, inside)
        if os.path.lexists(target):
            continue
        source = next((p for f in folders if os.path.exists(p := os.path.join(f, inside))), None)
        if source is None:
            raise ReproduceError(
                f"{path} cannot be linked into the checkout: it is not in {' or '.join(folders)}."
            )
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.symlink(source, target)
