"""The tests of MLflow: which of them concern a program that records runs."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .beneath import put_beneath

TESTS = (
    "tracking/fluent/test_fluent.py", "tracking/test_tracking.py", "tracking/test_log_image.py", "tracking/test_log_figure.py",
    "artifacts/test_artifacts.py", "entities/test_experiment.py", "entities/test_file_info.py", "entities/test_metric.py",
    "entities/test_param.py", "entities/test_run.py", "entities/test_run_data.py", "entities/test_run_info.py",
    "entities/test_run_status.py", "entities/test_view_type.py",
)  # fmt: skip
"""Those that call `mlflow` and `MlflowClient` and look at what comes back."""
_INSIDE = "replaces or reads functions of MLflow itself"
INSIDE = {"empty_active_run_stack": _INSIDE, "get_store_mock": _INSIDE}
SOURCE: tuple[tuple[str, str], ...] = (
    (
        r"mock\.patch|monkeypatch\.setattr\(\s*\"mlflow\.|get_results_from_paginated_fn|_ACTIVE_MODEL_CONTEXT|_get_active_model_id_global|FileStore\(|_get_store\(|SqlAlchemyStore|TrackingServiceClient|_metric_objs|_get_experiment_id|_from_dictionary|from_dictionary|get_searchable_attributes|absent_info",
        _INSIDE,
    ),
)
"""Which tests do not apply by what they call."""
APART: tuple[tuple[str, str], ...] = (
    (r"databricks|sgc|spark|_workspace", "Databricks and Spark"),
    (r"trace|import_checkpoints|test_clear_active_model$", "traces of calls of language models"),
    (r"_proto|to_from_dictionary|creation_and_hydration", "protocol buffers"),
    (r"windows", "Windows"),
)
"""Which tests do not apply by their names."""
_PLACE = "where artifacts lie is not for a program to say"
KNOWN: dict[str, str] = {
    "test_list_artifacts_with_artifact_uri": "paths are those in the run, also below the address of a folder",
    "test_start_run_context_manager": "while it runs, a run is said to begin milliseconds after its record does",
    "test_search_runs_multiple_experiments": "ids of experiments do not count up from 1",
    "test_search_runs": "runs in the trash are not searched",
    "test_get_artifact_uri": _PLACE,
    "non_root_working_directory": _PLACE,
    "test_log_artifact": "the folder of artifacts is not MLflow's",
    "test_log_stream_empty": "the folder of artifacts is not MLflow's",
    "test_string_repr": "shown in other words",
}
"""Which tests fail, and why."""

_MODULES = (
    "mlflow", "mlflow.tracking.fluent", "mlflow.tracking.context.registry", "mlflow.data.http_dataset_source",
    "mlflow.data.meta_dataset", "mlflow.data.pandas_dataset", "mlflow.data.polars_dataset", "mlflow.entities.logged_model_status", "mlflow.environment_variables",
    "mlflow.models.model", "mlflow.protos.databricks_pb2", "mlflow.store.entities.paged_list", "mlflow.store.model_registry",
    "mlflow.tracing.constant", "mlflow.utils.async_logging.async_logging_queue", "mlflow.utils.time", "mlflow.utils.mlflow_tags",
    "mlflow.store.tracking.file_store", "mlflow.tracking._tracking_service.client", "mlflow.utils.file_utils", "mlflow.utils.os",
    "mlflow.utils.validation", "mlflow.tracking._model_registry", "mlflow.tracking.artifact_utils", "mlflow.entities",
    "mlflow.entities.logged_model", "mlflow.pyfunc", "mlflow.sklearn", "mlflow.tracing.fluent", "mlflow.data.code_dataset_source",
    "mlflow.entities.dataset_input", "mlflow.entities.lifecycle_stage", "mlflow.entities.run_status", "mlflow.server",
    "mlflow.data.dataset_source_registry", "mlflow.store.artifact.artifact_repository_registry", "mlflow.tracking.client",
    "mlflow.entities.trace_location", "mlflow.entities.trace_state", "mlflow.ml_package_versions", "mlflow.tracing.client", "mlflow.tracing.export.inference_table", "mlflow.tracing.processor.mlflow_v3", "mlflow.tracing.processor.otel", "mlflow.tracing.provider", "mlflow.utils.autologging_utils", "mlflow.utils.autologging_utils.safety", "mlflow.version",
)  # fmt: skip


def pytest_configure(config: object) -> None:
    """Put the dialect in the place of MLflow."""
    for name in ("MLFLOW_TRACKING_URI", "ANEW_ROOT"):
        os.environ.pop(name, None)
    importlib.reload = lambda module: module  # the modules of the dialect are not files
    put_beneath("mlflow", _MODULES)
    from mlflow.utils import file_utils

    file_utils.local_file_uri_to_path = _downloaded(file_utils.local_file_uri_to_path)


def _downloaded(path_of: Callable[[str], str]) -> Callable[[str], str]:
    """Where the tests look into MLflow's folder of artifacts, they find what the dialect gives to who downloads them."""

    def found(uri: str) -> str:
        import mlflow

        parts = path_of(uri).split("/files", 1)
        run_id = os.path.basename(parts[0]).rpartition("-")[2]
        if len(parts) < 2 or not run_id:
            return path_of(uri)
        folder = tempfile.mkdtemp()
        try:
            whole = mlflow.artifacts.download_artifacts(
                run_id=run_id, artifact_path="", dst_path=folder
            )
        except mlflow.MlflowException:
            return path_of(uri)
        return os.path.join(whole, parts[1].strip("/"))

    return found


@pytest.fixture(autouse=True)
def tracking_uri_mock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Each test in a store of its own."""
    import mlflow

    monkeypatch.chdir(tmp_path)
    before = {key: value for key, value in os.environ.items() if key.startswith("MLFLOW_")}
    where = str(tmp_path / "store")
    mlflow.set_tracking_uri(where)
    _forget()
    yield where
    while mlflow.active_run() is not None:
        mlflow.end_run()
    mlflow.set_tracking_uri(None)
    for key in [key for key in os.environ if key.startswith("MLFLOW_")]:
        if key not in before:
            del os.environ[key]


def _forget() -> None:
    """Which experiment is active, is of the test before."""
    from anew.trackers.mlflow.dialect import experiments

    experiments._active = None


@pytest.fixture
def reset_active_experiment() -> Iterator[None]:
    """Nothing besides."""
    yield
    _forget()


@pytest.fixture
def tmp_sqlite_uri(tmp_path: Path) -> str:
    """A place, as MLflow's tests name one."""
    return str(tmp_path / "store")


@pytest.fixture
def mock_is_in_databricks() -> Any:
    """Nothing here is Databricks."""
    return None
