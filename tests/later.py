"""Libraries that take seconds to load: each process of the suite imports the files of all tests, and runs a part of them."""

from __future__ import annotations

import importlib
from typing import Any

# What pytest asks everything that stands in the file of a test.
_ASKED = {"__bases__", "__test__", "__wrapped__", "_mock_name"}


class Later:
    """A module that is loaded when it is first asked for something."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name in _ASKED:
            raise AttributeError(name)
        return getattr(importlib.import_module(self._name), name)


def later(name: str) -> Any:
    """Stands for a module in the file of a test that uses it within its tests alone."""
    return Later(name)
