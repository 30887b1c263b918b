"""The checkpoints that Lightning's callback has written, and which of them an experiment keeps."""

from __future__ import annotations

import os
from typing import Any

from anew import Experiment

__all__ = ["Checkpoints"]


class Checkpoints:
    """What one trainer left, file by file.

    Args:
        kept: Whether they are kept at all.
    """

    def __init__(self, *, kept: bool) -> None:
        self._are_kept = kept
        # When each was written, its step and score.
        self._left: dict[str, tuple[float, int | None, Any]] = {}
        self._kept: dict[str, float] = {}

    def look(self, saved: Any, step: int | None) -> None:
        """Take in what a checkpoint callback says that it wrote, at a step."""
        current = getattr(saved, "current_score", None)
        scores = {getattr(saved, "_last_checkpoint_saved", ""): current}
        scores |= {saved.last_model_path: current, saved.best_model_path: saved.best_model_score}
        for path, score in {**scores, **saved.best_k_models}.items():
            written = os.path.getmtime(path) if path and os.path.exists(path) else 0.0
            if written > self._left.get(path, (0.0,))[0]:
                self._left[path] = (written, step, score)

    def keep(self, exp: Experiment) -> None:
        """Save those that are still there as files of an experiment, each once as it was written."""
        for path, (written, step, score) in self._left.items() if self._are_kept else ():
            if written > self._kept.get(path, 0.0) and os.path.exists(path):
                self._kept[path] = written
                facts = {} if score is None else {"score": score}
                exp.files("checkpoints").save(path, step=step, metadata=facts)
