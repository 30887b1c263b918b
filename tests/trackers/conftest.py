"""Stores of real trackers: recorded for the quick tests, and made by the tracker for the slow ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.trackers.environments import Made, environment, recorded

REAL = [pytest.param("recorded"), pytest.param("made", marks=pytest.mark.slow)]
"""What a fixture of stores is parametrised with, and gives to `store_of` with the tracker's name."""


@pytest.fixture(scope="session")
def store_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Made]:
    """The store of a tracker as it was recorded, or as the tracker makes it now; nobody may change it."""
    known: dict[tuple[str, str], Made] = {}

    def found(tracker: str, how: str) -> Made:
        if (tracker, how) not in known:
            folder: Path = tmp_path_factory.mktemp(tracker.replace("-", "_"))
            if how == "recorded":
                known[tracker, how] = recorded(tracker, folder)
            else:
                known[tracker, how] = environment(tracker).make(folder)
        return known[tracker, how]

    return found
