"""Code written for Weights & Biases: `import anew.dialects.wandb as wandb`.

A run is an experiment of Anew: `wandb.run.native` is the `anew.Experiment`, its config the parameters, what is logged
metrics and values at wandb's steps. Steps that go back are kept, where wandb drops them. Nothing is sent anywhere, so every mode
but "disabled" records on this machine.
"""

import sys
import types

from ...trackers.wandb import dialect
from ...trackers.wandb.dialect import *  # noqa: F403  (all that it lists)
from ...trackers.wandb.dialect import __all__ as _listed
from . import errors as errors
from . import plot as plot
from . import util as util

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...trackers.wandb.dialect import config as config
    from ...trackers.wandb.dialect import run as run
    from ...trackers.wandb.dialect import summary as summary

__all__ = sorted([*_listed, "errors", "plot", "util"])


class _Module(types.ModuleType):
    """The module, whose `config` and `summary` a program may assign before `init`: from then on they are the run's."""

    def __setattr__(self, name: str, value: "Any") -> None:
        if name in ("config", "run", "summary"):
            _assigned[name] = value
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in ("config", "run", "summary"):
            _assigned.pop(name, None)
        else:
            super().__delattr__(name)


_assigned: "dict[str, Any]" = {}
dialect.active.whenever_meant(_assigned.clear)
sys.modules[__name__].__class__ = _Module


def __getattr__(name: str) -> "Any":
    """What changes (`run`, `config`, `summary`), and the reason for what is not there."""
    return _assigned[name] if name in _assigned else getattr(dialect, name)
