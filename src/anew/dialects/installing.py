"""A dialect in the place of its tracker: for libraries and programs that import the tracker themselves."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from ..errors import AnewError, InvalidValue

__all__ = ["INSTALLABLE", "AlreadyImported", "install"]

INSTALLABLE = ("mlflow", "wandb")
"""The trackers whose names may be taken."""


class AlreadyImported(AnewError, ImportError):
    """The tracker itself was imported before its dialect was installed."""


def install(name: str) -> None:
    """Have every later `import wandb` (or `import mlflow`) in this process give the dialect, whether the tracker is installed or not.

    Libraries that look for the tracker (`report_to="wandb"`, Lightning's `WandbLogger`, Accelerate, Ray) then find the dialect, and record
    with Anew. Call it before they are imported; once more changes nothing. Programs that this one starts are not concerned.

    Args:
        name: "wandb" or "mlflow".

    Raises:
        InvalidValue: There is no such dialect.
        AlreadyImported: The tracker itself is imported already.
    """
    if name not in INSTALLABLE:
        raise InvalidValue(
            f"There is no dialect {name!r} to install; there are {' and '.join(INSTALLABLE)}.",
            key="name",
        )
    dialect = importlib.import_module(f"anew.dialects.{name}")
    there = sys.modules.get(name)
    if there is dialect:
        return
    if there is not None:
        raise AlreadyImported(
            f"{name} itself is imported already. Call anew.dialects.install({name!r}) before anything that imports {name}, "
            f"or start the program with `python -m anew.dialects {name} PROGRAM`."
        )
    before = dialect.__name__
    for path, module in list(sys.modules.items()):
        if path == before or path.startswith(f"{before}."):
            sys.modules[name + path[len(before) :]] = module
    sys.meta_path.insert(0, _Finder(name, str(dialect.__version__)))
    importlib.invalidate_caches()


class _Finder(MetaPathFinder):
    """What answers for a tracker whose dialect is installed: its modules are the dialect's, and its version is that of the dialect.

    A module that the dialect has not is missing, also where the tracker is installed: both would be in one program otherwise.
    """

    def __init__(self, name: str, version: str) -> None:
        self._name = name
        self._version = version

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A module of the tracker as that of the dialect; None for others."""
        if not fullname.startswith(f"{self._name}."):
            return None
        real = f"anew.dialects.{fullname}"
        try:
            found = real in sys.modules or importlib.util.find_spec(real) is not None
        except ModuleNotFoundError:  # nor what it would be in
            return None
        return ModuleSpec(fullname, _Other(real)) if found else None

    def find_distributions(
        self, context: importlib.metadata.DistributionFinder.Context | None = None
    ) -> Iterable[importlib.metadata.Distribution]:
        """The version whose calls the dialect has, for libraries that ask for a newer one than some."""
        asked = None if context is None else context.name
        if asked is None or asked.lower().replace("_", "-") != self._name:
            return []
        return [_Distribution(self._name, self._version)]


class _Other(Loader):
    """Gives a module that goes by another name."""

    def __init__(self, real: str) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module, imported by its own name."""
        return importlib.import_module(self._real)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: it was run when it was imported."""


class _Distribution(importlib.metadata.Distribution):
    def __init__(self, name: str, version: str) -> None:
        self._text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"

    def read_text(self, filename: str) -> str | None:
        """The metadata; there are no other files."""
        return self._text if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        """Nothing lies anywhere."""
        from pathlib import Path

        return Path(path)
