"""`wandb.integration.lightgbm`: a callback that logs what each iteration scored, and what a model came to."""

from __future__ import annotations

import os
from typing import Any

from ....trackers.wandb.dialect.boosting import finish, scored
from .. import Artifact, log, log_artifact

__all__ = ["log_summary", "wandb_callback"]


class _Callback:
    """Called by LightGBM after each iteration."""

    order = 30
    before_iteration = False

    def __init__(self, log_params: bool, define_metric: bool) -> None:
        self._params = log_params
        self._known: set[str] | None = set() if define_metric else None

    def __call__(self, env: Any) -> None:
        from .. import config

        if self._params:
            self._params = False
            config.update(dict(env.params), allow_val_change=True)
        results = env.evaluation_result_list or ()
        if results and len(results[0]) == 5:  # of a cross validation: mean and deviation
            row = {f"{one[1]}-mean": one[2] for one in results}
            row |= {f"{one[1]}-stdv": one[4] for one in results}
        else:
            row = {f"{one[0]}_{one[1]}": one[2] for one in results}
        scored(row, self._known)
        log({**row, "iteration": env.iteration})


def wandb_callback(log_params: bool = True, define_metric: bool = True) -> _Callback:
    """A callback for `lightgbm.train`, which logs the metrics of each iteration as `<data>_<metric>`.

    Args:
        log_params: Keep the parameters of the training in the config.
        define_metric: Have the summary keep the best value of each metric, not the last.
    """
    return _Callback(log_params, define_metric)


def log_summary(
    model: Any, feature_importance: bool = True, save_model_checkpoint: bool = False
) -> None:
    """Log the importances and the best iteration of a trained model.

    Args:
        save_model_checkpoint: Keep the model as an artifact.
    """
    from .. import run

    importances = (
        dict(zip(model.feature_name(), map(float, model.feature_importance()), strict=True))
        if feature_importance
        else {}
    )
    finish(importances, dict(model.best_score) or None, model.best_iteration)
    if save_model_checkpoint and run is not None:
        path = os.path.join(run.dir, f"model_{run.id}.txt")
        model.save_model(path)
        artifact = Artifact(f"model_{run.id}", "model")
        artifact.add_file(path)
        log_artifact(artifact)
