"""Where the code of a program lies, and its state there: in a repository, or as loose files beside a script."""

from __future__ import annotations

import os
import sys

from ..record.plain import to_plain
from ..record.secrets import mask_secrets
from .repository import Repository, find_repository
from .shared import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["CodePlace", "uncommitted"]

_NAMED = 5
"""Changed files that the warning names."""


class CodePlace:
    """The repository of a program, or the folder of its script where that is in none.

    Args:
        entry: The program's script, absolute; None for one without.
        cwd: The working directory, where the script is installed or in no repository; None where that is not known.
    """

    def __init__(self, entry: str | None, cwd: str | None) -> None:
        self.repository: Repository | None = None
        self.loose: str | None = None
        # What HEAD says, where it was read already.
        self.head: tuple[str | None, str | None] | None = None
        if entry and not _is_installed(entry):
            self.repository = find_repository(os.path.dirname(entry))
            self.loose = os.path.dirname(entry)
        if self.repository is None and cwd is not None:
            self.repository = find_repository(cwd)

    @property
    def root(self) -> str | None:
        """The top of the code."""
        return self.repository.root if self.repository is not None else self.loose

    def key(self) -> Any:
        """What changes when the code may be another: the commit and the index, or the loaded modules."""
        repository = self.repository
        if repository is None:
            return (self.loose, len(sys.modules))
        try:
            index = os.stat(repository.index).st_mtime_ns
        except OSError:
            index = 0
        return (repository.root, self.head or repository.head(), index)

    def read(self, exclude: Iterable[str]) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The state of the code as the record has it, and the patches by their names; empty where there is no code.

        Args:
            exclude: Folders that are not code, such as the store's root.
        """
        from .git import capture_git, capture_loose_code

        if self.repository is not None:
            facts, patches = capture_git(self.repository, exclude=exclude)
            facts["root"] = self.repository.root
        elif self.loose is not None:
            facts, patch = capture_loose_code(self.loose, _loaded_files(self.loose))
            facts["root"] = self.loose
            patches = {"git.patch": patch} if patch else {}
        else:
            return {}, {}
        if changes := patches.get("git.patch"):
            facts |= {"patch": digest(changes), "patch_bytes": len(changes)}
        if changes := patches.get("pushed.patch"):
            facts["pushed_patch"] = digest(changes)
        plain: dict[str, Any] = mask_secrets(to_plain(facts))
        return plain, patches


def uncommitted(facts: dict[str, Any]) -> str | None:
    """The warning of uncommitted changes; None where there is nothing to commit."""
    # What programs leave behind in a repository is nothing to commit.
    count = facts.get("changed_count", 0) - facts.get("outputs_count", 0)
    if count <= 0:
        return None
    outputs = frozenset(facts.get("outputs", ()))
    names = [name for name in facts.get("changed", ()) if name not in outputs][:_NAMED]
    more = f" and {count - len(names)} more" if count > len(names) else ""
    line = (
        f"warning: {count} uncommitted {'change' if count == 1 else 'changes'} in {facts['root']} "
        f"({', '.join(names)}{more}); saved as environment/git.patch"
    )
    if facts.get("left_out_count"):
        line += f", {facts['left_out_count']} left out (see `anew show`)"
    return line


def _is_installed(path: str) -> bool:
    """Whether a script belongs to the interpreter or to a package."""
    parts = path.split(os.sep)
    return path.startswith((sys.prefix + os.sep, sys.base_prefix + os.sep)) or not {
        "site-packages",
        "dist-packages",
    }.isdisjoint(parts)


def _loaded_files(folder: str) -> list[str]:
    """The modules below a folder that this process has loaded, relative to it: the code of a program without git."""
    found = set()
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if not isinstance(path, str) or not path.endswith(".py"):
            continue
        path = os.path.abspath(path)
        inside = path.startswith(folder.rstrip(os.sep) + os.sep)
        if (
            inside
            and f"{os.sep}site-packages{os.sep}" not in path
            and not path.startswith(sys.prefix + os.sep)
        ):
            found.add(os.path.relpath(path, folder).replace(os.sep, "/"))
    return sorted(found)
