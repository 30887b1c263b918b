"""What of MLflow's API is not there: tests and the guide read this list, and a client is told by it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["MISSING", "Missing", "missing_at"]


class Missing(NamedTuple):
    """A part of MLflow's API that is not there.

    Attributes:
        start: What its paths begin with, behind `/api/`.
        what: What it is for.
    """

    start: str
    what: str


MISSING: tuple[Missing, ...] = (
    Missing("2.0/mlflow/traces", "traces of calls of language models"),
    Missing("3.0/mlflow/traces", "traces of calls of language models"),
    Missing("2.0/mlflow/unified-traces", "traces of calls of language models"),
    Missing("2.0/mlflow/get-online-trace-details", "traces of calls of language models"),
    Missing(
        "2.0/mlflow/runs/log-model",
        "models as clients before 3.0 log them: they are files of the run",
    ),
    Missing("2.0/mlflow/webhooks", "calls of other servers when a model changes"),
    Missing("2.0mlflow/experiments/search-datasets", "the list of data sets in MLflow's own page"),
    Missing("2.0/mlflow/experiments/search-datasets", "the list of data sets in MLflow's own page"),
    Missing("3.0/mlflow/datasets", "data sets for the evaluation of language models"),
    Missing("3.0/mlflow/gateway", "the gateway to language models"),
    Missing("3.0/mlflow/issues", "issues found in traces"),
    Missing("3.0/mlflow/label-schemas", "labels for traces"),
    Missing("3.0/mlflow/prompt-optimization", "jobs that improve prompts"),
    Missing("3.0/mlflow/review-queues", "queues of traces to review"),
    Missing("3.0/mlflow/scorers", "scorers of language models"),
    Missing("3.0/mlflow/workspaces", "workspaces: projects and roles take their place"),
    Missing(
        "2.0/mlflow/artifacts/presigned",
        "links to a bucket by the id of a run: artifacts lie behind the server",
    ),
)


def missing_at(path: str) -> Missing | None:
    """The part that a path belongs to, which is what follows `/api/`; None for a path that MLflow does not know either."""
    return next((one for one in MISSING if path.startswith(one.start)), None)
