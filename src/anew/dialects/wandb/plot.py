"""`wandb.plot`: charts, each kept as the table that it is drawn from, with what it shows beside it."""

from ...trackers.wandb.dialect.plot import *  # noqa: F403  (all that it lists)
from ...trackers.wandb.dialect.plot import __all__ as __all__
