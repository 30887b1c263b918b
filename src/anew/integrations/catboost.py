"""CatBoost: `model.fit(…, callbacks=[callback])`, and then `callback.log_model(model)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .boosting import Boosting
from .requiring import require

_catboost: Any = require("catboost", "catboost")

__all__ = ["AnewCallback"]


class AnewCallback(Boosting):
    """Logs each metric of each iteration as `<data>/<metric>`; `log_model` keeps what training came to.

    The step is CatBoost's iteration, from 0. CatBoost tells a callback the metrics and nothing else: the parameters,
    the best iteration, the importances and the file are the model's, which is handed over when it is trained.

        with AnewCallback("alice/digits/boosted", model_file="model.cbm") as callback:
            model.fit(train, eval_set=val, callbacks=[callback])
            callback.log_model(model)

    Without the `with` block `log_model` ends an experiment that was opened here.

    Args:
        experiment: The experiment to log in, or the name or prefix of one to open. Without either it is the one that
            runs in this process, or a new one.
        model_file: Keep the model as a file of this name: `.cbm`, or `.json` for CatBoost's JSON.
        importance: Whether to keep the importance of the features (the change of the prediction), as a table.
        options: What else `Experiment` takes, for one to open.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._iteration = 0
        self._seen: dict[str, int] = {}

    def after_iteration(self, info: Any) -> bool:
        """Log the metrics of an iteration; with `metric_period`, of those that CatBoost evaluates."""
        if info.iteration <= self._iteration or not self._seen:
            self._begin({})
        row: dict[str, float] = {}
        for data, metrics in info.metrics.items():
            for metric, scores in metrics.items():
                name = f"{data}/{metric}"
                if len(scores) > self._seen.get(name, 0):
                    row[name] = scores[-1]
                self._seen[name] = len(scores)
        if row:
            self.experiment.log_metrics(row, step=info.iteration - 1)
        self._iteration = info.iteration
        return True

    def log_model(self, model: Any) -> None:
        """Keep a trained model's parameters, best iteration, importances and file.

        Args:
            model: A CatBoost, CatBoostClassifier, CatBoostRegressor or CatBoostRanker that was fitted.
        """
        self._keep({k: _rounded(v) for k, v in model.get_all_params().items() if v != {}})
        self._keep({"trees": model.tree_count_})
        super().log_model(model)
        if not self._inside:
            self.finish()

    def _begin(self, params: Mapping[str, Any]) -> None:
        if self._held is not None and not self._inside:
            self.finish()  # how the training before ended, CatBoost did not tell
        self._seen = {}
        self._keep(params)

    def _boosters(self, model: Any) -> list[Any]:
        return [model]

    def _best(self, model: Any) -> tuple[int | None, dict[str, float]]:
        if model.best_iteration_ is None:
            return None, {}
        best: dict[str, float] = {"best_iteration": model.best_iteration_}
        for data, scores in model.best_score_.items():
            best.update({f"best/{data}/{metric}": score for metric, score in scores.items()})
        return model.best_iteration_, best

    def _importances(self, booster: Any) -> dict[str, float]:
        try:
            found = booster.get_feature_importance()
        except _catboost.CatBoostError:  # of a ranking it needs the data
            return {}
        return dict(zip(booster.feature_names_, found.tolist(), strict=True))

    def _save(self, booster: Any, path: str) -> None:
        booster.save_model(path, format="json" if path.endswith(".json") else "cbm")


def _rounded(value: Any) -> Any:
    """A number as it was given: CatBoost keeps it as float32, so 0.8 reads 0.800000011920929."""
    return float(f"{value:.7g}") if isinstance(value, float) else value
