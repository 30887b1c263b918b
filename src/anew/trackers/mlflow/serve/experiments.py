"""What each request of MLflow's client does to experiments, which are folders of runs."""

from __future__ import annotations

import time
from typing import Any

from ...records import Records
from ..translate.facts import DEFAULT, milliseconds
from ..translate.filters import in_order
from ..translate.groups import Group, id_of
from ..write import Groups
from . import answers, artifacts, requests
from .asking import Asker
from .checks import checked_tags, inside, is_in, limit_of, view_of
from .finding import Page, page_of, read_conditions, read_order, token_of
from .problems import MlflowProblem, invalid, missing

__all__ = ["ExperimentCalls"]

_FIELDS = ("name", "experiment_id", "creation_time", "last_update_time")
_MOST_NAME = 500


class ExperimentCalls:
    """The calls about experiments. Any thread may call it.

    Args:
        records: Where they are kept.
    """

    def __init__(self, records: Records) -> None:
        self._groups = Groups(records.journal)
        self._records = records

    def create(
        self, who: Asker, asked: requests.CreateExperimentRequest
    ) -> answers.CreatedExperiment:
        """Make an experiment. Its artifacts lie behind this server, wherever the client wants them to."""
        name = asked.name
        if not name.strip():
            raise invalid(f"Invalid experiment name: {name!r}.")
        if len(name) > _MOST_NAME:
            raise invalid(f"'name' exceeds the maximum length of {_MOST_NAME} characters.")
        who.check_writing(inside(name))
        tags = checked_tags(asked.tags)
        with self._records.alone("experiments"):
            there = self.named(name)
            if there is not None:
                state = " in deleted state" if there.deleted else ""
                raise MlflowProblem(
                    "RESOURCE_ALREADY_EXISTS", f"Experiment(name={name}) already exists{state}."
                )
            now = time.time()
            made = self._free(name)
            title = None if made == name else name
            if not self._groups.add(Group(made, tags, False, None, now, now, title)):
                raise MlflowProblem(
                    "RESOURCE_ALREADY_EXISTS", f"Experiment(name={name}) already exists."
                )
        return answers.CreatedExperiment(id_of(made))

    def _free(self, name: str) -> str:
        """The name to make an experiment with: the one that it is to have, unless one that was renamed was made with it."""
        made, at = name, 1
        while self._groups.find(made) is not None:
            at += 1
            made = f"{name} ({at})"
        return made

    def get(self, who: Asker, asked: requests.ExperimentRequest) -> answers.ExperimentFound:
        """One experiment."""
        return answers.ExperimentFound(_shown(self.group(who, asked.experiment_id)))

    def by_name(self, who: Asker, asked: requests.ExperimentNameRequest) -> answers.ExperimentFound:
        """One experiment by its name."""
        found = self.named(asked.experiment_name)
        if found is None or not who.sees(inside(found.name)):
            raise missing(f"Could not find experiment with name '{asked.experiment_name}'")
        return answers.ExperimentFound(_shown(found))

    def update(self, who: Asker, asked: requests.UpdateExperimentRequest) -> answers.Done:
        """Give an experiment another name; its runs stay where they are."""
        name = asked.new_name
        if not name or not name.strip() or len(name) > _MOST_NAME:
            raise invalid(f"Invalid experiment name: {name!r:.80}.")
        with self._records.alone("experiments"):
            group = self.changeable(who, asked.experiment_id)
            other = self.named(name)
            if other is not None and other.id != group.id:
                raise MlflowProblem(
                    "RESOURCE_ALREADY_EXISTS", f"Experiment(name={name}) already exists."
                )
            self._groups.change(
                group, lambda one: one._replace(title=None if name == one.name else name)
            )
        return answers.Done()

    def delete(self, who: Asker, asked: requests.ExperimentRequest) -> answers.Done:
        """Hide an experiment and its runs."""
        group = self.changeable(who, asked.experiment_id, deleting=True)
        self._groups.change(group, lambda one: one._replace(deleted=True))
        return answers.Done()

    def restore(self, who: Asker, asked: requests.ExperimentRequest) -> answers.Done:
        """Show an experiment again that was deleted."""
        group = self.group(who, asked.experiment_id)
        who.check_writing(inside(group.name))
        if not group.deleted:
            raise missing(f"No deleted experiment with id={asked.experiment_id} exists")
        self._groups.change(group, lambda one: one._replace(deleted=False))
        return answers.Done()

    def set_tag(self, who: Asker, asked: requests.ExperimentTagRequest) -> answers.Done:
        """Set a tag of an experiment."""
        group = self.changeable(who, asked.experiment_id)
        new = checked_tags((requests.Pair(asked.key, asked.value),), most=20_000)
        self._groups.change(group, lambda one: one._replace(tags=one.tags | new))
        return answers.Done()

    def delete_tag(self, who: Asker, asked: requests.DeleteExperimentTagRequest) -> answers.Done:
        """Remove a tag of an experiment."""
        group = self.changeable(who, asked.experiment_id)
        if asked.key not in group.tags:
            raise missing(
                f"No tag with name: {asked.key} in experiment with id {asked.experiment_id}"
            )
        self._groups.change(
            group,
            lambda one: one._replace(tags={k: v for k, v in one.tags.items() if k != asked.key}),
        )
        return answers.Done()

    def search(
        self, who: Asker, asked: requests.SearchExperimentsRequest
    ) -> answers.ExperimentsFound:
        """Which experiments meet a filter, the newest first if no order is given."""
        conditions = read_conditions(asked.filter, _FIELDS)
        order = read_order(asked.order_by, _FIELDS)
        view = view_of(asked.view_type)
        limit = limit_of(asked.max_results)
        groups = [
            one
            for one in self.all()
            if who.sees(inside(one.name)) and is_in(view, deleted=one.deleted)
        ]
        groups.sort(key=lambda one: (one.created, one.id), reverse=True)
        met = [
            one
            for one in map(_shown, groups)
            if all(c.holds(_of_experiment(one, c.entity, c.name)) for c in conditions)
        ]
        found = in_order(met, order, _of_experiment)
        start = page_of(asked.page_token).offset
        page = tuple(found[start : start + limit])
        more = start + limit < len(found)
        return answers.ExperimentsFound(page, token_of(Page(start + limit)) if more else None)

    def all(self) -> list[Group]:
        """All that there are, deleted ones included."""
        known = self._groups.all()
        return known if any(one.name == DEFAULT for one in known) else [_default(), *known]

    def named(self, name: str) -> Group | None:
        """The one that is shown by a name, or None."""
        found = self._groups.find(name)
        if found is not None and found.shown == name:
            return found
        return next((one for one in self.all() if one.shown == name), None)

    def by_id(self, experiment_id: str) -> Group | None:
        """The one of an id, or None."""
        found = self._groups.with_id(experiment_id)
        return _default() if found is None and experiment_id == "0" else found

    def group(self, who: Asker, experiment_id: str) -> Group:
        """An experiment that the caller may see.

        Raises:
            MlflowProblem: There is none of that id.
        """
        if not experiment_id.isdecimal():
            raise invalid(
                f"Invalid experiment ID: {experiment_id!r:.80}. Experiment ID must be a valid integer."
            )
        found = self.by_id(experiment_id)
        if found is None or not who.sees(inside(found.name)):
            raise missing(f"No Experiment with id={experiment_id} exists")
        return found

    def changeable(self, who: Asker, experiment_id: str, *, deleting: bool = False) -> Group:
        """One that the caller may change, and that is not deleted."""
        group = self.group(who, experiment_id)
        (who.check_deleting if deleting else who.check_writing)(inside(group.name))
        if group.deleted:
            raise invalid(
                f"The experiment {experiment_id} must be in the 'active' state. Current state is deleted."
            )
        return group


def _default() -> Group:
    return Group(DEFAULT, {}, False, None, 0.0, 0.0)


def _shown(group: Group) -> answers.ExperimentAnswer:
    return answers.ExperimentAnswer(
        experiment_id=group.id, name=group.shown, artifact_location=artifacts.uri_of(group.id),
        lifecycle_stage="deleted" if group.deleted else "active", last_update_time=milliseconds(group.changed),
        creation_time=milliseconds(group.created), tags=tuple(requests.Pair(k, v) for k, v in group.tags.items()),
    )  # fmt: skip


def _of_experiment(one: answers.ExperimentAnswer, entity: str, name: str) -> list[Any]:
    if entity == "tag":
        return [tag.value for tag in one.tags if tag.key == name]
    return [getattr(one, name)] if entity == "attribute" else []
