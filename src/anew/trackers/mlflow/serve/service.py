"""What each request of MLflow's client does to experiments and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....errors import AnewError
from ....naming import random_name
from ....query.edits import AppendQuestion
from ....reading.upkeep import Trashed
from ....record.edits import DeleteEdit, RestoreEdit
from ....record.facts import ExperimentFacts
from ....record.secrets import mask_secrets, mask_text
from ....record.status import Status
from ...records import Records
from ...written import Experiments, Written
from ..translate import facts as translated
from ..translate import question
from ..translate.facts import CAPTURED, DEFAULT, RunFacts, label_of, meaning, milliseconds
from ..translate.filters import in_order
from ..translate.groups import Group, id_of
from ..write import project_of
from . import answers, artifacts, requests
from .asking import Asker
from .checks import (
    check_metric,
    check_pair,
    checked_tags,
    inside,
    is_in,
    limit_of,
    run_id_of,
    seconds,
    view_of,
)
from .experiments import ExperimentCalls
from .finding import (
    RUN_FIELDS,
    Page,
    find,
    page_of,
    read_conditions,
    read_order,
    token_of,
    values_of,
)
from .models import Models
from .problems import MlflowProblem, invalid, missing
from .reading import INPUTS, OUTPUTS, as_written, points_as_answered, run_of
from .registry import ModelRegistry
from .runs import KnownRun, KnownRuns
from .stored import Stored

__all__ = ["Tracking"]

_HEARTBEAT = 600.0
"""Seconds; six of them without a request, and a run is shown as failed until the next one. MLflow's client gives no sign of life, and an epoch may take long."""
_STATUSES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_MOST_ENTITIES = 1000
_MOST_PAIRS = 100
_MOST_PARAM = 6000
_TOUCHED_EVERY = 200  # requests after which it is looked at how much is remembered


class Tracking:
    """The tracking API. Any thread may call it.

    Args:
        records: What is served.

    Attributes:
        experiments: The experiments of MLflow's.
        models: The logged models.
        registry: The registered models.
        stored: The artifacts.
        links: Whether there are links to them that lead past this server.
    """

    def __init__(self, records: Records) -> None:
        self.experiments = ExperimentCalls(records)
        self.models = Models(records, self)
        self.registry = ModelRegistry(self.models, self)
        self.stored = Stored(records, self.models, self)
        self.links = records.links
        self._experiments = Experiments(records, Written, _HEARTBEAT)
        self._known = KnownRuns()
        self._requests = 0

    # -- runs --------------------------------------------------------------------------------------

    def create_run(self, who: Asker, asked: requests.CreateRunRequest) -> answers.RunFound:
        """Begin a run."""
        group = self.experiments.changeable(who, asked.experiment_id)
        tags = checked_tags(asked.tags)
        said = meaning(tags)
        if asked.run_name and said.name and asked.run_name != said.name:
            raise invalid(
                "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
                f"(run_name='{asked.run_name}', mlflow.runName='{said.name}')."
            )
        who.check_beginning(inside(group.name))
        name = asked.run_name or said.name or random_name()
        label = label_of(mask_text(name))
        began = seconds(asked.start_time, "start_time")
        one = self._experiments.create(
            label, project_of(group.name), user=who.name, host=who.host, began=began
        )
        apart = label != name
        about = RunFacts(
            group.id, group.name, asked.start_time, name if apart else None, label if apart else None, True
        )  # fmt: skip
        known = self._known.of(one, is_new=True)
        known.name = name
        with one.alone():
            one.event("captured", what=CAPTURED, data=mask_secrets(about.captured()))
            if said.parent is not None:
                one.event("linked", parent=said.parent, relation="child")
            self._tag(known, tags)
            if asked.user_id and "mlflow.user" not in tags:
                one.event("tags", add={"mlflow.user": mask_text(asked.user_id)})
        return answers.RunFound(self._answer(as_written(one)))

    def get_run(self, who: Asker, asked: requests.RunRequest) -> answers.RunFound:
        """One run, also one that was deleted."""
        run_id = run_id_of(asked)
        facts = who.reader.find(run_id, "state", "metrics")
        if facts is None:
            return answers.RunFound(self._trashed(who, run_id))
        return answers.RunFound(self._answer(facts))

    def update_run(self, who: Asker, asked: requests.UpdateRunRequest) -> answers.RunUpdated:
        """Record how a run ended, that it goes on, or another name."""
        known = self.writable(who, run_id_of(asked))
        one = known.writing
        if asked.run_name:
            self._rename(known, asked.run_name)
        if asked.status is not None:
            said = _STATUSES.get(asked.status) if isinstance(asked.status, int) else asked.status
            status = translated.status_here(str(said))
            if status is None:
                raise invalid(f"Invalid value {asked.status!r:.80} for parameter 'status' supplied")
            if status is Status.RUNNING:
                one.start(who.name, who.host)
            elif status.ended:
                reason = None if status is Status.COMPLETED else "its program said so"
                one.end(status.value, reason, seconds(asked.end_time, "end_time"))
        return answers.RunUpdated(self._answer(as_written(one)).info)

    def delete_run(self, who: Asker, asked: requests.RunRequest) -> answers.Done:
        """Put a run in the trash."""
        facts = who.reader.facts(run_id_of(asked), "state")
        who.check_deleting(facts.prefix)
        if not facts.status.ended and translated.is_served(
            facts.state.captured if facts.state else {}
        ):
            self._written(facts).end("cancelled", "it was deleted")
        try:
            who.backend.append(AppendQuestion((DeleteEdit(id=facts.id),)))
        except AnewError as error:
            raise MlflowProblem("INVALID_STATE", str(error)) from error
        return answers.Done()

    def restore_run(self, who: Asker, asked: requests.RunRequest) -> answers.Done:
        """Take a run out of the trash."""
        run_id = run_id_of(asked)
        if who.reader.find(run_id) is not None:
            return answers.Done()
        found = self._in_trash(who, run_id)
        who.check_deleting(found.prefix)
        who.backend.append(AppendQuestion((RestoreEdit(id=run_id),)))
        return answers.Done()

    def search_runs(self, who: Asker, asked: requests.SearchRunsRequest) -> answers.RunsFound:
        """Which runs of some experiments meet a filter, the newest first if no order is given."""
        conditions = read_conditions(asked.filter, RUN_FIELDS)
        order = read_order(asked.order_by, RUN_FIELDS)
        view, limit, page = (
            view_of(asked.run_view_type),
            limit_of(asked.max_results),
            page_of(asked.page_token),
        )
        known = {one.id: one for one in self.experiments.all()}
        groups = {id_: one for id_, one in known.items() if who.sees(inside(one.name))}
        chosen = [groups[id_] for id_ in dict.fromkeys(asked.experiment_ids) if id_ in groups]
        asked_of = [one for one in chosen if is_in(view, deleted=one.deleted)]
        found: list[answers.RunAnswer] = []
        if asked_of and not page.trash:
            scope = question.any_of(
                question.inside(project_of(one.name), lone=one.name == DEFAULT) for one in asked_of
            )
            ids = {one.id for one in asked_of}

            def answer(facts: ExperimentFacts) -> answers.RunAnswer | None:
                if translated.run_facts(facts.state.captured if facts.state else {}).holds:
                    return None
                run = self._answer(facts, known)
                return run if run.info.experiment_id in ids else None

            found, following = find(
                who.backend, scope, conditions, order, answer, page.offset, limit
            )
            if following is not None:
                return answers.RunsFound(tuple(found), token_of(Page(following)))
        if view == "ACTIVE_ONLY" or not chosen:
            return answers.RunsFound(tuple(found))
        gone = [
            run
            for one in who.upkeep.trash()
            if (run := self._deleted(one)).info.experiment_id in {group.id for group in chosen}
            and all(c.holds(values_of(run, c.entity, c.name)) for c in conditions)
        ]
        start = page.offset if page.trash else 0
        taken = in_order(gone, order, values_of)[start : start + limit - len(found)]
        more = start + len(taken) < len(gone)
        token = token_of(Page(start + len(taken), trash=True)) if more else None
        return answers.RunsFound((*found, *taken), token)

    # -- what runs log -----------------------------------------------------------------------------

    def log_metric(self, who: Asker, asked: requests.MetricRequest) -> answers.Done:
        """Keep a point, unless the same is there."""
        point = requests.MetricGiven(
            key=asked.key, value=asked.value, timestamp=asked.timestamp, step=asked.step, model_id=asked.model_id,
            dataset_name=asked.dataset_name, dataset_digest=asked.dataset_digest,
        )  # fmt: skip
        check_metric(point)
        self._log(who, self.writable(who, run_id_of(asked), adds=True), (point,))
        return answers.Done()

    def log_param(self, who: Asker, asked: requests.ParamRequest) -> answers.Done:
        """Set a parameter, once."""
        given = requests.Pair(asked.key, asked.value)
        check_pair("Param", given, _MOST_PARAM)
        self._set_params(who, self.writable(who, run_id_of(asked), adds=True), (given,))
        return answers.Done()

    def set_tag(self, who: Asker, asked: requests.TagRequest) -> answers.Done:
        """Set a tag of a run."""
        tags = checked_tags((requests.Pair(asked.key, asked.value),))
        self._tag(self.writable(who, run_id_of(asked)), tags)
        return answers.Done()

    def delete_tag(self, who: Asker, asked: requests.DeleteTagRequest) -> answers.Done:
        """Remove a tag of a run."""
        known = self.writable(who, asked.run_id)
        state = who.reader.facts(asked.run_id, "state").state
        if state is None or asked.key not in state.tags:
            raise missing(f"No tag with name: {asked.key} in run with id {asked.run_id}")
        known.writing.event("tags", remove=[asked.key])
        return answers.Done()

    def log_batch(self, who: Asker, asked: requests.BatchRequest) -> answers.Done:
        """Keep points, parameters and tags: what is wrong with one of them is said before any is kept."""
        total = len(asked.metrics) + len(asked.params) + len(asked.tags)
        for given, what, most in (
            (len(asked.params), "params", _MOST_PAIRS),
            (len(asked.tags), "tags", _MOST_PAIRS),
            (len(asked.metrics), "metrics", _MOST_ENTITIES),
            (total, "metrics, params, and tags", _MOST_ENTITIES),
        ):
            if given > most:
                raise invalid(
                    f"A batch logging request can contain at most {most} {what}. Got {given} {what}. "
                    "Please split up requests into batches and try again."
                )
        for point in asked.metrics:
            check_metric(point)
        for param in asked.params:
            check_pair("Param", param, _MOST_PARAM)
        tags = checked_tags(asked.tags)
        known = self.writable(who, asked.run_id, adds=bool(asked.metrics or asked.params))
        if asked.params:
            self._set_params(who, known, asked.params)
        if asked.metrics:
            self._log(who, known, asked.metrics)
        if tags:
            self._tag(known, tags)
        return answers.Done()

    def log_inputs(self, who: Asker, asked: requests.InputsRequest) -> answers.Done:
        """Keep what a run reads."""
        known = self.writable(who, asked.run_id, adds=True)
        datasets = [
            {
                "dataset": {
                    "name": one.dataset.name, "digest": one.dataset.digest, "source_type": one.dataset.source_type,
                    "source": one.dataset.source, "schema": one.dataset.schema, "profile": one.dataset.profile,
                },
                "tags": {tag.key: tag.value for tag in one.tags},
            }
            for one in asked.datasets
        ]  # fmt: skip
        models = [{"model_id": one.model_id} for one in asked.models]
        self._add(who, known, INPUTS, {"datasets": datasets, "models": models})
        return answers.Done()

    def log_outputs(self, who: Asker, asked: requests.OutputsRequest) -> answers.Done:
        """Keep what a run made."""
        known = self.writable(who, asked.run_id, adds=True)
        models = [{"model_id": one.model_id, "step": one.step} for one in asked.models]
        self._add(who, known, OUTPUTS, {"models": models})
        return answers.Done()

    def _add(
        self, who: Asker, known: KnownRun, what: str, more: Mapping[str, list[dict[str, Any]]]
    ) -> None:
        """Add to lists that are captured under a name what is not in them yet."""
        with known.alone():
            state = who.reader.facts(known.writing.id, "state").state
            before = (state.captured.get(what) if state is not None else None) or {}
            data: dict[str, Any] = {name: list(before.get(name) or ()) for name in more}
            for name, several in mask_secrets(dict(more)).items():
                data[name] += [one for one in several if one not in data[name]]
            data = {name: several for name, several in data.items() if several}
            if data and data != before:
                known.writing.event("captured", what=what, data=data)

    def _log(self, who: Asker, known: KnownRun, points: Sequence[requests.MetricGiven]) -> None:
        run_id = known.writing.id
        known.log_points(points, lambda: who.reader.points_of(run_id))
        for model_id in {one.model_id for one in points if one.model_id} - known.models:
            known.models.add(model_id)
            self.models.measured(who, model_id, run_id)
        self._requests += 1
        if self._requests % _TOUCHED_EVERY == 0:
            self._known.tidy()

    def _set_params(self, who: Asker, known: KnownRun, given: Sequence[requests.Pair]) -> None:
        run_id = known.writing.id
        known.log_params(given, lambda: who.reader.facts(run_id, "state").state)

    def _tag(self, known: KnownRun, tags: Mapping[str, str]) -> None:
        """Set tags; those that mean a run's name or description set these, and what tells of its program is captured too."""
        said = meaning(tags)
        one = known.writing
        with known.alone():
            if said.description is not None:
                one.event("field", field="description", value=said.description)
            if said.name is not None and (known.name or "") != said.name:
                self._rename(known, said.name)
            plain = dict(said.tags)
            if said.parent is not None:
                plain["mlflow.parentRunId"] = said.parent
            if plain:
                one.event("tags", add=plain)
            git = {
                name: plain[tag]
                for name, tag in (("commit", "mlflow.source.git.commit"), ("branch", "mlflow.source.git.branch"), ("remote", "mlflow.source.git.repoURL"))
                if plain.get(tag)
            }  # fmt: skip
            if git:
                one.event("captured", what="git", data=git)
            if plain.get("mlflow.source.name"):
                one.event("captured", what="command", data={"entry": plain["mlflow.source.name"]})

    @staticmethod
    def _rename(known: KnownRun, name: str) -> None:
        label = label_of(mask_text(name))
        known.writing.event("field", field="name", value=label)
        known.name = name

    # -- points ------------------------------------------------------------------------------------

    def history(self, who: Asker, asked: requests.HistoryRequest) -> answers.HistoryAnswer:
        """The points of a metric of a run, as they were logged."""
        run_id = run_id_of(asked)
        start = page_of(asked.page_token).offset
        if asked.max_results is not None and asked.max_results < 1:
            raise invalid("'max_results' must be a positive integer.")
        found: list[answers.MetricAnswer] = []
        if who.reader.find(run_id) is None:
            self._in_trash(who, run_id)
        for series in who.reader.history((run_id,), asked.metric_key):
            found += points_as_answered(series)
        if asked.max_results is None:
            return answers.HistoryAnswer(tuple(found[start:]))
        stop = start + asked.max_results
        token = token_of(Page(stop)) if stop < len(found) else None
        return answers.HistoryAnswer(tuple(found[start:stop]), token)

    def bulk_history(self, who: Asker, asked: requests.BulkHistoryRequest) -> answers.HistoryAnswer:
        """The points of a metric of several runs, each with the id of its run; of long series, at about `max_results` steps."""
        if not 1 <= len(asked.run_ids) <= 100:
            raise invalid(
                "GetMetricHistoryBulkInterval request must specify at most 100 run_ids. "
                f"Received {len(asked.run_ids)} run_ids."
                if asked.run_ids
                else "GetMetricHistoryBulkInterval request must specify at least one run_id."
            )
        if not asked.metric_key:
            raise invalid("Missing value for required parameter 'metric_key'.")
        if not 1 <= asked.max_results <= 2500:
            raise invalid("max_results must be between 1 and 2500.")
        if (asked.start_step is None) != (asked.end_step is None):
            raise invalid("If either start step or end step are specified, both must be specified.")
        if (
            asked.start_step is not None
            and asked.end_step is not None
            and asked.start_step > asked.end_step
        ):
            raise invalid(f"end_step must be greater than start_step. Found start_step={asked.start_step} and end_step={asked.end_step}.")  # fmt: skip
        ids = tuple(dict.fromkeys(asked.run_ids))
        reader = who.reader
        ids = tuple(one.id for one in reader.several(ids)) if reader.find(ids[0]) or ids else ()
        stop = None if asked.end_step is None else asked.end_step + 1
        series = [
            points_as_answered(one, named=True)
            for one in reader.history(ids, asked.metric_key, asked.start_step, stop)
        ]
        steps = sorted({point.step or 0 for points in series for point in points})
        every = max(1, len(steps) // asked.max_results)
        chosen = {
            *steps[::every],
            *(max((p.step or 0 for p in points), default=0) for points in series),
        }
        found = [p for points in series for p in points if (p.step or 0) in chosen]
        found.sort(key=lambda one: (ids.index(one.run_id or ""), one.step or 0, one.timestamp))
        return answers.HistoryAnswer(tuple(found))

    # -- what they share ---------------------------------------------------------------------------

    def group(self, who: Asker, experiment_id: str) -> Group:
        """An experiment that the caller may see.

        Raises:
            MlflowProblem: There is none of that id.
        """
        return self.experiments.group(who, experiment_id)

    def hold(self, who: Asker, group: Group, name: str, model_id: str) -> str:
        """A new experiment that keeps the files of a logged model which no run made; its id."""
        who.check_beginning(inside(group.name))
        one = self._experiments.create(
            label_of(name), project_of(group.name), user=who.name, host=who.host
        )
        about = RunFacts(group.id, group.name, served=True, holds=model_id)
        one.event("captured", what=CAPTURED, data=about.captured())
        one.end("completed", None)
        return one.id

    def writable(self, who: Asker, run_id: str, *, adds: bool = False) -> KnownRun:
        """A run to write to.

        Args:
            adds: Whether what is written needs room in the project; how a run ends is always taken.

        Raises:
            MlflowProblem: There is none of that id that the caller may see, or it was deleted.
        """
        check = who.check_adding if adds else who.check_writing
        held = self._experiments.held(run_id)
        if held is not None:
            check(held.prefix)
            return self._known.of(held)
        facts = who.reader.find(run_id)
        if facts is None:
            self._in_trash(who, run_id)
            raise invalid(
                f"The run {run_id} must be in the 'active' state. Current state is deleted."
            )
        check(facts.prefix)
        return self._known.of(self._written(facts))

    def _written(self, facts: ExperimentFacts) -> Written:
        return self._experiments.known(facts.id, facts.prefix)

    def _answer(
        self, facts: ExperimentFacts, groups: Mapping[str, Group] | None = None
    ) -> answers.RunAnswer:
        """A run.

        Args:
            groups: The experiments by their ids, for who answers with many runs.
        """
        groups = groups or {one.id: one for one in self.experiments.all()}
        experiment_id = self.group_of(facts, groups)
        group = groups.get(experiment_id)
        uri = artifacts.uri_of(experiment_id, facts.id)
        return run_of(facts, experiment_id, uri, deleted=group is not None and group.deleted)

    def group_of(self, facts: ExperimentFacts, groups: Mapping[str, Group] | None = None) -> str:
        """The id of the experiment that a run is in: the one whose folder it lies in."""
        folder = translated.experiment_name(facts.prefix)
        given = translated.run_facts({} if facts.state is None else facts.state.captured)
        if given.experiment is not None and project_of(given.experiment) == folder:
            return id_of(given.experiment)
        return self._of_folder(folder, groups)

    def _of_folder(self, folder: str, groups: Mapping[str, Group] | None = None) -> str:
        every = self.experiments.all() if groups is None else groups.values()
        names = (one.name for one in every)
        return id_of(next((name for name in names if project_of(name) == folder), folder))

    def _in_trash(self, who: Asker, run_id: str) -> Trashed:
        for one in who.upkeep.trash():
            if one.id == run_id:
                return one
        raise missing(f"Run with id={run_id} not found")

    def _trashed(self, who: Asker, run_id: str) -> answers.RunAnswer:
        return self._deleted(self._in_trash(who, run_id))

    def _deleted(self, one: Trashed) -> answers.RunAnswer:
        """A run that was deleted, as far as it is known."""
        experiment_id = self._of_folder(translated.experiment_name(one.prefix))
        info = answers.RunInfo(
            run_id=one.id, run_uuid=one.id, run_name=one.name, experiment_id=experiment_id, user_id="",
            status=translated.status_there(Status.COMPLETED), start_time=milliseconds(one.deleted_at),
            end_time=milliseconds(one.deleted_at), artifact_uri=artifacts.uri_of(experiment_id, one.id),
            lifecycle_stage="deleted",
        )  # fmt: skip
        return answers.RunAnswer(info)
