"""What the callbacks of XGBoost, LightGBM and CatBoost share: the experiment, and what a training came to."""

from __future__ import annotations

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from reenact import Experiment, Table

from .requiring import experiment_for

__all__ = ["Boosting"]


class Boosting(ABC):
    """Opens an experiment at the first word of a training; a `with` block around the training ends it.

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
        super().__init__()
        if isinstance(experiment, str):
            experiment, options = None, {"name": experiment, **options}
        self._given, self._options = experiment, options
        self._model_file, self._importance = model_file, importance
        self._experiment: Experiment | None = None
        self._owned = False
        self._inside = False  # a with block
        self._set: set[str] = set()
        self._trained: Any = None  # the model of a training whose end was not seen

    @property
    def experiment(self) -> Experiment:
        """The experiment that is logged in; opened if it is not yet."""
        if self._experiment is None:
            self._experiment, self._owned = experiment_for(self._given, **self._options)
        return self._experiment

    def log_model(self, model: Any) -> None:
        """Keep what training came to: the best iteration and score, the importances, and the file."""
        exp, step, best = self.experiment, *self._best(model)
        if best:
            exp.log_metrics(best, step=step)
        boosters = self._boosters(model)
        if self._importance:
            gains = [self._gains(booster) for booster in boosters]
            mean = {
                name: sum(g.get(name, 0.0) for g in gains) / len(gains) for g in gains for name in g
            }
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
        self._trained = None

    def finish(self, error: BaseException | str | None = None) -> None:
        """Keep what the last training came to, and end the experiment if it was opened here.

        Args:
            error: What it failed with, if it did.
        """
        if self._trained is not None and error is None:
            self.log_model(self._trained)
        exp, owned = self._experiment, self._owned
        self._experiment = self._trained = None
        if exp is None or not owned or exp.status.ended:
            return
        if error is None:
            exp.run.complete()
        else:
            exp.run.fail(error)

    def __enter__(self) -> Self:
        self.experiment  # noqa: B018  (opens it)
        self._inside = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._inside = False
        if self._trained is not None and error is None:
            self.log_model(self._trained)
        if self._experiment is not None and self._owned:
            self._experiment.__exit__(kind, error, traceback)
        self._experiment = self._trained = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """One for another training: scikit-learn's `clone` copies what an estimator was made with."""
        given = {"model_file": self._model_file, "importance": self._importance}
        return type(self)(self._given, **given, **self._options)

    def _begin(self, params: Mapping[str, Any]) -> None:
        """A training starts: what is left of one that was broken off is ended, and parameters are kept."""
        if self._experiment is not None and not self._inside:
            self.finish("the training was broken off")
        self._keep(params)

    def _keep(self, params: Mapping[str, Any]) -> None:
        """Set parameters; those that the program set itself stay as they are."""
        known = self.experiment.params
        own = {k: v for k, v in params.items() if k not in known or k in self._set}
        self._set |= {*own}
        known.set(own)

    def _end(self, model: Any) -> None:
        """A training came to its end."""
        self._trained = model
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
    def _gains(self, booster: Any) -> dict[str, float]:
        """The importance of each feature."""

    @abstractmethod
    def _save(self, booster: Any, path: str) -> None:
        """Write the model's file."""
