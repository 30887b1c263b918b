"""A dialect in the tracker's place, and beneath it, for what it has not, the tracker's own modules: tests use constants and helpers of these."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any
from unittest import mock

__all__ = ["put_beneath"]


def put_beneath(name: str, modules: Iterable[str], absent: Iterable[str] = ()) -> None:
    """Import modules of a tracker, then put its dialect in their place; those that the dialect has not stay, but for what it has.

    Args:
        name: "mlflow" or "wandb".
        modules: What the tests import of it besides its interface.
        absent: What they import and what is not installed: a test that uses it fails or is skipped, the others of its file run.
    """
    for one in modules:
        try:
            importlib.import_module(one)
        except ImportError as error:
            print(f"{one} is not there: {error}", file=sys.stderr)
    whole = {path for path in sys.modules if path == name or path.startswith(f"{name}.")}
    real = {path: sys.modules.pop(path) for path in whole}
    import anew.dialects

    anew.dialects.install(name)
    ours: dict[int, Any] = {}
    for path, module in real.items():
        try:
            there = importlib.import_module(path)
        except ImportError:
            continue
        for key, value in vars(module).items():
            if not key.startswith("_") and (callable(value) or isinstance(value, type)):
                found = vars(there).get(key)
                if found is not None:
                    ours[id(value)] = found
    for path, module in real.items():
        there = sys.modules.get(path)
        if there is not None and there is not module:
            _fill(there, module, ours)
    sys.meta_path.append(_Beneath(real, ours))
    for path in real:
        above, _, last = path.rpartition(".")
        package = sys.modules.get(above)
        if package is not None and not hasattr(package, "__path__"):
            package.__path__ = []
        if package is not None and last not in vars(package):
            with contextlib.suppress(ImportError):
                importlib.import_module(path)
    for path in absent:
        for part in (path[: at.start()] for at in re.finditer(r"\.|$", path)):
            try:
                importlib.import_module(part)
            except ImportError:
                sys.modules[part] = _Nothing(part)


def _fill(there: ModuleType, module: ModuleType, ours: dict[int, Any]) -> None:
    """What a module of the dialect has not: constants, classes and private helpers of the tracker; its functions only to fail when they are called."""
    for key, value in list(vars(module).items()):
        if (key.startswith("__") and key.endswith("__")) or key in vars(there):
            continue
        if isinstance(value, ModuleType):
            continue  # found by its path
        if inspect.isfunction(value) and not key.startswith("_"):
            value = _missing(f"{module.__name__}.{key}")
        setattr(there, key, ours.get(id(value), value))


def _missing(name: str) -> Any:
    def missing(*_: Any, **__: Any) -> Any:
        raise NotImplementedError(f"The dialect has no {name}.")

    missing.__name__ = name.rpartition(".")[2]
    return missing


class _Nothing(ModuleType):
    """A module that is not there; whatever is taken from it is a mock."""

    __path__: list[str] = []  # noqa: RUF012

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__spec__ = ModuleSpec(name, None, is_package=True)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return mock.MagicMock(name=f"{self.__name__}.{name}")


class _Beneath(MetaPathFinder):
    def __init__(self, real: dict[str, ModuleType], ours: dict[int, Any]) -> None:
        self._real = real
        self._ours = ours

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A module that the dialect has not."""
        if fullname not in self._real:
            return None
        real = self._real[fullname]
        return ModuleSpec(fullname, _Given(real, self._ours), is_package=hasattr(real, "__path__"))


class _Given(Loader):
    def __init__(self, module: ModuleType, ours: dict[int, Any]) -> None:
        self._module = module
        self._ours = ours

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module like the tracker's, with the dialect's own wherever there is one."""
        stands = ModuleType(spec.name)
        for key, value in vars(self._module).items():
            if not (key.startswith("__") and key.endswith("__")):
                stands.__dict__[key] = self._ours.get(id(value), value)
        return stands

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: it was run when the tracker was imported."""
