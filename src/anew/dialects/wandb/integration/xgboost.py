"""`wandb.integration.xgboost`: a callback that logs what each iteration scored."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from xgboost.callback import TrainingCallback

from ....trackers.wandb.dialect.boosting import finish, scored
from .. import Artifact, log, log_artifact

__all__ = ["WandbCallback"]


class WandbCallback(TrainingCallback):
    """Logs the metrics of each iteration as `<data>-<metric>`, the configuration, the importances and the best iteration.

    Args:
        log_model: Keep the model as an artifact.
        log_feature_importance: Log the importances, as "Feature Importance".
        importance_type: What they are by: "gain", "weight", "cover", "total_gain" or "total_cover".
        define_metric: Have the summary keep the best value of each metric, not the last.
    """

    def __init__(
        self,
        log_model: bool = False,
        log_feature_importance: bool = True,
        importance_type: str = "gain",
        define_metric: bool = True,
    ) -> None:
        self.log_model = log_model
        self.log_feature_importance = log_feature_importance
        self.importance_type = importance_type
        self.define_metric = define_metric
        self._known: set[str] = set()

    def before_training(self, model: Any) -> Any:
        """Keep the configuration as XGBoost resolved it."""
        from .. import config

        config.update(json.loads(model.save_config()), allow_val_change=True)
        return model

    def after_iteration(
        self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, Sequence[Any]]]
    ) -> bool:
        """Log the metrics of an iteration."""
        row = {
            f"{data}-{metric}": values[-1]
            for data, metrics in evals_log.items()
            for metric, values in metrics.items()
        }
        scored(row, self._known if self.define_metric else None)
        log({**row, "epoch": epoch})
        return False

    def after_training(self, model: Any) -> Any:
        """Keep what training came to."""
        from .. import run

        if self.log_model and run is not None:
            path = os.path.join(run.dir, f"{run.id}_model.json")
            model.save_model(path)
            artifact = Artifact(f"{run.id}_model.json", "model")
            artifact.add_file(path)
            log_artifact(artifact)
        importances = (
            model.get_score(importance_type=self.importance_type)
            if self.log_feature_importance
            else {}
        )
        best = model.attributes() if callable(getattr(model, "attributes", None)) else {}
        finish(importances, best.get("best_score"), best.get("best_iteration"))
        return model
