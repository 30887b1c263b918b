"""`wandb.util`: the one function of it that programs use."""

from ...trackers.wandb.dialect.util import *  # noqa: F403  (all that it lists)
from ...trackers.wandb.dialect.util import __all__ as __all__
