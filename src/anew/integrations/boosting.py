"""The shared part of the callbacks of XGBoost, LightGBM and CatBoost: parameters and results of a training."""

from __future__ import annotations

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

from anew import Experiment, Table

from .opening import Opening

__all__ = ["Boosting"]


class Boosting(Opening, ABC):
    """Has an experiment for each training, or one for all in a `with` block.

    Args:
        experiment: The experiment to log in, or the name or prefix of one to open. Without either it is the one that
            runs in this process, or a new one.
        model_file: Keep the model as a file of this name, under `models`; None keeps none.
        importance: Whether to keep the importance of the features, as a table.
        options: What else `Experiment` takes, for one to open.
    """

    def __init__(
        self,
        experiment: Experiment | str | None = None,
        *,
        model_file: str | None = None,
        importance: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(experiment, options)
        self._model_file, self._importance = model_file, importance
        self._set: set[str] = set()
        self._pending: Any = None  # the model of a training whose end was not seen

    def log_model(self, model: Any) -> None:
        """Keep what training came to: the best iteration and score, the importances, and the file."""
        self._pending = None
        exp, step, best = self.experiment, *self._best(model)
        if best:
            exp.log_metrics(best, step=step)
        boosters = self._boosters(model)
        if self._importance:
            found = [self._importances(booster) for booster in boosters]
            mean = {n: sum(one.get(n, 0.0) for one in found) / len(found) for f in found for n in f}
            rows = sorted(mean.items(), key=lambda pair: -pair[1])
            if rows:
                exp.log_value(
                    "feature_importance", Table(["feature", "importance"], rows), step=step
                )
        if self._model_file is not None:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, os.path.basename(self._model_file))
                for fold, booster in enumerate(boosters):
                    self._save(booster, path)
                    inside = f"fold-{fold}/" if len(boosters) > 1 else ""
                    exp.files("models").save(path, inside + self._model_file, step=step)

    def finish(self, error: BaseException | str | None = None) -> None:
        """Keep what the last training came to, and end the experiment if it was opened here.

        Args:
            error: What it failed with, if it did; a KeyboardInterrupt cancels it.
        """
        if self._pending is not None and error is None:
            self.log_model(self._pending)
        super().finish(error)
        self._held = self._pending = None  # the next training has an experiment of its own

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        try:
            if self._pending is not None and error is None:
                self.log_model(self._pending)
        except BaseException as failed:
            super().__exit__(type(failed), failed, failed.__traceback__)
            raise
        super().__exit__(kind, error, traceback)
        self._held = self._pending = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """One for another training: scikit-learn's `clone` copies what an estimator was made with."""
        given: dict[str, Any] = {"model_file": self._model_file, "importance": self._importance}
        return type(self)(self._given, **given, **self._options)

    def _begin(self, params: Mapping[str, Any]) -> None:
        """A training starts: what is left of the one before is ended, and the parameters are kept."""
        if self._inside and self._pending is not None:
            self.log_model(self._pending)
        elif self._held is not None and not self._inside:
            stopped = self._pending is not None and self._best(self._pending)[1]
            self.finish(None if stopped else "training was interrupted")
        self._keep(params)

    def _keep(self, params: Mapping[str, Any]) -> None:
        """Set parameters; those that the program set itself stay as they are."""
        known = self.experiment.params
        own = {k: v for k, v in params.items() if k not in known or k in self._set}
        self._set |= {*own}
        known.set(own)

    def _end(self, model: Any) -> None:
        """A training came to its end."""
        self._pending = model
        if self._inside:
            self.log_model(model)
        else:
            self.finish()

    @abstractmethod
    def _boosters(self, model: Any) -> list[Any]:
        """The boosters of a model: one, or those of a cross-validation."""

    @abstractmethod
    def _best(self, model: Any) -> tuple[int | None, dict[str, float]]:
        """The step of the best iteration, and it and its scores as metrics; nothing if there was no such."""

    @abstractmethod
    def _importances(self, booster: Any) -> dict[str, float]:
        """The importance of each feature."""

    @abstractmethod
    def _save(self, booster: Any, path: str) -> None:
        """Write the model's file."""
