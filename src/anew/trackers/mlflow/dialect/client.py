"""`MlflowClient`: the calls on runs by their ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..translate.facts import meaning
from . import (
    artifacts,
    calls,
    experiments,
    fluent,
    logged,
    places,
    registered,
    searching,
    writing,
)
from .entities import (
    DatasetInput,
    Experiment,
    FileInfo,
    LoggedModel,
    LoggedModelStatus,
    Metric,
    PagedList,
    Param,
    Run,
    RunTag,
    ViewType,
)
from .exceptions import MlflowException
from .registered import ModelVersion, RegisteredModel
from .runs import history, view_of

if TYPE_CHECKING:
    import pandas

__all__ = ["MlflowClient"]


class MlflowClient:
    """Reads and writes runs by their ids, whichever is active.

    Args:
        tracking_uri: As for `set_tracking_uri`, which it calls.
    """

    def __init__(self, tracking_uri: str | None = None, registry_uri: str | None = None) -> None:
        if tracking_uri is not None and tracking_uri != places.get_tracking_uri():
            places.set_tracking_uri(tracking_uri)

    @property
    def tracking_uri(self) -> str:
        """Where runs are recorded."""
        return places.get_tracking_uri()

    # -- runs --------------------------------------------------------------------------------------

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Begin a run; `set_terminated`, or the program's end, ends it."""
        given = meaning(tags)
        name = run_name or given.name
        run = fluent.begun(
            str(experiment_id), name, given.parent, given.tags, given.description, None, start_time
        )
        return fluent.get_run(run.native.id) if run.native.folder else run

    def get_run(self, run_id: str) -> Run:
        """A run by its id."""
        return fluent.get_run(run_id)

    def get_parent_run(self, run_id: str) -> Run | None:
        """The run that a nested run is in, or None."""
        return fluent.get_parent_run(run_id)

    def set_terminated(
        self, run_id: str, status: str | None = None, end_time: int | None = None
    ) -> None:
        """End a run, as FINISHED if no status is given."""
        native = writing.OPEN.get(run_id)
        if native is None or native.status.ended:
            view = view_of(run_id)
            native = fluent.continued(run_id, {}, None, 0).native if view else None
        assert native is not None
        fluent.terminate(native, status)

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Change a run's name, or end it."""
        if name is not None:
            writing.rename(view_of(run_id).id, name)
        if status is not None and status != "RUNNING":
            self.set_terminated(run_id, status)

    def delete_run(self, run_id: str) -> None:
        """Put a run in the trash."""
        fluent.delete_run(run_id)

    def search_runs(
        self,
        experiment_ids: Iterable[str],
        filter_string: str = "",
        run_view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = 1000,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Run]:
        """A page of the runs for which a filter is true; `.token` asks for the next one."""
        if isinstance(experiment_ids, (str, int)):
            experiment_ids = [str(experiment_ids)]
        stop = _start(page_token) + max_results + 1
        found = searching.find_runs(experiment_ids, filter_string, run_view_type, stop, order_by)
        return _page(found, max_results, page_token)

    # -- what runs log -----------------------------------------------------------------------------

    def log_metric(
        self,
        run_id: str,
        key: str,
        value: Any,
        timestamp: int | None = None,
        step: int | None = None,
        synchronous: bool | None = None,
        dataset_name: str | None = None,
        dataset_digest: str | None = None,
        model_id: str | None = None,
    ) -> None:
        """Log one value of a metric."""
        facts = {"dataset": dataset_name, "dataset_digest": dataset_digest, "model_id": model_id}
        with writing.writing(run_id) as native:
            writing.log_metrics(native, {key: value}, step, timestamp, **facts)
        if model_id is not None:
            logged.measured(model_id, run_id)

    def log_param(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:
        """Set a parameter, once; returns the value."""
        calls.log_params({key: value}, None, run_id)
        return value

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,
    ) -> None:
        """Log several points, parameters and tags; nothing of it if one of them cannot be.

        Raises:
            MlflowException: A name or a value cannot be, or a parameter has two values.
        """
        writing.check_batch(metrics, params, tags)
        if params or metrics:
            with writing.writing(run_id) as native:
                writing.log_params(native, {one.key: one.value for one in params})
                for point in metrics:
                    values = {point.key: point.value}
                    writing.log_metrics(native, values, point.step, point.timestamp)
        if tags:
            writing.tag(run_id, {one.key: one.value for one in tags})

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> None:
        """Set a tag."""
        writing.tag(run_id, {key: value})

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag."""
        with writing.writing(run_id) as native:
            writing.delete_tag(native, key)

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """All points of a metric in the order they were logged."""
        return PagedList(history(view_of(run_id), key))

    def log_inputs(
        self,
        run_id: str,
        datasets: Sequence[DatasetInput] | None = None,
        models: Sequence[Any] | None = None,
    ) -> None:
        """Keep which data sets a run reads."""
        with writing.writing(run_id) as native:
            given = [
                (one.dataset, None, {t.key: t.value for t in one.tags}) for one in datasets or ()
            ]
            writing.log_inputs(native, given)  # type: ignore[arg-type]

    # -- artifacts ---------------------------------------------------------------------------------

    def log_artifact(self, run_id: str, local_path: str, artifact_path: str | None = None) -> None:
        """Keep a file."""
        calls.log_artifact(local_path, artifact_path, run_id)

    def log_artifacts(self, run_id: str, local_dir: str, artifact_path: str | None = None) -> None:
        """Keep all files of a folder."""
        calls.log_artifacts(local_dir, artifact_path, run_id)

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        """Keep a text as a file."""
        calls.log_text(text, artifact_file, run_id)

    def log_dict(self, run_id: str, dictionary: Any, artifact_file: str) -> None:
        """Keep data as JSON or YAML."""
        calls.log_dict(dictionary, artifact_file, run_id)

    def log_figure(
        self,
        run_id: str,
        figure: Any,
        artifact_file: str,
        *,
        save_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep a figure."""
        calls.log_figure(figure, artifact_file, save_kwargs=save_kwargs, run_id=run_id)

    def log_image(
        self,
        run_id: str,
        image: Any,
        artifact_file: str | None = None,
        key: str | None = None,
        step: int | None = None,
        timestamp: int | None = None,
        synchronous: bool | None = None,
    ) -> None:
        """Keep an image."""
        calls.log_image(image, artifact_file, key, step, timestamp, synchronous, run_id=run_id)

    def log_table(self, run_id: str, data: Any, artifact_file: str) -> None:
        """Add rows to a table."""
        calls.log_table(data, artifact_file, run_id)

    def load_table(
        self,
        experiment_id: str,
        artifact_file: str,
        run_ids: list[str] | None = None,
        extra_columns: list[str] | None = None,
    ) -> pandas.DataFrame:
        """The rows of a table of some runs, of all of an experiment if none are given."""
        ids = run_ids or [run.info.run_id for run in searching.find_runs([experiment_id])]
        return calls.load_table(artifact_file, ids, extra_columns)

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """The files and folders directly in a folder of a run's artifacts."""
        return artifacts.list_artifacts(run_id=run_id, artifact_path=path)

    def download_artifacts(self, run_id: str, path: str, dst_path: str | None = None) -> str:
        """Copy a file or a folder; returns where it is."""
        return artifacts.download_artifacts(run_id=run_id, artifact_path=path, dst_path=dst_path)

    # -- experiments -------------------------------------------------------------------------------

    def create_experiment(
        self,
        name: str,
        artifact_location: str | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> str:
        """Make an experiment; returns its id."""
        return experiments.create_experiment(name, artifact_location, tags)

    def get_experiment(self, experiment_id: str) -> Experiment:
        """The experiment with that id."""
        return experiments.get_experiment(experiment_id)

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """The experiment of that name, or None."""
        return experiments.get_experiment_by_name(name)

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int | None = 1000,
        filter_string: str | None = None,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Experiment]:
        """A page of the experiments for which a filter is true."""
        found = searching.search_experiments(view_type, None, filter_string, order_by)
        return _page(found, max_results or 1000, page_token)

    def delete_experiment(self, experiment_id: str) -> None:
        """Hide an experiment."""
        experiments.delete_experiment(experiment_id)

    def restore_experiment(self, experiment_id: str) -> None:
        """Show an experiment again."""
        experiments.restore_experiment(experiment_id)

    def set_experiment_tag(self, experiment_id: str, key: str, value: Any) -> None:
        """Set a tag of an experiment."""
        experiments.set_tags(experiment_id, {key: value})

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of an experiment."""
        experiments.delete_experiment_tag(key, experiment_id)

    def restore_run(self, run_id: str) -> None:
        """Take a run out of the trash."""
        fluent.restore_run(run_id)

    # -- registered models -------------------------------------------------------------------------

    def create_registered_model(
        self,
        name: str,
        tags: Mapping[str, Any] | None = None,
        description: str | None = None,
        deployment_job_id: str | None = None,
    ) -> RegisteredModel:
        """Make a registered model without versions."""
        return registered.make_model(name, tags, description)

    def get_registered_model(self, name: str) -> RegisteredModel:
        """A registered model."""
        return registered.get_model(name)

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Give a registered model another name."""
        return registered.rename_model(name, new_name)

    def update_registered_model(
        self, name: str, description: str | None = None, deployment_job_id: str | None = None
    ) -> RegisteredModel:
        """Set the description of a registered model."""
        return registered.update_model(name, description)

    def delete_registered_model(self, name: str) -> None:
        """Delete a registered model; `anew models restore` brings it back."""
        registered.delete_model(name)

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int = 100,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[RegisteredModel]:
        """A page of the registered models for which a filter is true."""
        return registered.search_registered_models(max_results, filter_string, order_by, page_token)

    def set_registered_model_tag(self, name: str, key: str, value: Any) -> None:
        """Set a tag of a registered model."""
        registered.tag_model(name, key, value)

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Remove a tag of a registered model."""
        registered.tag_model(name, key, remove=True)

    def set_registered_model_alias(self, name: str, alias: str, version: Any) -> None:
        """Have an alias mean a version from now on."""
        registered.set_alias(name, alias, version)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Take an alias away."""
        registered.delete_alias(name, alias)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that an alias means."""
        return registered.version_of_alias(name, alias)

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        await_creation_for: int | None = None,
        model_id: str | None = None,
    ) -> ModelVersion:
        """Make the next version of a registered model."""
        return registered.add_version(name, source, run_id, tags, run_link, description, model_id)

    def get_model_version(self, name: str, version: Any) -> ModelVersion:
        """A version by its number."""
        return registered.get_version(name, version)

    def get_model_version_download_uri(self, name: str, version: Any) -> str:
        """Where the files of a version are."""
        return registered.get_version(name, version).source or ""

    def get_latest_versions(self, name: str, stages: list[str] | None = None) -> list[ModelVersion]:
        """The newest version of a registered model; there are no stages."""
        return registered.get_model(name).latest_versions

    def update_model_version(
        self, name: str, version: Any, description: str | None = None
    ) -> ModelVersion:
        """Set the description of a version."""
        return registered.update_version(name, version, description)

    def set_model_version_tag(
        self,
        name: str,
        version: Any = None,
        key: str | None = None,
        value: Any = None,
        stage: str | None = None,
    ) -> None:
        """Set a tag of a version."""
        registered.set_model_version_tag(name, version, key, value)

    def delete_model_version_tag(
        self,
        name: str,
        version: Any = None,
        key: str | None = None,
        stage: str | None = None,
    ) -> None:
        """Remove a tag of a version."""
        registered.tag_version(name, version, str(key), remove=True)

    def delete_model_version(self, name: str, version: Any) -> None:
        """Withdraw a version."""
        registered.delete_version(name, version)

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int = 10_000,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[ModelVersion]:
        """A page of the versions for which a filter is true."""
        return registered.search_model_versions(max_results, filter_string, order_by, page_token)

    # -- logged models -----------------------------------------------------------------------------

    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        model_type: str | None = None,
        flavor: str | None = None,
    ) -> LoggedModel:
        """Make a logged model whose files are still to come."""
        pending = LoggedModelStatus.PENDING
        return logged.made(name, source_run_id, tags, params, model_type, experiment_id, pending)

    def get_logged_model(self, model_id: str) -> LoggedModel:
        """One logged model."""
        return logged.get_logged_model(model_id)

    def finalize_logged_model(self, model_id: str, status: Any) -> LoggedModel:
        """Say whether its files have arrived."""
        return logged.finalize_logged_model(model_id, status)

    def delete_logged_model(self, model_id: str) -> None:
        """Show it no more."""
        logged.delete_logged_model(model_id)

    def set_logged_model_tags(self, model_id: str, tags: Mapping[str, Any]) -> None:
        """Set tags of a logged model."""
        logged.set_logged_model_tags(model_id, tags)

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Remove a tag of a logged model."""
        logged.delete_logged_model_tag(model_id, key)

    def log_model_params(self, model_id: str, params: Mapping[str, Any]) -> None:
        """Add parameters to a logged model."""
        logged.log_model_params(params, model_id)

    def search_logged_models(
        self,
        experiment_ids: list[str],
        filter_string: str | None = None,
        datasets: list[dict[str, str]] | None = None,
        max_results: int | None = None,
        order_by: list[dict[str, Any]] | None = None,
        page_token: str | None = None,
    ) -> PagedList[LoggedModel]:
        """A page of the logged models for which a filter is true."""
        size = max_results or 100
        stop = _start(page_token) + size + 1
        found = logged.find_models(experiment_ids, filter_string, datasets, stop, order_by)
        return _page(found, size, page_token)


def _start(token: str | None) -> int:
    try:
        return int(token or 0)
    except ValueError:
        raise MlflowException.invalid_parameter_value(
            f"{token!r} is not a page token from an earlier answer."
        ) from None


def _page(found: list[Any], size: int, token: str | None) -> PagedList[Any]:
    start = _start(token)
    stop = start + size
    return PagedList(found[start:stop], str(stop) if stop < len(found) else None)
