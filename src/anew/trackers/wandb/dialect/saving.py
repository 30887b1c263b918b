"""`save`, and the files that a program leaves in `run.dir`."""

from __future__ import annotations

import os

import anew
from anew.errors import InvalidName

from ...places import safe_path
from .errors import UsageError
from .terminal import termwarn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SavedFiles", "save_as"]

_POLICIES = ("live", "end", "now")


def save_as(experiment: anew.Experiment, prefix: str, path: str, name: str, **metadata: Any) -> Any:
    """Keep a file under a name; one that no folder can hold is mended, and kept as metadata."""
    files = experiment.files(prefix)
    try:
        return files.save(path, name, metadata=metadata)
    except InvalidName:
        return files.save(path, safe_path(name), metadata=metadata | {"name": name})


class SavedFiles:
    """The files that a run keeps with `save`."""

    def __init__(self, experiment: anew.Experiment) -> None:
        self._experiment = experiment
        self._kept: dict[str, tuple[str, tuple[int, int]]] = {}  # by path: name and state when kept
        self._again: set[str] = set()

    @property
    def folder(self) -> str:
        """Where the program may put files of its own; all of them are kept at the end."""
        if not self._experiment.folder:
            import tempfile

            return os.path.join(tempfile.gettempdir(), "anew-disabled")
        folder = os.path.join(self._experiment.folder, "outputs")
        os.makedirs(folder, exist_ok=True)
        return folder

    def save(self, given: Any, base: Any, policy: str, use_glob: bool) -> list[str]:
        """Keep the files that a pattern meets; where they are kept.

        Raises:
            ValueError: There is no such policy, or a file lies outside of `base`.
        """
        if policy not in _POLICIES:
            raise UsageError('Only "live", "end" and "now" policies are currently supported.')
        pattern = os.fsdecode(os.fspath(given))
        if pattern.startswith(("gs://", "s3://", "http://", "https://")):
            termwarn(
                f"{pattern} is a cloud storage url, can't save it: save() keeps files of this machine."
            )
            return []
        base = None if base is None else os.path.abspath(os.fsdecode(base))
        whole = os.path.abspath(pattern)
        import glob

        if use_glob:
            _check_glob(pattern, whole, base)
        paths = sorted(glob.glob(whole, recursive=True)) if use_glob else [whole]
        if use_glob and not paths and os.path.exists(whole):  # brackets in a file's own name
            termwarn(
                f"No file fits the pattern {pattern!r}, and the file of that very name was saved: say glob=False for such names."
            )
            paths = [whole]
        if not use_glob and glob.has_magic(pattern) and not os.path.exists(whole):
            termwarn(f"There is no file {pattern!r}, which reads like a pattern: say glob=True.")
        kept = []
        for path in paths:
            for file in _files_in(os.path.abspath(path)):
                # As in wandb, a path from the root of the disk keeps the name of one folder.
                above = os.path.dirname(os.path.abspath(path))
                above = os.path.dirname(above) if os.path.isabs(pattern) else os.getcwd()
                name = self._name(file, base, above)
                if policy != "now":
                    self._again.add(file)
                kept += self._keep(file, name)
        return kept

    def _name(self, path: str, base: str | None, above: str) -> str:
        if base is not None:
            name = os.path.relpath(path, base)
            if name.startswith(".."):
                raise UsageError(f"The file {path!r} is not inside base_path {base!r}.")
            return name
        own = self.folder if self._experiment.folder else ""
        for folder in (own, above):
            if folder and path.startswith(os.path.join(folder, "")):
                return os.path.relpath(path, folder)
        return os.path.basename(path)

    def _keep(self, path: str, name: str) -> list[str]:
        state = _state(path)
        if state is None:
            return []
        self._kept[path] = (name, state)
        saved = save_as(self._experiment, "", path, name.replace(os.sep, "/"))
        return [saved.path] if saved else []

    def keep_last(self) -> None:
        """Keep what changed since it was kept, and everything in the program's own folder."""
        for path in sorted(self._again):
            name, before = self._kept.get(path, ("", (0, 0)))
            if name and _state(path) not in (None, before):
                self._keep(path, name)
        folder = os.path.join(self._experiment.folder or os.sep, "outputs")
        if self._experiment.folder and os.path.isdir(folder):
            for path in _files_in(folder):
                if self._kept.get(path, ("", None))[1] != _state(path):
                    self._keep(path, os.path.relpath(path, folder))


def _check_glob(pattern: str, whole: str, base: str | None) -> None:
    """Refuse what could save files under names of the wrong folder.

    Raises:
        ValueError: It leads out of `base`, or the first folder below that is not said.
    """
    if base is None:
        base = os.path.dirname(os.path.dirname(whole)) if os.path.isabs(pattern) else os.getcwd()
    first, *rest = os.path.relpath(whole, base).split(os.sep)
    if first == "..":
        raise UsageError(f"The pattern {pattern!r} may not walk above base_path {base!r}.")
    if first.startswith("*") and rest:
        raise UsageError(
            f"The pattern {pattern!r} may not start with '*' where a folder stands: files of several would get one name."
        )


def _state(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _files_in(path: str) -> list[str]:
    if os.path.isfile(path):
        return [path]
    found = []
    for parent, folders, names in os.walk(path):
        folders.sort()
        found += [os.path.join(parent, name) for name in sorted(names)]
    return found
