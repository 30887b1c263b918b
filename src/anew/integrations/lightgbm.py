"""LightGBM: `lightgbm.train(…, callbacks=[callback])`, the same for `cv` and the estimators' `fit`."""

from __future__ import annotations

from typing import Any

from .boosting import Boosting
from .requiring import require

require("lightgbm", "lightgbm")

__all__ = ["AnewCallback"]


class AnewCallback(Boosting):
    """Logs each metric of each iteration as `<data>/<metric>`, the parameters, and what training came to.

    The step is LightGBM's iteration, from 0. In a cross-validation the mean over the folds is `<data>/<metric>` and
    the deviation `<data>/<metric>/std`.

        with AnewCallback("alice/digits/boosted", model_file="model.txt") as callback:
            lightgbm.train(params, data, valid_sets=[val], callbacks=[callback, lightgbm.early_stopping(10)])

    LightGBM tells no callback when a training is stopped early, or raises: the `with` block does. Without it, call
    `finish()` behind a training that may stop early; one that runs to its last iteration needs neither.

    Args:
        experiment: The experiment to log in, or the name or prefix of one to open. Without either it is the one that
            runs in this process, or a new one.
        model_file: Keep the model as a text file of this name.
        importance: Whether to keep the importance of the features (their gain), as a table.
        options: What else `Experiment` takes, for one to open.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Behind those that print and record (10, 20), before the one that stops (30), whose exception ends the round.
        self.order = 25
        self.before_iteration = False

    def __call__(self, env: Any) -> None:
        """Log the metrics of an iteration."""
        if env.iteration == env.begin_iteration:
            self._begin({**env.params, "num_iterations": env.end_iteration - env.begin_iteration})
        row: dict[str, float] = {}
        for data, metric, mean, _, *std in env.evaluation_result_list or ():
            row[f"{data}/{metric}"] = mean
            row.update({f"{data}/{metric}/std": value for value in std if value is not None})
        if row:
            self.experiment.log_metrics(row, step=env.iteration)
        self._pending = env.model
        if env.iteration == env.end_iteration - 1 and not self._inside:
            self._end(env.model)

    def _boosters(self, model: Any) -> list[Any]:
        return list(model.boosters) if hasattr(model, "boosters") else [model]

    def _best(self, model: Any) -> tuple[int | None, dict[str, float]]:
        if model.best_iteration <= 0:  # LightGBM counts it from 1
            return None, {}
        best: dict[str, float] = {"best_iteration": model.best_iteration}
        if not hasattr(model, "boosters"):  # a cross-validation keeps no scores
            for data, scores in model.best_score.items():
                best.update({f"best/{data}/{metric}": score for metric, score in scores.items()})
        return model.best_iteration - 1, best

    def _importances(self, booster: Any) -> dict[str, float]:
        gains = booster.feature_importance(importance_type="gain").tolist()
        return dict(zip(booster.feature_name(), gains, strict=True))

    def _save(self, booster: Any, path: str) -> None:
        booster.save_model(path)
