"""What a forwarder needs of the library `wandb` that it keeps to itself.

It has no public call for leaving a run without ending it, and none that says whether its helper process is there. Each name of
its own that is used for that stands here and nowhere else: a new version of wandb is tried with this page.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

__all__ = ["has_service", "leave"]

_singleton = attrgetter("_singleton")
_connection = attrgetter("_connection")
_library = attrgetter("_wl")


def has_service() -> bool:
    """Whether W&B has its helper process already, for an earlier run of this process."""
    from wandb.sdk import wandb_setup

    singleton = _singleton(wandb_setup)
    return singleton is not None and _connection(singleton) is not None


def leave(run: Any) -> None:
    """Have W&B forget a run without ending it."""
    _library(run).assert_service().inform_finish(run_id=run.settings.run_id)
    vars(run)["_is_finished"] = True
    _library(run).remove_active_run(run)
