"""The tables of accounts. Nothing in them can be made again from the experiments, so they are migrated.

Times are seconds since the epoch. Of credentials there are only hashes.
"""

from __future__ import annotations

from ...migrations.history import History
from . import v1, v2

__all__ = ["HISTORY"]

HISTORY = History("accounts", (v1, v2))
"""What to run, in order, to bring an empty database to the newest layout."""
