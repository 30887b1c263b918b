"""What a logger of Lightning logs beside metrics: images, texts, tables, and what a module's tensors are like."""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from anew import Image, Table, Text

from .opening import Opening
from .requiring import require

__all__ = ["Values", "logger", "on_rank_zero", "package"]

# The package has an older name; one that the program has loaded, or has alone, is the one to plug into.
package, _older = "lightning.pytorch", "pytorch_lightning"
if (_older in sys.modules and package not in sys.modules) or not find_spec("lightning"):
    package = _older
logger: Any = require(f"{package}.loggers.logger", "lightning")
on_rank_zero: Any = require(f"{package}.utilities", "lightning").rank_zero_only


class Values(Opening):
    """The part of `AnewLogger` that logs values."""

    _prefix = ""

    @on_rank_zero
    def log_image(self, key: str, images: Any, step: int | None = None, **each: Any) -> None:
        """Log images (arrays, tensors, PIL images, figures, files), with a `caption=[…]` for each."""
        for at, image in enumerate(images):
            options = {name: given[at] for name, given in each.items()}
            self._open().log_value(self._prefix + key, Image(image, **options), step)

    @on_rank_zero
    def log_text(self, key: str, text: str, step: int | None = None) -> None:
        """Log a text."""
        self._open().log_value(self._prefix + key, Text(text), step)

    @on_rank_zero
    def log_table(
        self, key: str, columns: Any = None, data: Any = None, dataframe: Any = None, step: int | None = None,
    ) -> None:  # fmt: skip
        """Log a table: of columns and rows, or of a data frame."""
        table = Table(columns, data) if dataframe is None else Table(columns, dataframe)
        self._open().log_value(self._prefix + key, table, step)

    @on_rank_zero
    def watch(
        self, model: Any, log: str | None = "gradients", log_freq: int = 100, log_graph: bool = True
    ) -> None:
        """Record histograms of a module's gradients and parameters ("gradients", "parameters", "all"), at the trainer's steps.

        Args:
            log_freq: How many passes from one that is recorded to the next.
            log_graph: Keep the module's layers, too.
        """
        from .pytorch import watch

        exp = self._open()
        if log is not None:
            watch(model, exp, log=log, every=log_freq, step=_steps_of(model), prefix=self._prefix)
        if log_graph:
            self._keep_layers(model)

    def _keep_layers(self, model: Any) -> None:
        summary = require(f"{package}.utilities.model_summary", "lightning").ModelSummary
        text = f"{summary(model, max_depth=-1)}\n"
        self._open().files("model").save_text(text, "summary.txt", masked=True)

    def unwatch(self, model: Any) -> None:
        """Record nothing more of a module."""
        from .pytorch import unwatch

        unwatch(model)


def _steps_of(module: Any) -> Callable[[], int] | None:
    """The step that the trainer of a module is at; None for a module that is no Lightning's."""
    if not hasattr(module, "global_step"):
        return None
    return lambda: int(module.global_step)
