"""What Lightning's logger needs of the package, of a module that it watches, and of the step that this is at."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from anew import Experiment

from .requiring import require

__all__ = ["keep_layers", "logger", "on_rank_zero", "watch_module"]

# The package has an older name; one that the program has loaded, or has alone, is the one to plug into.
package, _older = "lightning.pytorch", "pytorch_lightning"
if (_older in sys.modules and package not in sys.modules) or not find_spec("lightning"):
    package = _older
logger: Any = require(f"{package}.loggers.logger", "lightning")
on_rank_zero: Any = require(f"{package}.utilities", "lightning").rank_zero_only


def keep_layers(exp: Experiment, module: Any) -> None:
    """Keep a module's layers, as a summary, in the file `model/summary.txt`."""
    summary = require(f"{package}.utilities.model_summary", "lightning").ModelSummary
    text = f"{summary(module, max_depth=-1)}\n"
    exp.files("model").save_text(text, "summary.txt", masked=True)


def watch_module(exp: Experiment, module: Any, log: str, every: int, prefix: str) -> None:
    """Record histograms of a module, at the step of its trainer where it has one."""
    from .pytorch import watch

    step = (lambda: int(module.global_step)) if hasattr(module, "global_step") else None
    watch(module, exp, log=log, every=every, step=step, prefix=prefix)
