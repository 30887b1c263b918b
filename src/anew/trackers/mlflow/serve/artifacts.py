"""The artifacts of runs: where each lies in the store of artifacts, and files on their way into a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ....record.facts import ExperimentFacts, FileFact
from ....record.ids import new_id
from ....record.names import stored_path
from ...places import safe_path
from ...written import Written
from ..translate.facts import file_metadata, file_place
from .answers import FileAnswer
from .problems import invalid, missing

__all__ = ["DELETED", "Arriving", "Place", "contents", "deleted_with", "listed", "model_folder", "model_uri", "place_of", "plain", "uri_of"]  # fmt: skip

DELETED = "mlflow deleted"
"""The captured fact with the ids of the files that a client deleted."""
_SCHEME = "mlflow-artifacts:/"


_OF_A_MODEL = re.compile(r"models/m-[0-9a-f]{32}/")


class Place(NamedTuple):
    """Where an artifact lies: in which run or logged model, and its path there."""

    run_id: str
    path: str
    model_id: str = ""


def model_folder(model_id: str) -> str:
    """Where the files of a logged model lie among those of the run that keeps them."""
    return f"models/{model_id}"


def model_uri(experiment_id: str, model_id: str) -> str:
    """Where the files of a logged model are found: always behind this server."""
    return f"{_SCHEME}{experiment_id}/models/{model_id}/artifacts"


def uri_of(experiment_id: str, run_id: str = "") -> str:
    """Where the artifacts of an experiment, or of a run, are found: always behind this server."""
    return f"{_SCHEME}{experiment_id}" + (f"/{run_id}/artifacts" if run_id else "")


def plain(path: str | None) -> str:
    """A path among artifacts; "" for all of them.

    Raises:
        MlflowProblem: It is absolute, or leads anywhere else.
    """
    text = path or ""
    parts = text.split("/")
    bad = (
        "\\" in text
        or not text.isprintable()
        or any(part in ("", ".", "..") for part in parts if text)
        or len(text) > 4096
        or parts[0][1:2] == ":"
    )
    if bad and text not in (".", "./"):
        raise invalid("Invalid path")
    return "" if text in (".", "./") else text


def place_of(path: str) -> Place:
    """Where a path in the store of artifacts leads: `<experiment>/<run>/artifacts/<path>`, or `<experiment>/models/<model>/artifacts/<path>`.

    Raises:
        MlflowProblem: It leads to no run.
    """
    parts = plain(path.rstrip("/")).split("/")
    if len(parts) > 3 and parts[1] == "models" and parts[3] == "artifacts":
        return Place("", plain("/".join(parts[4:])), parts[2])
    if len(parts) < 3 or parts[2] != "artifacts":
        raise missing(
            "There are no artifacts there: a path is `<experiment>/<run>/artifacts/<path>`."
        )
    return Place(parts[1], plain("/".join(parts[3:])))


def contents(facts: ExperimentFacts, *, models: bool = False) -> dict[str, FileFact]:
    """The artifacts of a run that were not deleted, the newest of each path; facts with the parts "state" and "files".

    Args:
        models: Also the files of logged models that it keeps.
    """
    gone: set[str] = set()
    if facts.state is not None:
        gone = {*_ids(facts.state.captured), *facts.state.freed}
    found: dict[str, FileFact] = {}
    for one in facts.files or ():
        if one.id not in gone:
            found[file_place(one.prefix, one.name, one.metadata)] = one
    if not models:
        return {path: one for path, one in found.items() if not _OF_A_MODEL.match(path)}
    return found


def _ids(captured: Mapping[str, Any]) -> list[str]:
    kept = captured.get(DELETED)
    ids = kept.get("ids") if isinstance(kept, Mapping) else None
    return [one for one in ids if isinstance(one, str)] if isinstance(ids, (list, tuple)) else []


def deleted_with(facts: ExperimentFacts, path: str) -> list[str] | None:
    """The ids of all deleted files once what lies at a path is deleted too; None if nothing lies there."""
    more = [
        one.id
        for one in facts.files or ()
        if _is_at(file_place(one.prefix, one.name, one.metadata), path)
    ]
    if not more:
        return None
    before = _ids(facts.state.captured) if facts.state is not None else []
    return sorted({*before, *more})


def _is_at(place: str, path: str) -> bool:
    return not path or place == path or place.startswith(f"{path}/")


def listed(entries: Iterable[tuple[str, int]], folder: str, *, whole: bool) -> list[FileAnswer]:
    """What lies directly in a folder.

    Args:
        entries: The paths and sizes of all files.
        whole: Whether to give whole paths, or paths within the folder.
    """
    found: dict[str, FileAnswer] = {}
    for path, size in entries:
        if path == folder:
            name = path.rpartition("/")[2]
            found[name] = FileAnswer(path if whole else name, False, size)
            continue
        if folder and not path.startswith(f"{folder}/"):
            continue
        name, deeper, _ = path[len(folder) + 1 if folder else 0 :].partition("/")
        at = f"{folder}/{name}" if whole and folder else name
        found[name] = FileAnswer(at, True) if deeper else FileAnswer(at, False, size)
    return [found[name] for name in sorted(found)]


class Arriving:
    """A file on its way into a run.

    Args:
        writing: What writes to the run.
        path: Its path among the artifacts, which is not empty.
    """

    def __init__(self, writing: Written, path: str) -> None:
        self._writing, self._path = writing, path
        safe = safe_path(path)
        self._metadata = {} if safe == path else file_metadata(path)
        self._prefix, _, self._name = safe.rpartition("/")
        self._id = new_id()
        parts = (
            "files",
            self._prefix and stored_path(self._prefix),
            self._id,
            stored_path(self._name),
        )
        self._stored = "/".join(part for part in parts if part)
        self._draft = writing.home.draft(self._stored)
        self._size, self._hash = 0, ""

    def write(self, data: bytes) -> None:
        """Take some bytes.

        Raises:
            OSError: They cannot be written.
        """
        self._draft.write(data)

    def lay(self) -> None:
        """Take it as whole."""
        self._size, self._hash = self._draft.lay()

    def keep(self, there: Mapping[str, FileFact]) -> None:
        """Put it in its place and record it, unless the same lies there: the answer to an earlier request may have been lost."""
        before = there.get(self._path)
        if before is not None and before.hash.removeprefix("blake3:") == self._hash:
            return
        self._draft.put()
        self._writing.event(
            "file", file_id=self._id, prefix=self._prefix, name=self._name, path=self._stored,
            size=self._size, hash=self._hash, metadata=self._metadata,
        )  # fmt: skip

    def close(self) -> None:
        """Let go of it; what was not kept is removed."""
        self._draft.close()
