"""What a version of a model can point to: how that is written, and how its files are found again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from ..errors import CorruptData, InvalidValue, NotFound
from ..query.scope import project_of
from ..query.suggest import nearest
from ..reading.files import FileView, FolderView
from ..reading.views import ExperimentView
from ..record.models import PointsTo, VersionFact
from .registry import Target

if TYPE_CHECKING:
    from ..weights.repository import Repository

__all__ = ["files_of", "folder_digest", "scope_of", "target_from"]

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_FILES = frozenset({"file", "folder", "mlflow", "artifact"})


def target_from(
    what: object,
    find: Callable[[str], ExperimentView],
    repository: Callable[[], Repository],
) -> tuple[Target, ExperimentView | None]:
    """What is meant, and the experiment that it comes from, where that is known and there.

    Args:
        what: An experiment, one of its files or saved folders, or a text: `EXPERIMENT`, `EXPERIMENT:PATH` of a file or folder,
            `weights:VERSION` of the store's repository, or an address such as `s3://bucket/model`.
        find: Finds an experiment by whatever names it.
        repository: Opens the store's repository of weights.

    Raises:
        NotFound: It is not there.
        InvalidValue: It is nothing that a version can point to.
    """
    if isinstance(what, Target):
        return what, None if what.experiment is None else find(what.experiment)
    if isinstance(what, FileView):
        return _of_file(what), find(what.experiment)
    if isinstance(what, FolderView):
        files = what.files
        path = "/".join(filter(None, (what.prefix, what.name)))
        experiment = files[0].experiment
        digest = folder_digest(files)
        return Target(points_to="folder", ref=path, experiment=experiment, digest=digest), find(
            experiment
        )
    if isinstance(what, ExperimentView):
        return Target(points_to="experiment", ref=what.id, experiment=what.id), what
    commit = getattr(what, "commit_hash", None)
    text = f"weights:{commit}" if isinstance(commit, str) else what
    if not isinstance(text, str):
        id_ = getattr(what, "id", None)  # an Experiment that is being written
        if not isinstance(id_, str):
            raise InvalidValue(
                f"A version points to an experiment, one of its files, weights or an address, not to {what!r}."
            )
        text = id_
    if _ADDRESS.fullmatch(text):
        return Target(points_to="address", ref=text), None
    kind, colon, rest = text.partition(":")
    if colon and kind == "weights":
        return _of_commit(rest, find, repository)
    if colon and kind in ("mlflow", "artifact"):
        # Of another tracker's dialect: a folder of an experiment that has a name there.
        experiment, _, path = rest.partition("/")
        view = find(experiment)
        folder = msgspec.structs.replace(_of_path(view, path.strip("/")), ref=path.strip("/"))
        points_to: PointsTo = "mlflow" if kind == "mlflow" else "artifact"
        return msgspec.structs.replace(folder, points_to=points_to), view
    view = find(kind)
    if not rest:
        return Target(points_to="experiment", ref=view.id, experiment=view.id), view
    return _of_path(view, rest.strip("/")), view


def _of_commit(
    ref: str, find: Callable[[str], ExperimentView], repository: Callable[[], Repository]
) -> tuple[Target, ExperimentView | None]:
    commit = repository().show(ref)
    view = None
    if commit.experiment:
        try:
            view = find(commit.experiment)
        except (NotFound, LookupError):  # its weights are there, and it is not
            view = None
    made = commit.commit_hash
    experiment = view.id if view is not None else None
    return Target(points_to="weights", ref=made, experiment=experiment, digest=made), view


def _of_file(file: FileView) -> Target:
    return Target(points_to="file", ref=_path(file), experiment=file.experiment, digest=file.hash)


def _of_path(view: ExperimentView, path: str) -> Target:
    """The file or folder of an experiment that a path names; of several of one name the newest."""
    found = [one for one in view.files if path in (_path(one), one.name)]
    if found:
        return _of_file(found[-1])
    inside = _newest(one for one in view.files if _path(one).startswith(path + "/"))
    if inside:
        return Target(
            points_to="folder", ref=path, experiment=view.id, digest=folder_digest(inside)
        )
    near = nearest(path, [_path(one) for one in view.files])
    raise NotFound(
        f"{view.prefix} has no file or folder {path!r}."
        + (
            f" Did you mean {near[0]!r}?"
            if near
            else f" `anew files {view.id[:6]}` lists what it has."
        ),
        name=path,
        nearest=near,
    )


def files_of(version: VersionFact, view: ExperimentView) -> list[FileView]:
    """The files of a version that points to files of an experiment, in the order of their names; none for any other.

    Raises:
        NotFound: They are gone, or were freed.
        CorruptData: What lies there by now is something else.
    """
    if version.points_to not in _FILES:
        return []
    every = list(view.files)
    if version.points_to == "file":
        named = [one for one in every if version.ref in (_path(one), one.name)]
        same = [one for one in named if version.digest in (None, one.hash)]
        if same:
            return [same[-1]]
        raise NotFound(_gone(version, view, bool(named)), name=version.ref)
    inside = [one for one in every if _path(one).startswith(version.ref.rstrip("/") + "/")]
    if not inside:
        raise NotFound(_gone(version, view, False), name=version.ref)
    found = _newest(inside)
    if version.points_to == "artifact" or version.digest in (None, folder_digest(found)):
        return found
    # Files were saved under it since: those of then are meant.
    found = _newest(one for one in inside if one.time <= version.created_at)
    if folder_digest(found) != version.digest:
        raise CorruptData(
            f"The files of {version.model}:{version.number} under {version.ref!r} in {view.prefix} are not those that were "
            "registered.",
            path=version.ref,
        )
    return found


def _gone(version: VersionFact, view: ExperimentView, changed: bool) -> str:
    why = "is not the one that was registered" if changed else "is not there"
    return (
        f"{version.model}:{version.number} points to {version.ref!r} of {view.prefix}, which {why}: "
        "its bytes may have been freed."
    )


def folder_digest(files: Iterable[FileView]) -> str:
    """A hash of a folder: BLAKE3 of the list of its files' hashes and names, sorted by name."""
    import blake3

    listing = "".join(f"{one.hash}  {_path(one)}\n" for one in sorted(files, key=_path))
    return blake3.blake3(listing.encode("utf-8", "surrogateescape")).hexdigest()


def scope_of(view: ExperimentView | None) -> str:
    """Where a model is made that an experiment's version begins: its project, or everywhere where it lies in none."""
    project = "" if view is None else project_of(view.prefix, view.user)
    return f"project/{project}" if project and not project.startswith("~") else "root"


def _newest(files: Iterable[FileView]) -> list[FileView]:
    """The newest of each name, by name."""
    found = {_path(one): one for one in files}
    return [found[path] for path in sorted(found)]


def _path(file: FileView) -> str:
    return "/".join(filter(None, (file.prefix.strip("/"), file.name)))
