"""What parameters, metrics and files need of their experiment."""

from __future__ import annotations

from typing import Any, Protocol

import anew

__all__ = ["Recorded"]


class Recorded(Protocol):
    """An experiment that is recorded, and what can be read of it."""

    native: anew.Experiment

    def view(self, call: str) -> Any:
        """What is recorded so far; None where recording is disabled.

        Raises:
            NotRunning: The experiment was never started; `call` needs it to be.
        """
        ...
