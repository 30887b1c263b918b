"""A trial of a study as a child experiment: what the integrations with searches share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from anew import Experiment

__all__ = ["numbers_in", "trial_of"]


def trial_of(study: Experiment, name: str | None, **options: Any) -> Experiment:
    """A child experiment, not started, in the folder of its parent, which says nothing and leaves the machine to its parent.

    Args:
        study: The parent; where that records nothing, the child does neither.
        name: What to call it, where every call makes a new one; None with `resume`, to continue that one.
        options: What else `Experiment` takes, before what is said here.
    """
    own: dict[str, Any] = {"quiet": True, "console": "off", "system_metrics": 0}
    own |= {"root": study.root, "project": study.prefix, "parent": study}
    if not study.folder:
        own |= {"mode": "disabled", "parent": None, "project": None}
    return Experiment(name, **{**own, **options})


def numbers_in(result: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """The numbers in what a trial reports, nested ones by their path: `val/loss`."""
    for key, value in result.items():
        if isinstance(value, Mapping):
            yield from numbers_in(value, f"{path}{key}/")
        elif hasattr(value, "__float__") and math.prod(getattr(value, "shape", ())) == 1:
            yield f"{path}{key}", value
