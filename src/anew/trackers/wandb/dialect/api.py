"""`wandb.Api`: the runs and artifacts of the store, as wandb's public API shows those of its server."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import anew
from anew.errors import Ambiguous, NotFound

from ..names import iso_time
from .artifact import Artifact
from .errors import CommError, UsageError
from .filters import condition, sort_key
from .finding import found_artifact
from .plain import nearest
from .public_run import PublicRun
from .sweeps import PublicSweep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

__all__ = ["Api", "Project", "Runs"]


class Api:
    """The way to what was recorded.

    Args:
        overrides: `{"entity": …, "project": …}`, where a path leaves them out.
        timeout: Accepted; nothing is asked over a network.
        api_key: Accepted, and not kept.
        root: The store's root folder, where it is another one than that of `init`.
    """

    def __init__(
        self,
        overrides: Mapping[str, Any] | None = None,
        timeout: int | None = None,
        api_key: str | None = None,
        *,
        root: str | None = None,
    ) -> None:
        import os

        given = dict(overrides or {})
        self.default_entity: str = given.get("entity") or os.environ.get("WANDB_ENTITY") or ""
        self._project: str = given.get("project") or os.environ.get("WANDB_PROJECT") or ""
        self._root = root
        self._known: anew.Store | None = None

    @property
    def store(self) -> anew.Store:
        """The store that is asked."""
        if self._known is None:
            self._known = anew.Store(self._root)
        return self._known

    # -- runs --------------------------------------------------------------------------------------

    def runs(
        self,
        path: str | None = None,
        filters: Mapping[str, Any] | None = None,
        order: str = "+created_at",
        per_page: int = 50,
        include_sweeps: bool = True,
        lazy: bool = True,
    ) -> Runs:
        """The runs of a project, `entity/project` or `project`, that meet the filters.

        Args:
            path: The project; runs that were opened without an entity belong to every entity.
            filters: Conditions in the form of MongoDB: `{"config.lr": {"$lt": 0.1}, "state": "finished"}`.
            order: "+created_at", "-created_at", or by a number: "-summary_metrics.acc", "config.lr".

        Raises:
            CommError: There is no such project.
            UsageError: There is no such field or operator.
        """
        where = self._path(path)
        condition(filters or {})
        sort_key(order)  # mistakes are told at once
        return Runs(self, where, lambda: self._select(where, filters or {}, order))

    def _path(self, path: str | None) -> str:
        parts = [part for part in (path or "").strip("/").split("/") if part]
        if len(parts) > 2:
            raise UsageError(f"A project is given as entity/project, not {path!r}.")
        if not parts:
            parts = [self._project or "uncategorized"]
        if len(parts) == 1 and self.default_entity:
            parts = [self.default_entity, *parts]
        return "/".join(parts)

    def _views(self, project: str) -> Sequence[Any]:
        from .querying import runs_of  # loads what a program that only logs does not need

        return runs_of(self.store, project)

    def _select(self, project: str, filters: Mapping[str, Any], order: str) -> list[PublicRun]:
        from .querying import select

        if not self._views(project):
            known = [one.path for one in self.projects()]
            raise CommError(
                f"There is no project {project!r} in {self.store.root}.{nearest(project, known)}",
                name=project,
            )
        return select(self.store, project, filters, order, lambda view: PublicRun(self, view))

    def run_of(self, experiment: str) -> PublicRun | None:
        """The run of an experiment's id; None if it is not in the store any more."""
        try:
            return PublicRun(self, self.store.get(experiment))
        except NotFound:
            return None

    def run_in(self, projects: list[str], id: str) -> PublicRun | None:
        """The run of an id in one of some projects; None if there is none."""
        for project in projects:
            with suppress(CommError):
                return self.run(f"{project}/{id}")
        return None

    def runs_using(self, project: str, artifact: str) -> list[PublicRun]:
        """The runs of a project that used a version of an artifact, by its qualified name."""
        return [
            PublicRun(self, view)
            for view in self._views(project)
            if artifact in view.captured.get("wandb_used", {}).get("artifacts", ())
        ]

    def run(self, path: str = "") -> PublicRun:
        """One run, by `entity/project/id`, `project/id` or its id alone.

        Raises:
            CommError: There is none.
        """
        parts = [part for part in path.strip("/").split("/") if part and part != "runs"]
        if not parts:
            raise UsageError("Give the run as entity/project/id.")
        number, project = parts[-1], "/".join(parts[:-1])
        for ref in ("/".join(parts), "/".join(parts[-2:]), number):
            try:
                view = self.store.get(ref)
            except (NotFound, Ambiguous):
                continue
            run = PublicRun(self, view)
            if number in (run.id, view.id, view.prefix.rsplit("/", 1)[-1]) and (
                not project or run.project == parts[-2]
            ):
                return run
        for view in self._views(self._path(project or None)):
            if (run := PublicRun(self, view)).id == number:
                return run
        raise CommError(
            f"Could not find run <Run {path}>: it is not in the store at {self.store.root}.",
            name=path,
        )

    def projects(self, entity: str | None = None, per_page: int = 200) -> list[Project]:
        """All projects, or those of an entity."""
        found: dict[tuple[str, str], float] = {}
        for view in self.store.list(sort="created_at", reproductions=True):
            if view.project and entity in (None, view.owner, view.owner or ""):
                found.setdefault((view.owner or "", view.project), view.created_at)
        return [Project(self, owner, name, when) for (owner, name), when in found.items()]

    def project(self, name: str, entity: str | None = None) -> Project:
        """One project."""
        return Project(self, entity or self.default_entity, name, None)

    def from_path(self, path: str) -> Any:
        """A run, or (of one or two parts) the runs of a project."""
        return self.run(path) if path.strip("/").count("/") >= 2 else self.runs(path)

    def sweep(self, path: str = "") -> Any:
        """A sweep, by `entity/project/id`, `project/id` or its id alone.

        Raises:
            CommError: There is none.
        """
        return PublicSweep(self, path.strip("/").rsplit("/", 1)[-1])

    def flush(self) -> None:
        """Ask the store again."""
        self._known = None

    @property
    def viewer(self) -> Any:
        """The user of this machine."""
        import getpass
        from types import SimpleNamespace

        name = getpass.getuser()
        return SimpleNamespace(
            entity=self.default_entity or name, username=name, name=name, teams=[], email=None
        )

    # -- artifacts ---------------------------------------------------------------------------------

    def artifact(self, name: str, type: str | None = None) -> Artifact:
        """A version of an artifact: `entity/project/name:alias`.

        Raises:
            CommError: There is none.
            ValueError: It is of another type.
        """
        found = found_artifact(name, self._path(None), self)
        if type is not None and found.type != type:
            raise UsageError(f"The artifact {name!r} is of type {found.type!r}, not {type!r}.")
        return found

    def artifact_exists(self, name: str, type: str | None = None) -> bool:
        """Whether there is such a version."""
        try:
            self.artifact(name, type)
        except (CommError, UsageError):
            return False
        return True

    def artifacts(
        self,
        type_name: str | None = None,
        name: str = "",
        order: str | None = None,
        per_page: int = 50,
        tags: Any = None,
        **older: Any,
    ) -> list[Artifact]:
        """All versions of an artifact, newest first.

        Raises:
            CommError: There is none of that name and type.
        """
        newest = self.artifact(name, type_name or older.get("type"))
        path, stored = name.partition(":")[0], newest.stored
        assert stored is not None
        found = [
            self.artifact(f"{path}:v{number}")
            for number in reversed(list(stored.versions.records()))
        ]
        return found if tags is None else [one for one in found if set(tags) <= set(one.tags)]

    artifact_versions = artifacts


class Project:
    """A project."""

    def __init__(self, api: Api, entity: str, name: str, created_at: float | None) -> None:
        self._api, self.entity, self.name = api, entity, name
        self.created_at = None if created_at is None else iso_time(created_at)

    @property
    def path(self) -> str:
        """`entity/project`, or `project`."""
        return "/".join(part for part in (self.entity, self.name) if part)

    @property
    def id(self) -> str:
        """Its path."""
        return self.path

    def runs(self, **options: Any) -> Runs:
        """Its runs."""
        return self._api.runs(self.path, **options)

    def __repr__(self) -> str:
        return f"<Project {self.path}>"


class Runs(Sequence[PublicRun]):
    """Several runs; they are looked for when they are first needed."""

    def __init__(self, api: Api, path: str, find: Any) -> None:
        self._api, self.path = api, path
        self.entity, _, self.project = path.rpartition("/")
        self._find = find
        self._found: list[PublicRun] | None = None

    @property
    def objects(self) -> list[PublicRun]:
        """The runs."""
        if self._found is None:
            self._found = list(self._find())
        return self._found

    def __getitem__(self, index: Any) -> Any:
        return self.objects[index]

    def __len__(self) -> int:
        return len(self.objects)

    def __iter__(self) -> Iterator[PublicRun]:
        return iter(self.objects)

    def histories(
        self,
        samples: int = 500,
        keys: list[str] | None = None,
        x_axis: str = "_step",
        format: str = "default",
        stream: str = "default",
    ) -> Any:
        """The histories of all of them, each row with its `run_id`.

        Args:
            format: "default" for dicts, "pandas" or "polars" for a frame.
        """
        rows = [
            {"run_id": run.id, **row}
            for run in self.objects
            for row in run.history(samples, keys, x_axis, pandas=False, stream=stream)
        ]
        if format == "default":
            return rows
        if format == "polars":
            import polars

            return polars.DataFrame(rows, strict=False)
        import pandas

        return pandas.DataFrame.from_records(rows)

    def __repr__(self) -> str:
        return f"<Runs {self.path}>"
