"""`autolog` of all flavors and of each, and the sampling of the system."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from ...arriving import Arrivals
from .autologging import boosters, estimators, trainers
from .autologging.sessions import OPTIONS, listen
from .exceptions import MlflowException
from .places import sampling

__all__ = [
    "autolog",
    "autolog_of",
    "disable_system_metrics_logging",
    "enable_system_metrics_logging",
    "set_system_metrics_sampling_interval",
]

_FLAVORS = ("sklearn", "xgboost", "lightgbm", "pytorch", "transformers")
# Of a library: the module, the class in it ("" for a function of the module), its training call, and who records that.
_TRAININGS: dict[str, tuple[tuple[str, str, str, Any], ...]] = {
    "xgboost": (
        ("xgboost.training", "", "train", boosters.xgboost_trained),
        ("xgboost", "", "train", boosters.xgboost_trained),
        ("xgboost.sklearn", "", "train", boosters.xgboost_trained),
        ("xgboost.sklearn", "XGBModel", "fit", boosters.fitted),
        ("xgboost.sklearn", "XGBClassifier", "fit", boosters.fitted),
        ("xgboost.sklearn", "XGBRanker", "fit", boosters.fitted),
    ),
    "lightgbm": (
        ("lightgbm.engine", "", "train", boosters.lightgbm_trained),
        ("lightgbm", "", "train", boosters.lightgbm_trained),
        ("lightgbm.sklearn", "", "train", boosters.lightgbm_trained),
        ("lightgbm.sklearn", "LGBMModel", "fit", boosters.fitted),
        ("lightgbm.sklearn", "LGBMClassifier", "fit", boosters.fitted),
        ("lightgbm.sklearn", "LGBMRegressor", "fit", boosters.fitted),
        ("lightgbm.sklearn", "LGBMRanker", "fit", boosters.fitted),
    ),
    "pytorch": (
        ("lightning.pytorch.trainer.trainer", "Trainer", "fit", trainers.lightning_fitted),
        ("pytorch_lightning.trainer.trainer", "Trainer", "fit", trainers.lightning_fitted),
    ),
    "transformers": (
        ("transformers.trainer", "Trainer", "train", trainers.transformers_trained),
    ),
}  # fmt: skip
_watching: set[str] = set()


def autolog(
    log_input_examples: bool = False,
    log_model_signatures: bool = True,
    log_models: bool = True,
    log_datasets: bool = True,
    log_traces: bool = True,
    disable: bool = False,
    exclusive: bool = False,
    disable_for_unsupported_versions: bool = False,
    silent: bool = False,
    extra_tags: dict[str, str] | None = None,
    exclude_flavors: list[str] | None = None,
) -> None:
    """Record every training with scikit-learn, XGBoost, LightGBM, Lightning and Transformers from now on.

    Each is recorded in the active run, or in one of its own. The libraries may be imported before or after.

    Args:
        log_models: Keep the trained model; `log_datasets` the digests of what it was trained on.
        disable: Record none from now on.
        exclusive: Record nothing in runs that the program began.
        silent: Do not tell what could not be recorded.
        extra_tags: More tags of the runs.
        exclude_flavors: Flavors that stay as they are.
    """
    options = {name: given for name, given in locals().items() if name != "exclude_flavors"}
    for flavor in _FLAVORS:
        if flavor not in (exclude_flavors or ()):
            autolog_of(flavor)(**options)


def autolog_of(flavor: str) -> Callable[..., None]:
    """The `autolog` of one flavor, which takes that flavor's options, by keyword."""

    def autolog(*args: Any, disable: bool = False, **options: Any) -> None:
        """Record every training with this library from now on; with `disable=True`, none."""
        if args:
            raise MlflowException.invalid_parameter_value("Give the options of autolog by name.")
        if flavor not in _FLAVORS:
            return
        if disable:
            OPTIONS.pop(flavor, None)
            return
        OPTIONS[flavor] = options
        _watch(flavor)

    return autolog


def _watch(flavor: str) -> None:
    if flavor in _watching:
        return
    _watching.add(flavor)
    if flavor == "sklearn":
        Arrivals(estimators.WITHIN, estimators.watch)
        for name in [name for name in sys.modules if name in estimators.WITHIN]:
            estimators.watch(name, sys.modules[name])
        return
    trainings = _TRAININGS[flavor]
    arrived = partial(_arrived, flavor)
    Arrivals({row[0] for row in trainings}, arrived)
    for name in {row[0] for row in trainings} & sys.modules.keys():
        arrived(name, sys.modules[name])


def _arrived(flavor: str, name: str, module: ModuleType) -> None:
    for where, owner, call, record in _TRAININGS[flavor]:
        if where == name:
            found = getattr(module, owner, None) if owner else module
            if found is not None:
                listen(flavor, found, call, record)


def set_system_metrics_sampling_interval(interval: float | None) -> None:
    """Seconds between samples of CPU, memory and GPU in the runs that follow."""
    sampling["interval"] = interval


def enable_system_metrics_logging() -> None:
    """Sample CPU, memory and GPU in the runs that follow, which is so by itself."""
    sampling["interval"] = None


def disable_system_metrics_logging() -> None:
    """Sample no CPU, memory and GPU in the runs that follow."""
    sampling["interval"] = 0
