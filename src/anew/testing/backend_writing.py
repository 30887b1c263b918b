"""Writing what a backend is asked about, for the suite of `testing.backend`: with the real writer, in a folder."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ..query.question import (
    Question,
    ask,
)
from ..reading.backend import Backend
from ..tracking.experiment import Experiment

__all__ = ["BackendWriting"]


class BackendWriting:
    """What the promises of a backend stand on: a folder that the real writer writes to, and a backend on it."""

    @pytest.fixture
    def root(self) -> str:
        """The folder that `backend` answers from."""
        raise NotImplementedError

    @pytest.fixture
    def backend(self, root: str) -> Backend:
        """The backend, over whatever is written to `root`."""
        raise NotImplementedError

    def write(self, root: str, prefix: str = "lab/vision/one", **given: Any) -> str:
        """An experiment of ten points each of two metrics, ended; returns its id."""
        offset = float(given.pop("offset", 0.0))
        with self.begun(root, prefix, **given) as exp:
            for step in range(10):
                exp.log_metrics({"loss": 1.0 / (step + 1) + offset, "acc": step / 10}, step=step)
            exp.log("it goes well", level="info")
            exp.log("it goes badly", level="error", why="nan")
        return exp.id

    def begun(self, root: str, prefix: str, **given: Any) -> Experiment:
        """An experiment to be written."""
        return Experiment(prefix=prefix, root=root, quiet=True, system_metrics=0, **given)

    def now(self, **asked: Any) -> Question:
        """A question as of now."""
        return ask(**asked, now=time.time())
