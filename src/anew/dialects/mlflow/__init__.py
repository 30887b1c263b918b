"""Code written for MLflow: `import anew.dialects.mlflow as mlflow`.

An experiment of MLflow is a project of the store, a run is an experiment in it, and the id of the run is that
experiment's id.
"""

from __future__ import annotations

import re
from typing import Any

from ...trackers.mlflow.dialect import calls as _calls
from ...trackers.mlflow.dialect import constants as _constants
from ...trackers.mlflow.dialect import experiments as _experiments
from ...trackers.mlflow.dialect import fluent as _fluent
from ...trackers.mlflow.dialect import logged as _logged
from ...trackers.mlflow.dialect import schemas as _schemas
from ...trackers.mlflow.dialect import searching as _searching
from ...trackers.mlflow.dialect.automatic import (
    autolog,
    disable_system_metrics_logging,
    enable_system_metrics_logging,
    set_system_metrics_sampling_interval,
)
from ...trackers.mlflow.dialect.calls import (
    delete_tag,
    get_artifact_uri,
    load_table,
    log_artifact,
    log_artifacts,
    log_dict,
    log_figure,
    log_image,
    log_input,
    log_inputs,
    log_metric,
    log_metrics,
    log_param,
    log_params,
    log_stream,
    log_table,
    log_text,
    set_experiment_tag,
    set_experiment_tags,
    set_tag,
    set_tags,
)
from ...trackers.mlflow.dialect.client import MlflowClient
from ...trackers.mlflow.dialect.exceptions import MlflowException
from ...trackers.mlflow.dialect.experiments import (
    create_experiment,
    delete_experiment,
    delete_experiment_tag,
    get_experiment,
    get_experiment_by_name,
    restore_experiment,
    set_experiment,
)
from ...trackers.mlflow.dialect.fluent import (
    ActiveRun,
    active_run,
    delete_run,
    end_run,
    get_parent_run,
    get_run,
    last_active_run,
    restore_run,
    start_run,
)
from ...trackers.mlflow.dialect.images import Image
from ...trackers.mlflow.dialect.logged import (
    ActiveModel,
    clear_active_model,
    create_external_model,
    delete_logged_model_tag,
    finalize_logged_model,
    get_active_model_id,
    get_logged_model,
    initialize_logged_model,
    last_logged_model,
    log_model_params,
    search_logged_models,
    set_active_model,
    set_logged_model_tags,
)
from ...trackers.mlflow.dialect.places import (
    get_tracking_uri,
    is_tracking_uri_set,
    set_tracking_uri,
)
from ...trackers.mlflow.dialect.registered import (
    register_model,
    search_model_versions,
    search_registered_models,
    set_model_version_tag,
)
from ...trackers.mlflow.dialect.registry import get_registry_uri, set_registry_uri
from ...trackers.mlflow.dialect.searching import search_experiments, search_runs
from ..addresses import named, provide
from . import artifacts, data, entities, exceptions, models, tracking

__version__ = "3.17.0"
"""The version of MLflow whose calls these are."""

__all__ = [
    "UNSUPPORTED",
    "ActiveModel",
    "ActiveRun",
    "Image",
    "MlflowClient",
    "MlflowException",
    "active_run",
    "artifacts",
    "autolog",
    "clear_active_model",
    "create_experiment",
    "create_external_model",
    "data",
    "delete_experiment",
    "delete_experiment_tag",
    "delete_logged_model_tag",
    "delete_run",
    "delete_tag",
    "disable_system_metrics_logging",
    "enable_system_metrics_logging",
    "end_run",
    "entities",
    "exceptions",
    "finalize_logged_model",
    "flush_artifact_async_logging",
    "flush_async_logging",
    "get_active_model_id",
    "get_artifact_uri",
    "get_experiment",
    "get_experiment_by_name",
    "get_logged_model",
    "get_parent_run",
    "get_registry_uri",
    "get_run",
    "get_tracking_uri",
    "initialize_logged_model",
    "is_tracking_uri_set",
    "last_active_run",
    "last_logged_model",
    "load_table",
    "log_artifact",
    "log_artifacts",
    "log_dict",
    "log_figure",
    "log_image",
    "log_input",
    "log_inputs",
    "log_metric",
    "log_metrics",
    "log_model_params",
    "log_param",
    "log_params",
    "log_stream",
    "log_table",
    "log_text",
    "models",
    "register_model",
    "restore_experiment",
    "restore_run",
    "search_experiments",
    "search_logged_models",
    "search_model_versions",
    "search_registered_models",
    "search_runs",
    "set_active_model",
    "set_experiment",
    "set_experiment_tag",
    "set_experiment_tags",
    "set_logged_model_tags",
    "set_model_version_tag",
    "set_registry_uri",
    "set_system_metrics_sampling_interval",
    "set_tag",
    "set_tags",
    "set_tracking_uri",
    "start_run",
    "tracking",
]

provide(
    __name__,
    {
        "data.dataset": {"Dataset": data.Dataset},
        "data.code_dataset_source": {"CodeDatasetSource": data.CodeDatasetSource},
        "data.http_dataset_source": {"HTTPDatasetSource": data.HTTPDatasetSource},
        "data.meta_dataset": {"MetaDataset": data.MetaDataset},
        "data.polars_dataset": {"from_polars": data.from_polars},
        "data.numpy_dataset": {"from_numpy": data.from_numpy},
        "data.pandas_dataset": {"from_pandas": data.from_pandas},
        "entities.experiment": {"Experiment": entities.Experiment},
        "entities.logged_model": {"LoggedModel": entities.LoggedModel},
        "entities.logged_model_status": {"LoggedModelStatus": entities.LoggedModelStatus},
        "entities.metric": {"Metric": entities.Metric},
        "entities.param": {"Param": entities.Param},
        "entities.run": {"Run": entities.Run},
        "entities.run_status": {"RunStatus": entities.RunStatus},
        "entities.run_tag": {"RunTag": entities.RunTag},
        "entities.view_type": {"ViewType": entities.ViewType},
        "environment_variables": _constants.VARIABLES,
        "tracking.client": {"MlflowClient": MlflowClient},
        "tracking.context.registry": {"resolve_tags": _constants.resolve_tags},
        "tracking.fluent": named(_fluent)
        | named(_logged)
        | named(_calls)
        | named(_experiments)
        | named(_searching),
        "types": named(_schemas),
        "types.schema": named(_schemas),
        "utils.mlflow_tags": _constants.TAGS,
        "utils.validation": _constants.LIMITS,
    },
)

UNSUPPORTED: dict[str, str] = {
    'set_tracking_uri("http://…"), "sqlite:///…", "databricks"': "runs are recorded in the store and not sent to the server, and a warning says so once; `ANEW_FORWARD_TO=mlflow:http://…` sends them there as well",
    "mlruns/, mlflow.db": "runs recorded by MLflow are not read",
    "autolog() of other flavors": "scikit-learn, XGBoost, LightGBM, Lightning and Transformers are recorded; for others there are `anew.integrations`; metrics that are computed after `fit` are not",
    "mlflow.<flavor>.save_model, MLmodel": "`log_model` keeps a model, and what it is in `model.json`; `models/` of the store are there for all",
    "transition_model_version_stage, model stages": "a version has aliases (`set_registered_model_alias`) and no stage",
    "mlflow.trace, mlflow.evaluate, mlflow.projects, mlflow.genai": "not available: Anew records experiments only",
    "rename_experiment": "an experiment is a project, whose name is the path of its runs",
    "create_experiment(artifact_location=…)": "the value is recorded and has no effect; artifacts are kept in the folder of each run",
    "run.info.artifact_uri as a folder": "each version of a file has its own folder there; `mlflow.artifacts` gives files by their paths",
    "ViewType.DELETED_ONLY": "runs that were deleted are in the trash and are not searched; `get_run` tells their stage, `restore_run` brings one back",
    'log_param("model", {…})': "a mapping is kept nested, and read by dotted names: `params.model.depth`",
}


def _names_in(what: str) -> set[str]:
    """The names of the module that an entry of `UNSUPPORTED` is about."""
    calls = (part.strip().removeprefix("mlflow.") for part in what.split(","))
    return {found[1] for one in calls if (found := re.match(r"(\w+)(\(|=|$)", one))}


_FLAVORS = frozenset(
    (
        "catboost",
        "keras",
        "lightgbm",
        "pyfunc",
        "pytorch",
        "sklearn",
        "tensorflow",
        "transformers",
        "xgboost",
    )
)


def flush_async_logging() -> None:
    """Nothing: every call is on disk when it returns."""


def flush_artifact_async_logging() -> None:
    """Nothing: every call is on disk when it returns."""


def __getattr__(name: str) -> Any:
    if name in _FLAVORS:
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    if name.startswith("__"):
        raise AttributeError(name)
    listed = next((why for what, why in UNSUPPORTED.items() if name in _names_in(what)), "")
    raise AttributeError(
        f"anew.dialects.mlflow has no {name!r}" + (f": {listed}." if listed else ".")
    )
