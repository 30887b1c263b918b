"""The facts of a run: what each is called and how it is written at MLflow, and what it is here.

Nothing is read or sent from here, and nothing heavy is loaded: programs that train use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ....record.plain import flatten, from_plain
from ....record.status import Status

__all__ = [
    "CAPTURED",
    "DEFAULT",
    "Meaning",
    "RunFacts",
    "by_name",
    "command_tags",
    "experiment_name",
    "file_metadata",
    "file_place",
    "git_tags",
    "is_metric",
    "is_served",
    "known_tags",
    "label_of",
    "meaning",
    "milliseconds",
    "note",
    "param_name",
    "param_texts",
    "param_there",
    "point_time",
    "run_facts",
    "status_here",
    "status_there",
    "table_metadata",
    "table_place",
    "tag_text",
    "time_metadata",
]

DEFAULT = "Default"
"""MLflow's experiment for runs that name none."""

_STATUS = {
    Status.PENDING: "SCHEDULED",
    Status.RUNNING: "RUNNING",
    Status.COMPLETED: "FINISHED",
    Status.FAILED: "FAILED",
    Status.CANCELLED: "KILLED",
}
_NAME, _NOTE, _PARENT = "mlflow.runName", "mlflow.note.content", "mlflow.parentRunId"
_USER = "mlflow.user"
_TIME = "timestamp"  # the metadata of a point or value that was given a time of its own
_FILE, _TABLE = "artifact_path", "artifact_file"  # the metadata of files and tables with a path


# -- statuses and times ----------------------------------------------------------------------------


def status_there(status: Status) -> str:
    """A status by MLflow's name for it."""
    return _STATUS[status]


def status_here(name: str) -> Status | None:
    """A status by its name at MLflow; None if it has none like that."""
    return next((ours for ours, theirs in _STATUS.items() if theirs == name), None)


def milliseconds(seconds: float) -> int:
    """A time as MLflow writes it."""
    return round(seconds * 1000)


def time_metadata(timestamp: float | None) -> dict[str, Any]:
    """What is kept beside a point or value that was given a time of its own, in milliseconds."""
    return {} if timestamp is None else {_TIME: int(timestamp)}


def point_time(t: float, metadata: Mapping[str, Any] | None) -> int:
    """The time of a point at MLflow, in milliseconds: the one its program gave, or the one it was recorded at."""
    given = (metadata or {}).get(_TIME)
    return given if type(given) is int else milliseconds(t)


# -- where a run belongs ---------------------------------------------------------------------------


def experiment_name(prefix: str) -> str:
    """The MLflow experiment of an experiment with that prefix: the folder that it lies in."""
    return prefix.rpartition("/")[0] or DEFAULT


def label_of(name: str) -> str:
    """A run's name as a label: without slashes, which would make it a prefix, and without what cannot be shown."""
    text = "".join("-" if c in "/\\" else c if c.isprintable() else "_" for c in name).strip()[:250]
    return text if text not in ("", ".", "..") else "run"


CAPTURED = "mlflow"
"""The captured fact with what a run of the dialect has that experiments have no place for."""


class RunFacts(NamedTuple):
    """What a run of MLflow's has that experiments have no place for.

    `experiment_id` and `experiment` are its MLflow experiment, `start_time` is the one its program gave, in milliseconds.
    `holds` is the id of the logged model that it keeps the files of, if that is all it is for. `served` says that MLflow's own client logged it, through a server of ours. `run_name` is its name, where that is no label here, and `label` the label that stood for it: once the experiment was
    renamed, the name is the new one.
    """

    experiment_id: str | None = None
    experiment: str | None = None
    start_time: int | None = None
    run_name: str | None = None
    label: str | None = None
    served: bool | None = None
    holds: str | None = None

    def captured(self) -> dict[str, Any]:
        """As it is captured."""
        return {key: value for key, value in self._asdict().items() if value is not None}

    def name(self, label: str) -> str:
        """The run's name at MLflow, where its label is this one by now."""
        return self.run_name if self.run_name is not None and self.label == label else label


def run_facts(captured: Mapping[str, Any]) -> RunFacts:
    """What was captured of a run of the dialect; nothing, for an experiment that was logged by other means."""
    found = captured.get(CAPTURED)
    given = found if isinstance(found, Mapping) else {}
    names = ("experiment_id", "experiment", "run_name", "label", "holds")
    texts = {key: given[key] for key in names if isinstance(given.get(key), str)}
    start = given.get("start_time")
    served = given.get("served") is True or None
    return RunFacts(**texts, start_time=start if type(start) is int else None, served=served)


def is_served(captured: Mapping[str, Any]) -> bool:
    """Whether MLflow's own client logged a run, through a server of ours."""
    return run_facts(captured).served is True


# -- metrics and parameters ------------------------------------------------------------------------


def is_metric(name: str) -> bool:
    """Whether a metric is one that the program logged, not a sample of the machine."""
    return not name.startswith("system/")


def param_name(key: str, others: Iterable[str]) -> str:
    """The name to record a parameter by, where `others` are there too.

    Dots nest names here, so that `a` could not be beside `a.b`: it is recorded as `a/` then, which is no name of MLflow's.
    """
    return f"{key}/" if any(other.startswith(f"{key}.") for other in others) else key


def param_there(name: str) -> str:
    """The name at MLflow of a parameter that was recorded as `param_name` says."""
    return name[:-1] if name.endswith("/") and not name.endswith("//") and name != "/" else name


def by_name(params: Mapping[Any, Any]) -> dict[str, Any]:
    """Nested parameters by their dotted names."""
    return flatten({str(key): value for key, value in params.items()})


def param_texts(params: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Nested parameters by their dotted names, as the texts that MLflow keeps."""
    flat = flatten(params, before)
    return {param_there(name): str(from_plain(value)) for name, value in flat.items()}


# -- tags ------------------------------------------------------------------------------------------


class Meaning(NamedTuple):
    """What a program's tags say: some of MLflow's own tags are facts of an experiment here.

    A fact that no tag tells is None. `tags` are the others.
    """

    name: str | None
    description: str | None
    parent: str | None
    tags: dict[str, str]


def meaning(tags: Mapping[Any, Any] | None) -> Meaning:
    """What tags given to a run mean."""
    rest = {str(key): str(value) for key, value in (tags or {}).items()}
    return Meaning(rest.pop(_NAME, None), rest.pop(_NOTE, None), rest.pop(_PARENT, None), rest)


def tag_text(value: str | None) -> str:
    """The text of a tag at MLflow, where each has one."""
    return "" if value is None else value


def note(description: str | None, notes: str | None) -> str:
    """What MLflow shows as the description of a run: an experiment's description, and its notes."""
    return "\n\n".join(text for text in (description, notes) if text)


def known_tags(
    name: str | None = None,
    user: str | None = None,
    description: str | None = None,
    notes: str | None = None,
    parent: str | None = None,
) -> dict[str, str]:
    """MLflow's own tags for the facts of an experiment, without those that are not known."""
    about = note(description, notes)
    known = {_NAME: name, _USER: user, "mlflow.source.type": "LOCAL", _PARENT: parent, _NOTE: about}
    return {key: value for key, value in known.items() if value}


def git_tags(captured: Mapping[str, Any]) -> dict[str, str]:
    """MLflow's own tags for the commit that an experiment ran from, as captured."""
    known = {"commit": "commit", "branch": "branch", "repoURL": "remote"}
    return _texts({f"mlflow.source.git.{to}": captured.get(by) for to, by in known.items()})


def command_tags(captured: Mapping[str, Any]) -> dict[str, str]:
    """MLflow's own tags for the command that an experiment ran by, as captured."""
    return _texts({"mlflow.source.name": captured.get("entry")})


def _texts(tags: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if isinstance(value, str) and value}


# -- artifacts -------------------------------------------------------------------------------------


def file_metadata(path: str) -> dict[str, Any]:
    """What is kept beside a file whose path among the artifacts is no name here."""
    return {_FILE: path}


def table_metadata(path: str) -> dict[str, Any]:
    """What is kept beside rows that were logged to a table among the artifacts."""
    return {_TABLE: path}


def file_place(prefix: str, name: str, metadata: Mapping[str, Any] | None) -> str:
    """The path of a file among a run's artifacts: the one that its program gave, where that is no name here."""
    given = (metadata or {}).get(_FILE)
    return given if isinstance(given, str) else "/".join(part for part in (prefix, name) if part)


def table_place(metadata: Mapping[str, Any] | None) -> str | None:
    """The path among a run's artifacts that a table's rows were logged to; None if it was logged by other means."""
    given = (metadata or {}).get(_TABLE)
    return given if isinstance(given, str) else None
