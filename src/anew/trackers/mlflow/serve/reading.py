"""Runs as MLflow shows them, out of what is recorded."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from ....query.points import PointsQuestion, SeriesPoints
from ....query.question import FactsQuestion, Part
from ....query.references import ResolveQuestion
from ....reading.backend import Backend
from ....record.facts import ExperimentFacts
from ...written import Written
from ..translate import facts as translated
from .answers import (
    MetricAnswer,
    ModelMade,
    ModelRead,
    RunAnswer,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    number,
)
from .problems import missing
from .requests import DatasetInputGiven, Pair
from .runs import Point

__all__ = ["INPUTS", "OUTPUTS", "Reader", "as_written", "points_as_answered", "run_of"]

INPUTS = "mlflow inputs"
OUTPUTS = "mlflow outputs"
_USER = "mlflow.user"
_OWN = ("mlflow.user", "mlflow.source.type")


class Reader:
    """Asks a backend.

    Args:
        backend: As the caller may see it.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def facts(self, run_id: str, *parts: Part) -> ExperimentFacts:
        """What is known of a run, as of now.

        Raises:
            MlflowProblem: There is none of that id that the caller may see.
        """
        found = self.find(run_id, *parts)
        if found is None:
            raise missing(f"Run with id={run_id} not found")
        return found

    def find(self, run_id: str, *parts: Part) -> ExperimentFacts | None:
        """What is known of a run; None if there is none of that id that the caller may see."""
        if not run_id.isalnum():
            return None
        (meant,) = self.backend.resolve(ResolveQuestion((run_id,)))
        found = self.several([run_id], *parts) if meant.id == run_id else ()
        return found[0] if found else None

    def several(self, ids: Iterable[str], *parts: Part) -> tuple[ExperimentFacts, ...]:
        """What is known of some runs."""
        question = FactsQuestion(ids=tuple(ids), parts=frozenset(parts), now=time.time())
        return self.backend.facts(question)

    def points_of(self, run_id: str) -> dict[str, set[Point]]:
        """All points of a run."""
        answer = self.backend.points(PointsQuestion(ids=(run_id,), order="written", metadata=True))
        found: dict[str, set[Point]] = {}
        for series in answer.series:
            points = zip(series.steps.tolist(), _times(series), series.values.tolist(), strict=True)
            found[series.metric] = {
                (step, at, None if value != value else value) for step, at, value in points
            }
        return found

    def history(
        self, run_ids: tuple[str, ...], key: str, start: int | None = None, stop: int | None = None
    ) -> list[SeriesPoints]:
        """The points of a metric, as they were written."""
        question = PointsQuestion(
            ids=run_ids, metrics=(key,), order="written", metadata=True, start=start, stop=stop
        )
        return list(self.backend.points(question).series)


def as_written(one: Written) -> ExperimentFacts:
    """What is known of a run that a client just wrote to, out of its journal: it is true before anybody has looked at it.

    Raises:
        NotFound: It was deleted.
        OSError: It cannot be read.
    """
    state = one.state()
    status, reason = state.outcome()
    lead = next((w.opened for w in state.writers.values() if w.opened.role == "lead"), None)
    return ExperimentFacts(
        id=one.id, prefix=one.prefix, name=state.name or one.prefix.rpartition("/")[2], status=status, reason=reason,
        created_at=state.created_at, started_at=state.started_at, updated_at=state.folded_to,
        ended_at=state.ended_at if status.ended else None, user=(lead.user or None) if lead else None,
        parent=state.parent, description=state.description, notes=state.notes, state=state,
    )  # fmt: skip


def _times(series: SeriesPoints) -> list[int]:
    times = [translated.milliseconds(t) for t in series.times.tolist()]
    for at, text in enumerate(series.metadata or ()):
        if text is not None and "timestamp" in text:
            times[at] = translated.point_time(series.times[at], json.loads(text))
    return times


def points_as_answered(series: SeriesPoints, *, named: bool = False) -> list[MetricAnswer]:
    """The points of a series; with the id of their run if `named`."""
    beside = [
        {} if text is None else json.loads(text)
        for text in series.metadata or (None,) * len(series.steps)
    ]
    rows = zip(series.steps.tolist(), _times(series), series.values.tolist(), beside, strict=True)
    return [
        MetricAnswer(
            key=series.metric, value=number(value), timestamp=at, step=step, run_id=series.id if named else None,
            **{name: said[name] for name in ("model_id", "dataset_name", "dataset_digest") if isinstance(said.get(name), str)},
        )
        for step, at, value, said in rows
    ]  # fmt: skip


def run_of(
    facts: ExperimentFacts, experiment_id: str, artifact_uri: str, *, deleted: bool = False
) -> RunAnswer:
    """A run, of the facts with the parts "state" and "metrics"."""
    state = facts.state
    captured: Mapping[str, Any] = {} if state is None else state.captured
    given = translated.run_facts(captured)
    name = given.name(facts.name)
    tags = _tags(facts, name, captured)
    info = RunInfo(
        run_id=facts.id, run_uuid=facts.id, run_name=name, experiment_id=experiment_id,
        user_id=tags.get(_USER) or facts.user or "", status=translated.status_there(facts.status),
        start_time=translated.milliseconds(facts.created_at if facts.started_at is None else facts.started_at),
        end_time=None if facts.ended_at is None else translated.milliseconds(facts.ended_at),
        artifact_uri=artifact_uri, lifecycle_stage="deleted" if deleted else "active",
    )  # fmt: skip
    metrics = tuple(
        MetricAnswer(
            key=key, value=number(one.last), timestamp=translated.milliseconds(one.last_time), step=one.last_step
        )
        for key, one in (facts.metrics or {}).items()
        if translated.is_metric(key)
    )  # fmt: skip
    params = {} if state is None else translated.param_texts(state.params)
    data = RunData(metrics, _pairs(params), _pairs(tags))
    return RunAnswer(info, data, _inputs(captured), _outputs(captured))


def _pairs(given: Mapping[str, str]) -> tuple[Pair, ...]:
    return tuple(Pair(key, value) for key, value in given.items())


def _tags(facts: ExperimentFacts, name: str, captured: Mapping[str, Any]) -> dict[str, str]:
    known = translated.known_tags(name, facts.user, facts.description, facts.notes, facts.parent)
    if translated.is_served(captured):  # its client sends what it knows of these itself
        known = {key: value for key, value in known.items() if key not in _OWN}
    command, git = captured.get("command"), captured.get("git")
    state = facts.state
    return (
        known
        | translated.git_tags(git if isinstance(git, Mapping) else {})
        | translated.command_tags(command if isinstance(command, Mapping) else {})
        | {key: translated.tag_text(value) for key, value in (state.tags if state else {}).items()}
    )


def _listed(
    captured: Mapping[str, Any], what: str, key: str, make: Callable[[Any], Any]
) -> tuple[Any, ...]:
    """What is kept under a name, without what cannot be read: a folder may hold anything."""
    kept = captured.get(what)
    found = kept.get(key) if isinstance(kept, Mapping) else None
    made = []
    for one in found if isinstance(found, (list, tuple)) else ():
        try:
            made.append(make(one))
        except (msgspec.ValidationError, KeyError, TypeError):
            continue
    return tuple(made)


def _dataset(one: Any) -> DatasetInputGiven:
    tags = [{"key": key, "value": value} for key, value in dict(one["tags"]).items()]
    given = {key: value for key, value in dict(one["dataset"]).items() if value is not None}
    return msgspec.convert({"dataset": given, "tags": tags}, DatasetInputGiven)


def _inputs(captured: Mapping[str, Any]) -> RunInputs:
    return RunInputs(
        _listed(captured, INPUTS, "datasets", _dataset),
        _listed(captured, INPUTS, "models", lambda one: msgspec.convert(one, ModelRead)),
    )


def _outputs(captured: Mapping[str, Any]) -> RunOutputs:
    return RunOutputs(
        _listed(captured, OUTPUTS, "models", lambda one: msgspec.convert(one, ModelMade))
    )
