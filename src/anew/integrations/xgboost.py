"""XGBoost: `xgboost.train(…, callbacks=[AnewCallback()])`, the same for `cv` and the scikit-learn estimators."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .boosting import Boosting
from .requiring import require

require("xgboost", "xgboost")

from xgboost.callback import TrainingCallback  # noqa: E402  (after the error that says what to install)

__all__ = ["AnewCallback"]

# What a booster says of itself that nobody chose.
_INTERNAL = {"debug_synchronize", "fail_on_invalid_gpu_id", "max_cached_hist_node", "updater_seq"}
# What stands among the facts of the model although it was chosen.
_CHOSEN = {"num_class", "num_parallel_tree"}


class AnewCallback(Boosting, TrainingCallback):
    """Logs each metric of each iteration as `<data>/<metric>`, the parameters, and what training came to.

    The step counts the rounds of the model from 0, also when a training goes on with an earlier model. In a
    cross-validation the mean over the folds is `<data>/<metric>` and the deviation `<data>/<metric>/std`.

        with AnewCallback("alice/digits/boosted", model_file="model.json") as callback:
            xgboost.train(params, data, evals=[(data, "train")], callbacks=[callback])

    Without the `with` block a training that raises leaves the experiment open until the program ends.

    Args:
        experiment: The experiment to log in, or the name or prefix of one to open. Without either it is the one that
            runs in this process, or a new one.
        model_file: Keep the model as a file of this name: `.json` or `.ubj`.
        importance: Whether to keep the importance of the features (their gain), as a table.
        options: What else `Experiment` takes, for one to open.
    """

    _start = _logged = 0
    _evals: Any = None

    def before_training(self, model: Any) -> Any:
        """Open the experiment and keep the parameters, as XGBoost resolved them."""
        self._begin(dict(_params(json.loads(self._boosters(model)[0].save_config())["learner"])))
        self._start, self._logged, self._evals = model.num_boosted_rounds(), 0, None
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Log the metrics of an iteration."""
        self._evals = evals_log
        self._catch_up()
        return False

    def after_training(self, model: Any) -> Any:
        """Keep what training came to."""
        self._catch_up()  # a callback before this one that stops the training keeps its last iteration from us
        self._keep({"rounds": model.num_boosted_rounds()})
        self._end(model)
        return model

    def _catch_up(self) -> None:
        rows: dict[int, dict[str, float]] = {}
        for data, metrics in (self._evals or {}).items():
            for metric, scores in metrics.items():
                for at, score in enumerate(scores[self._logged :], self._logged):
                    mean, *std = score if isinstance(score, tuple) else (score,)
                    row = rows.setdefault(at, {})
                    row[f"{data}/{metric}"] = mean
                    row.update({f"{data}/{metric}/std": value for value in std})
        for at, row in sorted(rows.items()):
            self.experiment.log_metrics(row, step=self._start + at)
            self._logged = at + 1

    def _boosters(self, model: Any) -> list[Any]:
        return [fold.bst for fold in model.cvfolds] if hasattr(model, "cvfolds") else [model]

    def _best(self, model: Any) -> tuple[int | None, dict[str, float]]:
        if model.attr("best_iteration") is None:
            return None, {}
        best = int(model.best_iteration)
        return best, {"best_iteration": best, "best_score": float(model.best_score)}

    def _importances(self, booster: Any) -> dict[str, float]:
        from xgboost.core import XGBoostError

        try:
            return {
                name: float(gain)
                for name, gain in booster.get_score(importance_type="gain").items()
            }
        except (XGBoostError, TypeError):  # a linear model has none, or one per class
            return {}

    def _save(self, booster: Any, path: str) -> None:
        booster.save_model(path)


def _params(config: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The parameters in a booster's configuration, where they lie in sections named `…_param`."""
    for key, value in config.items():
        if key.endswith("_param"):
            own = _CHOSEN if key.endswith("_model_param") else {*value} - _INTERNAL
            yield from ((k, _typed(v)) for k, v in value.items() if k in own)
        elif key == "metrics":
            yield "eval_metric", [metric["name"] for metric in value]
        elif isinstance(value, dict):
            yield from _params(value)
        elif isinstance(value, list):
            for one in value:
                yield from _params(one)


def _typed(text: str) -> Any:
    """A parameter as the number it stands for; XGBoost keeps them as float32, so 0.1 reads 0.100000001."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if kind is int else float(f"{number:.7g}")
    return text
