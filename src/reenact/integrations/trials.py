"""A trial of a study as a child experiment: what the integrations with searches share."""

from __future__ import annotations

from typing import Any

from reenact import Experiment

__all__ = ["trial_of"]


def trial_of(study: Experiment, name: str, **options: Any) -> Experiment:
    """A child experiment, not started, in the folder of its parent, which says nothing and leaves the machine to its parent.

    Args:
        study: The parent; where that records nothing, the child does neither.
        name: What to call it; every call makes a new one.
        options: What else `Experiment` takes, before what is said here.
    """
    own: dict[str, Any] = {"quiet": True, "console": "off", "system_metrics": 0}
    own |= {"root": study.root, "project": study.prefix, "parent": study}
    if not study.folder:
        own |= {"mode": "disabled", "parent": None, "project": None}
    return Experiment(name, **{**own, **options})
