"""Logged models: MLflow keeps the models that a run makes as things of their own.

What is said of one is a document of the root's journal; its files lie among those of the run that made it. One that no run made has
an experiment that keeps its files and is no run of MLflow's.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ....query.points import PointsQuestion
from ....record.facts import ExperimentFacts
from ....record.secrets import mask_text
from ...records import Records
from ..translate.facts import milliseconds
from ..translate.filters import in_order
from ..translate.groups import Group, id_of
from ..translate.models import LoggedModel
from ..write import LoggedModels, project_of
from . import answers, artifacts, requests
from .asking import Asker
from .finding import Page, page_of, read_conditions, read_order, token_of
from .problems import MlflowProblem, invalid, missing
from .reading import points_as_answered
from .runs import KnownRun

__all__ = ["Holder", "Models"]

_FIELDS = (
    "model_id", "name", "model_type", "status", "source_run_id", "creation_time", "creation_timestamp", "last_updated_timestamp",
)  # fmt: skip
_STATUSES = {
    0: "LOGGED_MODEL_STATUS_UNSPECIFIED",
    1: "LOGGED_MODEL_PENDING",
    2: "LOGGED_MODEL_READY",
    3: "LOGGED_MODEL_UPLOAD_FAILED",
}
_VERSIONS = "mlflow.modelVersions"
_MOST_PAGE = 1000
_MOST_PARAMS = 6000


class Holder(Protocol):
    """Where the files of logged models are kept."""

    def writable(self, who: Asker, run_id: str, *, adds: bool = False) -> KnownRun:
        """A run to write to."""
        ...

    def group(self, who: Asker, experiment_id: str) -> Group:
        """An experiment that the caller may see."""
        ...

    def hold(self, who: Asker, group: Group, name: str, model_id: str) -> str:
        """A new experiment that keeps the files of a model which no run made; its id."""
        ...

    def group_of(self, facts: ExperimentFacts) -> str:
        """The id of the MLflow experiment that a run is in."""
        ...


class Models:
    """The logged models. Any thread may call it.

    Args:
        records: Where they are kept.
        holder: Where their files are kept.
    """

    def __init__(self, records: Records, holder: Holder) -> None:
        self._kept = LoggedModels(records.journal)
        self._holder = holder
        self._records = records

    def create(self, who: Asker, asked: requests.CreateModelRequest) -> answers.ModelFound:
        """Make a logged model."""
        group = self._holder.group(who, asked.experiment_id)
        who.check_writing(f"{project_of(group.name)}/x")
        model_id = f"m-{secrets.token_hex(16)}"
        name = mask_text(asked.name or f"model-{model_id[2:10]}")
        if "/" in name or ":" in name or "." in name or len(name) > 500:
            raise invalid(
                f"Invalid model name ({name:.80!r}) provided. Model name must be a non-empty string and cannot contain "
                "the following characters: ('/', ':', '.', '%', '\\\"', \\\"'\\\")"
            )
        run = asked.source_run_id or ""
        # MLflow takes the id of a run that is not there, too.
        if run and who.reader.find(run) is not None:
            holder = self._holder.writable(who, run, adds=True).writing.id
        else:
            holder = self._holder.hold(who, group, name, model_id)
        now = time.time()
        made = LoggedModel(
            model_id, name, group.name, holder, run, asked.model_type or "", params=_texts(asked.params), tags=_texts(asked.tags),
            created=now, changed=now,
        )  # fmt: skip
        return answers.ModelFound(self._answer(who, self._kept.keep(made)))

    def get(self, who: Asker, asked: requests.ModelRequest) -> answers.ModelFound:
        """One logged model."""
        return answers.ModelFound(self._answer(who, self.of(who, asked.model_id)))

    def finalize(self, who: Asker, asked: requests.ModelStatusRequest) -> answers.ModelFound:
        """Record whether its files have all arrived."""
        said = _STATUSES.get(asked.status) if isinstance(asked.status, int) else asked.status
        if said not in _STATUSES.values():
            raise invalid(f"Invalid model status: {asked.status!r:.80}")
        found = self._change(who, asked.model_id, lambda one: one._replace(status=str(said)))
        return answers.ModelFound(self._answer(who, found))

    def delete(self, who: Asker, asked: requests.ModelRequest) -> answers.Done:
        """Hide a logged model; its files stay where they are."""
        model = self.of(who, asked.model_id)
        who.check_deleting(f"{project_of(model.experiment)}/x")
        self._change(who, model.id, lambda one: one._replace(deleted=True))
        return answers.Done()

    def log_params(self, who: Asker, asked: requests.ModelParamsRequest) -> answers.Done:
        """Add parameters."""
        new = _texts(asked.params)
        self._change(who, asked.model_id, lambda one: one._replace(params=one.params | new))
        return answers.Done()

    def set_tags(self, who: Asker, asked: requests.ModelTagsRequest) -> answers.ModelFound:
        """Set tags."""
        new = _texts(asked.tags)
        found = self._change(who, asked.model_id, lambda one: one._replace(tags=one.tags | new))
        return answers.ModelFound(self._answer(who, found))

    def delete_tag(self, who: Asker, asked: requests.ModelTagRequest) -> answers.Done:
        """Remove a tag."""
        if asked.tag_key not in self.of(who, asked.model_id).tags:
            raise missing(f"No tag with key {asked.tag_key!r:.250} of model with ID {asked.model_id!r:.80}.")  # fmt: skip

        def without(one: LoggedModel) -> LoggedModel:
            return one._replace(tags={k: v for k, v in one.tags.items() if k != asked.tag_key})

        self._change(who, asked.model_id, without)
        return answers.Done()

    def registered(self, who: Asker, model_id: str, name: str, version: int) -> None:
        """Note as a tag, as MLflow does, that a logged model became a version of a registered one."""

        def noted(one: LoggedModel) -> LoggedModel:
            try:
                before = json.loads(one.tags.get(_VERSIONS, "[]"))
            except ValueError:
                before = []
            kept = [
                *(before if isinstance(before, list) else ()),
                {"name": name, "version": version},
            ]
            return one._replace(tags=one.tags | {_VERSIONS: json.dumps(kept)})

        self._change(who, model_id, noted)

    def measured(self, who: Asker, model_id: str, run_id: str) -> None:
        """Note that a run logs metrics of a logged model, if the caller may write to that."""
        with contextlib.suppress(MlflowProblem):
            model = self.of(who, model_id)
            if run_id not in (model.run, *model.runs):
                self._change(who, model_id, lambda one: one._replace(runs=(*one.runs, run_id)))

    def search(self, who: Asker, asked: requests.SearchModelsRequest) -> answers.ModelsFound:
        """Which logged models of some experiments meet a filter, the newest first."""
        conditions = read_conditions(asked.filter, _FIELDS)
        clauses = [f"{_field(one.field_name)} {'ASC' if one.ascending else 'DESC'}" for one in asked.order_by]  # fmt: skip
        order = read_order(clauses, _FIELDS)
        if not 1 <= asked.max_results <= _MOST_PAGE:
            raise invalid(f"Invalid value {asked.max_results} for parameter 'max_results' supplied")
        wanted = set(asked.experiment_ids)
        models = [
            one
            for one in self._kept.all()
            if not one.deleted and id_of(one.experiment) in wanted and who.sees(f"{project_of(one.experiment)}/x")
        ]  # fmt: skip
        models.sort(key=lambda one: (one.created, one.id), reverse=True)
        entities = {*(one.entity for one in conditions), *(one.entity for one in order)}
        measured = "metric" in entities or bool(asked.datasets)
        shown = [self._answer(who, one, measured=measured) for one in models]

        def values(one: answers.ModelAnswer, entity: str, name: str) -> list[Any]:
            return _values(one, entity, name, asked.datasets)

        met = [
            one
            for one in shown
            if all(c.holds(values(one, c.entity, c.name)) for c in conditions)
            and (not asked.datasets or any(_is_on(point, asked.datasets) for point in one.data.metrics))
        ]  # fmt: skip
        found = in_order(met, order, values)
        start = page_of(asked.page_token).offset
        stop = start + asked.max_results
        page = found[start:stop]
        if not measured:
            by_id = {one.id: one for one in models}
            page = [self._answer(who, by_id[one.info.model_id]) for one in page]
        token = token_of(Page(stop)) if stop < len(found) else None
        return answers.ModelsFound(tuple(page), token)

    def of(self, who: Asker, model_id: str) -> LoggedModel:
        """One that the caller may see.

        Raises:
            MlflowProblem: There is none of that id, it was deleted, or the caller may not see it.
        """
        found = self._kept.find(model_id) if 0 < len(model_id) <= 250 else None
        if found is None or found.deleted or not who.sees(f"{project_of(found.experiment)}/x"):
            raise missing(f"Logged model with ID '{model_id:.80}' not found.")
        return found

    def _change(
        self, who: Asker, model_id: str, change: Callable[[LoggedModel], LoggedModel]
    ) -> LoggedModel:
        with self._records.alone("models"):
            model = self.of(who, model_id)
            who.check_writing(f"{project_of(model.experiment)}/x")
            return self._kept.keep(change(model))

    def _answer(
        self, who: Asker, model: LoggedModel, *, measured: bool = True
    ) -> answers.ModelAnswer:
        experiment_id = id_of(model.experiment)
        info = answers.ModelInfo(
            model_id=model.id, experiment_id=experiment_id, name=model.name, creation_timestamp_ms=milliseconds(model.created),
            last_updated_timestamp_ms=milliseconds(model.changed), artifact_uri=artifacts.model_uri(experiment_id, model.id),
            status=model.status, model_type=model.type, source_run_id=model.run, tags=_pairs(model.tags),
        )  # fmt: skip
        metrics = _measured(who, model) if measured else ()
        return answers.ModelAnswer(info, answers.ModelData(_pairs(model.params), metrics))


def _measured(who: Asker, model: LoggedModel) -> tuple[answers.MetricAnswer, ...]:
    """The last points that the run which made it and others logged for it, as far as the caller may see them."""
    named = [one for one in (model.run, *model.runs) if one.isalnum()]
    ids = tuple(one.id for one in who.reader.several(named)) if named else ()
    if not ids:
        return ()
    question = PointsQuestion(ids=ids, order="written", metadata=True)
    last: dict[tuple[str, str | None, str | None], answers.MetricAnswer] = {}
    for series in who.backend.points(question).series:
        for point in points_as_answered(series, named=True):
            if point.model_id == model.id:
                last[point.key, point.dataset_name, point.dataset_digest] = point
    return tuple(last.values())


def _field(name: str) -> str:
    return name if "." in name else f"attributes.{name}"


def _is_on(point: answers.MetricAnswer, datasets: Sequence[requests.DatasetNamed]) -> bool:
    """Whether a metric is of one of some data sets."""
    return any(
        point.dataset_name == one.dataset_name
        and one.dataset_digest in (None, "", point.dataset_digest)
        for one in datasets
    )


def _values(
    one: answers.ModelAnswer, entity: str, name: str, datasets: Sequence[requests.DatasetNamed]
) -> list[Any]:
    if entity == "metric":
        return [
            float(point.value)
            for point in one.data.metrics
            if point.key == name and (not datasets or _is_on(point, datasets))
        ]
    if entity in ("param", "tag"):
        held = one.data.params if entity == "param" else one.info.tags
        return [pair.value for pair in held if pair.key == name]
    given = {"creation_time": "creation_timestamp_ms", "creation_timestamp": "creation_timestamp_ms", "last_updated_timestamp": "last_updated_timestamp_ms"}  # fmt: skip
    return [getattr(one.info, given.get(name, name))] if entity == "attribute" else []


def _texts(given: Sequence[requests.Pair]) -> dict[str, str]:
    for one in given:
        if not one.key or len(one.key) > 250 or len(one.value) > _MOST_PARAMS:
            raise invalid(f"Invalid value for parameter 'key' supplied: {one.key:.80!r}")
    return {one.key: mask_text(one.value) for one in given}


def _pairs(given: dict[str, str]) -> tuple[requests.Pair, ...]:
    return tuple(requests.Pair(key, value) for key, value in given.items())
