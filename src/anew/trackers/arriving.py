"""Being told when a module that is watched for has been imported, whoever imports it and however."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

__all__ = ["Arrivals"]


class Arrivals:
    """Tells when one of the watched modules has been imported; everybody else finds and loads it.

    Args:
        watched: The full names of the modules, in anything that can be asked whether it contains one.
        imported: Called with the name and the module, once it is there.
    """

    def __init__(
        self, watched: Container[str], imported: Callable[[str, ModuleType], None]
    ) -> None:
        self._watched = watched
        self._imported = imported
        sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Watch no longer."""
        self._watched = ()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's own spec, with a loader that tells."""
        if name not in self._watched:
            return None
        after = sys.meta_path[sys.meta_path.index(self) + 1 :] if self in sys.meta_path else []
        for finder in after:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find else None
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, self)  # type: ignore[assignment]
                return spec
        return None

    def loaded(self, module: ModuleType) -> None:
        """A watched module is there, whole."""
        if module.__name__ in self._watched:
            self._imported(module.__name__, module)


class _Loader:
    """A module's own loader, which is what the module sees too; afterwards it tells."""

    def __init__(self, loader: Any, finder: Arrivals) -> None:
        self._loader = loader
        self._finder = finder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the module's own loader does."""
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        """As the module's own loader does; then tell."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._finder.loaded(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
