"""MLflow's logged models as documents of a root's journal: what the body of one says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ....record.documents import Document

__all__ = ["MODEL_KIND", "LoggedModel", "model_body", "model_in"]

MODEL_KIND = "mlflow model"
_TRACKER = "mlflow"


class LoggedModel(NamedTuple):
    """A model that MLflow keeps as a thing of its own.

    Attributes:
        experiment: The name of its experiment.
        holder: The id of the experiment of ours that keeps its files: that of `run`, if a run made it.
        run: The id of the run that made it, as its maker said; "" if none did.
        runs: The ids of other runs that logged metrics of it.
        status: As MLflow calls it.
        created, changed: When it was made and last changed, in seconds since the epoch.
    """

    id: str
    name: str
    experiment: str
    holder: str
    run: str = ""
    type: str = ""
    status: str = "LOGGED_MODEL_PENDING"
    params: dict[str, str] = {}  # noqa: RUF012  (a field of a tuple)
    tags: dict[str, str] = {}  # noqa: RUF012
    runs: tuple[str, ...] = ()
    deleted: bool = False
    created: float = 0.0
    changed: float = 0.0


def model_body(model: LoggedModel) -> dict[str, Any]:
    """The body of the document that keeps a logged model."""
    kept = {key: value for key, value in model._asdict().items() if value or key == "holder"}
    kept |= {"runs": list(model.runs)} if model.runs else {}
    return {"tracker": _TRACKER, **{key: kept[key] for key in kept if key not in ("id", "changed")}}


def model_in(document: Document) -> LoggedModel | None:
    """The logged model that a document keeps; None if it is none, or was removed."""
    body = document.body
    if document.kind != MODEL_KIND or body is None or body.get("tracker") != _TRACKER:
        return None
    texts = {
        key: value
        for key in ("name", "experiment", "holder", "run", "type", "status")
        if isinstance(value := body.get(key), str)
    }
    if not {"name", "experiment", "holder"} <= texts.keys():
        return None
    created, runs = body.get("created"), body.get("runs")
    return LoggedModel(
        id=document.name, params=_texts(body.get("params")), tags=_texts(body.get("tags")),
        runs=tuple(one for one in runs if isinstance(one, str)) if isinstance(runs, (list, tuple)) else (), deleted=body.get("deleted") is True, created=float(created) if isinstance(created, (int, float)) else document.time,
        changed=document.time, **texts,
    )  # fmt: skip


def _texts(given: Any) -> dict[str, str]:
    found = given if isinstance(given, Mapping) else {}
    return {str(key): str(value) for key, value in found.items()}
