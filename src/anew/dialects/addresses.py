"""Names of a dialect under the longer addresses that programs import them by."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

__all__ = ["named", "provide"]


def named(module: ModuleType) -> dict[str, Any]:
    """All that a module lists."""
    return {name: getattr(module, name) for name in module.__all__}


def provide(package: str, addresses: Mapping[str, Mapping[str, Any]]) -> None:
    """Make modules below a package that give what is there already: `provide("anew.dialects.wandb", {"sdk.lib": {"RunDisabled": …}})`.

    Packages on the way are made too. They are no files: each holds a few names, and one table shows all of them.
    """
    for address, names in addresses.items():
        full = package
        for part in address.split("."):
            above, full = full, f"{full}.{part}"
            module = sys.modules.get(full)
            if module is None:
                module = ModuleType(full, f"`{address}`: names of {package} by a longer address.")
                module.__path__ = []
                sys.modules[full] = module
            if not hasattr(sys.modules[above], part):
                setattr(sys.modules[above], part, module)
        for name, value in names.items():
            setattr(sys.modules[full], name, value)
