"""The tables of `anew_truth`, version by version."""

from __future__ import annotations

from ...migrations.history import History
from . import v1

__all__ = ["HISTORY"]

HISTORY = History("tables of the group", (v1,))
"""What to run, in order, to bring an empty database to the newest layout."""
