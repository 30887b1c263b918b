"""`wandb.errors`: each is also an `anew.AnewError`, and the builtin that a caller would expect."""

from ...trackers.wandb.dialect.errors import *  # noqa: F403  (all that it lists)
from ...trackers.wandb.dialect.errors import __all__ as __all__
