"""Code written for Weights & Biases: `import anew.dialects.wandb as wandb`.

A run is an experiment of Anew: `wandb.run.native` is the `anew.Experiment`, its config the parameters, what is logged
metrics and values at wandb's steps. Steps that go back are kept, where wandb drops them. Nothing is sent anywhere, so every mode
but "disabled" records on this machine.
"""

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


def __getattr__(name: str) -> "Any":
    """What changes (`run`, `config`, `summary`), and the reason for what is not there."""
    return getattr(dialect, name)
